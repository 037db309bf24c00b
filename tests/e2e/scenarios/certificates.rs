//! Certificates and authorities that change while Pods are created.

use std::panic::AssertUnwindSafe;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use serde_json::json;

use super::chart_objects::others_are_served;
use super::guides::install_again;

use crate::api::Api;
use crate::hallmark_process::Hallmark;
use crate::load::Load;
use crate::pki::{Validity, authority_of_hallmark};
use crate::support::pki::{Authority, Pair};
use crate::wait::{PATIENCE, until};
use crate::world::{PROVIDERS, VERIFICATION, World, provider_path};

const DAY: i64 = 24 * 3600;

const AUTHORITY: &str = "/api/v1/namespaces/hallmark-system/secrets/hallmark-authority";

const END: &str = "-----END CERTIFICATE-----\n";

/// Names of a serving certificate that somebody else issued.
const SERVER: [&str; 2] = ["hallmark.hallmark-system", "127.0.0.1"];

/// Gatekeeper gets another authority and certificate: it first trusts both, then shows the new one, then trusts
/// the new one alone. Hallmark follows the webhook's caBundle, and no Pod notices.
pub async fn gatekeepers_authority_rotated(world: &mut World) {
    let load = prepared(world, "gatekeeper-rotation").await;
    let api = world.api().clone();
    let next = Authority::new("gatekeeper-ca-2", "gatekeeper");
    let former = world.gatekeeper.identity();
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

    // A Pod of Gatekeeper that still shows the former one is let in, also by a container that starts again.
    world.hallmark.process.kill();
    world.hallmark = world.replica("hallmark").await;
    world.service.set(&[world.hallmark.address()]);
    world.hallmark.ready().await;
    for identity in [former, world.gatekeeper.identity()] {
        assert_eq!(world.verdict_for(&identity, &image).await["verdict"], "verified");
    }
}

/// The Secret of Hallmark's authority is deleted: it is there again, with the same authority, and no Pod notices.
pub async fn authority_secret_deleted(world: &mut World) {
    let load = prepared(world, "authority-deleted").await;
    let bundle = world.ca_bundle("hallmark").await;
    let api = world.api().clone();
    let ((), outcomes) = load
        .during(&api, async {
            let before = api.get(AUTHORITY).await.admitted().body["metadata"]["uid"].clone();
            api.delete(AUTHORITY).await.admitted();
            until("the Secret is there again", PATIENCE, || async {
                let answer = api.get(AUTHORITY).await;
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

/// Hallmark's authority comes to the end of its time: the next one is announced, signs, and the old one goes. All
/// steps are due within seconds of each other, and two replicas take them while Pods are created.
pub async fn own_authority_renewed(world: &mut World) {
    let load = prepared(world, "authority-renewed").await;
    let second = world.replica("hallmark-second").await;
    second.ready().await;
    world.service.set(&[world.hallmark.address(), second.address()]);
    let api = world.api().clone();
    let old = authority_of_hallmark(Validity(-3640 * DAY, 7 * DAY + 20));
    let (next, outcomes) = load
        .during(&api, async {
            let secret = json!({"data": {"authority.pem": STANDARD.encode(&old)}});
            api.merge(AUTHORITY, &secret).await.admitted();
            let next = announced(world).await;
            for replica in [&world.hallmark, &second] {
                shows(replica, &next).await;
            }
            let api = api.clone();
            until("the next authority alone signs", PATIENCE, || async {
                let held = authority(&api).await;
                if held.starts_with(&next) { Ok(()) } else { Err(held) }
            })
            .await;
            next
        })
        .await;
    outcomes.assert_nothing_failed();
    let bundle = STANDARD.decode(world.ca_bundle("hallmark").await).expect("base64");
    let bundle = String::from_utf8(bundle).expect("PEM");
    for certificate in [next.as_str(), old.split_inclusive(END).next().expect("a certificate")] {
        assert!(bundle.contains(certificate), "old and new are trusted: {bundle}");
    }
    world.service.cut();
    let image = world.images.signed("authority-renewed/after", &world.signer);
    world.create_pod("authority-renewed", "after", &[&image]).await.admitted();
}

/// Waits until the next authority is announced in the Secret and in the Provider object; gives its certificate.
async fn announced(world: &World) -> String {
    until("the next authority is announced", PATIENCE, || async {
        let held = authority(world.api()).await;
        let blocks: Vec<&str> = held.split_inclusive(END).collect();
        let [_, next] = blocks[..] else { return Err(held.clone()) };
        let bundle = STANDARD.decode(world.ca_bundle("hallmark").await).expect("base64");
        let bundle = String::from_utf8(bundle).expect("PEM");
        if bundle.contains(next) { Ok(next.to_owned()) } else { Err(bundle) }
    })
    .await
}

/// What the Secret of the authority says that clients must trust.
async fn authority(api: &Api) -> String {
    let secret = api.get(AUTHORITY).await;
    let text = secret.body["data"]["ca.crt"].as_str().unwrap_or_default();
    String::from_utf8(STANDARD.decode(text).expect("base64")).expect("PEM")
}

/// Waits until a replica shows a certificate of an authority.
async fn shows(replica: &Hallmark, authority: &str) {
    let roots = reqwest::Certificate::from_pem(authority.as_bytes()).expect("PEM");
    until("a certificate of the new authority is shown", PATIENCE, || async {
        let client = reqwest::Client::builder().tls_certs_only([roots.clone()]).no_proxy().build();
        let url = format!("https://{}/verify", replica.address());
        match client.expect("client").get(url).send().await {
            // Without a client certificate it is hung up on, after it has shown its own.
            Err(error) if format!("{error:?}").contains("InvalidCertificate") => Err(format!("{error:?}")),
            _ => Ok(()),
        }
    })
    .await;
}

/// From a certificate of Hallmark's own to one of cert-manager, and its renewal with another authority. What
/// happens at one stroke in the cluster reaches two replicas one after the other; no Pod notices.
pub async fn cert_manager_renews(world: &mut World) {
    others_are_served(world).await;
    let renewed = AssertUnwindSafe(renew(world)).catch_unwind().await;
    install_again(world, renewed).await;
}

async fn renew(world: &mut World) {
    let load = prepared(world, "cert-manager").await;
    // Of one name, as an issuer's are: only the keys tell them apart.
    let [old, new] = [(); 2].map(|()| Authority::new("platform-ca", "platform"));
    let [first, second] = [&old, &new].map(|authority| authority.issue("hallmark", None, &SERVER));
    let api = world.api().clone();
    let clients = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "gatekeeper-authority"},
        "stringData": {"ca.crt": world.gatekeeper.ca()},
    });
    api.apply(&secret_path("gatekeeper-authority"), &clients).await.admitted();
    let ((), outcomes) = load
        .during(&api, async {
            issue(&api, &old, &first).await;
            world.upgrade(&[
                "certificates.mode=certManager".to_owned(),
                "certificates.certManager.issuerRef.name=platform".to_owned(),
                "clientAuth.mode=secret".to_owned(),
                "clientAuth.secret=hallmark-system/gatekeeper-authority".to_owned(),
            ]);
            let one = started(world, "hallmark-issued", &first).await;
            let late = started(world, "hallmark-late", &first).await;
            world.service.set(&[one.address(), late.address()]);
            let mut own = std::mem::replace(&mut world.hallmark, one);
            assert!(own.process.terminate().success(), "it ended in order");
            trusts(world, &old).await;

            issue(&api, &new, &second).await;
            // The mount of one is as fast as can be, the other's late.
            world.mount_certificate("hallmark-issued", &second);
            shows(&world.hallmark, &new.pem).await;
            trusts(world, &new).await;
            trusts(world, &old).await;
            world.mount_certificate("hallmark-late", &second);
            shows(&late, &new.pem).await;
            world.service.set(&[world.hallmark.address()]);
            assert!({ late }.process.terminate().success(), "it ended in order");
        })
        .await;
    outcomes.assert_nothing_failed();
    world.service.cut();
    let image = world.images.signed("cert-manager/after", &world.signer);
    world.create_pod("cert-manager", "after", &[&image]).await.admitted();
    let (_, metrics) = world.hallmark.health("/metrics").await;
    assert!(metrics.contains("hallmark_gatekeeper_provider_kept{provider=\"hallmark\"} 1"), "{metrics}");
}

/// A certificate that the operator brings, with Provider objects of the chart: its authority is replaced as the
/// guide says, and no Pod notices.
pub async fn provided_authority_replaced(world: &mut World) {
    let replaced = AssertUnwindSafe(replace(world)).catch_unwind().await;
    install_again(world, replaced).await;
}

async fn replace(world: &mut World) {
    let [old, new] = [(); 2].map(|()| Authority::new("our-ca", "ours"));
    let [first, second] = [&old, &new].map(|authority| authority.issue("hallmark", None, &SERVER));
    let file = world.folder.join("clients.crt");
    std::fs::write(&file, world.gatekeeper.ca()).expect("file");
    let values = |bundle: &str| {
        vec![
            "certificates.mode=provided".to_owned(),
            "certificates.provided.secret=ours".to_owned(),
            format!("certificates.provided.caBundle={}", STANDARD.encode(bundle)),
            "clientAuth.mode=file".to_owned(),
            format!("clientAuth.file={}", file.display()),
        ]
    };
    // The chart's own Provider objects take the place of Hallmark's.
    world.hallmark.process.kill();
    for provider in PROVIDERS {
        world.api().delete(&provider_path(provider)).await.admitted();
    }
    world.upgrade(&values(&old.pem));
    world.hallmark = started(world, "hallmark-provided", &first).await;
    world.service.set(&[world.hallmark.address()]);
    world.provider_is_known("hallmark").await;
    let load = prepared(world, "provided").await;
    let api = world.api().clone();
    let ((), outcomes) = load
        .during(&api, async {
            world.upgrade(&values(&format!("{}{}", old.pem, new.pem)));
            world.provider_is_known("hallmark").await;
            world.mount_certificate("hallmark-provided", &second);
            shows(&world.hallmark, &new.pem).await;
            world.upgrade(&values(&new.pem));
            world.provider_is_known("hallmark").await;
        })
        .await;
    outcomes.assert_nothing_failed();
    world.service.cut();
    let image = world.images.signed("provided/after", &world.signer);
    world.create_pod("provided", "after", &[&image]).await.admitted();
    let owner = &world.api().get(&provider_path("hallmark")).await.body["metadata"]["labels"];
    assert_eq!(owner["app.kubernetes.io/managed-by"], "Helm", "Hallmark left it alone");
}

/// What cert-manager does when it issues: authority, certificate and key at one stroke.
async fn issue(api: &Api, authority: &Authority, pair: &Pair) {
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "hallmark-tls"},
        "type": "kubernetes.io/tls",
        "stringData": {"ca.crt": authority.pem, "tls.crt": pair.certificate, "tls.key": pair.key},
    });
    api.apply(&secret_path("hallmark-tls"), &secret).await.admitted();
}

/// A replica with a mounted certificate, once it is ready.
async fn started(world: &World, name: &str, pair: &Pair) -> Hallmark {
    world.mount_certificate(name, pair);
    let replica = world.replica(name).await;
    replica.ready().await;
    replica
}

/// Waits until Gatekeeper is told to trust an authority.
async fn trusts(world: &World, authority: &Authority) {
    until("the Provider object has the authority", PATIENCE, || async {
        let bundle = STANDARD.decode(world.ca_bundle("hallmark").await).expect("base64");
        let bundle = String::from_utf8(bundle).expect("PEM");
        if bundle.contains(&authority.pem) { Ok(()) } else { Err(bundle) }
    })
    .await;
}

fn secret_path(name: &str) -> String {
    format!("/api/v1/namespaces/hallmark-system/secrets/{name}")
}

async fn prepared(world: &mut World, namespace: &str) -> Load {
    world.namespace(namespace).await;
    world.constraint(VERIFICATION, namespace, "deny", &[namespace], json!({})).await;
    Load::new(&world.images, namespace, &world.signer)
}
