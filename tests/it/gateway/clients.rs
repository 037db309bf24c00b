//! Gatekeeper's client certificate, by what its webhook configuration says, or a Secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{answers, cluster, metric, served, settings};
use crate::support::cluster::{Cluster, until};
use crate::support::pki::Authority;
use crate::support::program::Served;

const NAME: &str = "gatekeeper-webhook-service.gatekeeper-system.svc";

/// As cert-controller makes it: each new authority has the name of the former one.
struct Gatekeeper {
    authority: String,
    /// Certificate and key.
    identity: String,
}

impl Gatekeeper {
    fn new(san: &str) -> Self {
        let authority = Authority::new("gatekeeper-ca", "gatekeeper");
        let pair = authority.issue(san, None, &[san]);
        Self { authority: authority.pem, identity: format!("{}{}", pair.certificate, pair.key) }
    }
}

fn configure(cluster: &Cluster, bundle: &str, timeout: u32) {
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "gatekeeper-validating-webhook-configuration"},
        "webhooks": [{
            "name": "validation.gatekeeper.sh",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Ignore",
            "timeoutSeconds": timeout,
            "clientConfig": {"url": "https://127.0.0.1:1/v1/admit", "caBundle": STANDARD.encode(bundle)},
            "rules": [{
                "apiGroups": ["nothing.example"], "apiVersions": ["*"], "operations": ["CREATE"],
                "resources": ["nothings"],
            }],
        }],
    });
    cluster.apply(&configuration.to_string());
}

async fn is_let_in(served: &Served, gatekeeper: &Gatekeeper) {
    until("the client is let in", || async {
        let bundle = std::fs::read_to_string(served.ca()).expect("CA");
        answers(served, &bundle, Some(&gatekeeper.identity)).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gatekeepers_authority_is_followed_and_the_former_one_counts_on() {
    let cluster = cluster().await;
    let folder = tempfile::tempdir().expect("folder");
    let san = format!("--client-san={NAME}");
    let arguments = ["--gatekeeper-client-ca=webhook", &san];
    let served = served(&cluster, &settings(&folder, &["hallmark"], false), &arguments);
    until("it says what is missing", || async {
        let (status, text) = served.health("/readyz").await;
        let names = "gatekeeper-validating-webhook-configuration is not there";
        if status == 503 && text.contains(names) { Ok(()) } else { Err(text) }
    })
    .await;
    let (one, next, stranger) = (Gatekeeper::new(NAME), Gatekeeper::new(NAME), Gatekeeper::new("x.svc"));

    configure(&cluster, &one.authority, 2);
    is_let_in(&served, &one).await;
    until("ready", || async {
        let (status, text) = served.health("/readyz").await;
        if status == 200 { Ok(()) } else { Err(text) }
    })
    .await;
    let bundle = std::fs::read_to_string(served.ca()).expect("CA");
    answers(&served, &bundle, None).await.expect_err("a client without a certificate");
    answers(&served, &bundle, Some(&next.identity)).await.expect_err("another authority");
    served.wait_for("no longer than this server's own deadline of 2500 ms");
    served.wait_for("failurePolicy Ignore");
    let short = "hallmark_gatekeeper_webhook_timeout_too_short{webhook=\"validating\"}";
    assert_eq!(metric(&served, short).await.as_deref(), Some("1"));

    configure(&cluster, &next.authority, 3);
    is_let_in(&served, &next).await;
    is_let_in(&served, &one).await;
    assert_eq!(metric(&served, short).await.as_deref(), Some("0"));
    configure(&cluster, "", 3);
    served.wait_for("has no caBundle yet");
    is_let_in(&served, &next).await;

    // One of the right authority with another name.
    configure(&cluster, &stranger.authority, 3);
    served.wait_for("the authorities of Gatekeeper's client certificate changed");
    served.wait_for("an authority vouches for clients");
    let refused = answers(&served, &bundle, Some(&stranger.identity)).await;
    refused.expect_err("a client of another name");
}

const SECRET: &str = "secret/gatekeeper-authority";

fn put(cluster: &Cluster, authorities: &str) {
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "gatekeeper-authority", "namespace": "hallmark-system"},
        "stringData": {"ca.crt": authorities},
    });
    cluster.apply(&secret.to_string());
}

async fn ready_says(served: &Served, wanted: u16, words: &str) {
    until(words, || async {
        let (status, text) = served.health("/readyz").await;
        if status == wanted && text.contains(words) { Ok(()) } else { Err(format!("{status} {text}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_of_clients_may_be_a_secret_that_is_followed_and_what_spoils_it_changes_nothing() {
    let cluster = cluster().await;
    let folder = tempfile::tempdir().expect("folder");
    let san = format!("--client-san={NAME}");
    let secret = "--gatekeeper-client-ca-secret=hallmark-system/gatekeeper-authority";
    let arguments = ["--gatekeeper-client-ca=secret", secret, &san];
    let served = served(&cluster, &settings(&folder, &["hallmark"], false), &arguments);
    ready_says(&served, 503, "Secret hallmark-system/gatekeeper-authority is not there").await;
    let (one, next) = (Gatekeeper::new(NAME), Gatekeeper::new(NAME));
    let leaf = Authority::new("other", "other").issue(NAME, None, &[NAME]);
    put(&cluster, &leaf.certificate);
    ready_says(&served, 503, "ca.crt holds no certificate of an authority").await;

    put(&cluster, &one.authority);
    is_let_in(&served, &one).await;
    let bundle = std::fs::read_to_string(served.ca()).expect("CA");
    answers(&served, &bundle, Some(&next.identity)).await.expect_err("another authority");
    // Old and new side by side, as an operator does it, or the new one alone.
    put(&cluster, &next.authority);
    is_let_in(&served, &next).await;
    is_let_in(&served, &one).await;
    ready_says(&served, 200, "").await;

    put(&cluster, "junk");
    served.wait_for("ca.crt");
    cluster.ok(&["delete", SECRET, "-n", "hallmark-system"], "");
    served.wait_for("is not there");
    is_let_in(&served, &next).await;
    ready_says(&served, 200, "").await;
}
