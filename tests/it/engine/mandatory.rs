//! What the cluster demands in every namespace, over real signatures: a tenant adds, and removes nothing.

use hallmark::engine::settings::{RuleSettings, ThresholdRule};
use hallmark::outcome::{Evidence, ReasonCode, Verdict};
use hallmark::trust::policy::Level;
use hallmark::verifier::NotationSettings;

use super::world::{Configuration, World, expect, expect_verified, statement};
use crate::support::signer::{KeyKind, SignOptions, TestSigner};

const CLUSTERS: &str = "verifier-notation";

/// One signature by the name that tenants take too.
fn by_name() -> RuleSettings {
    let root = ThresholdRule::Signatures { verifier: "notation".into(), count: 1 };
    RuleSettings::Threshold { name: "baseline".into(), root, evidence: Evidence::First }
}

/// The cluster trusts one signer and the tenant another, by a verifier of the same name.
async fn tenancy(tenant: &TestSigner, change: impl FnOnce(Configuration) -> Configuration) -> World {
    let world = World::new().await;
    let cluster = Configuration::trusting(&[&world.signer]);
    let own = Configuration::trusting(&[&world.signer, tenant]);
    let tenants_root = own.roots[1].0.clone();
    let own = own
        .change(|settings| settings.trust_stores.values_mut().for_each(|roots| roots.truncate(1)))
        .and_verifier(move |settings: &mut NotationSettings| {
            settings.resource = "team/verifier-notation".into();
            settings.trust_stores.values_mut().for_each(|roots| *roots = vec![tenants_root.clone()]);
        });
    world.configure_namespaces(cluster, vec![("team", change(own))]).await;
    world
}

#[tokio::test]
async fn what_only_the_tenant_trusts_does_not_satisfy_what_is_mandatory() {
    let tenant = TestSigner::new(KeyKind::P256);
    for (mandatory, verdict) in [(false, Verdict::Verified), (true, Verdict::Rejected)] {
        let world =
            tenancy(&tenant, |own| if mandatory { own.demanding(by_name(), &[CLUSTERS]) } else { own }).await;
        let image = world.by_digest(&world.push("app"));
        world.sign(&tenant, "app", &SignOptions::default());
        let outcome = world.in_namespace("team", &image).await;
        assert_eq!(outcome.verdict(), verdict, "{:?}", outcome.reason);
        if mandatory {
            let message = &outcome.reason.message;
            assert!(message.starts_with("mandatory Policy baseline: "), "{message}");
            assert_eq!(&*outcome.policy.name, "default", "the namespace's rule");
            world.sign(&world.signer, "app", &SignOptions::default());
            world.advance(31);
            expect_verified(&world.in_namespace("team", &image).await);
        }
    }
}

#[tokio::test]
async fn a_mandatory_rule_is_part_of_what_identifies_the_policy() {
    let tenant = TestSigner::new(KeyKind::P256);
    let mut ids = Vec::new();
    for counted in [None, Some(CLUSTERS), Some("team/verifier-notation")] {
        let world = tenancy(&tenant, |own| match counted {
            Some(resource) => own.demanding(by_name(), &[resource]),
            None => own,
        })
        .await;
        let image = world.by_digest(&world.push("app"));
        ids.push(world.in_namespace("team", &image).await.policy.id.clone());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_refused_mandatory_rule_leaves_every_image_undecided_without_any_request() {
    let tenant = TestSigner::new(KeyKind::P256);
    let refused = RuleSettings::Refused { name: "baseline".into(), reason: "it is misspelt".to_owned() };
    let world = tenancy(&tenant, |own| own.demanding(refused, &[CLUSTERS])).await;
    let image = world.by_digest(&world.push_signed("app"));
    world.registry.clear_log();
    let outcome = world.in_namespace("team", &image).await;
    expect(&outcome, Verdict::Inconclusive, ReasonCode::ConfigInvalid);
    assert!(outcome.reason.message.contains("Policy baseline, which is mandatory"), "{:?}", outcome.reason);
    assert!(world.registry.log().is_empty());
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn a_tenants_skip_satisfies_nothing_that_is_mandatory() {
    let tenant = TestSigner::new(KeyKind::P256);
    let world = tenancy(&tenant, |mut own| {
        own.verifiers.reverse();
        own.change(|settings| settings.statements = vec![statement("*", Level::Skip)])
            .demanding(by_name(), &[CLUSTERS])
    })
    .await;
    let image = world.by_digest(&world.push("app"));
    expect(&world.in_namespace("team", &image).await, Verdict::Unsigned, ReasonCode::NoSignature);
}

#[tokio::test]
async fn an_image_that_no_mandatory_policy_covers_is_refused_without_any_request() {
    let tenant = TestSigner::new(KeyKind::P256);
    let world = tenancy(&tenant, |own| {
        own.change(|settings| settings.statements = vec![statement("registry.example/a", Level::Strict)])
            .demanding(by_name(), &[CLUSTERS])
    })
    .await;
    let image = world.by_digest(&world.push_signed("app"));
    world.registry.clear_log();
    let outcome = world.in_namespace("team", &image).await;
    expect(&outcome, Verdict::Rejected, ReasonCode::NoApplicablePolicy);
    assert!(outcome.reason.message.contains("of mandatory Policy baseline"), "{:?}", outcome.reason);
    assert!(world.registry.log().is_empty());
}
