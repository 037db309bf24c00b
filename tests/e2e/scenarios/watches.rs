//! Watches whose resource version has expired.

use serde_json::json;

use crate::service::Service;
use crate::support::configuration::resources;
use crate::support::signer::{KeyKind, TestSigner};
use crate::wait::{PATIENCE, until};
use crate::world::{VERIFICATION, World};

/// Hallmark is cut off from the API while resources and a Secret are changed and deleted, etcd is compacted and the
/// API server started anew, so that nobody can tell Hallmark what it missed. It lists everything again and finds all
/// of it; until then it decides by what it knew.
pub async fn expired_resource_versions(world: &mut World) {
    let signers = ["edited", "edited-after", "deleted", "secret", "secret-after"]
        .map(|name| (name, TestSigner::new(KeyKind::P256)));
    let root = |name: &str| {
        let (_, signer) = signers.iter().find(|(known, _)| *known == name).expect("a signer");
        signer.root_pem()
    };
    for (name, signer) in &signers {
        world.images.signed(&format!("expired/{name}"), signer);
    }
    world.namespace("expired").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["expired"], json!({})).await;
    // A key source of a Secret, which is followed by its name, beside two that are written into resources.
    secret(world, &root("secret"));
    world
        .cluster
        .kubectl
        .run(&[
            "create",
            "role",
            "anchors",
            "-n",
            "hallmark-system",
            "--verb=get,list,watch",
            "--resource=secrets",
            "--resource-name=anchors",
        ])
        .ok();
    world
        .cluster
        .kubectl
        .run(&[
            "create",
            "rolebinding",
            "anchors",
            "-n",
            "hallmark-system",
            "--role=anchors",
            "--serviceaccount=hallmark-system:hallmark",
        ])
        .ok();
    world.trust(
        "apiVersion: config.ratify.deislabs.io/v1beta1
kind: KeyManagementProvider
metadata: {name: anchors}
spec: {type: secret, parameters: {name: anchors, key: ca.crt, contentType: certificate}}
",
    );
    let anchors = |edited: &str, deleted: Option<&str>| {
        let mut sources = vec![("certstore-inline", edited.to_owned())];
        sources.extend(deleted.map(|root| ("deleted", root.to_owned())));
        let sources: Vec<(&str, &str)> = sources.iter().map(|(name, root)| (*name, root.as_str())).collect();
        resources(&sources, true)
            .replace("          - certstore-inline\n", "          - certstore-inline\n          - anchors\n")
    };
    world.trust(&anchors(&root("edited"), Some(&root("deleted"))));

    let way = Service::start().await;
    way.set(&[&world.cluster.address()]);
    let port = way.address().rsplit_once(':').expect("a port").1.parse().expect("a port");
    let far = world.far_replica("hallmark-far", port).await;
    far.ready().await;
    world.service.set(&[far.address()]);
    world.service.cut();
    for name in ["edited", "deleted", "secret"] {
        world.becomes_admitted("expired", &format!("expired/{name}")).await;
    }

    way.set(&[]);
    way.cut();
    world.trust(&anchors(&root("edited-after"), None));
    world.cluster.kubectl.run(&["delete", "keymanagementprovider", "deleted"]).ok();
    secret(world, &root("secret-after"));
    world.cluster.compact().await;
    world.cluster.stop_api_server();
    world.cluster.start_api_server().await;
    // Cut off, it goes on deciding by what it knew.
    for name in ["edited", "deleted", "secret"] {
        world.becomes_admitted("expired", &format!("expired/{name}")).await;
    }
    assert!(far.logged("is too old").is_empty(), "it cannot know yet");

    way.set(&[&world.cluster.address()]);
    until("watches are told that what they know has expired", PATIENCE, || async {
        let said = far.logged("what was known is too old and is listed anew").len();
        if said > 0 { Ok(()) } else { Err(format!("{:?}", far.logged("").last())) }
    })
    .await;
    for name in ["edited-after", "secret-after"] {
        world.becomes_admitted("expired", &format!("expired/{name}")).await;
    }
    for name in ["edited", "deleted", "secret"] {
        world.becomes_denied("expired", &format!("expired/{name}"), "UNTRUSTED_SIGNER").await;
    }
    let (status, said) = far.health("/readyz").await;
    assert_eq!(status, 200, "{said}");
}

fn secret(world: &World, root: &str) {
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "anchors", "namespace": "hallmark-system"},
        "stringData": {"ca.crt": root},
    });
    world.cluster.kubectl.apply(&secret.to_string()).ok();
}
