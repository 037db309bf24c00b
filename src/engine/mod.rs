//! The decision: which verifiers apply to an image, what they found, and what the rule makes of it.
//!
//! [`Engine`] holds the plans in force and everything that is remembered. A request's keys are looked up
//! side by side; what is late goes on as a task of its own, and the next question finds its answer. The
//! time that decisions are made for is an argument of everything below this module.

mod answer;
mod ask;
mod demand;
pub mod diagnostic;
mod effective;
mod failure;
mod fingerprint;
mod found;
mod held;
mod limits;
mod load;
mod memory;
pub mod metrics;
pub mod plan;
mod plans;
mod proven;
mod recollection;
pub mod rule;
pub mod scope;
mod search;
pub mod settings;
mod tag;
mod weight;

pub use answer::Answer;
pub use demand::{Demand, Demands, Known};
pub use effective::{Effective, EffectiveSettings};
pub use limits::{EngineSettings, Overflow};
pub use plan::{Plan, PlanParts};
pub use plans::{Plans, Question, ScopedPlan};
pub use recollection::Recollection;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;

use crate::cache::Flights;
use crate::outcome::{Outcome, Reason};
use crate::reference::Reference;
use crate::trust::revocation::{RevocationChecker, RevocationFigures};
use memory::{Decision, LoadKey, Memory};
use metrics::EngineCounters;
use tag::{Resolution, ResolutionKey};

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
    resolutions: Flights<ResolutionKey, Resolution>,
    in_force: ArcSwapOption<InForce>,
    generations: AtomicU64,
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
    Fresh(Arc<Decision>),
    /// It should be proven anew, and stands if that is impossible.
    Due(Arc<Outcome>),
    /// It cannot.
    Over,
}

impl Engine {
    /// An engine without a plan: every question is Inconclusive with code `NOT_READY`.
    pub fn new(parts: EngineParts) -> Self {
        let limit = parts.settings.concurrent_loads;
        Self {
            shared: Arc::new(Shared {
                memory: Memory::new(&parts.settings),
                flights: Flights::new(parts.runtime.clone(), limit),
                resolutions: Flights::new(parts.runtime, limit),
                settings: parts.settings,
                clock: parts.clock,
                revocation: parts.revocation,
                in_force: ArcSwapOption::empty(),
                generations: AtomicU64::new(0),
                counters: EngineCounters::default(),
            }),
        }
    }

    /// Puts plans in force, all at once. What is remembered stays, because decisions are kept by what they
    /// depend on; only that something could not be found out is forgotten.
    pub fn put_in_force(&self, plans: Plans) {
        let generation = self.shared.generations.fetch_add(1, Ordering::Relaxed) + 1;
        self.shared.in_force.store(Some(Arc::new(InForce { plans, generation })));
    }

    /// True once a plan is in force.
    pub fn is_ready(&self) -> bool {
        self.shared.in_force.load().is_some()
    }

    /// Counts of what was decided and remembered.
    pub fn counters(&self) -> &EngineCounters {
        &self.shared.counters
    }

    /// What is counted of revocation data.
    pub fn revocation(&self) -> [(&'static str, RevocationFigures); 2] {
        self.shared.revocation.figures()
    }

    /// How many unique signatures are held, were evicted and were refused.
    pub fn unique_signatures(&self) -> (usize, u64, u64) {
        self.shared.memory.proven.counts()
    }

    /// Bytes that the unique signatures take.
    pub fn unique_signature_bytes(&self) -> usize {
        self.shared.memory.proven.bytes()
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

    /// The answer that [`Engine::ask`] would give to the question of this recollection, where that is the very
    /// same decision as then: without waiting and without looking anything up.
    pub fn recall(&self, recollection: &Recollection) -> Option<Arc<Outcome>> {
        let outcome = self.shared.recall(recollection)?;
        self.shared.counters.count_decision(&outcome);
        Some(outcome)
    }

    /// Resolves an image for mutation: the reference with the digest that its tag has now. The budget
    /// counts from the start of the look-up that may already be running for the tag.
    ///
    /// # Errors
    /// The reason for which it cannot be resolved.
    pub async fn resolve(&self, question: Question<'_>, budget: Duration) -> Result<Reference, Reason> {
        self.shared.resolve(question, budget).await
    }
}

/// True where `time` is more than `age` before `now`.
fn older_than(time: Timestamp, age: Duration, now: Timestamp) -> bool {
    now.duration_since(time) > SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX)
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("settings", &self.settings)
            .field("in_force", &self.in_force)
            .finish_non_exhaustive()
    }
}
