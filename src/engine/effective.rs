//! What applies to one image: to its repository, and among that what it shares with every other
//! repository under the same statements.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::answer;
use super::demand::{Demands, Known};
use super::fingerprint::Fingerprint;
use super::plan::Judge;
use super::rule::{Holds, Voter};
use crate::outcome::{Outcome, PolicyIdentity, Reason};
use crate::registry::ArtifactStore;

/// What applies to the images of one repository.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The repository, and as whom it is read: what is remembered is kept apart by it.
    pub scope: Arc<str>,
    /// What decides.
    pub settings: Arc<EffectiveSettings>,
}

/// What decides, shared by all repositories to which the same statements apply.
pub struct EffectiveSettings {
    /// The name and hash of what applies.
    pub policy: PolicyIdentity,
    /// Where artifacts are read.
    pub store: Arc<dyn ArtifactStore>,
    /// Hash of how they are read: a look-up is shared only where that is the same.
    pub source: Arc<str>,
    /// For how long a list of referrers is believed, where a Store says.
    pub referrers_ttl: Option<Duration>,
    /// What must hold.
    pub demands: Demands,
    /// The verifiers as the rule sees them.
    pub voters: Vec<Voter>,
    /// The verifiers that judge, each with its statement.
    pub judges: Vec<Judge>,
    /// The answer, where it is known without looking at the image.
    pub beforehand: Option<Arc<Outcome>>,
    /// The artifact types to list; empty lists all.
    pub artifact_types: Vec<String>,
    /// Why a verifier cannot run, for the reason of what it leaves undecided.
    pub refusal: Option<Reason>,
}

impl EffectiveSettings {
    /// A hash over everything that can change a decision, and over nothing else: an unrelated edit leaves
    /// it as it is.
    pub(super) fn fingerprint(&self, store_refusal: Option<&str>) -> String {
        let mut fingerprint = Fingerprint::new();
        for demand in self.demands.iter() {
            fingerprint.text(demand.mandatory.as_deref().unwrap_or_default());
            fingerprint.rule(demand.rule.settings());
            fingerprint.voters(&demand.voters);
            let judges = self.judges.iter().filter(|judge| demand.counts(&judge.voter.resource));
            fingerprint.judges(&judges.collect::<Vec<_>>());
        }
        fingerprint.text(store_refusal.unwrap_or_default());
        fingerprint.finish()
    }

    /// What is known without looking at the image.
    pub(super) fn known_beforehand(&self, store_refusal: Option<&str>) -> Option<Outcome> {
        let policy = self.policy.clone();
        let undecidable = |problem: &str| {
            Some(Outcome::inconclusive(
                None,
                answer::config_invalid(problem),
                Vec::new(),
                self.policy.clone(),
            ))
        };
        for demand in self.demands.iter() {
            let (mandatory, rule) = (&demand.mandatory, &demand.rule);
            if let Some(why) = rule.refusal() {
                let called = match mandatory {
                    Some(resource) => format!("{resource}, which is mandatory,"),
                    None => rule.called(),
                };
                return undecidable(&format!("{called} is refused: {why}"));
            }
            if demand.voters.is_empty() {
                return undecidable(&match mandatory {
                    Some(resource) => {
                        format!("no Verifier is configured that {resource}, which is mandatory, counts")
                    }
                    None => "no Verifier is configured".to_owned(),
                });
            }
        }
        if self.holds_unseen() == Holds::Yes {
            return Some(Outcome::not_required(None, answer::skipped(), policy));
        }
        if let Some(demand) = self.demands.iter().find(|demand| demand.is_uncovered()) {
            let reason = answer::not_covered(demand.mandatory.as_deref());
            return Some(Outcome::rejected(None, reason, Vec::new(), policy));
        }
        store_refusal.and_then(undecidable)
    }

    /// Whether the rule holds with nothing but what `skip` gives, whatever the image has.
    fn holds_unseen(&self) -> Holds {
        let anything = BTreeSet::from([None]);
        self.demands.evaluate(&Known { judged: &[], seen: &BTreeSet::new(), pending: &anything })
    }
}

impl fmt::Debug for EffectiveSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EffectiveSettings")
            .field("policy", &self.policy)
            .field("voters", &self.voters)
            .finish_non_exhaustive()
    }
}
