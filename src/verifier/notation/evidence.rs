//! What a judgement needs from outside, and what came back.

use jiff::Timestamp;
use tokio::time::Instant;

use super::{PluginDuties, Question};
use crate::trust::revocation::{RevocationChecker, RevocationEvidence};
use crate::verifier::plugin::{self, PluginAnswer};
use crate::x509::Certificate;

/// What must be asked before a judgement can be finished.
#[derive(Debug, Default)]
pub struct Needs<'a> {
    /// The signing chain, leaf first, up to its highest configured anchor and that anchor's issuer: the
    /// revocation of all but the last must be asked.
    pub signing_chain: Option<&'a [Certificate]>,
    /// The chain of the timestamp's authority.
    pub timestamp_chain: Option<&'a [Certificate]>,
    /// The plugin that must be run.
    pub plugin: Option<&'a PluginDuties>,
}

impl Needs<'_> {
    /// True where nothing must be asked.
    pub fn is_empty(&self) -> bool {
        self.signing_chain.is_none() && self.timestamp_chain.is_none() && self.plugin.is_none()
    }
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Revocation of the signing chain.
    pub signing_chain: Option<RevocationEvidence>,
    /// Revocation of the timestamp authority's chain.
    pub timestamp_chain: Option<RevocationEvidence>,
    /// The plugin's answer, or why there is none.
    pub plugin: Option<Result<PluginAnswer, String>>,
}

impl Evidence {
    /// Asks for everything that `needs` names, side by side, until `deadline`.
    pub async fn gather(
        needs: &Needs<'_>,
        question: &Question<'_>,
        checker: &RevocationChecker,
        deadline: Instant,
    ) -> Self {
        let chain = async |chain: Option<&[Certificate]>, now: Timestamp| match chain {
            Some(chain) => Some(checker.check(chain, now, deadline).await),
            None => None,
        };
        let plugin = async {
            let (Some(duties), Ok(envelope)) = (needs.plugin, question.facts.envelope()) else {
                return None;
            };
            Some(plugin::verify(duties, envelope, question.statement).await)
        };
        let (signing_chain, timestamp_chain, plugin) = tokio::join!(
            chain(needs.signing_chain, question.now),
            chain(needs.timestamp_chain, question.now),
            plugin,
        );
        Self { signing_chain, timestamp_chain, plugin }
    }
}
