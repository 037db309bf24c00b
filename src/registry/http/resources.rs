//! What outlives a configuration: connections, tokens, and what is known of hosts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant};

use super::challenge::Challenge;
use super::token::TokenCache;
use crate::transport::{ClientError, ClientSettings, GuardedClient};

/// Connections, tokens and budgets, shared by every [`super::HttpRegistry`] of a process.
#[derive(Debug)]
pub struct RegistryResources {
    concurrency: usize,
    clients: Mutex<Vec<(ClientSettings, GuardedClient)>>,
    hosts: Mutex<HashMap<Arc<str>, Arc<HostState>>>,
    pub(super) tokens: TokenCache,
}

impl Default for RegistryResources {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CONCURRENCY)
    }
}

impl RegistryResources {
    /// How many requests one host gets at a time, where nothing else is said: a batch of twenty images begins
    /// with forty.
    pub const DEFAULT_CONCURRENCY: usize = 64;

    /// Nothing known yet; at most `concurrency` requests to one host at a time.
    pub fn new(concurrency: usize) -> Self {
        Self {
            concurrency: concurrency.max(1),
            clients: Mutex::default(),
            hosts: Mutex::default(),
            tokens: TokenCache::default(),
        }
    }

    /// The client for these settings, built once.
    pub(super) fn client(&self, settings: &ClientSettings) -> Result<GuardedClient, ClientError> {
        let Ok(mut clients) = self.clients.lock() else {
            return GuardedClient::build(settings);
        };
        if let Some((_, client)) = clients.iter().find(|(known, _)| known == settings) {
            return Ok(client.clone());
        }
        let client = GuardedClient::build(settings)?;
        if clients.len() >= MAX_CLIENTS {
            clients.remove(0);
        }
        clients.push((settings.clone(), client.clone()));
        Ok(client)
    }

    #[cfg(test)]
    pub(super) fn clients_held(&self) -> usize {
        self.clients.lock().map_or(0, |clients| clients.len())
    }

    /// What is known of a host, by `scheme://authority`.
    pub(super) fn host(&self, base: &str) -> Arc<HostState> {
        let Ok(mut hosts) = self.hosts.lock() else {
            return Arc::new(HostState::new(self.concurrency));
        };
        if let Some(known) = hosts.get(base) {
            return Arc::clone(known);
        }
        if hosts.len() >= MAX_HOSTS {
            // Whoever is being asked keeps its budget; the others are learnt again.
            hosts.retain(|_, state| Arc::strong_count(state) > 1);
        }
        let state = Arc::new(HostState::new(self.concurrency));
        hosts.insert(base.into(), Arc::clone(&state));
        state
    }
}

/// What is known of one host.
#[derive(Debug)]
pub(super) struct HostState {
    /// Requests that may be under way at a time.
    pub(super) permits: Semaphore,
    challenge: Mutex<Option<Challenge>>,
    silence: Mutex<Silence>,
}

/// How often in a row nobody answered a connection, and until when nobody is asked for that.
#[derive(Debug, Default)]
struct Silence {
    in_a_row: u32,
    until: Option<Instant>,
}

impl HostState {
    fn new(concurrency: usize) -> Self {
        Self { permits: Semaphore::new(concurrency), challenge: Mutex::default(), silence: Mutex::default() }
    }

    /// How the host wants to be authenticated to, as far as it has said.
    pub(super) fn challenge(&self) -> Option<Challenge> {
        self.challenge.lock().ok().and_then(|challenge| challenge.clone())
    }

    /// Remembers what the host asked for.
    pub(super) fn remember(&self, challenge: Challenge) {
        if let Ok(mut known) = self.challenge.lock() {
            *known = Some(challenge);
        }
    }

    /// True while the host is left alone, because connections to it timed out again and again: whoever
    /// asks now would only wait as long. One caller is let through when the time is over.
    pub(super) fn is_silent(&self) -> bool {
        let Ok(mut silence) = self.silence.lock() else { return false };
        match silence.until {
            Some(until) if Instant::now() < until => true,
            Some(_) => {
                silence.until = Some(Instant::now() + SILENCE);
                false
            }
            None => false,
        }
    }

    /// Notes whether a connection came about.
    pub(super) fn note_connection(&self, came_about: bool) {
        let Ok(mut silence) = self.silence.lock() else { return };
        if came_about {
            *silence = Silence::default();
        } else {
            silence.in_a_row = silence.in_a_row.saturating_add(1);
            if silence.in_a_row >= TIMEOUTS_IN_A_ROW {
                silence.until = Some(Instant::now() + SILENCE);
            }
        }
    }
}

const MAX_CLIENTS: usize = 64;
const MAX_HOSTS: usize = 1024;
const TIMEOUTS_IN_A_ROW: u32 = 5;
const SILENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_host_that_never_answers_is_left_alone_for_a_moment() {
        let host = HostState::new(1);
        for _ in 0..TIMEOUTS_IN_A_ROW {
            assert!(!host.is_silent());
            host.note_connection(false);
        }
        assert!(host.is_silent());
        tokio::time::advance(SILENCE).await;
        assert!(!host.is_silent(), "one caller tries");
        assert!(host.is_silent(), "and the others wait for what it finds");
        host.note_connection(true);
        assert!(!host.is_silent());
    }

    #[test]
    fn hosts_are_bounded_and_those_in_use_are_kept() {
        let resources = RegistryResources::default();
        let used = resources.host("https://used");
        used.remember(Challenge::Basic);
        for number in 0..MAX_HOSTS * 2 {
            resources.host(&format!("https://h{number}"));
        }
        assert!(resources.hosts.lock().expect("hosts").len() <= MAX_HOSTS);
        assert_eq!(resources.host("https://used").challenge(), Some(Challenge::Basic));
    }
}
