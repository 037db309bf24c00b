//! What is given to whoever asks, and the reasons that the engine itself has.

use std::sync::Arc;
use std::time::Duration;

use super::recollection::Recollection;
use crate::outcome::{BoundSubject, Outcome, PolicyIdentity, Reason, ReasonCode};
use crate::registry::FetchTrace;

/// The answer about one image.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The answer.
    pub outcome: Arc<Outcome>,
    /// What was asked of the network; `None` where the answer was remembered.
    pub trace: Option<Arc<FetchTrace>>,
    /// By what the same question is answered faster next time, where a remembered decision answered it.
    pub recollection: Option<Recollection>,
}

impl Answer {
    /// An outcome for which the network was not asked.
    pub fn remembered(outcome: Arc<Outcome>) -> Self {
        Self { outcome, trace: None, recollection: None }
    }

    /// That nothing could be found out.
    pub fn undecided(reason: Reason, policy: PolicyIdentity) -> Self {
        Self::remembered(Arc::new(Outcome::inconclusive(None, reason, Vec::new(), policy)))
    }
}

pub(super) fn not_ready() -> Reason {
    Reason::new(
        ReasonCode::NotReady,
        "no configuration is in force yet",
        "see the log, and `hallmark config check`",
    )
}

pub(super) fn invalid_reference(problem: String) -> Reason {
    Reason::new(
        ReasonCode::InvalidReference,
        problem,
        "write the image as [registry/]repository[:tag][@digest]",
    )
}

pub(super) fn deadline_exceeded(budget: Duration) -> Reason {
    Reason::new(
        ReasonCode::DeadlineExceeded,
        format!("the look-up has taken more than {} ms and goes on", budget.as_millis()),
        "ask again; if it stays like this, see how fast the registry answers",
    )
}

pub(super) fn given_up(bound: Duration) -> Reason {
    Reason::new(
        ReasonCode::DeadlineExceeded,
        format!("the look-up was given up after {} s", bound.as_secs()),
        "see how fast the registry, its token service, revocation servers and plugins answer",
    )
}

pub(super) fn overloaded(problem: String) -> Reason {
    Reason::new(ReasonCode::Overloaded, problem, "ask again, or add replicas")
}

pub(super) fn internal(problem: &str) -> Reason {
    Reason::new(ReasonCode::Internal, problem, "report this, with what the log says")
}

pub(super) fn config_invalid(problem: &str) -> Reason {
    Reason::new(
        ReasonCode::ConfigInvalid,
        problem,
        "run `hallmark config check` and correct the configuration",
    )
}

pub(super) fn skipped() -> Reason {
    Reason::new(
        ReasonCode::SkippedByPolicy,
        "the trust policy that covers this image has level skip: nothing is claimed of it",
        "",
    )
}

pub(super) fn not_covered(mandatory: Option<&str>) -> Reason {
    let whose = mandatory.map(|resource| format!(" of mandatory {resource}")).unwrap_or_default();
    Reason::new(
        ReasonCode::NoApplicablePolicy,
        format!("no trust policy{whose} covers this image's repository"),
        "add the repository to a trust policy's registryScopes, or a statement with scope *",
    )
}

pub(super) fn verified(subject: &BoundSubject, count: usize) -> Reason {
    let plural = if count == 1 { "" } else { "s" };
    Reason::new(
        ReasonCode::Verified,
        format!("{count} trusted signature{plural} of {}", subject.digest()),
        "",
    )
}

pub(super) fn unsigned(subject: &BoundSubject) -> Reason {
    Reason::new(
        ReasonCode::NoSignature,
        format!("the registry holds no signature of {} that the policy asks for", subject.digest()),
        "sign this digest and push the signature to the same repository",
    )
}

pub(super) fn cap_reached(problem: String) -> Reason {
    Reason::new(
        ReasonCode::SignatureCapReached,
        problem,
        "raise limits.unique_signatures, or set limits.overflow to evict",
    )
}

pub(super) fn too_many_signatures(limit: usize) -> Reason {
    Reason::new(
        ReasonCode::TooManySignatures,
        format!("the rule does not hold after {limit} signatures, and there are more"),
        "delete signatures that nobody needs, or raise limits.signatures_per_image",
    )
}

pub(super) fn listing_cut_short() -> Reason {
    Reason::new(
        ReasonCode::RegistryInvalid,
        "the registry's list of referrers could not be read to its end, and nothing in what was read decides",
        "delete referrers that nobody needs; if there are few, see what the registry answers",
    )
}

/// The reason for which a signature does not count for what is mandatory.
pub(super) fn not_for(mandatory: &str, reason: &Reason) -> Reason {
    let message = format!("{mandatory}: {}", reason.message);
    Reason::new(reason.code, message, reason.remediation.clone())
}

pub(super) fn rule_not_satisfied(count: usize, policy: &str, first: Option<&Reason>) -> Reason {
    let first = first.map(|reason| format!("; the first: {}", reason.message)).unwrap_or_default();
    Reason::new(
        ReasonCode::RuleNotSatisfied,
        format!("of {count} signatures not enough are good for {policy}{first}"),
        "see each signature's reason; sign the image with what the policy asks for",
    )
}
