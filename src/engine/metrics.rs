//! What the engine counts. Telemetry reads it; nothing here knows how metrics are exported.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::outcome::{Outcome, ReasonCode, Verdict};

/// Counters that only grow.
#[derive(Debug)]
pub struct EngineCounters {
    /// In the order of [`ReasonCode::ALL`], which is that of declaration.
    by_reason: Vec<AtomicU64>,
    cache_hits: AtomicU64,
    cache_misses: AtomicU64,
    stale: AtomicU64,
    loads: AtomicU64,
    requests: AtomicU64,
    hosts: Mutex<BTreeMap<Arc<str>, HostLoads>>,
}

/// Look-ups of images of one registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostLoads {
    /// Those that came to a decision.
    pub decided: u64,
    /// Those that could not find out.
    pub undecided: u64,
}

/// Most registries that are counted on their own.
pub const MAX_HOSTS: usize = 50;

/// Under which name all the others are counted together.
pub const OTHER_HOSTS: &str = "other";

impl Default for EngineCounters {
    fn default() -> Self {
        Self {
            by_reason: ReasonCode::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            cache_hits: AtomicU64::new(0),
            cache_misses: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            hosts: Mutex::new(BTreeMap::from([(OTHER_HOSTS.into(), HostLoads::default())])),
        }
    }
}

impl EngineCounters {
    pub(super) fn count_decision(&self, outcome: &Outcome) {
        if let Some(counter) = self.by_reason.get(outcome.reason.code as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if outcome.stale {
            self.stale.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_cache(&self, hit: bool) {
        let counter = if hit { &self.cache_hits } else { &self.cache_misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_load(&self, host: &str, verdict: Verdict, requests: u64) {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.count_requests(requests);
        self.count_host(host, verdict);
    }

    /// Anybody may ask for an image of any host. A registry is counted on its own once an image of it was
    /// verified, which takes somebody whom the configuration trusts, and as long as there is room.
    fn count_host(&self, host: &str, verdict: Verdict) {
        let Ok(mut hosts) = self.hosts.lock() else { return };
        let is_own = verdict == Verdict::Verified && hosts.len() < MAX_HOSTS;
        let name = if is_own || hosts.contains_key(host) { host } else { OTHER_HOSTS };
        let loads = hosts.entry(name.into()).or_default();
        match verdict {
            Verdict::Inconclusive => loads.undecided += 1,
            _ => loads.decided += 1,
        }
    }

    pub(super) fn count_requests(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    /// Decisions so far, by reason code.
    pub fn decisions(&self) -> impl Iterator<Item = (ReasonCode, u64)> {
        let counts = self.by_reason.iter().map(|counter| counter.load(Ordering::Relaxed));
        ReasonCode::ALL.iter().copied().zip(counts)
    }

    /// Questions that a remembered decision answered, and those that needed a look-up.
    pub fn decision_cache(&self) -> (u64, u64) {
        (self.cache_hits.load(Ordering::Relaxed), self.cache_misses.load(Ordering::Relaxed))
    }

    /// Answers that stood because they could not be proven anew.
    pub fn stale(&self) -> u64 {
        self.stale.load(Ordering::Relaxed)
    }

    /// Look-ups that ended, by registry: at most [`MAX_HOSTS`], and [`OTHER_HOSTS`].
    pub fn loads_by_host(&self) -> Vec<(Arc<str>, HostLoads)> {
        self.hosts.lock().map_or_else(
            |_| Vec::new(),
            |hosts| hosts.iter().map(|(host, loads)| (Arc::clone(host), *loads)).collect(),
        )
    }

    /// Look-ups that ended, and the requests that they and resolutions made.
    pub fn loads(&self) -> (u64, u64) {
        (self.loads.load(Ordering::Relaxed), self.requests.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_strangers_name_are_counted_together_and_others_up_to_a_limit() {
        let counters = EngineCounters::default();
        for number in 0..1000 {
            counters.count_load(&format!("stranger{number}.example"), Verdict::Unsigned, 3);
        }
        let unsigned = HostLoads { decided: 1000, undecided: 0 };
        assert_eq!(counters.loads_by_host(), [(OTHER_HOSTS.into(), unsigned)]);
        counters.count_load("own.example", Verdict::Verified, 4);
        counters.count_load("own.example", Verdict::Inconclusive, 1);
        let own = HostLoads { decided: 1, undecided: 1 };
        assert!(counters.loads_by_host().contains(&("own.example".into(), own)));
        for number in 0..1000 {
            counters.count_load(&format!("copy{number}.example"), Verdict::Verified, 4);
        }
        assert_eq!(counters.loads_by_host().len(), MAX_HOSTS);
        assert_eq!(counters.loads(), (2002, 7005));
    }

    #[test]
    fn reason_codes_are_listed_in_the_order_of_their_declaration() {
        for (position, code) in ReasonCode::ALL.iter().enumerate() {
            assert_eq!(*code as usize, position, "{code}");
        }
    }
}
