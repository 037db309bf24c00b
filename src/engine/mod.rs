//! The decision: which verifiers apply to an image, what they found, and what the rule makes of it.
//!
//! [`Engine`] holds the plan in force and everything that is remembered. A request's keys are looked up
//! side by side; what is late goes on as a task of its own, and the next question finds its answer. The
//! time that decisions are made for is an argument of everything below this module.

pub mod diagnostic;
mod failure;
mod flight;
mod limits;
mod load;
mod memory;
pub mod metrics;
pub mod plan;
mod plans;
mod proven;
pub mod rule;
mod search;
pub mod settings;

pub use flight::Answer;
pub use limits::{EngineSettings, Overflow};
pub use plan::{Plan, PlanParts};
pub use plans::{Plans, Question};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::cache::Flights;
use crate::outcome::{Outcome, PolicyIdentity, Reason, ReasonCode, Verdict};
use crate::reference::{Digest, Reference};
use crate::registry::{FetchContext, FetchError, FetchTrace};
use crate::trust::revocation::RevocationChecker;
use flight::LoadKey;
use load::Load;
use memory::{Decision, DecisionKey, Memory, TagKey};
use metrics::EngineCounters;
use plan::{Beforehand, Effective};

/// Tells the time that decisions are made for.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Decides about images.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What an engine is built with.
pub struct EngineParts {
    /// Bounds and lifetimes.
    pub settings: EngineSettings,
    /// Tells the time.
    pub clock: Clock,
    /// Asks for revocation.
    pub revocation: RevocationChecker,
    /// Where look-ups run.
    pub runtime: Handle,
}

struct Shared {
    settings: EngineSettings,
    clock: Clock,
    revocation: RevocationChecker,
    memory: Memory,
    flights: Flights<LoadKey, Answer>,
    in_force: ArcSwapOption<InForce>,
    counters: EngineCounters,
}

/// The plans in force, and the number of the configuration that they come from.
#[derive(Debug)]
struct InForce {
    plans: Plans,
    generation: u64,
}

/// Whether a remembered decision can be answered.
enum Standing {
    /// It can.
    Fresh(Arc<Outcome>),
    /// It should be proven anew, and stands if that is impossible.
    Due(Arc<Outcome>),
    /// It cannot.
    Over,
}

impl Engine {
    /// An engine without a plan: every question is Inconclusive with code `NOT_READY`.
    pub fn new(parts: EngineParts) -> Self {
        Self {
            shared: Arc::new(Shared {
                memory: Memory::new(&parts.settings),
                flights: Flights::new(parts.runtime, parts.settings.concurrent_loads),
                settings: parts.settings,
                clock: parts.clock,
                revocation: parts.revocation,
                in_force: ArcSwapOption::empty(),
                counters: EngineCounters::default(),
            }),
        }
    }

    /// Puts plans in force, all at once. What is remembered stays, because decisions are kept by what they
    /// depend on; only that something could not be found out is forgotten.
    pub fn put_in_force(&self, plans: Plans) {
        let in_force = &self.shared.in_force;
        let generation = in_force.load().as_ref().map_or(1, |before| before.generation + 1);
        in_force.store(Some(Arc::new(InForce { plans, generation })));
    }

    /// True once a plan is in force.
    pub fn is_ready(&self) -> bool {
        self.shared.in_force.load().is_some()
    }

    /// Counts of what was decided and remembered.
    pub fn counters(&self) -> &EngineCounters {
        &self.shared.counters
    }

    /// How many unique signatures are held, were evicted and were refused.
    pub fn unique_signatures(&self) -> (usize, u64, u64) {
        self.shared.memory.proven.counts()
    }

    /// Look-ups that are running.
    pub fn loads_in_flight(&self) -> usize {
        self.shared.flights.len()
    }

    /// Decides about one image within `budget`, which counts from the start of the look-up that may
    /// already be running for it.
    pub async fn ask(&self, question: Question<'_>, budget: Duration) -> Answer {
        let answer = self.shared.ask(question, budget).await;
        self.shared.counters.count_decision(&answer.outcome);
        answer
    }

    /// Resolves an image for mutation: the reference with the digest that its tag has now.
    ///
    /// # Errors
    /// The reason for which it cannot be resolved.
    pub async fn resolve(&self, question: Question<'_>, budget: Duration) -> Result<Reference, Reason> {
        self.shared.resolve(question, budget).await
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    async fn ask(self: &Arc<Self>, question: Question<'_>, budget: Duration) -> Answer {
        let Some(in_force) = self.in_force.load_full() else {
            return remembered(Arc::new(inconclusive(not_ready(), nobody())));
        };
        let reference = match Reference::parse(question.image) {
            Ok(reference) => reference,
            Err(error) => {
                let reason = Reason::new(
                    ReasonCode::InvalidReference,
                    error.to_string(),
                    "write the image as [registry/]repository[:tag][@digest]",
                );
                return remembered(Arc::new(Outcome::rejected(None, reason, Vec::new(), nobody())));
            }
        };
        let effective = in_force.plans.of(question.namespace).effective(reference.repository());
        if let Some(outcome) = beforehand(&effective) {
            return remembered(Arc::new(outcome));
        }
        self.ask_effective(reference, effective, in_force.generation, budget).await
    }

    async fn ask_effective(
        self: &Arc<Self>,
        reference: Reference,
        effective: Arc<Effective>,
        generation: u64,
        budget: Duration,
    ) -> Answer {
        let now = self.now();
        let standing = match self.digest_at_hand(&reference, &effective, now) {
            Some(digest) => self.standing(&digest, &effective, now),
            None => Standing::Over,
        };
        let fallback = match standing {
            Standing::Fresh(outcome) => return remembered(outcome),
            Standing::Due(outcome) => Some(outcome),
            Standing::Over => None,
        };
        let key = LoadKey { reference, policy: effective.policy.id.clone(), generation };
        let answer = self.look_up(key, effective, budget).await;
        match fallback {
            Some(standing) if stands_against(&answer.outcome) => {
                let mut outcome = (*standing).clone();
                outcome.stale = true;
                Answer { outcome: Arc::new(outcome), trace: answer.trace }
            }
            _ => answer,
        }
    }

    /// Joins or starts the look-up and waits for it within the budget that it has left.
    async fn look_up(self: &Arc<Self>, key: LoadKey, effective: Arc<Effective>, budget: Duration) -> Answer {
        if let Some((outcome, until)) = self.memory.inconclusive.get(&key)
            && Instant::now() < until
        {
            return remembered(outcome);
        }
        let policy = effective.policy.clone();
        let shared = Arc::clone(self);
        let load = {
            let key = key.clone();
            move || shared.load(key, effective)
        };
        match self.flights.join(key, load) {
            Err(full) => {
                let reason =
                    Reason::new(ReasonCode::Overloaded, full.to_string(), "ask again, or add replicas");
                remembered(Arc::new(inconclusive(reason, policy)))
            }
            Ok(mut flight) => {
                let deadline = flight.started() + budget;
                let late = || remembered(Arc::new(inconclusive(deadline_exceeded(budget), policy)));
                flight.result_by(deadline).await.unwrap_or_else(late)
            }
        }
    }

    async fn load(self: Arc<Self>, key: LoadKey, effective: Arc<Effective>) -> Answer {
        let context = FetchContext::within(self.settings.load_bound);
        let trace: Arc<FetchTrace> = Arc::clone(&context.trace);
        let load = Load { shared: Arc::clone(&self), effective, reference: key.reference.clone(), context };
        let outcome = load.run().await;
        self.counters.count_load(trace.requests());
        if outcome.verdict() == Verdict::Inconclusive {
            let until = Instant::now() + self.settings.inconclusive_ttl;
            self.memory.inconclusive.insert(key, (Arc::clone(&outcome), until));
        }
        Answer { outcome, trace: Some(trace) }
    }

    /// The digest that a reference means without asking anybody.
    fn digest_at_hand(&self, reference: &Reference, effective: &Effective, now: Timestamp) -> Option<Digest> {
        if let Some(digest) = reference.digest() {
            return Some(digest.clone());
        }
        let key = TagKey {
            repository: reference.repository().clone(),
            tag: reference.tag()?.clone(),
            scope: effective.scope.clone(),
        };
        let (digest, at) = self.memory.tags.get(&key)?;
        (!older_than(at, self.settings.tag_ttl, now)).then_some(digest)
    }

    fn standing(&self, digest: &Digest, effective: &Effective, now: Timestamp) -> Standing {
        let key = DecisionKey {
            subject: digest.clone(),
            policy: effective.policy.id.clone(),
            scope: effective.scope.clone(),
        };
        let Some(decision) = self.memory.decisions.get(&key) else {
            self.counters.count_cache(false);
            return Standing::Over;
        };
        let standing = self.standing_of(&decision, now);
        self.counters.count_cache(matches!(standing, Standing::Fresh(_)));
        standing
    }

    fn standing_of(&self, decision: &Decision, now: Timestamp) -> Standing {
        if decision.outcome.verdict() != Verdict::Verified {
            let over = older_than(decision.decided_at, self.settings.negative_ttl, now);
            return if over { Standing::Over } else { Standing::Fresh(Arc::clone(&decision.outcome)) };
        }
        let over = decision.holds_until.is_some_and(|until| now >= until);
        if over || !self.memory.proven.touch(&decision.proofs, now) {
            return Standing::Over;
        }
        let age_is_due = older_than(decision.decided_at, self.settings.verified_ttl, now);
        let proof_is_due = decision.prove_again_at.is_some_and(|at| now >= at);
        if !age_is_due && !proof_is_due {
            return Standing::Fresh(Arc::clone(&decision.outcome));
        }
        let too_old = older_than(decision.decided_at, self.settings.stale_max_age, now);
        if too_old { Standing::Over } else { Standing::Due(Arc::clone(&decision.outcome)) }
    }

    async fn resolve(
        self: &Arc<Self>,
        question: Question<'_>,
        budget: Duration,
    ) -> Result<Reference, Reason> {
        let reference = Reference::parse(question.image).map_err(|error| {
            Reason::new(ReasonCode::InvalidReference, error.to_string(), "write the image as a reference")
        })?;
        let (None, Some(tag)) = (reference.digest(), reference.tag()) else {
            return Ok(reference);
        };
        let in_force = self.in_force.load_full().ok_or_else(not_ready)?;
        let effective = in_force.plans.of(question.namespace).effective(reference.repository());
        let context = FetchContext::within(budget);
        let digest = load::resolve_tag(self, &effective, &reference, tag, &context, self.now());
        match tokio::time::timeout_at(context.deadline, digest).await {
            Ok(Ok(digest)) => Ok(reference.with_digest(digest)),
            Ok(Err(error)) => Err(failure::reason(&error)),
            Err(_) => Err(failure::reason(&FetchError::Deadline { what: reference.to_string() })),
        }
    }
}

/// True where `time` is more than `age` before `now`.
fn older_than(time: Timestamp, age: Duration, now: Timestamp) -> bool {
    now.duration_since(time) > SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX)
}

/// An outage never unproves; a limit of ours is no outage.
fn stands_against(outcome: &Outcome) -> bool {
    outcome.verdict() == Verdict::Inconclusive && outcome.reason.code != ReasonCode::SignatureCapReached
}

fn beforehand(effective: &Effective) -> Option<Outcome> {
    let policy = effective.policy.clone();
    match &effective.beforehand {
        Beforehand::Nothing => None,
        Beforehand::NotRequired => {
            let message = "the trust policy that covers this image has level skip: nothing is claimed of it";
            Some(Outcome::not_required(None, Reason::new(ReasonCode::SkippedByPolicy, message, ""), policy))
        }
        Beforehand::NotCovered => {
            let reason = Reason::new(
                ReasonCode::NoApplicablePolicy,
                "no trust policy covers this image's repository",
                "add the repository to a trust policy's registryScopes, or a statement with scope *",
            );
            Some(Outcome::rejected(None, reason, Vec::new(), policy))
        }
        Beforehand::Undecidable(reason) => Some(inconclusive(reason.clone(), policy)),
    }
}

fn inconclusive(reason: Reason, policy: PolicyIdentity) -> Outcome {
    Outcome::inconclusive(None, reason, Vec::new(), policy)
}

fn remembered(outcome: Arc<Outcome>) -> Answer {
    Answer { outcome, trace: None }
}

fn nobody() -> PolicyIdentity {
    PolicyIdentity { name: "none".into(), id: "".into() }
}

fn not_ready() -> Reason {
    Reason::new(
        ReasonCode::NotReady,
        "no configuration is in force yet",
        "see the log, and `hallmark config check`",
    )
}

fn deadline_exceeded(budget: Duration) -> Reason {
    Reason::new(
        ReasonCode::DeadlineExceeded,
        format!("the look-up has taken more than {} ms and goes on", budget.as_millis()),
        "ask again; if it stays like this, see how fast the registry answers",
    )
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("settings", &self.settings)
            .field("in_force", &self.in_force)
            .finish_non_exhaustive()
    }
}
