//! Plans for some repositories: which one decides, and what stays mandatory.

use hallmark::engine::scope::Scope;
use hallmark::engine::settings::RuleSettings;
use hallmark::engine::{Plans, ScopedPlan};
use hallmark::outcome::{ReasonCode, Verdict};

use super::world::{Configuration, REPOSITORY, World, expect, expect_verified};
use crate::support::signer::{KeyKind, SignOptions, TestSigner};

/// Refuses everything, and says who does.
fn refusing(name: &str) -> Configuration {
    let rule = RuleSettings::Refused { name: name.into(), reason: "for the test".to_owned() };
    Configuration::trusting(&[]).rule(rule)
}

/// Puts plans in force: the cluster's, one namespace's, and those for scopes.
async fn configure(world: &World, scoped: Vec<(Option<&str>, &str, Configuration)>) {
    let mut plans: Plans = refusing("cluster").plan(world.store.clone()).await.into();
    plans.namespaces.insert("team".into(), refusing("team").plan(world.store.clone()).await);
    for (namespace, scope, configuration) in scoped {
        let scope = scope.replace("HOST", world.registry.host());
        plans.scoped.push(ScopedPlan {
            namespace: namespace.map(Into::into),
            scopes: vec![scope.parse().expect("scope")],
            plan: configuration.plan(world.store.clone()).await,
        });
    }
    world.engine().put_in_force(plans);
}

/// Who decides about an image of this repository, for a namespace.
async fn decides(world: &World, namespace: Option<&str>, repository: &str) -> String {
    let image = format!("{}/{repository}:v1", world.registry.host());
    let outcome = match namespace {
        Some(namespace) => world.in_namespace(namespace, &image).await,
        None => world.ask(&image).await,
    };
    expect(&outcome, Verdict::Inconclusive, ReasonCode::ConfigInvalid);
    outcome.policy.name.to_string()
}

#[tokio::test]
async fn the_namespaces_narrowest_decides_then_the_clusters_then_what_has_no_scope() {
    let world = World::new().await;
    let scoped = vec![
        (None, "HOST", refusing("wide")),
        (None, "HOST/team/app", refusing("narrow")),
        (Some("team"), "HOST/team/app", refusing("own")),
        (Some("other"), "elsewhere.example", refusing("elsewhere")),
    ];
    configure(&world, scoped).await;
    for (namespace, repository, expected) in [
        (None, "team/app", "narrow"),
        (None, "team/other", "wide"),
        (Some("team"), "team/app", "own"),
        (Some("team"), "team/other", "wide"),
        (Some("other"), "team/app", "narrow"),
        (Some("nobody"), "team/app", "narrow"),
    ] {
        let decided = decides(&world, namespace, repository).await;
        assert_eq!(decided, expected, "{namespace:?} {repository}");
    }
    configure(&world, vec![(Some("team"), "elsewhere.example", refusing("elsewhere"))]).await;
    for (namespace, expected) in [(None, "cluster"), (Some("team"), "team"), (Some("other"), "cluster")] {
        assert_eq!(decides(&world, namespace, "team/app").await, expected);
    }
}

#[tokio::test]
async fn a_tenants_executor_does_not_escape_what_is_mandatory_in_its_scope() {
    let world = World::new().await;
    let tenant = TestSigner::new(KeyKind::P256);
    let own = |scope: &str| {
        let roots = Configuration::trusting(&[&tenant, &world.signer]);
        let clusters_root = roots.roots[1].0.clone();
        let mut own = roots
            .change(|settings| {
                settings.resource = "NamespacedExecutor team/own verifier 0".into();
                settings.trust_stores.values_mut().for_each(|roots| roots.truncate(1));
            })
            .and_verifier(|settings| {
                settings.resource = "Executor base verifier 0".into();
                let roots = settings.trust_stores.values_mut();
                roots.for_each(|roots| *roots = vec![clusters_root.clone()]);
            })
            .demanding(RuleSettings::OneValidSignature, &["Executor base verifier 0"]);
        own.counted = Some(["NamespacedExecutor team/own verifier 0".into()].into());
        let scope = scope.replace("HOST", world.registry.host());
        own.mandatory[0].scopes = Some(vec![scope.parse::<Scope>().expect("scope")]);
        own
    };
    let image = world.by_digest(&world.push("app"));
    world.sign(&tenant, "app", &SignOptions::default());
    configure(&world, vec![(Some("team"), "HOST", own("elsewhere.example"))]).await;
    expect_verified(&world.in_namespace("team", &image).await);
    configure(&world, vec![(Some("team"), "HOST", own(&format!("HOST/{REPOSITORY}")))]).await;
    let outcome = world.in_namespace("team", &image).await;
    assert_eq!(outcome.verdict(), Verdict::Rejected);
    assert!(outcome.reason.message.contains("mandatory"), "{:?}", outcome.reason);
    world.sign(&world.signer, "app", &SignOptions::default());
    world.advance(31);
    expect_verified(&world.in_namespace("team", &image).await);
}
