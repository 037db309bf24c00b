//! How many connections are open, so that a stop can wait until their owners have let go of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Counts open connections. Clones count together.
#[derive(Clone)]
pub(super) struct Connections(Arc<watch::Sender<usize>>);

impl Default for Connections {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

/// One open connection, until it is dropped.
pub(super) struct Open(Connections);

impl Connections {
    /// Counts a connection in.
    pub(super) fn open(&self) -> Open {
        self.0.send_modify(|open| *open = open.saturating_add(1));
        Open(self.clone())
    }

    /// Waits until none is open, but no longer than `limit`.
    pub(super) async fn none(&self, limit: Duration) {
        let mut open = self.0.subscribe();
        // Late and closed alike: whoever stops goes on.
        let _ = tokio::time::timeout(limit, open.wait_for(|open| *open == 0)).await;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}
