//! What is demanded of an image: the rule of whoever asks, and beside it the rules that nobody can remove.
//! Each counts only the words of its own verifiers, told apart by resource and never by name.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::rule::{Holds, Inputs, Judged, Rule, Standing, Voter};
use crate::outcome::Evidence;

/// One rule, and whose words count for it.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The resource that makes it mandatory, where it is.
    pub(super) mandatory: Option<Arc<str>>,
    /// What must hold.
    pub(super) rule: Rule,
    /// The resources whose verifiers count; `None` counts all.
    counts: Option<BTreeSet<Arc<str>>>,
    /// Those verifiers, as they stand to the image's repository.
    pub(super) voters: Vec<Voter>,
}

impl Demand {
    /// A rule over the verifiers of these resources, or over all.
    pub(super) fn new(rule: Rule, counts: Option<BTreeSet<Arc<str>>>, mandatory: Option<Arc<str>>) -> Self {
        Self { mandatory, rule, counts, voters: Vec::new() }
    }

    /// The same over verifiers as they stand to a repository.
    pub(super) fn over(&self, voters: &[Voter]) -> Self {
        let voters = voters.iter().filter(|voter| self.counts(&voter.resource)).cloned().collect();
        Self { voters, ..self.clone() }
    }

    /// Whether the words of this resource's verifier count.
    pub(super) fn counts(&self, resource: &str) -> bool {
        self.counts.as_ref().is_none_or(|counts| counts.contains(resource))
    }

    /// True where none of its verifiers has a policy for the image.
    pub(super) fn is_uncovered(&self) -> bool {
        self.voters.iter().all(|voter| voter.standing == Standing::NotApplicable)
    }

    /// Who demands it.
    pub(super) fn called(&self) -> String {
        match &self.mandatory {
            Some(resource) => format!("mandatory {resource}"),
            None => self.rule.called(),
        }
    }

    /// Whether it holds of what is known.
    fn evaluate(&self, known: &Known<'_>) -> Holds {
        let evaluate = |judged, pending| {
            self.rule.evaluate(&Inputs { voters: &self.voters, judged, seen: known.seen, pending })
        };
        if self.counts.is_none() {
            return evaluate(known.judged, known.pending);
        }
        let judged: Vec<Judged> =
            known.judged.iter().filter(|judged| self.counts(&judged.resource)).cloned().collect();
        let claims = |kind: &str| self.voters.iter().any(|voter| voter.claims(kind));
        let pending = known.pending.iter().filter(|kind| kind.as_deref().is_none_or(claims));
        evaluate(&judged, &pending.cloned().collect())
    }
}

/// What is known of an image's candidates.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The words of all verifiers so far.
    pub judged: &'a [Judged],
    /// Artifact types of all candidates that were listed, judged or not.
    pub seen: &'a BTreeSet<Arc<str>>,
    /// Types of which candidates are listed and not judged yet; `None` stands for any type.
    pub pending: &'a BTreeSet<Option<Arc<str>>>,
}

/// Everything that is demanded: all of it must hold.
#[derive(Clone, Debug)]
pub struct Demands(Vec<Demand>);

impl Demands {
    /// These demands; the first is that of whoever asks.
    pub(super) fn new(demands: Vec<Demand>) -> Self {
        Self(demands)
    }

    /// Each demand.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Demand> {
        self.0.iter()
    }

    /// Name of the rule of whoever asks.
    pub fn name(&self) -> Arc<str> {
        self.0.first().map_or_else(|| "none".into(), |own| own.rule.name())
    }

    /// How much evidence is looked at: all, where one of them wants that.
    pub fn evidence(&self) -> Evidence {
        let all = self.0.iter().any(|demand| demand.rule.evidence() == Evidence::All);
        if all { Evidence::All } else { Evidence::First }
    }

    /// Whether all of them hold.
    pub fn evaluate(&self, known: &Known<'_>) -> Holds {
        let mut all = Holds::Yes;
        for demand in &self.0 {
            match demand.evaluate(known) {
                Holds::No => return Holds::No,
                Holds::Unknown => all = Holds::Unknown,
                Holds::Yes => {}
            }
        }
        all
    }

    /// The first that does not hold.
    pub(super) fn unmet(&self, known: &Known<'_>) -> Option<&Demand> {
        self.0.iter().find(|demand| demand.evaluate(known) == Holds::No)
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::{RuleSettings, ThresholdRule};
    use super::*;
    use crate::outcome::SignatureResult;
    use crate::reference::{Digest, DigestAlgorithm};

    fn voter(resource: &str, standing: Standing) -> Voter {
        Voter {
            resource: resource.into(),
            name: "notation".into(),
            artifact_types: vec!["n".to_owned()],
            standing,
        }
    }

    fn judged(resource: &str, result: SignatureResult) -> Judged {
        Judged {
            candidate: Digest::of(DigestAlgorithm::Sha256, resource.as_bytes()),
            artifact_type: "n".into(),
            resource: resource.into(),
            verifier: "notation".into(),
            result,
        }
    }

    /// The namespace asks for one signature of `notation`, and so does the cluster, of its own.
    fn demands(own: RuleSettings, voters: &[Voter]) -> Demands {
        let by_name = ThresholdRule::Signatures { verifier: "notation".into(), count: 1 };
        let cluster = RuleSettings::Threshold {
            name: "ratify-policy".into(),
            root: by_name,
            evidence: Evidence::First,
        };
        let counts = Some(BTreeSet::from(["v".into()]));
        let mandatory = Demand::new(Rule::new(cluster), counts, Some("Policy ratify-policy".into()));
        let own = Demand::new(Rule::new(own), None, None);
        Demands::new(vec![own.over(voters), mandatory.over(voters)])
    }

    fn evaluate(judged: &[Judged], pending: bool) -> Holds {
        let voters = [voter("v", Standing::Judges), voter("team/v", Standing::Judges)];
        let seen = BTreeSet::from(["n".into()]);
        let pending = if pending { BTreeSet::from([Some("n".into())]) } else { BTreeSet::new() };
        let known = Known { judged, seen: &seen, pending: &pending };
        demands(RuleSettings::OneValidSignature, &voters).evaluate(&known)
    }

    #[test]
    fn a_tenants_verifier_of_the_same_name_does_not_satisfy_what_is_mandatory() {
        use SignatureResult::{Refuted, Valid};
        assert_eq!(evaluate(&[judged("team/v", Valid)], false), Holds::No);
        assert_eq!(evaluate(&[judged("team/v", Valid)], true), Holds::Unknown);
        assert_eq!(evaluate(&[judged("team/v", Valid), judged("v", Refuted)], false), Holds::No);
        assert_eq!(evaluate(&[judged("team/v", Refuted), judged("v", Valid)], false), Holds::Yes);
    }

    #[test]
    fn a_refused_verifier_of_a_tenant_does_not_open_what_is_mandatory() {
        let voters = [voter("v", Standing::Judges), voter("team/v", Standing::Refused)];
        let seen = BTreeSet::from(["n".into()]);
        let known = Known { judged: &[], seen: &seen, pending: &BTreeSet::new() };
        let demands = demands(RuleSettings::OneValidSignature, &voters);
        assert_eq!(demands.evaluate(&known), Holds::No);
        assert_eq!(
            demands.unmet(&known).map(Demand::called).as_deref(),
            Some("mandatory Policy ratify-policy")
        );
    }
}
