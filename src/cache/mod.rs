//! Shared loads: one load for everyone who asks for the same thing, on a task of its own.
//!
//! A load is never killed by a caller's deadline: whoever gives up leaves it running, and the next one to
//! ask finds it, or its result in whatever bounded store the load writes to. Storage itself is `moka`'s.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

/// Loads in flight, by key. Holds nothing once a load has ended.
pub struct Flights<K, V> {
    runtime: Handle,
    limit: usize,
    flights: Arc<Mutex<HashMap<K, Flight<V>>>>,
}

/// A load that somebody started, or that the caller did.
#[derive(Debug)]
pub struct Flight<V> {
    started: Instant,
    result: watch::Receiver<Option<V>>,
}

impl<V> Clone for Flight<V> {
    fn clone(&self) -> Self {
        Self { started: self.started, result: self.result.clone() }
    }
}

/// Why no load was started or joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit} loads are running, which is all that may")]
pub struct TooManyFlights {
    /// How many may run at once.
    pub limit: usize,
}

impl<V: Clone> Flight<V> {
    /// When the load was started, by whoever started it.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The load's result, or `None` where it is not there by `deadline` or its task has panicked.
    pub async fn result_by(&mut self, deadline: Instant) -> Option<V> {
        let ended = tokio::time::timeout_at(deadline, self.result.wait_for(Option::is_some)).await;
        ended.ok()?.ok()?.clone()
    }
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most `limit` loads run at once, on `runtime`.
    pub fn new(runtime: Handle, limit: usize) -> Self {
        Self { runtime, limit, flights: Arc::default() }
    }

    /// Joins the load of `key`, or starts it.
    ///
    /// # Errors
    /// [`TooManyFlights`] where one would have to be started and may not.
    pub fn join<F>(&self, key: K, load: impl FnOnce() -> F) -> Result<Flight<V>, TooManyFlights>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(&key) {
            return Ok(flight.clone());
        }
        if flights.len() >= self.limit {
            return Err(TooManyFlights { limit: self.limit });
        }
        let (sender, result) = watch::channel(None);
        let flight = Flight { started: Instant::now(), result };
        flights.insert(key.clone(), flight.clone());
        let landing = Landing { key, flights: Arc::clone(&self.flights) };
        let load = load();
        self.runtime.spawn(async move {
            let value = load.await;
            // Nobody may be waiting any more.
            let _ = sender.send(Some(value));
            drop(landing);
        });
        Ok(flight)
    }

    /// How many loads are running.
    pub fn len(&self) -> usize {
        lock(&self.flights).len()
    }

    /// True where no load is running.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Takes a flight off the list when its task ends, also by a panic.
struct Landing<K: Eq + Hash, V> {
    key: K,
    flights: Arc<Mutex<HashMap<K, Flight<V>>>>,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        lock(&self.flights).remove(&self.key);
    }
}

/// The map is consistent after every statement, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, V> fmt::Debug for Flights<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_load_outlives_the_deadline_of_whoever_started_it() {
        let flights: Flights<&str, u32> = Flights::new(Handle::current(), 4);
        let (gate, loads) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let load = || {
            let (gate, loads) = (gate.clone(), loads.clone());
            async move {
                loads.fetch_add(1, Ordering::SeqCst);
                gate.notified().await;
                7
            }
        };
        for _ in 0..20 {
            let mut flight = flights.join("a", load).expect("room");
            assert_eq!(flight.result_by(Instant::now() + Duration::from_millis(10)).await, None);
        }
        let mut flight = flights.join("a", load).expect("room");
        gate.notify_one();
        assert_eq!(flight.result_by(Instant::now() + Duration::from_secs(1)).await, Some(7));
        assert_eq!(loads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_panicking_load_is_taken_off_the_list() {
        let flights: Flights<u8, u8> = Flights::new(Handle::current(), 1);
        let mut flight = flights.join(1, || async { panic!("a load that panics") }).expect("room");
        assert_eq!(flight.result_by(Instant::now() + Duration::from_secs(5)).await, None);
        while !flights.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(flights.join(2, || async { 2 }).is_ok());
    }

    #[tokio::test]
    async fn no_more_loads_run_than_may() {
        let flights: Flights<u8, u8> = Flights::new(Handle::current(), 1);
        let _first = flights.join(1, std::future::pending).expect("room");
        assert_eq!(flights.join(2, || async { 2 }).err(), Some(TooManyFlights { limit: 1 }));
        assert!(flights.join(1, || async { 1 }).is_ok());
    }
}
