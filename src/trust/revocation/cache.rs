//! What responders and list servers said, kept as long as it is good. One load serves everybody who asks
//! meanwhile, and is a task of its own: nobody's deadline ends it.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use moka::future::Cache;
use tokio::time::Instant;

/// How long things are kept, whatever they say themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetimes {
    /// Longest time without asking again.
    pub(super) max_age: Duration,
    /// Shortest time between two loads of the same thing; failures are remembered that long.
    pub(super) retry_after: Duration,
}

/// What a load gave.
#[derive(Clone, Debug)]
pub(super) struct Loaded<V> {
    /// The value, or why there is none.
    pub(super) outcome: Result<V, String>,
    /// Until when the value is good, as it says itself; `None` asks again as soon as allowed.
    pub(super) good_until: Option<Timestamp>,
    /// Bytes that holding it takes.
    pub(super) bytes: usize,
}

impl<V> Loaded<V> {
    /// A load that failed.
    pub(super) fn failed(why: String) -> Self {
        let bytes = why.len();
        Self { outcome: Err(why), good_until: None, bytes }
    }
}

#[derive(Debug)]
struct Held<V> {
    outcome: Result<V, String>,
    good_until: Option<Timestamp>,
    weight: u32,
    earliest_reload: Instant,
    latest_reload: Instant,
    /// Seconds since the cache was made.
    used_at: AtomicU64,
}

impl<V: Clone> Held<V> {
    fn new(loaded: Loaded<V>, fixed: usize, lifetimes: Lifetimes) -> Self {
        let now = Instant::now();
        let age = if loaded.outcome.is_ok() { lifetimes.max_age } else { lifetimes.retry_after };
        Self {
            outcome: loaded.outcome,
            good_until: loaded.good_until,
            weight: u32::try_from(loaded.bytes.saturating_add(fixed)).unwrap_or(u32::MAX),
            earliest_reload: now + lifetimes.retry_after,
            latest_reload: now + age.max(lifetimes.retry_after),
            used_at: AtomicU64::new(0),
        }
    }

    /// The same value again, because loading it anew failed and it is still good.
    fn kept(&self, lifetimes: Lifetimes) -> Self {
        let reload = Instant::now() + lifetimes.retry_after;
        Self {
            outcome: self.outcome.clone(),
            good_until: self.good_until,
            weight: self.weight,
            earliest_reload: reload,
            latest_reload: reload,
            used_at: AtomicU64::new(0),
        }
    }

    fn is_good(&self, now: Timestamp) -> bool {
        self.outcome.is_ok() && self.good_until.is_some_and(|until| now <= until)
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        let instant = Instant::now();
        instant >= self.latest_reload || (instant >= self.earliest_reload && !self.is_good(now))
    }
}

/// A cache of loads, bounded in bytes.
pub(super) struct SharedLoads<K, V> {
    cache: Cache<K, Arc<Held<V>>>,
    lifetimes: Lifetimes,
    made: Instant,
}

/// What was not used for so long says nothing about the decisions that are made.
const USED_LATELY: Duration = Duration::from_hours(3);

impl<K, V> fmt::Debug for SharedLoads<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLoads").field("lifetimes", &self.lifetimes).finish_non_exhaustive()
    }
}

/// Bytes that an entry takes besides its value: the key with its address, and the cache's own.
const ENTRY_BYTES: usize = 1024;

impl<K, V> SharedLoads<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache of at most `max_bytes`.
    pub(super) fn new(name: &str, max_bytes: u64, lifetimes: Lifetimes) -> Self {
        let cache = Cache::builder()
            .name(name)
            .max_capacity(max_bytes)
            .weigher(|_, held: &Arc<Held<V>>| held.weight)
            .build();
        Self { cache, lifetimes, made: Instant::now() }
    }

    /// The value for `key`: as held while it is good, else by `load`. A load that fails leaves a held value in
    /// place that is still good.
    pub(super) async fn get(
        &self,
        key: K,
        now: Timestamp,
        load: impl Future<Output = Loaded<V>> + Send + 'static,
    ) -> Result<V, String> {
        let held = self.cache.get(&key).await;
        let used_at = self.age();
        if let Some(held) = &held {
            held.used_at.store(used_at, Ordering::Relaxed);
        }
        if let Some(held) = held.as_ref().filter(|held| !held.is_stale(now)) {
            return held.outcome.clone();
        }
        let (cache, lifetimes) = (self.cache.clone(), self.lifetimes);
        let load = async move {
            let loaded = load.await;
            match held.filter(|held| loaded.outcome.is_err() && held.is_good(now)) {
                Some(held) => Arc::new(held.kept(lifetimes)),
                None => Arc::new(Held::new(loaded, ENTRY_BYTES, lifetimes)),
            }
        };
        let task = tokio::spawn(async move {
            let entry = cache.entry(key).or_insert_with_if(load, |held| held.is_stale(now)).await;
            let held = entry.into_value();
            held.used_at.store(used_at, Ordering::Relaxed);
            held.outcome.clone()
        });
        task.await.unwrap_or_else(|error| Err(format!("the load ended early: {error}")))
    }

    /// The earliest of what `date` says of the values that were used lately.
    pub(super) fn oldest(&self, date: impl Fn(&V) -> Timestamp) -> Option<Timestamp> {
        let since = self.age().saturating_sub(USED_LATELY.as_secs());
        let used = self.cache.iter().filter(|(_, held)| held.used_at.load(Ordering::Relaxed) >= since);
        used.filter_map(|(_, held)| held.outcome.as_ref().ok().map(&date)).min()
    }

    fn age(&self) -> u64 {
        self.made.elapsed().as_secs()
    }
}
