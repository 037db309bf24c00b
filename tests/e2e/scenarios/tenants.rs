//! What a tenant can do to itself, and cannot do to others.

use serde_json::json;

use crate::support::configuration::aks_shaped;
use crate::support::signer::{KeyKind, TestSigner};
use crate::world::{VERIFICATION, World};

/// The kind of the template that asks for each namespace.
const NAMESPACED: &str = "HallmarkImageVerificationNamespaced";

/// A tenant adds an anchor of its own. Where the cluster's Verifier is mandatory, that admits nothing; and it is
/// nobody else's anchor.
pub async fn mandatory_baseline(world: &mut World) {
    let tenant = TestSigner::new(KeyKind::P256);
    world.images.signed("tenant/app", &tenant);
    world.images.signed("tenant/both", &tenant);
    world.images.sign("tenant/both", &world.signer);
    namespaces(world, "baseline").await;
    world.becomes_denied("tenant", "tenant/app", "UNTRUSTED_SIGNER").await;
    world.trust(&of_namespace("tenant", &tenant.root_pem()));
    world.becomes_admitted("tenant", "tenant/app").await;
    for namespace in ["neighbour", "cluster"] {
        world.becomes_denied(namespace, "tenant/app", "UNTRUSTED_SIGNER").await;
    }

    let kubectl = &world.cluster.kubectl;
    kubectl.run(&["annotate", "verifier", "verifier-notary-inline", "hallmark.io/mandatory=true"]).ok();
    world.becomes_denied("tenant", "tenant/app", "[baseline]").await;
    world.becomes_admitted("tenant", "tenant/both").await;
    // A Policy of its own that asks for nothing does not help it either.
    world.trust(
        "apiVersion: config.ratify.deislabs.io/v1beta1
kind: NamespacedPolicy
metadata: {name: ratify-policy, namespace: tenant}
spec:
  type: config-policy
  parameters: {artifactVerificationPolicies: {application/vnd.cncf.notary.signature: any}}
",
    );
    world.status_says_in("NamespacedPolicy", "tenant", "ratify-policy", "True", "").await;
    world.becomes_denied("tenant", "tenant/app", "[baseline]").await;
    kubectl.run(&["annotate", "verifier", "verifier-notary-inline", "hallmark.io/mandatory-"]).ok();
    world.becomes_admitted("tenant", "tenant/app").await;
}

/// A CertificateStore of a tenant's, under the name that the cluster's Verifier asks for, is not the cluster's.
pub async fn certificate_store_of_a_tenant(world: &mut World) {
    let tenant = TestSigner::new(KeyKind::P256);
    world.images.signed("injected/app", &tenant);
    world.images.signed("injected/trusted", &world.signer);
    namespaces(world, "injected").await;
    let generation = world.metric("hallmark_plan_generation").await;
    world.trust(
        &json!({
            "apiVersion": "config.ratify.deislabs.io/v1beta1",
            "kind": "CertificateStore",
            "metadata": {"name": "certstore-inline", "namespace": "tenant"},
            "spec": {"provider": "inline", "parameters": {"value": tenant.root_pem()}},
        })
        .to_string(),
    );
    // Another change is in force, so the store was read too.
    world.trust(&of_namespace("neighbour", &tenant.root_pem()));
    world.metric_passes("hallmark_plan_generation", generation).await;
    world.becomes_admitted("neighbour", "injected/app").await;
    for namespace in ["tenant", "cluster"] {
        let answer = world.try_repository(namespace, "injected/app").await;
        assert!(answer.denied().contains("UNTRUSTED_SIGNER"), "{answer}");
        world.try_repository(namespace, "injected/trusted").await.admitted();
    }
}

/// Namespaces `tenant` and `neighbour`, whose Pods are judged by their own configuration, and `cluster`, whose
/// Pods are by the cluster's.
async fn namespaces(world: &World, constraint: &str) {
    for namespace in ["tenant", "neighbour", "cluster"] {
        world.namespace(namespace).await;
    }
    world.template("image-verification-namespaced", NAMESPACED).await;
    world.constraint(NAMESPACED, constraint, "deny", &["tenant", "neighbour"], json!({})).await;
    world.constraint(VERIFICATION, constraint, "deny", &["cluster"], json!({})).await;
}

/// A tenant names another's Secret: its Store is refused and says so, and the Secret is not read.
pub async fn secret_of_another(world: &mut World) {
    for namespace in ["tenant", "neighbour"] {
        world.namespace(namespace).await;
    }
    let text = "apiVersion: config.ratify.deislabs.io/v1beta1
kind: NamespacedStore
metadata:
  name: greedy
  namespace: tenant
spec:
  name: oras
  parameters:
    authProvider:
      name: k8Secrets
      secrets:
        - secretName: pull
          namespace: neighbour
";
    world.trust(text);
    let said = "a resource of namespace tenant reads no Secret of another namespace";
    world.status_says_in("NamespacedStore", "tenant", "greedy", "False", said).await;
    // Nor may the process: its rights name no Secret but its own.
    let subject = "system:serviceaccount:hallmark-system:hallmark";
    for question in [["get", "secrets/pull"], ["list", "secrets"]] {
        let arguments = ["auth", "can-i", question[0], question[1], "--as", subject, "-n", "neighbour"];
        assert_eq!(world.cluster.kubectl.run(&arguments).stdout, "no\n", "{question:?}");
    }
}

/// An image that names another namespace's configuration is refused before anybody is asked, even where that
/// namespace trusts its signer.
pub async fn image_with_a_namespace(world: &mut World) {
    let tenant = TestSigner::new(KeyKind::P256);
    world.images.signed("borrowed/app", &tenant);
    namespaces(world, "borrowed").await;
    world.trust(&of_namespace("neighbour", &tenant.root_pem()));
    world.becomes_admitted("neighbour", "borrowed/app").await;
    let image = world.images.by_new_tag("borrowed/app");
    for namespace in ["tenant", "cluster"] {
        for prefix in ["[neighbour]", "[tenant][neighbour]", "[]"] {
            world.images.registry.clear_log();
            let answer = world.try_image(namespace, &format!("{prefix}{image}")).await;
            assert!(answer.denied().contains("[borrowed]"), "{answer}");
            assert!(answer.denied().contains("IMAGE_WITH_NAMESPACE"), "{answer}");
            assert!(world.images.registry.log().is_empty(), "somebody was asked");
        }
        world.becomes_denied(namespace, "borrowed/app", "UNTRUSTED_SIGNER").await;
    }
}

/// The AKS shape as a namespace's own resources.
fn of_namespace(namespace: &str, root_pem: &str) -> String {
    let metadata = format!("metadata:\n  namespace: {namespace}\n");
    let mut text = aks_shaped(root_pem, true).replace("metadata:\n", &metadata);
    for kind in ["KeyManagementProvider", "Store", "Verifier"] {
        text = text.replace(&format!("kind: {kind}\n"), &format!("kind: Namespaced{kind}\n"));
    }
    text.replace("name: certstore-inline", "name: own")
        .replace("          - certstore-inline", "          - own")
}
