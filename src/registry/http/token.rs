//! Tokens of token services: asked for once at a time, renewed before they end, bounded in number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

/// Which token is meant: another host, scope or credential is another token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    /// `scheme://authority` of the registry that will see it.
    pub(super) registry: Arc<str>,
    pub(super) scope: String,
    /// The credential's fingerprint; empty where there is none.
    pub(super) credential: String,
}

/// A token as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// `Bearer …`, marked sensitive.
    pub(super) header: HeaderValue,
    id: u64,
    renew_at: Instant,
    ends_at: Instant,
}

/// A token, and whether it was obtained while the caller waited.
#[derive(Clone, Debug)]
pub(super) struct Obtained {
    pub(super) token: Token,
    pub(super) fresh: bool,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenError {
    /// The token service refuses.
    Denied(String),
    /// It could not be asked.
    Unavailable(String),
    /// What it says is no token.
    Invalid(String),
    /// The caller's deadline passed. The request goes on for the others.
    Deadline,
}

type Load = Shared<BoxFuture<'static, Result<Token, TokenError>>>;

/// The tokens of a process.
#[derive(Debug, Default)]
pub(super) struct TokenCache {
    slots: Mutex<HashMap<TokenKey, Arc<Slot>>>,
}

#[derive(Debug, Default)]
struct Slot(Mutex<SlotState>);

#[derive(Default)]
struct SlotState {
    token: Option<Token>,
    load: Option<Load>,
}

impl std::fmt::Debug for SlotState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlotState").field("loading", &self.load.is_some()).finish_non_exhaustive()
    }
}

impl TokenCache {
    /// More tokens than this are not kept.
    pub(super) const MAX_TOKENS: usize = 4096;

    /// The token for `key`. Where there is none, `load` runs as a task of its own, once for everybody who
    /// asks meanwhile; where it is about to end, it is used while another is asked for.
    pub(super) async fn token<F>(
        &self,
        key: &TokenKey,
        deadline: Instant,
        load: impl FnOnce() -> F,
    ) -> Result<Obtained, TokenError>
    where
        F: Future<Output = Result<Token, TokenError>> + Send + 'static,
    {
        let slot = self.slot(key);
        let load = {
            let mut state = slot.state();
            let now = Instant::now();
            if let Some(token) = state.token.clone().filter(|token| now < token.ends_at) {
                if now >= token.renew_at && state.load.is_none() {
                    state.load = Some(start(&slot, load()));
                }
                return Ok(Obtained { token, fresh: false });
            }
            state.load.get_or_insert_with(|| start(&slot, load())).clone()
        };
        let token = timeout_at(deadline, load).await.map_err(|_| TokenError::Deadline)??;
        Ok(Obtained { token, fresh: true })
    }

    /// Forgets a token that the registry did not take, unless another has replaced it.
    pub(super) fn forget(&self, key: &TokenKey, token: &Token) {
        let slot = self.slot(key);
        let mut state = slot.state();
        if state.token.as_ref().is_some_and(|kept| kept.id == token.id) {
            state.token = None;
        }
    }

    fn slot(&self, key: &TokenKey) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= Self::MAX_TOKENS {
            make_room(&mut slots);
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

/// Drops what has ended; where nothing has, half of what nobody waits for, the earliest to end first.
fn make_room(slots: &mut HashMap<TokenKey, Arc<Slot>>) {
    let now = Instant::now();
    let ends = |slot: &Slot| {
        let state = slot.state();
        if state.load.is_some() {
            None
        } else {
            Some(state.token.as_ref().map_or(now, |token| token.ends_at))
        }
    };
    slots.retain(|_, slot| ends(slot).is_none_or(|ends| ends > now));
    if slots.len() < TokenCache::MAX_TOKENS {
        return;
    }
    let mut idle: Vec<_> =
        slots.iter().filter_map(|(key, slot)| ends(slot).map(|ends| (ends, key.clone()))).collect();
    idle.sort_by_key(|(ends, _)| *ends);
    for (_, key) in idle.iter().take(idle.len().div_ceil(2)) {
        slots.remove(key);
    }
}

/// Starts a load as a task of its own and leaves its result in the slot.
fn start(slot: &Arc<Slot>, load: impl Future<Output = Result<Token, TokenError>> + Send + 'static) -> Load {
    let slot = Arc::clone(slot);
    let task = tokio::spawn(async move {
        let result = load.await;
        let mut state = slot.state();
        state.load = None;
        match &result {
            Ok(token) => state.token = Some(token.clone()),
            // The token that is still good is renewed later, not at every request.
            Err(_) => {
                if let Some(token) = &mut state.token {
                    token.renew_at = Instant::now() + RENEWAL_PAUSE;
                }
            }
        }
        result
    });
    async move { task.await.unwrap_or_else(|_| Err(TokenError::Unavailable("it was interrupted".to_owned()))) }
        .boxed()
        .shared()
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, SlotState> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct TokenBody {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<f64>,
}

impl Token {
    /// Reads a token service's answer. It lasts as long as `expires_in` says (60 s where it says nothing),
    /// not longer than the token itself says, where it is a JWT, and at most a day.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] where there is no token, or none that fits into a header.
    pub(super) fn parse(body: &[u8], now: Timestamp) -> Result<Self, TokenError> {
        let invalid = |problem: &str| TokenError::Invalid(problem.to_owned());
        let body: TokenBody =
            serde_json::from_slice(body).map_err(|_| invalid("its answer is no JSON with a token"))?;
        let given = |token: Option<String>| token.filter(|token| !token.is_empty());
        let text = given(body.token)
            .or_else(|| given(body.access_token))
            .ok_or_else(|| invalid("its answer holds no token"))?;
        let mut header = HeaderValue::from_str(&format!("Bearer {text}"))
            .map_err(|_| invalid("its token does not fit into a header"))?;
        header.set_sensitive(true);
        let seconds = body.expires_in.filter(|seconds| *seconds > 0.0).unwrap_or(DEFAULT_SECONDS);
        let mut lifetime = Duration::from_secs_f64(seconds.min(MAX_SECONDS));
        if let Some(own) = jwt_lifetime(&text, now) {
            lifetime = lifetime.min(own);
        }
        Ok(Self::lasting(header, lifetime))
    }

    fn lasting(header: HeaderValue, lifetime: Duration) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let now = Instant::now();
        Self {
            header,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            renew_at: now + lifetime.mul_f64(RENEW_AFTER),
            ends_at: now + lifetime.mul_f64(USED_UNTIL),
        }
    }
}

/// How long a JWT still lasts, by its `exp`. It is not verified: it only shortens what was said.
fn jwt_lifetime(token: &str, now: Timestamp) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let claims = token.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let left = claims.exp.checked_sub(now.as_second())?;
    // A clock that runs ahead would make every token useless: then the registry decides.
    u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_secs)
}

const DEFAULT_SECONDS: f64 = 60.0;
const MAX_SECONDS: f64 = 86_400.0;
/// Parts of a token's life.
const RENEW_AFTER: f64 = 0.8;
const USED_UNTIL: f64 = 0.95;
const RENEWAL_PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
