//! What the engine counts. Telemetry reads it; nothing here knows how metrics are exported.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::outcome::{Outcome, ReasonCode};

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
}

impl Default for EngineCounters {
    fn default() -> Self {
        Self {
            by_reason: ReasonCode::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            cache_hits: AtomicU64::new(0),
            cache_misses: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            requests: AtomicU64::new(0),
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

    pub(super) fn count_load(&self, requests: u64) {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.count_requests(requests);
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

    /// Look-ups that ended, and the requests that they and resolutions made.
    pub fn loads(&self) -> (u64, u64) {
        (self.loads.load(Ordering::Relaxed), self.requests.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_codes_are_listed_in_the_order_of_their_declaration() {
        for (position, code) in ReasonCode::ALL.iter().enumerate() {
            assert_eq!(*code as usize, position, "{code}");
        }
    }
}
