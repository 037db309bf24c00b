//! What identifies a look-up, and what it gives to everyone who waits for it.

use std::sync::Arc;

use crate::outcome::Outcome;
use crate::reference::Reference;
use crate::registry::FetchTrace;

/// A look-up: the image, the settings that apply to it and the configuration that it runs under. A
/// configuration change starts afresh, so that nothing waits for what an old one cannot find out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LoadKey {
    pub(super) reference: Reference,
    pub(super) policy: Arc<str>,
    pub(super) generation: u64,
}

/// What a look-up gives.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The answer.
    pub outcome: Arc<Outcome>,
    /// What was asked of the network; `None` where the answer was remembered.
    pub trace: Option<Arc<FetchTrace>>,
}
