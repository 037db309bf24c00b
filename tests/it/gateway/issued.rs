//! A server certificate that somebody else issued, as cert-manager does: authority and certificate in one Secret,
//! which replicas see through mounts of their own.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{PROVIDER, answers, bundle, cluster, install_providers, metric, object, served};
use crate::support::cluster::{Cluster, mount, until};
use crate::support::pki::{Authority, Pair};
use crate::support::program::Served;

const SECRET: &str = "secret/hallmark-tls";

fn put(cluster: &Cluster, authority: &Authority, pair: &Pair) {
    let encoded = |text: &str| STANDARD.encode(text);
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "hallmark-tls", "namespace": "hallmark-system"},
        "type": "kubernetes.io/tls",
        "data": {
            "ca.crt": encoded(&authority.pem),
            "tls.crt": encoded(&pair.certificate),
            "tls.key": encoded(&pair.key),
        },
    });
    cluster.apply(&secret.to_string());
}

/// A replica, and the folder that the Secret is mounted to.
struct Replica {
    served: Served,
    folder: tempfile::TempDir,
}

impl Replica {
    fn start(cluster: &Cluster, pair: &Pair) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let settings = json!({
            "cert_dir": folder.path().join("tls"),
            "gatekeeper": {
                "url": "https://hallmark.hallmark-system:6001",
                "owner": "hallmark",
                "ca": "secret",
                "ca_secret": "hallmark-tls",
                "providers": [{"name": "hallmark", "path": "/verify", "timeout_seconds": 3}],
            },
        });
        let path = folder.path().join("settings.yaml");
        std::fs::write(&path, settings.to_string()).expect("settings");
        mount_pair(folder.path(), pair);
        let served = served(cluster, &path, &[]);
        Self { served, folder }
    }

    fn mount(&self, pair: &Pair) {
        mount_pair(self.folder.path(), pair);
    }

    /// Waits until clients that trust this authority alone are answered.
    async fn shows(&self, authority: &Authority) {
        until("the certificate of an authority is shown", || answers(&self.served, &authority.pem, None))
            .await;
    }

    async fn keeps_the_provider(&self) {
        until("the Provider object is as it must be", || async {
            let series = "hallmark_gatekeeper_provider_kept{provider=\"hallmark\"}";
            let kept = metric(&self.served, series).await;
            if kept.as_deref() == Some("1") { Ok(()) } else { Err(format!("{kept:?}")) }
        })
        .await;
    }
}

fn mount_pair(folder: &Path, pair: &Pair) {
    mount(&folder.join("tls"), &[("tls.crt", &pair.certificate), ("tls.key", &pair.key)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_with_another_authority_never_shows_what_gatekeeper_does_not_trust() {
    let cluster = cluster().await;
    install_providers(&cluster);
    // Of one name, as an issuer's are: only the keys tell them apart.
    let (old, new) = (Authority::new("platform-ca", "platform"), Authority::new("platform-ca", "platform"));
    let issue =
        |authority: &Authority| authority.issue("hallmark", None, &["hallmark.hallmark-system", "127.0.0.1"]);
    let (first, second) = (issue(&old), issue(&new));
    put(&cluster, &old, &first);
    let (one, late) = (Replica::start(&cluster, &first), Replica::start(&cluster, &first));
    let made = object(&cluster, PROVIDER, None, |_| true).await;
    assert_eq!(bundle(&made), old.pem);
    for replica in [&one, &late] {
        answers(&replica.served, &bundle(&made), None).await.expect("its issuer vouches for the server");
    }
    let stranger = answers(&one.served, &new.pem, None).await;
    stranger.expect_err("another authority vouches for nobody");

    // One stroke in the cluster; the mounts follow one after another.
    put(&cluster, &new, &second);
    let both = |object: &Value| bundle(object) == format!("{}{}", new.pem, old.pem);
    let provider = object(&cluster, PROVIDER, None, both).await;
    for replica in [&one, &late] {
        answers(&replica.served, &bundle(&provider), None).await.expect("the former certificate is trusted");
    }
    one.mount(&second);
    one.shows(&new).await;
    // A replica that never knew the former authority leaves the object as it is. That it holds both says little:
    // one that takes the former out may be corrected by the others before anybody looks.
    let settled = object(&cluster, PROVIDER, None, both).await;
    let newcomer = Replica::start(&cluster, &second);
    newcomer.keeps_the_provider().await;
    let provider = cluster.get(PROVIDER, None).expect("the object");
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    assert_eq!(version(&provider), version(&settled), "{provider}");
    for replica in [&one, &late, &newcomer] {
        answers(&replica.served, &bundle(&provider), None).await.expect("old and new are trusted");
    }
    late.mount(&second);
    late.shows(&new).await;

    // An issuer that fills no ca.crt, and a Secret that is gone: what is good stays, and is made again.
    cluster.ok(
        &[
            "patch",
            SECRET,
            "-n",
            "hallmark-system",
            "--type=json",
            "-p",
            "[{\"op\":\"remove\",\"path\":\"/data/ca.crt\"}]",
        ],
        "",
    );
    one.served.wait_for("has no ca.crt");
    cluster.ok(&["delete", SECRET, "-n", "hallmark-system"], "");
    one.served.wait_for("is not there");
    cluster.ok(&["delete", PROVIDER], "");
    let again = object(&cluster, PROVIDER, None, |_| true).await;
    answers(&one.served, &bundle(&again), None).await.expect("it vouches for the server");
}
