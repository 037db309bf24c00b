//! Deciding from facts held: at once where the list of candidates is recent, else as the answer in store
//! for the case that the registry cannot be asked.

use std::sync::Arc;

use super::effective::Effective;
use super::found::Found;
use super::load::Load;
use super::memory::{Candidates, Decision, DecisionKey};
use super::older_than;
use super::rule::Holds;
use crate::outcome::{BoundSubject, Evidence, Outcome, Verdict};
use crate::reference::Digest;

/// What is held gives.
pub(super) enum Held {
    /// The decision.
    Decided(Arc<Outcome>),
    /// Nothing that is recent enough: the registry must be asked.
    OnOutage(OnOutage),
}

/// What is answered where the registry cannot be asked.
pub(super) enum OnOutage {
    /// The rule held, and that stands.
    Stands { subject: BoundSubject, found: Box<Found>, proven_at: jiff::Timestamp },
    /// Everything that was found once is refuted under the settings in force.
    Refuted(Arc<Outcome>),
    /// Nothing can be said.
    Nothing(Option<BoundSubject>),
}

impl OnOutage {
    /// What is left of it where the registry has shown further candidates since.
    pub(super) fn with_more_candidates(self) -> Self {
        match self {
            Self::Refuted(outcome) => Self::Nothing(outcome.subject().cloned()),
            other => other,
        }
    }
}

impl Load {
    /// Decides from what is held.
    pub(super) async fn decide_from_memory(&self, digest: &Digest) -> Held {
        let Some(candidates) = self.shared.memory.candidates.get(&self.subject_key(digest)) else {
            return Held::OnOutage(OnOutage::Nothing(None));
        };
        let mut search = self.search(&candidates.subject);
        search.list_again(&candidates.listed);
        if !candidates.complete {
            search.cut_short();
        }
        search.run_from_memory().await;
        let found = search.finish();
        match found.holds {
            Holds::Yes if found.could_be_vetoed && !candidates.every_route => nothing(&candidates),
            Holds::Yes => self.held_proof(&candidates, found),
            Holds::No => self.held_refutation(&candidates, found),
            Holds::Unknown => nothing(&candidates),
        }
    }

    fn held_proof(&self, candidates: &Candidates, mut found: Found) -> Held {
        let settings = &self.shared.settings;
        let listed_at = candidates.listed_at;
        let is_old = older_than(listed_at, settings.verified_ttl, self.now);
        let wants_more = found.unexamined && self.effective.settings.demands.evidence() == Evidence::All;
        if !is_old && !wants_more {
            return Held::Decided(self.verified(&candidates.subject, found, listed_at));
        }
        if is_old && older_than(listed_at, settings.stale_max_age, self.now) {
            return nothing(candidates);
        }
        found.stale |= is_old;
        let subject = candidates.subject.clone();
        Held::OnOutage(OnOutage::Stands { subject, found: Box::new(found), proven_at: listed_at })
    }

    /// Refusals never outlive the list that they were concluded from. But what a change of the
    /// configuration refutes is refuted at once, once, whatever the registry does.
    fn held_refutation(&self, candidates: &Candidates, found: Found) -> Held {
        let settings = &self.shared.settings;
        let listed_at = candidates.listed_at;
        let ttl = self.effective.settings.referrers_ttl.unwrap_or(settings.referrers_ttl);
        let is_recent = !older_than(listed_at, ttl.min(settings.negative_ttl), self.now);
        if candidates.every_route && is_recent {
            return Held::Decided(self.refuted(&candidates.subject, found, listed_at));
        }
        let key = DecisionKey::new(candidates.subject.digest(), &self.effective);
        let before = self.shared.memory.decisions.get(&key);
        if !found.any_candidate || before.is_some_and(|before| before.refuses()) {
            return nothing(candidates);
        }
        let outcome = Arc::new(self.refutation(&candidates.subject, found));
        let decision = Decision::new(Arc::clone(&outcome), self.now);
        self.remember(Decision { provisional: true, ..decision });
        Held::OnOutage(OnOutage::Refuted(outcome))
    }

    /// The registry has shown more than what is held: a refutation from that alone is worth nothing.
    pub(super) fn forget_provisional(&self, digest: &Digest) {
        let key = DecisionKey::new(digest, &self.effective);
        let decisions = &self.shared.memory.decisions;
        if decisions.get(&key).is_some_and(|decision| decision.provisional) {
            decisions.invalidate(&key);
        }
    }
}

impl Decision {
    /// A decision that rests on no signature.
    pub(super) fn new(outcome: Arc<Outcome>, decided_at: jiff::Timestamp) -> Self {
        Self {
            outcome,
            proofs: Arc::new([]),
            decided_at,
            holds_until: None,
            prove_again_at: None,
            provisional: false,
        }
    }

    fn refuses(&self) -> bool {
        matches!(self.outcome.verdict(), Verdict::Unsigned | Verdict::Rejected)
    }
}

impl DecisionKey {
    pub(super) fn new(digest: &Digest, effective: &Effective) -> Self {
        Self {
            subject: digest.clone(),
            policy: effective.settings.policy.id.clone(),
            scope: effective.scope.clone(),
        }
    }
}

fn nothing(candidates: &Candidates) -> Held {
    Held::OnOutage(OnOutage::Nothing(Some(candidates.subject.clone())))
}
