//! Ratify 2's Executors, applied by `kubectl`, and who decides about which image.

use crate::support::signer::{KeyKind, TestSigner};
use crate::world::{VERIFICATION, World};

const NAMESPACED: &str = "HallmarkImageVerificationNamespaced";

/// An image in the scope of an Executor is decided by it alone, any other by the resources of version 1.
pub async fn executor_in_its_scope(world: &mut World) {
    let own = TestSigner::new(KeyKind::P384);
    for (name, signer) in [("own", &own), ("cluster", &world.signer)] {
        world.images.signed(&format!("scoped/{name}"), signer);
        world.images.signed(&format!("elsewhere/{name}"), signer);
    }
    world.images.unsigned("scoped/unsigned");
    world.namespace("executor").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["executor"], serde_json::json!({})).await;
    world.becomes_denied("executor", "scoped/own", "UNTRUSTED_SIGNER").await;
    world.becomes_admitted("executor", "scoped/cluster").await;

    let scopes: Vec<String> = ["own", "cluster", "unsigned"].map(|name| format!("scoped/{name}")).into();
    let said = world.cluster.kubectl.apply(&executor(world, "scoped", None, &scopes, &own)).ok();
    assert_eq!(said, "executor.config.ratify.sh/scoped created\n");
    world.status_says("Executor", "scoped", "True", "").await;
    world.becomes_admitted("executor", "scoped/own").await;
    world.becomes_denied("executor", "scoped/cluster", "UNTRUSTED_SIGNER").await;
    world.becomes_denied("executor", "scoped/unsigned", "NO_SIGNATURE").await;
    world.becomes_admitted("executor", "elsewhere/cluster").await;
    world.becomes_denied("executor", "elsewhere/own", "UNTRUSTED_SIGNER").await;
    let columns = world.cluster.kubectl.run(&["get", "executors"]).ok();
    assert!(columns.lines().any(|line| line.starts_with("scoped ") && line.contains("true")), "{columns}");

    world.cluster.kubectl.run(&["delete", "executor", "scoped"]).ok();
    world.becomes_admitted("executor", "scoped/cluster").await;
    world.becomes_denied("executor", "scoped/own", "UNTRUSTED_SIGNER").await;
}

/// One of a namespace decides there, and nowhere else.
pub async fn executor_of_a_namespace(world: &mut World) {
    let own = TestSigner::new(KeyKind::P256);
    world.images.signed("tenants/own", &own);
    world.images.signed("tenants/cluster", &world.signer);
    world.template("image-verification-namespaced", NAMESPACED).await;
    for namespace in ["executor-own", "executor-other"] {
        world.namespace(namespace).await;
    }
    let namespaces = ["executor-own", "executor-other"];
    world.constraint(NAMESPACED, "signed-images", "deny", &namespaces, serde_json::json!({})).await;
    let scopes: Vec<String> = ["own", "cluster"].map(|name| format!("tenants/{name}")).into();
    world.trust(&executor(world, "own", Some("executor-own"), &scopes, &own));
    world.status_says_in("NamespacedExecutor", "executor-own", "own", "True", "").await;
    world.becomes_admitted("executor-own", "tenants/own").await;
    world.becomes_denied("executor-own", "tenants/cluster", "UNTRUSTED_SIGNER").await;
    world.becomes_denied("executor-other", "tenants/own", "UNTRUSTED_SIGNER").await;
    world.becomes_admitted("executor-other", "tenants/cluster").await;
}

/// A scope within another's is said in status; one that two claim refuses both, and its images are undecided.
pub async fn executors_that_overlap(world: &mut World) {
    let own = TestSigner::new(KeyKind::P256);
    world.images.signed("overlap/app", &own);
    world.namespace("overlap").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["overlap"], serde_json::json!({})).await;
    let narrow = ["overlap/app".to_owned()];
    world.trust(&executor(world, "wide", None, &[], &world.signer));
    world.trust(&executor(world, "narrow", None, &narrow, &own));
    world
        .status_says(
            "Executor",
            "narrow",
            "True",
            "decides in the place of Executor wide where their scopes overlap",
        )
        .await;
    world.becomes_admitted("overlap", "overlap/app").await;

    world.trust(&executor(world, "second", None, &narrow, &world.signer));
    for name in ["narrow", "second"] {
        let said = "is claimed by Executor narrow and Executor second, and none of them is in force";
        world.status_says("Executor", name, "False", said).await;
    }
    world.becomes_denied("overlap", "overlap/app", "CONFIG_INVALID").await;
    world.cluster.kubectl.run(&["delete", "executor", "second"]).ok();
    world.status_says("Executor", "narrow", "True", "").await;
    world.becomes_admitted("overlap", "overlap/app").await;
}

/// An Executor as Ratify 2's chart writes it, for repositories of the registry, or for all of it.
fn executor(
    world: &World,
    name: &str,
    namespace: Option<&str>,
    repositories: &[String],
    signer: &TestSigner,
) -> String {
    let host = world.images.registry.host();
    let mut scopes: Vec<String> =
        repositories.iter().map(|repository| format!("{host}/{repository}")).collect();
    if scopes.is_empty() {
        scopes.push(host.to_owned());
    }
    let kind = if namespace.is_some() { "NamespacedExecutor" } else { "Executor" };
    let namespace = namespace.map(|namespace| format!("\n  namespace: {namespace}")).unwrap_or_default();
    let certs: String = signer.root_pem().lines().map(|line| format!("                {line}\n")).collect();
    format!(
        "apiVersion: config.ratify.sh/v2alpha1
kind: {kind}
metadata:
  name: {name}{namespace}
spec:
  scopes: {scopes:?}
  verifiers:
    - name: notation-1
      type: notation
      parameters:
        scopes: {scopes:?}
        trustedIdentities: [\"*\"]
        certificates:
          - type: ca
            inline:
              certs: |
{certs}  stores:
    - type: registry-store
      parameters:
        plainHttp: true
        credential:
          provider: static
  policyEnforcer:
    type: threshold-policy
    parameters:
      policy:
        rules:
          - verifierName: notation-1
"
    )
}
