//! The way of a question: remembered, or looked up together with everyone who asks the same.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::answer::{self, Answer};
use super::effective::Effective;
use super::load::Load;
use super::memory::{Decision, DecisionKey, LoadKey, Undecided};
use super::plans::Question;
use super::recollection::Recollection;
use super::{Shared, Standing, older_than};
use crate::outcome::{Outcome, PolicyIdentity, ReasonCode, Verdict};
use crate::reference::{Digest, Reference};
use crate::registry::{FetchContext, FetchTrace};

/// A look-up whose reads end with its bound has this long to conclude from what it has.
const GRACE: Duration = Duration::from_secs(1);

impl Shared {
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) async fn ask(self: &Arc<Self>, question: Question<'_>, budget: Duration) -> Answer {
        let Some(in_force) = self.in_force.load_full() else {
            return Answer::undecided(answer::not_ready(), PolicyIdentity::none());
        };
        let reference = match Reference::parse(question.image) {
            Ok(reference) => reference,
            Err(error) => {
                let reason = answer::invalid_reference(error.to_string());
                let outcome = Outcome::rejected(None, reason, Vec::new(), PolicyIdentity::none());
                return Answer::remembered(Arc::new(outcome));
            }
        };
        let effective =
            in_force.plans.of(question.namespace, reference.repository()).effective(reference.repository());
        if let Some(outcome) = &effective.settings.beforehand {
            return Answer::remembered(Arc::clone(outcome));
        }
        let generation = in_force.generation;
        drop(in_force);
        self.ask_effective(reference, effective, generation, budget).await
    }

    async fn ask_effective(
        self: &Arc<Self>,
        reference: Reference,
        effective: Effective,
        generation: u64,
        budget: Duration,
    ) -> Answer {
        let now = self.now();
        let digest = self.digest_at_hand(&reference, &effective, now);
        let standing = match &digest {
            Some(digest) => self.standing(digest, &effective, now),
            None => Standing::Over,
        };
        let due = match standing {
            Standing::Fresh(decision) => {
                self.counters.count_cache(true);
                let recollection = digest
                    .map(|digest| Recollection::new(generation, &decision, &reference, &effective, &digest));
                return Answer { recollection, ..Answer::remembered(Arc::clone(&decision.outcome)) };
            }
            Standing::Due(outcome) => Some(outcome),
            Standing::Over => None,
        };
        self.counters.count_cache(false);
        let answer = self.look_up(reference.clone(), &effective, generation, budget).await;
        if !stands_against(&answer.outcome) {
            let recollection = self.recollection(generation, &reference, &effective, &answer.outcome);
            return Answer { recollection, ..answer };
        }
        let outcome = match due {
            Some(standing) => Arc::new(stale(&standing)),
            None => match digest.and_then(|digest| self.provisional(&digest, &effective)) {
                Some(refuted) => refuted,
                None => return answer,
            },
        };
        Answer { outcome, ..answer }
    }

    /// Joins or starts the look-up and waits for it within the budget that it has left.
    async fn look_up(
        self: &Arc<Self>,
        reference: Reference,
        effective: &Effective,
        generation: u64,
        budget: Duration,
    ) -> Answer {
        let key = LoadKey::new(&reference, effective);
        if let Some(undecided) = self.memory.undecided.get(&key)
            && undecided.generation == generation
            && Instant::now() < undecided.until
        {
            return Answer::remembered(undecided.outcome);
        }
        let policy = || effective.settings.policy.clone();
        let load = {
            let (shared, key, effective) = (Arc::clone(self), key.clone(), effective.clone());
            move || shared.load(key, reference, effective, generation)
        };
        match self.flights.join(key, load) {
            Err(full) => Answer::undecided(answer::overloaded(full.to_string()), policy()),
            Ok(mut flight) => {
                let deadline = flight.started() + budget;
                let late = || Answer::undecided(answer::deadline_exceeded(budget), policy());
                flight.result_by(deadline).await.unwrap_or_else(late)
            }
        }
    }

    async fn load(
        self: Arc<Self>,
        key: LoadKey,
        reference: Reference,
        effective: Effective,
        generation: u64,
    ) -> Answer {
        let context = FetchContext::within(self.settings.load_bound);
        let trace: Arc<FetchTrace> = Arc::clone(&context.trace);
        let (bound, policy) = (context.deadline + GRACE, effective.settings.policy.clone());
        let host = reference.repository().host().clone();
        let load = Load { shared: Arc::clone(&self), effective, reference, context, now: self.now() };
        let run = timeout_at(bound, AssertUnwindSafe(load.run()).catch_unwind()).await;
        let undecided = |reason| Arc::new(Outcome::inconclusive(None, reason, Vec::new(), policy));
        let outcome = match run {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_panic)) => undecided(answer::internal("a look-up ended by a fault")),
            Err(_) => undecided(answer::given_up(self.settings.load_bound)),
        };
        self.counters.count_load(host.as_str(), outcome.verdict(), trace.requests());
        if outcome.verdict() == Verdict::Inconclusive {
            let until = Instant::now() + self.settings.inconclusive_ttl;
            let undecided = Undecided { outcome: Arc::clone(&outcome), generation, until };
            self.memory.undecided.insert(key, undecided);
        }
        Answer { trace: Some(trace), ..Answer::remembered(outcome) }
    }

    /// The digest that a reference means without asking anybody.
    fn digest_at_hand(&self, reference: &Reference, effective: &Effective, now: Timestamp) -> Option<Digest> {
        match reference.digest() {
            Some(digest) => Some(digest.clone()),
            None => self.tag_at_hand(reference.tag()?, effective, now),
        }
    }

    pub(super) fn standing(&self, digest: &Digest, effective: &Effective, now: Timestamp) -> Standing {
        match self.memory.decisions.get(&DecisionKey::new(digest, effective)) {
            Some(decision) => self.standing_of(&decision, now),
            None => Standing::Over,
        }
    }

    pub(super) fn standing_of(&self, decision: &Arc<Decision>, now: Timestamp) -> Standing {
        if decision.outcome.verdict() != Verdict::Verified {
            let is_over = decision.provisional || self.is_over(decision, now);
            return if is_over { Standing::Over } else { Standing::Fresh(Arc::clone(decision)) };
        }
        let could_fail = decision.holds_until.is_some_and(|until| now >= until);
        if could_fail || !self.memory.proven.touch(&decision.proofs, now) {
            return Standing::Over;
        }
        let age_is_due = older_than(decision.decided_at, self.settings.verified_ttl, now);
        let proof_is_due = decision.prove_again_at.is_some_and(|at| now >= at);
        if !age_is_due && !proof_is_due {
            return Standing::Fresh(Arc::clone(decision));
        }
        let too_old = older_than(decision.decided_at, self.settings.stale_max_age, now);
        if too_old { Standing::Over } else { Standing::Due(Arc::clone(&decision.outcome)) }
    }

    fn is_over(&self, decision: &Decision, now: Timestamp) -> bool {
        older_than(decision.decided_at, self.settings.negative_ttl, now)
    }

    /// What is refuted from what is held, while the registry does not answer.
    fn provisional(&self, digest: &Digest, effective: &Effective) -> Option<Arc<Outcome>> {
        let decision = self.memory.decisions.get(&DecisionKey::new(digest, effective))?;
        let counts = decision.provisional && !self.is_over(&decision, self.now());
        counts.then(|| Arc::clone(&decision.outcome))
    }
}

/// An outage never unproves; a limit of ours is no outage.
fn stands_against(outcome: &Outcome) -> bool {
    outcome.verdict() == Verdict::Inconclusive && outcome.reason.code != ReasonCode::SignatureCapReached
}

fn stale(outcome: &Outcome) -> Outcome {
    let mut outcome = outcome.clone();
    outcome.stale = true;
    outcome
}
