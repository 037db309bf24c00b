//! What a tenant can do to itself, and cannot do to others.

use serde_json::json;

use crate::support::configuration::aks_shaped;
use crate::support::signer::{KeyKind, TestSigner};
use crate::wait::PATIENCE;
use crate::world::{VERIFICATION, World};

/// A tenant adds an anchor of its own. Where the cluster's Verifier is mandatory, that admits nothing; and it is
/// nobody else's anchor.
pub async fn mandatory_baseline(world: &mut World) {
    let tenant = TestSigner::new(KeyKind::P256);
    let image = world.images.signed("tenant/app", &tenant);
    let both = world.images.signed("tenant/both", &tenant);
    world.images.sign("tenant/both", &world.signer);
    let (of_tenant, of_other) = (format!("[tenant]{image}"), format!("[neighbour]{image}"));
    for namespace in ["tenant", "neighbour"] {
        world.namespace(namespace).await;
    }
    world.trust(&of_namespace("tenant", &tenant.root_pem()));
    world.verdict_becomes(&of_tenant, "verified", PATIENCE).await;
    assert_eq!(world.verdict(&of_other).await["verdict"], "rejected");
    assert_eq!(world.verdict(&image).await["verdict"], "rejected");

    world
        .cluster
        .kubectl
        .run(&["annotate", "verifier", "verifier-notary-inline", "hallmark.io/mandatory=true"])
        .ok();
    world.verdict_becomes(&of_tenant, "rejected", PATIENCE).await;
    assert_eq!(world.verdict(&format!("[tenant]{both}")).await["verdict"], "verified");
    world
        .cluster
        .kubectl
        .run(&["annotate", "verifier", "verifier-notary-inline", "hallmark.io/mandatory-"])
        .ok();
}

/// A CertificateStore of a tenant's, under the name that the cluster's Verifier asks for, is not the cluster's.
pub async fn certificate_store_of_a_tenant(world: &mut World) {
    let tenant = TestSigner::new(KeyKind::P256);
    let (image, trusted) = (
        world.images.signed("injected/app", &tenant),
        world.images.signed("injected/trusted", &world.signer),
    );
    world.namespace("tenant").await;
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
    world.trust(&of_namespace("tenant", &tenant.root_pem()));
    world.metric_passes("hallmark_plan_generation", generation).await;
    world.verdict_becomes(&format!("[tenant]{image}"), "verified", PATIENCE).await;
    assert_eq!(world.verdict(&image).await["verdict"], "rejected");
    assert_eq!(world.verdict(&trusted).await["verdict"], "verified");
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

/// An image that names another namespace's configuration is refused before anybody is asked.
pub async fn image_with_a_namespace(world: &mut World) {
    let image = world.images.signed("borrowed/app", &world.signer);
    world.namespace("borrowed").await;
    world.constraint(VERIFICATION, "borrowed", "deny", &["borrowed"], json!({})).await;
    let answer = world.create_pod("borrowed", "app", &[&format!("[other]{image}")]).await;
    assert!(answer.denied().contains("[borrowed]"), "{answer}");
    assert!(answer.denied().contains("IMAGE_WITH_NAMESPACE"), "{answer}");
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
