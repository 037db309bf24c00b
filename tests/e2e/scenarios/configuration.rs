//! What to trust, given and changed by `kubectl`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chart::project;
use crate::kubectl::list;
use crate::support::configuration::{aks_shaped, with_certificate};
use crate::support::signer::{KeyKind, TestSigner};
use crate::wait::{PATIENCE, until};
use crate::world::{VERIFICATION, World};

/// How soon Hallmark's answers follow a change.
const FOLLOWS: Duration = Duration::from_secs(5);

/// Both editions of the AKS guide's YAML by `kubectl apply`, and what `kubectl get` says of them.
pub async fn aks_examples(world: &mut World) {
    let own = TestSigner::new(KeyKind::Rsa(2048));
    let image = world.images.signed("aks/app", &own);
    let unsigned = world.images.unsigned("aks/unsigned");
    for (edition, kind) in [
        ("aks-certificate-store", "CertificateStore"),
        ("aks-key-management-provider", "KeyManagementProvider"),
    ] {
        let text = aks_example(edition, kind, &world.signer.root_pem());
        world
            .cluster
            .kubectl
            .run(&["delete", "keymanagementprovider", "certstore-inline", "--ignore-not-found"])
            .ok();
        let said = world.cluster.kubectl.apply(&text).ok();
        assert!(said.contains("certstore-inline created"), "{said}");
        if kind == "CertificateStore" {
            world.status_says_in(kind, "default", "certstore-inline", "True", "").await;
        } else {
            world.status_says(kind, "certstore-inline", "True", "").await;
        }
        let columns = world.cluster.kubectl.run(&["get", "ratify"]).ok();
        let line = |name: &str| columns.lines().find(|line| line.contains(name)).map(str::to_owned);
        assert!(
            columns.lines().any(|line| line.starts_with("NAME") && line.contains("ISSUCCESS")),
            "{columns}"
        );
        for name in ["certstore-inline", "store-oras", "verifier-notary-inline"] {
            assert!(line(name).is_some_and(|line| line.contains("true")), "{name} in {columns}");
        }
        // The certificate of the guide has signed nothing here.
        world.verdict_becomes(&image, "rejected", FOLLOWS).await;
        assert_eq!(world.verdict(&unsigned).await["verdict"], "unsigned");
        // With the certificate exchanged, as the guide says to do.
        world.trust(&with_certificate(&text, &own.root_pem()));
        world.verdict_becomes(&image, "verified", FOLLOWS).await;
        world.cluster.kubectl.run(&["delete", &kind.to_lowercase(), "certstore-inline"]).ok();
    }
}

/// A Verifier that names what is not there is not in force, says so in its status, and is in force once the
/// provider comes: the order of `kubectl apply` does not matter in the end.
pub async fn dangling_reference(world: &mut World) {
    let next = TestSigner::new(KeyKind::P256);
    let image = world.images.signed("dangling/app", &next);
    let trusted = aks_shaped(&world.signer.root_pem(), true);
    world.trust(&trusted.replace("          - certstore-inline", "          - later"));
    world.status_says("Verifier", "verifier-notary-inline", "False", "later").await;
    let columns = world.cluster.kubectl.run(&["get", "verifier", "verifier-notary-inline"]).ok();
    assert!(columns.contains("false") && columns.contains("there is no KeyManagementProvider"), "{columns}");
    // What serves meanwhile is the last good version.
    assert_eq!(world.verdict(&image).await["verdict"], "rejected");

    world.trust(
        &aks_shaped(&next.root_pem(), true)
            .replace("name: certstore-inline", "name: later")
            .replace("          - certstore-inline", "          - later"),
    );
    world.status_says("Verifier", "verifier-notary-inline", "True", "").await;
    world.verdict_becomes(&image, "verified", PATIENCE).await;
}

/// The example as it is where it is beside the checkout, else one of its shape.
fn aks_example(edition: &str, kind: &str, some_root: &str) -> String {
    match std::fs::read_to_string(project("../shared/examples").join(format!("{edition}.yaml"))) {
        Ok(text) => text,
        Err(_) => aks_shaped(some_root, false)
            .replace("kind: KeyManagementProvider", &format!("kind: {kind}"))
            .replace("type: inline", "provider: inline")
            .replace("    contentType: certificate\n", ""),
    }
}

/// The key is exchanged in the resource: the old signer is refused and the new one admitted within five seconds,
/// and by Gatekeeper once it has forgotten the old answers.
pub async fn key_rotated(world: &mut World) {
    let next = TestSigner::new(KeyKind::P384);
    let (old, new) =
        (world.images.signed("rotated/old", &world.signer), world.images.signed("rotated/new", &next));
    world.namespace("rotated").await;
    world.constraint(VERIFICATION, "rotated", "deny", &["rotated"], json!({})).await;
    world.create_pod("rotated", "old", &[&old]).await.admitted();
    assert!(!world.create_pod("rotated", "new", &[&new]).await.is_success());

    let started = Instant::now();
    world.trust(&aks_shaped(&next.root_pem(), true));
    world.verdict_becomes(&old, "rejected", FOLLOWS).await;
    world.verdict_becomes(&new, "verified", FOLLOWS).await;
    println!("  Hallmark's answers followed after {:.2} s", started.elapsed().as_secs_f64());

    until("Gatekeeper has forgotten the old answers", PATIENCE, || async {
        let answer = world.create_pod("rotated", "old-again", &[&old]).await;
        if answer.is_success() {
            world.api().delete("/api/v1/namespaces/rotated/pods/old-again").await;
            return Err("still admitted");
        }
        assert!(answer.denied().contains("[rotated]"), "{answer}");
        Ok(())
    })
    .await;
    println!("  Gatekeeper's followed after {:.2} s", started.elapsed().as_secs_f64());
    until("the new image is admitted", PATIENCE, || async {
        let answer = world.create_pod("rotated", "new", &[&new]).await;
        if answer.is_success() { Ok(()) } else { Err(answer) }
    })
    .await;
}

/// A hundred resources at once are read as one or two changes.
pub async fn burst_of_changes(world: &mut World) {
    let next = TestSigner::new(KeyKind::P256);
    let image = world.images.signed("burst/app", &next);
    let before = world.metric("hallmark_plan_generation").await;
    let mut objects: Vec<Value> = (0..99)
        .map(|number| {
            json!({
                "apiVersion": "config.ratify.deislabs.io/v1beta1",
                "kind": "KeyManagementProvider",
                "metadata": {"name": format!("burst-{number}")},
                "spec": {"type": "inline", "parameters": {"contentType": "certificate", "value": next.root_pem()}},
            })
        })
        .collect();
    objects.push(json!({
        "apiVersion": "config.ratify.deislabs.io/v1beta1",
        "kind": "KeyManagementProvider",
        "metadata": {"name": "certstore-inline"},
        "spec": {"type": "inline", "parameters": {"contentType": "certificate", "value": next.root_pem()}},
    }));
    world
        .cluster
        .kubectl
        .run_with(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &list(&objects))
        .ok();
    world.verdict_becomes(&image, "verified", PATIENCE).await;
    let plans = world.metric("hallmark_plan_generation").await - before;
    println!("  100 changes made {plans} plans");
    assert!((1.0..=2.0).contains(&plans), "{plans} plans for 100 changes");
}

/// Hallmark keeps deciding by what it knows while the API server is away. A replica that starts then knows
/// nothing, is not ready, and says why.
pub async fn api_server_down(world: &mut World) {
    let (signed, unsigned) =
        (world.images.signed("outage/app", &world.signer), world.images.unsigned("outage/unsigned"));
    world.cluster.stop_api_server();
    assert_eq!(world.verdict(&signed).await["verdict"], "verified");
    assert_eq!(world.verdict(&unsigned).await["verdict"], "unsigned");

    let started = world.replica("hallmark-during-outage").await;
    let said = until("the new replica says why it is not ready", PATIENCE, || async {
        let (status, said) = started.health("/readyz").await;
        if status == 503 && said.contains("Kubernetes API") {
            Ok(said)
        } else {
            Err(format!("{status} {said}"))
        }
    })
    .await;
    println!("  /readyz said: {}", said.trim());

    world.cluster.start_api_server().await;
    started.ready().await;
    let next = TestSigner::new(KeyKind::P256);
    let image = world.images.signed("outage/next", &next);
    world.trust(&aks_shaped(&next.root_pem(), true));
    world.verdict_becomes(&image, "verified", PATIENCE).await;
}
