//! What must be read of the cluster before Gatekeeper can be answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Why the process is not ready, by what is missing; shared by cloning.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Waiting {
    /// Something is missing.
    pub(super) fn wait(&self, what: &'static str, why: String) {
        self.with(|waiting| waiting.insert(what, why));
    }

    /// It is there.
    pub(super) fn over(&self, what: &'static str) {
        self.with(|waiting| waiting.remove(what));
    }

    /// What is missing, in a line.
    pub(super) fn text(&self) -> Option<String> {
        self.with(|waiting| {
            let lines: Vec<String> = waiting.iter().map(|(what, why)| format!("{what}: {why}")).collect();
            (!lines.is_empty()).then(|| lines.join("; "))
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<&'static str, String>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
