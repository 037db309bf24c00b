//! Rules over real signatures: Ratify's config-policy, thresholds, `skip`, and what is refused.

use hallmark::engine::settings::{Quantifier, RuleSettings, StoreSettings, ThresholdRule};
use hallmark::outcome::{Evidence, ReasonCode, Verdict};
use hallmark::trust::policy::Level;

use super::world::{Configuration, REPOSITORY, World, by_type, expect, expect_verified, statement, target};
use crate::support::signer::{KeyKind, SIGNATURE_TYPE, SignOptions, TestSigner};

const SBOM: &str = "application/spdx+json";

fn signatures(verifier: &str, count: usize) -> ThresholdRule {
    ThresholdRule::Signatures { verifier: verifier.into(), count }
}

fn at_least(threshold: usize, rules: Vec<ThresholdRule>) -> RuleSettings {
    RuleSettings::Threshold {
        name: "thresholds".into(),
        root: ThresholdRule::AtLeast { threshold, rules },
        evidence: Evidence::First,
    }
}

/// An image with one good signature and one by a stranger, under a rule.
async fn good_and_bad(rule: RuleSettings) -> (Verdict, ReasonCode) {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    world.sign(&TestSigner::new(KeyKind::P256), "app", &SignOptions::default());
    world.configure(Configuration::trusting(&[&world.signer]).rule(rule)).await;
    let outcome = world.ask(&image).await;
    (outcome.verdict(), outcome.reason.code)
}

#[tokio::test]
async fn a_stale_signature_beside_a_good_one_counts_under_all_and_not_under_any() {
    let verified = (Verdict::Verified, ReasonCode::Verified);
    let refused = (Verdict::Rejected, ReasonCode::RuleNotSatisfied);
    assert_eq!(good_and_bad(RuleSettings::OneValidSignature).await, verified);
    assert_eq!(good_and_bad(by_type(&[], Quantifier::Any)).await, verified);
    assert_eq!(good_and_bad(by_type(&[], Quantifier::All)).await, refused);
    assert_eq!(good_and_bad(by_type(&[(SIGNATURE_TYPE, Quantifier::Any)], Quantifier::All)).await, verified);
    assert_eq!(good_and_bad(by_type(&[(SIGNATURE_TYPE, Quantifier::All)], Quantifier::Any)).await, refused);
}

#[tokio::test]
async fn a_listed_type_that_is_absent_is_not_satisfied() {
    let listed = [(SIGNATURE_TYPE, Quantifier::Any), (SBOM, Quantifier::Any)];
    let found = good_and_bad(by_type(&listed, Quantifier::All)).await;
    assert_eq!(found, (Verdict::Rejected, ReasonCode::RuleNotSatisfied));
}

#[tokio::test]
async fn nothing_at_all_is_unsigned_under_every_rule() {
    for rule in [
        by_type(&[], Quantifier::All),
        by_type(&[(SIGNATURE_TYPE, Quantifier::Any)], Quantifier::Any),
        at_least(1, vec![signatures("notation", 1)]),
    ] {
        let world = World::new().await;
        world.configure(Configuration::trusting(&[&world.signer]).rule(rule)).await;
        let image = world.by_digest(&world.push("app"));
        expect(&world.ask(&image).await, Verdict::Unsigned, ReasonCode::NoSignature);
    }
}

#[tokio::test]
async fn a_referrer_that_no_verifier_claims_is_invisible() {
    let world = World::new().await;
    world.configure(Configuration::trusting(&[&world.signer]).rule(by_type(&[], Quantifier::All))).await;
    let image = world.by_digest(&world.push_signed("app"));
    world.registry.attach_signature(REPOSITORY, &target("app").digest, SBOM, SBOM, b"{}");
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn two_of_three_named_signers_are_enough_where_two_are_asked_for() {
    let world = World::new().await;
    let [second, third] = [(); 2].map(|()| TestSigner::new(KeyKind::P256));
    let mut configuration = Configuration::trusting(&[&world.signer, &second, &third]);
    let roots: Vec<_> = configuration.roots.iter().map(|(name, _)| name.clone()).collect();
    let trust = |number: usize, name: &'static str| {
        let root = roots[number].clone();
        move |settings: &mut hallmark::verifier::NotationSettings| {
            settings.name = name.into();
            settings.trust_stores.values_mut().for_each(|sources| *sources = vec![root.clone()]);
        }
    };
    configuration = configuration
        .change(trust(0, "release"))
        .and_verifier(trust(1, "security"))
        .and_verifier(trust(2, "audit"))
        .rule(at_least(2, vec![signatures("release", 1), signatures("security", 1), signatures("audit", 1)]));
    world.configure(configuration).await;
    let image = world.by_digest(&world.push_signed("app"));
    expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::RuleNotSatisfied);
    world.sign(&third, "app", &SignOptions::default());
    world.advance(31);
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert_eq!(world.engine().unique_signatures().0, 2, "both take a slot");
}

#[tokio::test]
async fn a_threshold_of_nothing_admits_nothing() {
    for rule in [at_least(0, Vec::new()), at_least(0, vec![signatures("notation", 0)])] {
        let world = World::new().await;
        world.configure(Configuration::trusting(&[&world.signer]).rule(rule)).await;
        let image = world.by_digest(&world.push("app"));
        assert!(!world.ask(&image).await.verdict().admits());
    }
}

#[tokio::test]
async fn a_repository_at_level_skip_is_not_required_without_any_request_under_every_rule() {
    for rule in [
        RuleSettings::OneValidSignature,
        by_type(&[], Quantifier::Any),
        by_type(&[(SIGNATURE_TYPE, Quantifier::Any)], Quantifier::All),
        at_least(1, vec![signatures("notation", 1)]),
    ] {
        let world = World::new().await;
        let skipping = Configuration::trusting(&[&world.signer])
            .change(|settings| settings.statements = vec![statement("*", Level::Skip)])
            .rule(rule);
        world.configure(skipping).await;
        let image = world.by_digest(&world.push("app"));
        let (outcome, requests) = world.ask_counted(&image).await;
        expect(&outcome, Verdict::NotRequired, ReasonCode::SkippedByPolicy);
        assert_eq!(requests, 0);
    }
}

#[tokio::test]
async fn a_skip_satisfies_only_its_own_verifiers_leaf() {
    let world = World::new().await;
    let both = Configuration::trusting(&[&world.signer])
        .and_verifier(|settings| {
            settings.name = "skipping".into();
            settings.statements = vec![statement("*", Level::Skip)];
        })
        .rule(at_least(2, vec![signatures("notation", 1), signatures("skipping", 1)]));
    world.configure(both).await;
    let unsigned = world.by_digest(&world.push("unsigned"));
    expect(&world.ask(&unsigned).await, Verdict::Unsigned, ReasonCode::NoSignature);
    let signed = world.by_digest(&world.push_signed("signed"));
    expect_verified(&world.ask(&signed).await);
}

#[tokio::test]
async fn an_image_that_no_policy_covers_is_rejected_without_any_request() {
    let world = World::new().await;
    let elsewhere = Configuration::trusting(&[&world.signer])
        .change(|settings| settings.statements = vec![statement("registry.example/other", Level::Strict)]);
    world.configure(elsewhere).await;
    let image = world.by_digest(&world.push_signed("app"));
    let (outcome, requests) = world.ask_counted(&image).await;
    expect(&outcome, Verdict::Rejected, ReasonCode::NoApplicablePolicy);
    assert_eq!(requests, 0);
}

#[tokio::test]
async fn levels_permissive_and_audit_verify_with_what_was_only_logged() {
    for (level, is_authenticated) in [(Level::Permissive, true), (Level::Audit, false)] {
        let world = World::new().await;
        let signer = if is_authenticated { &world.signer } else { &TestSigner::new(KeyKind::P256) };
        let configuration = Configuration::trusting(&[&world.signer])
            .change(|settings| settings.statements = vec![statement("*", level)]);
        world.configure(configuration).await;
        let image = world.by_digest(&world.push("app"));
        let expiry = Some("2026-02-01T00:00:00Z".to_owned());
        world.sign(signer, "app", &SignOptions { expiry, ..SignOptions::default() });
        let outcome = world.ask(&image).await;
        expect_verified(&outcome);
        let report = &outcome.signatures[0];
        assert_eq!(report.signer.is_some(), is_authenticated);
        assert!(report.logged_failures().count() > 0);
    }
}

#[tokio::test]
async fn a_refused_policy_leaves_everything_undecided_and_never_brings_the_default_back() {
    let world = World::new().await;
    let refused = RuleSettings::Refused { name: "policy".into(), reason: "rego is not supported".into() };
    world.configure(Configuration::trusting(&[&world.signer]).rule(refused)).await;
    let image = world.by_digest(&world.push_signed("app"));
    let (outcome, requests) = world.ask_counted(&image).await;
    expect(&outcome, Verdict::Inconclusive, ReasonCode::ConfigInvalid);
    assert_eq!(requests, 0);
}

#[tokio::test]
async fn a_refused_verifier_leaves_undecided_what_it_could_have_vetoed_and_nothing_else() {
    let cases = [
        // It can only add under the default rule.
        (RuleSettings::OneValidSignature, true, Verdict::Verified),
        (RuleSettings::OneValidSignature, false, Verdict::Verified),
        // A listed type.
        (by_type(&[(SBOM, Quantifier::Any)], Quantifier::Any), false, Verdict::Inconclusive),
        // A type that is seen.
        (by_type(&[], Quantifier::Any), true, Verdict::Inconclusive),
        (by_type(&[], Quantifier::Any), false, Verdict::Verified),
        (by_type(&[], Quantifier::All), true, Verdict::Inconclusive),
        // A part of a threshold.
        (at_least(2, vec![signatures("notation", 1), signatures("sbom", 1)]), false, Verdict::Inconclusive),
        (at_least(1, vec![signatures("notation", 1), signatures("sbom", 1)]), false, Verdict::Verified),
    ];
    for (number, (rule, has_sbom, verdict)) in cases.into_iter().enumerate() {
        let world = World::new().await;
        let image = world.by_digest(&world.push_signed("app"));
        if has_sbom {
            world.registry.attach_signature(REPOSITORY, &target("app").digest, SBOM, SBOM, b"{}");
        }
        let configuration = Configuration::trusting(&[&world.signer]).and_refused("sbom", SBOM).rule(rule);
        world.configure(configuration).await;
        let outcome = world.ask(&image).await;
        assert_eq!(outcome.verdict(), verdict, "case {number}: {outcome:#?}");
        if verdict == Verdict::Inconclusive {
            assert_eq!(outcome.reason.code, ReasonCode::ConfigInvalid);
        }
    }
}

#[tokio::test]
async fn an_unsigned_image_is_undecided_where_a_refused_verifier_may_have_what_is_missing() {
    let world = World::new().await;
    let image = world.by_digest(&world.push("app"));
    world.registry.attach_signature(REPOSITORY, &target("app").digest, SBOM, SBOM, b"{}");
    world.configure(Configuration::trusting(&[&world.signer]).and_refused("sbom", SBOM)).await;
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::ConfigInvalid);
}

#[tokio::test]
async fn a_refused_store_leaves_everything_undecided_that_must_be_read() {
    let world = World::new().await;
    let mut configuration = Configuration::trusting(&[&world.signer]);
    configuration.stores = vec![StoreSettings {
        ca_pem: None,
        name: "store-oras".into(),
        plain_http: true,
        credentials: hallmark::engine::settings::CredentialSettings::Anonymous,
        cosign_tags: false,
        referrers_ttl: None,
        refused: Some("its authProvider is not supported".into()),
    }];
    world.configure(configuration).await;
    let image = world.by_digest(&world.push_signed("app"));
    let (outcome, requests) = world.ask_counted(&image).await;
    expect(&outcome, Verdict::Inconclusive, ReasonCode::ConfigInvalid);
    assert_eq!(requests, 0);
}

#[tokio::test]
async fn no_verifier_and_no_plan_are_undecided() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    let mut nothing = Configuration::trusting(&[]);
    nothing.verifiers.clear();
    world.configure(nothing).await;
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::ConfigInvalid);
    let bench = super::world::Bench::new(hallmark::engine::EngineSettings::default());
    assert!(!bench.engine.is_ready());
    let question = hallmark::engine::Question::cluster(&image);
    let outcome = bench.engine.ask(question, super::world::PATIENCE).await.outcome;
    expect(&outcome, Verdict::Inconclusive, ReasonCode::NotReady);
}

#[tokio::test]
async fn a_trust_store_that_could_not_be_read_is_undecided() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    let mut configuration = Configuration::trusting(&[&world.signer]);
    configuration.roots = vec![];
    world.configure(configuration).await;
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::KeySourceUnavailable);
}
