//! Whether anybody was told to trust the process's own authority. Whoever tells clients and the server share it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether clients were told of the authority that the state folder holds; shared by cloning. The server is not
/// ready before they were, and until then a certificate of another authority may replace the one in force at once.
#[derive(Clone, Debug)]
pub struct Announcement(Arc<AtomicBool>);

impl Announcement {
    /// Nobody was told yet: the process may have made the authority for itself alone.
    pub fn pending() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// Clients are told by other means: somebody hands the bundle of the state folder on.
    pub fn made() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Clients are told of the authority that the state folder holds by now.
    pub fn make(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether they were.
    pub fn is_made(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
