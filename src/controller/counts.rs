//! What the controller counts.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    written: AtomicU64,
    failed: AtomicU64,
    outdated: AtomicUsize,
}

impl Counts {
    /// A status was written.
    pub(super) fn wrote(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    /// A status could not be written.
    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// So many kinds have a schema that drops what is written.
    pub(super) fn outdated(&self, kinds: usize) {
        self.outdated.store(kinds, Ordering::Relaxed);
    }

    /// Statuses written, writes that failed, kinds with an old schema.
    pub(super) fn read(&self) -> (u64, u64, usize) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.written), read(&self.failed), self.outdated.load(Ordering::Relaxed))
    }
}
