//! Notary Project signatures: facts are gathered from a store, then judged under a statement.

mod authenticity;
mod evidence;
mod facts;
mod judge;
mod plugin_check;
#[cfg(test)]
mod tests;
mod time_check;

pub use evidence::{Evidence, Needs};
pub use facts::{ARTIFACT_TYPE, Gathered, MAX_ENVELOPE_BYTES, SignatureFacts, gather};
pub use judge::{Judgement, Preliminary, Question};
pub use plugin_check::{InstalledPlugins, PluginDuties};

use std::sync::Arc;

use super::NotationSettings;
use crate::outcome::{Reason, ReasonCode};
use crate::trust::store::{TrustStoreError, TrustStores};

/// The word for this kind of signature in answers.
pub const KIND: &str = "notation";

/// A verifier of Notary Project signatures, ready to judge.
#[derive(Clone, Debug)]
pub struct NotationVerifier {
    /// As configured.
    pub settings: Arc<NotationSettings>,
    /// The anchors of every store that its statements name.
    pub stores: TrustStores,
    /// The plugins that may be used.
    pub plugins: InstalledPlugins,
}

/// The reason of a proof whose revocation information could not be renewed for too long.
pub fn revocation_out_of_date() -> Reason {
    judge::revocation_unknown("newer information has been due for longer than cache.stale_max_age")
}

/// A check that did not pass.
#[derive(Clone, Debug)]
struct Failure {
    reason: Reason,
    /// It could not be found out, rather than being refuted.
    undecided: bool,
}

impl Failure {
    fn refuted(reason: Reason) -> Self {
        Self { reason, undecided: false }
    }

    /// A store that cannot be used: authenticity fails, and is undecided where its keys could not be read.
    fn of_store(error: &TrustStoreError) -> Self {
        let undecided = error.is_outage();
        let code = if undecided { ReasonCode::KeySourceUnavailable } else { ReasonCode::UntrustedSigner };
        Self {
            reason: Reason::new(code, error.to_string(), "run `hallmark config check` on the configuration"),
            undecided,
        }
    }
}
