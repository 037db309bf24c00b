use proptest::prelude::*;

use super::*;
use crate::reference::DigestAlgorithm;

const N: &str = "notation";
const C: &str = "cosign";
const S: &str = "sbom";

fn voter(kind: &str, standing: Standing) -> Voter {
    Voter { resource: kind.into(), name: kind.into(), artifact_types: vec![kind.to_owned()], standing }
}

fn judged(number: usize, kind: &str, result: SignatureResult) -> Judged {
    Judged {
        candidate: Digest::of(DigestAlgorithm::Sha256, &number.to_be_bytes()),
        artifact_type: kind.into(),
        resource: kind.into(),
        verifier: kind.into(),
        result,
    }
}

fn by_type(listed: &[(&str, Quantifier)], default: Quantifier) -> Rule {
    Rule::new(RuleSettings::ByArtifactType {
        name: "policy".into(),
        listed: listed.iter().map(|(kind, quantifier)| ((*kind).to_owned(), *quantifier)).collect(),
        default,
        evidence: Evidence::First,
    })
}

/// Ratify's vectors: reports are written `N+`, `N-`; verifiers claim N, C and S.
fn evaluate(rule: &Rule, reports: &[&str]) -> Holds {
    let voters = [N, C, S].map(|kind| voter(kind, Standing::Judges));
    let judged: Vec<Judged> = reports
        .iter()
        .enumerate()
        .map(|(number, report)| {
            let kind = match report.chars().next() {
                Some('N') => N,
                Some('C') => C,
                Some('S') => S,
                _ => "unclaimed",
            };
            let result =
                if report.ends_with('+') { SignatureResult::Valid } else { SignatureResult::Refuted };
            judged(number, kind, result)
        })
        .collect();
    let seen = judged.iter().map(|judged| judged.artifact_type.clone()).collect();
    rule.evaluate(&Inputs { voters: &voters, judged: &judged, seen: &seen, pending: &BTreeSet::new() })
}

#[test]
fn ratifys_config_policy_vectors_come_out_as_documented() {
    use Quantifier::{All, Any};
    let cases: [(Rule, &[&str], Holds); 9] = [
        (by_type(&[], All), &[], Holds::No),
        (by_type(&[], All), &["N+"], Holds::Yes),
        (by_type(&[], All), &["N+", "N-"], Holds::No),
        (by_type(&[], Any), &["N+", "N-"], Holds::Yes),
        (by_type(&[], Any), &["N+", "S-"], Holds::No),
        (by_type(&[(N, Any)], Any), &["S+"], Holds::No),
        (by_type(&[(N, Any)], All), &["N+", "N-", "S+"], Holds::Yes),
        (by_type(&[(N, Any), (C, Any)], All), &["N+"], Holds::No),
        (by_type(&[(N, Any)], Any), &["N+", "?-"], Holds::Yes),
    ];
    for (rule, reports, holds) in cases {
        assert_eq!(evaluate(&rule, reports), holds, "{rule:?} {reports:?}");
    }
}

#[test]
fn a_skip_beside_a_verifier_of_the_same_type_does_not_hide_what_that_one_refutes_under_all() {
    let voters = [
        Voter { name: "skips".into(), ..voter(N, Standing::Satisfied) },
        Voter { name: "judges".into(), ..voter(N, Standing::Judges) },
    ];
    let judged = [judged(1, N, SignatureResult::Refuted)];
    let inputs = Inputs {
        voters: &voters,
        judged: &judged,
        seen: &BTreeSet::from([N.into()]),
        pending: &BTreeSet::new(),
    };
    assert_eq!(by_type(&[], Quantifier::All).evaluate(&inputs), Holds::No);
    assert_eq!(by_type(&[], Quantifier::Any).evaluate(&inputs), Holds::Yes);
}

#[test]
fn an_unknown_candidate_leaves_open_only_what_it_could_change() {
    let voters = [voter(N, Standing::Judges)];
    let judged = [judged(1, N, SignatureResult::Valid)];
    let seen = BTreeSet::from([N.into()]);
    let untyped = BTreeSet::from([None]);
    let inputs = Inputs { voters: &voters, judged: &judged, seen: &seen, pending: &untyped };
    assert_eq!(by_type(&[], Quantifier::Any).evaluate(&inputs), Holds::Yes, "it could only be another one");
    assert_eq!(by_type(&[], Quantifier::All).evaluate(&inputs), Holds::Unknown);
    let voters = [voter(N, Standing::Judges), voter(S, Standing::Judges)];
    let inputs = Inputs { voters: &voters, ..inputs };
    assert_eq!(by_type(&[], Quantifier::Any).evaluate(&inputs), Holds::Unknown, "it could be an sbom");
}

fn kinds() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(N), Just(C), Just(S)]
}

fn results() -> impl Strategy<Value = SignatureResult> {
    prop_oneof![
        Just(SignatureResult::Valid),
        Just(SignatureResult::Refuted),
        Just(SignatureResult::Undecided)
    ]
}

fn quantifiers() -> impl Strategy<Value = Quantifier> {
    prop_oneof![Just(Quantifier::Any), Just(Quantifier::All)]
}

fn trees() -> impl Strategy<Value = ThresholdRule> {
    let leaf = (kinds(), 0..4usize)
        .prop_map(|(kind, count)| ThresholdRule::Signatures { verifier: kind.into(), count });
    leaf.prop_recursive(3, 12, 4, |inner| {
        (0..5usize, prop::collection::vec(inner, 0..4))
            .prop_map(|(threshold, rules)| ThresholdRule::AtLeast { threshold, rules })
    })
}

fn rules() -> impl Strategy<Value = Rule> {
    let by_type = (prop::collection::btree_map(kinds(), quantifiers(), 0..3), quantifiers()).prop_map(
        |(listed, default)| RuleSettings::ByArtifactType {
            name: "policy".into(),
            listed: listed.into_iter().map(|(kind, quantifier)| (kind.to_owned(), quantifier)).collect(),
            default,
            evidence: Evidence::First,
        },
    );
    let threshold = trees().prop_map(|root| RuleSettings::Threshold {
        name: "policy".into(),
        root,
        evidence: Evidence::First,
    });
    prop_oneof![Just(RuleSettings::OneValidSignature), by_type, threshold].prop_map(Rule::new)
}

fn standings() -> impl Strategy<Value = Standing> {
    prop_oneof![
        4 => Just(Standing::Judges),
        1 => Just(Standing::Satisfied),
        1 => Just(Standing::NotApplicable),
        1 => Just(Standing::Refused),
    ]
}

#[derive(Clone, Debug)]
struct Scene {
    voters: Vec<Voter>,
    judged: Vec<Judged>,
    seen: BTreeSet<Arc<str>>,
    pending: BTreeSet<Option<Arc<str>>>,
}

impl Scene {
    fn evaluate(&self, rule: &Rule) -> Holds {
        rule.evaluate(&Inputs {
            voters: &self.voters,
            judged: &self.judged,
            seen: &self.seen,
            pending: &self.pending,
        })
    }

    /// The same, with one candidate's results changed.
    fn with_result(&self, candidate: usize, result: SignatureResult) -> Self {
        let mut scene = self.clone();
        scene.judged[candidate].result = result;
        scene
    }
}

fn scenes() -> impl Strategy<Value = Scene> {
    let voters = (standings(), standings(), standings());
    let found = prop::collection::vec((kinds(), results()), 0..6);
    let pending = prop::collection::btree_set(prop::option::weighted(0.8, kinds()), 0..3);
    (voters, found, pending).prop_map(|((n, c, s), found, pending)| {
        let voters = vec![voter(N, n), voter(C, c), voter(S, s)];
        let judges =
            |kind: &str| voters.iter().any(|voter| voter.standing == Standing::Judges && voter.claims(kind));
        let seen: BTreeSet<Arc<str>> = found
            .iter()
            .map(|(kind, _)| *kind)
            .chain(pending.iter().copied().flatten())
            .map(Arc::from)
            .collect();
        let judged = found
            .iter()
            .enumerate()
            .filter(|(_, (kind, _))| judges(kind))
            .map(|(number, (kind, result))| judged(number, kind, *result))
            .collect();
        let pending = pending.into_iter().map(|kind| kind.map(Arc::from)).collect();
        Scene { voters, judged, seen, pending }
    })
}

/// Worse to better: refuted, undecided, valid.
fn rank(holds: Holds) -> u8 {
    match holds {
        Holds::No => 0,
        Holds::Unknown => 1,
        Holds::Yes => 2,
    }
}

proptest! {
    /// A better result of a candidate never gives a worse answer, under no rule.
    #[test]
    fn a_better_result_never_makes_the_answer_worse(rule in rules(), scene in scenes(), at in any::<prop::sample::Index>()) {
        prop_assume!(!scene.judged.is_empty());
        let at = at.index(scene.judged.len());
        let of = |result| rank(scene.with_result(at, result).evaluate(&rule));
        let (refuted, undecided, valid) =
            (of(SignatureResult::Refuted), of(SignatureResult::Undecided), of(SignatureResult::Valid));
        prop_assert!(refuted <= undecided && undecided <= valid, "{refuted} {undecided} {valid}");
    }

    /// Whatever an undecided candidate turns out to be, an answer that was given stands.
    #[test]
    fn deciding_what_was_undecided_never_overturns_an_answer(rule in rules(), scene in scenes(), results in prop::collection::vec(results(), 6)) {
        let before = scene.evaluate(&rule);
        let mut after = scene.clone();
        for (judged, result) in after.judged.iter_mut().zip(results) {
            if judged.result == SignatureResult::Undecided {
                judged.result = result;
            }
        }
        let after = after.evaluate(&rule);
        prop_assert!(before == Holds::Unknown || before == after, "{before:?} then {after:?}");
    }

    /// Whatever pending candidates turn out to be, an answer that was given stands.
    #[test]
    fn judging_what_was_pending_never_overturns_an_answer(rule in rules(), scene in scenes(), results in prop::collection::vec((kinds(), results()), 3)) {
        let before = scene.evaluate(&rule);
        let mut after = scene.clone();
        for (number, (pending, (other, result))) in scene.pending.iter().zip(results).enumerate() {
            let kind = pending.as_deref().unwrap_or(other).to_owned();
            after.seen.insert(kind.as_str().into());
            let judges = |voter: &Voter| voter.standing == Standing::Judges && voter.claims(&kind);
            if after.voters.iter().any(judges) {
                after.judged.push(judged(100 + number, &kind, result));
            }
        }
        after.pending.clear();
        let after = after.evaluate(&rule);
        prop_assert!(before == Holds::Unknown || before == after, "{before:?} then {after:?}");
    }

    /// A verifier that cannot run never admits what it would not admit if it were not there to judge.
    #[test]
    fn refusing_a_verifier_never_loosens(rule in rules(), scene in scenes(), which in 0..3usize) {
        let mut refused = scene.clone();
        refused.voters[which].standing = Standing::Refused;
        let kind = refused.voters[which].name.clone();
        refused.judged.retain(|judged| judged.verifier != kind);
        if refused.evaluate(&rule) == Holds::Yes {
            // Then it holds too where that verifier would have refuted or found anything.
            for result in [SignatureResult::Refuted, SignatureResult::Valid] {
                let mut judging = refused.clone();
                judging.voters[which].standing = Standing::Judges;
                if judging.seen.contains(&kind) {
                    judging.judged.push(judged(200, &kind, result));
                }
                prop_assert_eq!(judging.evaluate(&rule), Holds::Yes);
            }
        }
    }

    /// Nothing is admitted of which nothing good is known.
    #[test]
    fn nothing_good_admits_nothing(rule in rules(), mut scene in scenes()) {
        scene.judged.retain(|judged| judged.result != SignatureResult::Valid);
        scene.voters.retain(|voter| voter.standing != Standing::Satisfied);
        prop_assert_ne!(scene.evaluate(&rule), Holds::Yes);
    }
}
