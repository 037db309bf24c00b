//! What must hold of an image's signatures: evaluated purely, and in three values, because "could not
//! tell" must never be taken for either answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::settings::{Quantifier, RuleSettings, ThresholdRule};
use crate::outcome::{Evidence, SignatureResult};
use crate::reference::Digest;

/// Whether a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holds {
    /// It holds, whatever else is found.
    Yes,
    /// It does not, whatever else is found.
    No,
    /// It depends on what is not known.
    Unknown,
}

/// One verifier's word on one candidate.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Digest of the candidate's manifest.
    pub candidate: Digest,
    /// The candidate's artifact type.
    pub artifact_type: Arc<str>,
    /// The verifier's resource.
    pub resource: Arc<str>,
    /// `spec.name` of the verifier.
    pub verifier: Arc<str>,
    /// How it ended.
    pub result: SignatureResult,
}

/// What a verifier can contribute to a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It judges candidates.
    Judges,
    /// Its policy asks for nothing: what asks for its signatures is satisfied.
    Satisfied,
    /// It has no policy for the image, so it can contribute nothing.
    NotApplicable,
    /// It cannot run: nothing may be concluded where it has a say.
    Refused,
}

impl Standing {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Judges => "judges",
            Self::Satisfied => "satisfied",
            Self::NotApplicable => "not applicable",
            Self::Refused => "refused",
        }
    }
}

/// A verifier as the rule sees it.
#[derive(Clone, Debug)]
pub struct Voter {
    /// Its resource, which no other verifier has.
    pub resource: Arc<str>,
    /// `spec.name`.
    pub name: Arc<str>,
    /// The artifact types it claims; `*` claims all.
    pub artifact_types: Vec<String>,
    /// What it can contribute.
    pub standing: Standing,
}

impl Voter {
    /// Whether it has a say about candidates of this type.
    pub fn claims(&self, artifact_type: &str) -> bool {
        self.artifact_types.iter().any(|claimed| claimed == "*" || claimed == artifact_type)
    }
}

/// Everything a rule is evaluated over.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The verifiers.
    pub voters: &'a [Voter],
    /// Their words so far.
    pub judged: &'a [Judged],
    /// Artifact types of all candidates that were listed, judged or not.
    pub seen: &'a BTreeSet<Arc<str>>,
    /// Types of which candidates are listed and not judged yet; `None` stands for any type.
    pub pending: &'a BTreeSet<Option<Arc<str>>>,
}

/// A rule, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Rule(RuleSettings);

impl Rule {
    /// The rule of these settings.
    pub fn new(settings: RuleSettings) -> Self {
        Self(settings)
    }

    /// Name of the Policy resource, or `default`.
    pub fn name(&self) -> Arc<str> {
        match &self.0 {
            RuleSettings::OneValidSignature => "default".into(),
            RuleSettings::ByArtifactType { name, .. }
            | RuleSettings::Threshold { name, .. }
            | RuleSettings::Refused { name, .. } => name.clone(),
        }
    }

    /// What people call it: an Executor's is known by the Executor, whose kind is a part of its name.
    pub fn called(&self) -> String {
        let name = self.name();
        if name.contains("Executor ") { name.to_string() } else { format!("policy {name}") }
    }

    /// How much evidence it looks at.
    pub fn evidence(&self) -> Evidence {
        match &self.0 {
            RuleSettings::ByArtifactType { evidence, .. } | RuleSettings::Threshold { evidence, .. } => {
                *evidence
            }
            RuleSettings::OneValidSignature | RuleSettings::Refused { .. } => Evidence::First,
        }
    }

    /// Why the rule itself cannot be evaluated.
    pub fn refusal(&self) -> Option<&str> {
        match &self.0 {
            RuleSettings::Refused { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// The rule as configured.
    pub(super) fn settings(&self) -> &RuleSettings {
        &self.0
    }

    /// Evaluates the rule.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Holds {
        match &self.0 {
            RuleSettings::OneValidSignature => one_valid_signature(inputs),
            RuleSettings::ByArtifactType { listed, default, .. } => {
                by_artifact_type(listed, *default, inputs)
            }
            RuleSettings::Threshold { root, .. } => threshold(root, inputs),
            RuleSettings::Refused { .. } => Holds::Unknown,
        }
    }
}

fn one_valid_signature(inputs: &Inputs<'_>) -> Holds {
    let valid = inputs.judged.iter().any(|judged| judged.result == SignatureResult::Valid);
    if valid || inputs.voters.iter().any(|voter| voter.standing == Standing::Satisfied) {
        return Holds::Yes;
    }
    let undecided = inputs.judged.iter().any(|judged| judged.result == SignatureResult::Undecided);
    let refused =
        inputs.voters.iter().any(|voter| voter.standing == Standing::Refused && has_say(voter, inputs));
    if undecided || refused || !inputs.pending.is_empty() { Holds::Unknown } else { Holds::No }
}

/// Ratify's config-policy: every listed type must be satisfied, and every type that is seen and claimed.
fn by_artifact_type(
    listed: &BTreeMap<String, Quantifier>,
    default: Quantifier,
    inputs: &Inputs<'_>,
) -> Holds {
    let mut all = Holds::Yes;
    let mut any_leaf = false;
    for (artifact_type, quantifier) in listed {
        any_leaf = true;
        all = and(all, type_leaf(artifact_type, *quantifier, inputs));
    }
    let types: BTreeSet<&Arc<str>> = inputs.seen.iter().chain(inputs.pending.iter().flatten()).collect();
    for artifact_type in types.into_iter().filter(|found| !listed.contains_key(&***found)) {
        if inputs.voters.iter().any(|voter| voter.claims(artifact_type)) {
            any_leaf = true;
            all = and(all, type_leaf(artifact_type, default, inputs));
        }
    }
    if any_leaf && inputs.pending.contains(&None) {
        all = and(all, unknown_types(listed, default, inputs));
    }
    if any_leaf {
        return all;
    }
    let satisfied = inputs.voters.iter().any(|voter| voter.standing == Standing::Satisfied);
    match (satisfied, inputs.pending.is_empty()) {
        (true, true) => Holds::Yes,
        (true, false) => unknown_types(listed, default, inputs),
        (false, true) => Holds::No,
        (false, false) => Holds::Unknown,
    }
}

/// A candidate of unknown type may turn out to be of any claimed type. That leaves the rule open unless
/// every such type would be satisfied.
fn unknown_types(listed: &BTreeMap<String, Quantifier>, default: Quantifier, inputs: &Inputs<'_>) -> Holds {
    let claimed = inputs.voters.iter().flat_map(|voter| &voter.artifact_types);
    let unlisted = claimed.filter(|claimed| !listed.contains_key(claimed.as_str()));
    let all_satisfied =
        unlisted.map(|claimed| type_leaf(claimed, default, inputs)).all(|leaf| leaf == Holds::Yes);
    if all_satisfied { Holds::Yes } else { Holds::Unknown }
}

fn type_leaf(artifact_type: &str, quantifier: Quantifier, inputs: &Inputs<'_>) -> Holds {
    let standing = |wanted: Standing| {
        inputs.voters.iter().any(|voter| voter.standing == wanted && voter.claims(artifact_type))
    };
    let (refused, satisfied) = (standing(Standing::Refused), standing(Standing::Satisfied));
    let results =
        || inputs.judged.iter().filter(|judged| *judged.artifact_type == *artifact_type).map(|j| j.result);
    let valid = satisfied || results().any(|result| result == SignatureResult::Valid);
    let refuted = results().any(|result| result == SignatureResult::Refuted);
    let undecided = results().any(|result| result == SignatureResult::Undecided);
    let pending =
        inputs.pending.iter().any(|pending| pending.as_deref().is_none_or(|kind| kind == artifact_type));
    // Where nobody judges, nothing that is found can come out badly.
    let open = refused || undecided || (pending && (!satisfied || standing(Standing::Judges)));
    match quantifier {
        Quantifier::Any if valid => Holds::Yes,
        Quantifier::All if refuted => Holds::No,
        _ if open => Holds::Unknown,
        Quantifier::All if valid => Holds::Yes,
        Quantifier::Any | Quantifier::All => Holds::No,
    }
}

fn threshold(rule: &ThresholdRule, inputs: &Inputs<'_>) -> Holds {
    match rule {
        ThresholdRule::AtLeast { threshold: wanted, rules } => {
            let holds: Vec<Holds> = rules.iter().map(|rule| threshold(rule, inputs)).collect();
            let yes = holds.iter().filter(|holds| **holds == Holds::Yes).count();
            let unknown = holds.iter().filter(|holds| **holds == Holds::Unknown).count();
            enough(yes, yes + unknown, *wanted)
        }
        ThresholdRule::Signatures { verifier, count } => signatures(verifier, *count, inputs),
    }
}

/// Several verifiers may have one name: they speak as one.
fn signatures(verifier: &Arc<str>, count: usize, inputs: &Inputs<'_>) -> Holds {
    let voters = || inputs.voters.iter().filter(|voter| voter.name == *verifier);
    let standing = |wanted: Standing| voters().any(|voter| voter.standing == wanted);
    if voters().next().is_none() || standing(Standing::Refused) {
        return Holds::Unknown;
    }
    if standing(Standing::Satisfied) {
        return Holds::Yes;
    }
    let distinct = |wanted: SignatureResult| {
        let of_verifier = inputs.judged.iter().filter(|j| j.verifier == *verifier && j.result == wanted);
        of_verifier.map(|judged| &judged.candidate).collect::<BTreeSet<_>>()
    };
    let mut possible = distinct(SignatureResult::Valid);
    let valid = possible.len();
    possible.extend(distinct(SignatureResult::Undecided));
    let judges = || voters().filter(|voter| voter.standing == Standing::Judges);
    let pending = inputs
        .pending
        .iter()
        .any(|kind| judges().any(|voter| kind.as_deref().is_none_or(|kind| voter.claims(kind))));
    enough(valid, if pending { usize::MAX } else { possible.len() }, count)
}

/// Nothing is ever satisfied by nothing: at least one is wanted.
fn enough(certain: usize, possible: usize, wanted: usize) -> Holds {
    let wanted = wanted.max(1);
    if certain >= wanted {
        Holds::Yes
    } else if possible >= wanted {
        Holds::Unknown
    } else {
        Holds::No
    }
}

fn and(a: Holds, b: Holds) -> Holds {
    match (a, b) {
        (Holds::No, _) | (_, Holds::No) => Holds::No,
        (Holds::Unknown, _) | (_, Holds::Unknown) => Holds::Unknown,
        (Holds::Yes, Holds::Yes) => Holds::Yes,
    }
}

/// Whether a verifier could have a candidate: one of its types was listed, or something is not known yet.
fn has_say(voter: &Voter, inputs: &Inputs<'_>) -> bool {
    inputs.seen.iter().any(|seen| voter.claims(seen))
        || inputs.pending.iter().any(|kind| kind.as_deref().is_none_or(|kind| voter.claims(kind)))
}

#[cfg(test)]
mod tests;
