//! What Gatekeeper does with unsigned and signed images under each enforcement action.

use serde_json::json;

use crate::support::cluster::pod;
use crate::world::{VERIFICATION, World};

pub async fn deny(world: &mut World) {
    let (signed, unsigned) =
        (world.images.signed("deny/signed", &world.signer), world.images.unsigned("deny/unsigned"));
    world.namespace("deny").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["deny"], json!({})).await;

    let said = world.cluster.kubectl.apply(&pod("deny", "unsigned", &[&unsigned]).to_string()).failed();
    assert!(
        said.contains("admission webhook \"validation.gatekeeper.sh\" denied the request: [signed-images]"),
        "{said}"
    );
    assert!(said.contains("NO_SIGNATURE"), "{said}");

    let said = world.cluster.kubectl.apply(&pod("deny", "signed", &[&signed]).to_string()).ok();
    assert_eq!(said, "pod/signed created\n");

    // One signed image does not admit another that is not.
    let answer = world.create_pod("deny", "both", &[&signed, &unsigned]).await;
    assert!(answer.denied().contains("NO_SIGNATURE"), "{answer}");
}

pub async fn warn(world: &mut World) {
    let unsigned = world.images.unsigned("warn/unsigned");
    world.namespace("warn").await;
    world.constraint(VERIFICATION, "signed-images", "warn", &["warn"], json!({})).await;

    let said = world.cluster.kubectl.apply(&pod("warn", "unsigned", &[&unsigned]).to_string());
    assert!(said.stderr.starts_with("Warning: [signed-images]"), "{said:?}");
    assert!(said.stderr.contains("NO_SIGNATURE"), "{said:?}");
    assert_eq!(said.ok(), "pod/unsigned created\n");
}

pub async fn dryrun_and_audit(world: &mut World) {
    let (signed, unsigned) =
        (world.images.signed("dryrun/signed", &world.signer), world.images.unsigned("dryrun/unsigned"));
    world.namespace("dryrun").await;
    world.constraint(VERIFICATION, "signed-images", "dryrun", &["dryrun"], json!({})).await;

    let said = world.cluster.kubectl.apply(&pod("dryrun", "unsigned", &[&unsigned]).to_string());
    assert_eq!(said.stderr, "", "dryrun says nothing to the author");
    assert_eq!(said.ok(), "pod/unsigned created\n");
    world.create_pod("dryrun", "signed", &[&signed]).await.admitted();

    let status = world.audited(VERIFICATION, "signed-images").await;
    assert_eq!(status["totalViolations"], 1, "{status}");
    let violation = &status["violations"][0];
    assert_eq!(violation["name"], "unsigned", "{status}");
    assert_eq!(violation["enforcementAction"], "dryrun", "{status}");
    assert!(
        violation["message"].as_str().is_some_and(|message| message.contains("NO_SIGNATURE")),
        "{status}"
    );
}
