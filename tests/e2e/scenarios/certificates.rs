//! Certificates and authorities that change while Pods are created.

use serde_json::json;

use crate::load::Load;
use crate::pki::Authority;
use crate::wait::{PATIENCE, until};
use crate::world::{VERIFICATION, World};

/// Gatekeeper gets another authority and certificate: it first trusts both, then shows the new one, then trusts
/// the new one alone. Hallmark follows the webhook's caBundle, and no Pod notices.
pub async fn gatekeepers_authority_rotated(world: &mut World) {
    let load = prepared(world, "gatekeeper-rotation").await;
    let api = world.api().clone();
    let next = Authority::new("gatekeeper-ca-2", "gatekeeper");
    let ((), outcomes) = load
        .during(&api, async {
            let old = world.gatekeeper.ca().to_owned();
            world.gatekeeper.trust_in_webhooks(&world.cluster, &format!("{old}{}", next.pem));
            world.gatekeeper.show_certificate_of(next).await;
            let new = world.gatekeeper.ca().to_owned();
            world.gatekeeper.trust_in_webhooks(&world.cluster, &new);
        })
        .await;
    outcomes.assert_nothing_failed();

    // Gatekeeper shows the new certificate on new connections.
    world.service.cut();
    let image = world.images.signed("gatekeeper-rotation/after", &world.signer);
    until("Hallmark lets the new certificate in", PATIENCE, || async {
        let answer = world.create_pod("gatekeeper-rotation", "after", &[&image]).await;
        if answer.is_success() { Ok(()) } else { Err(answer) }
    })
    .await;
}

/// The Secret of Hallmark's authority is deleted: it is there again, with the same authority, and no Pod notices.
pub async fn authority_secret_deleted(world: &mut World) {
    let path = "/api/v1/namespaces/hallmark-system/secrets/hallmark-authority";
    let load = prepared(world, "authority-deleted").await;
    let bundle = world.ca_bundle("hallmark").await;
    let api = world.api().clone();
    let ((), outcomes) = load
        .during(&api, async {
            let before = api.get(path).await.admitted().body["metadata"]["uid"].clone();
            api.delete(path).await.admitted();
            until("the Secret is there again", PATIENCE, || async {
                let answer = api.get(path).await;
                if answer.is_success() && answer.body["metadata"]["uid"] != before {
                    Ok(())
                } else {
                    Err(answer)
                }
            })
            .await;
        })
        .await;
    outcomes.assert_nothing_failed();
    assert_eq!(world.ca_bundle("hallmark").await, bundle);
    // A replica that starts now has its certificate from there.
    let second = world.replica("hallmark-after-deletion").await;
    second.ready().await;
    world.service.set(&[second.address()]);
    world.service.cut();
    let image = world.images.signed("authority-deleted/after", &world.signer);
    world.create_pod("authority-deleted", "after", &[&image]).await.admitted();
}

async fn prepared(world: &mut World, namespace: &str) -> Load {
    world.namespace(namespace).await;
    world.constraint(VERIFICATION, namespace, "deny", &[namespace], json!({})).await;
    Load::new(&world.images, namespace, &world.signer)
}
