//! The authority of the server certificate, shared by replicas that share no folder.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallmark::server::tls::AuthorityFile;
use serde_json::{Value, json};

use super::{PROVIDER, answers, bundle, cluster, install_providers, object, served, settings};
use crate::support::cluster::{Cluster, until};
use crate::support::program::Served;

const NAMESPACE: Option<&str> = Some("hallmark-system");
const SECRET: &str = "secret/hallmark-authority";

fn file(served: &Served) -> PathBuf {
    served.ca().with_file_name("authority.pem")
}

fn held(secret: &Value) -> Vec<u8> {
    let text = secret["data"]["authority.pem"].as_str().unwrap_or_default();
    STANDARD.decode(text).expect("base64")
}

fn put(cluster: &Cluster, authority: &[u8]) {
    let patch = json!({"data": {"authority.pem": STANDARD.encode(authority)}}).to_string();
    cluster.ok(&["patch", SECRET, "-n", "hallmark-system", "--type=merge", "-p", &patch], "");
}

/// Waits until every replica and the Secret hold the same, and gives it.
async fn agreed(cluster: &Cluster, replicas: [&Served; 2], wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    until("all hold the same authority", || async {
        let secret = held(&cluster.get(SECRET, NAMESPACE)?);
        let files = replicas.map(|replica| std::fs::read(file(replica)).expect("file"));
        let is_same = files.iter().all(|file| *file == secret);
        if is_same && wanted(&secret) { Ok(secret) } else { Err("they differ".to_owned()) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_start_at_once_share_one_authority_follow_its_change_and_restore_it() {
    let cluster = cluster().await;
    install_providers(&cluster);
    let folder = tempfile::tempdir().expect("folder");
    let path = settings(&folder, &["hallmark"], false);
    let start = || served(&cluster, &path, &[]);
    let (one, other) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(start), scope.spawn(start));
        (one.join().expect("one"), other.join().expect("other"))
    });
    let first = agreed(&cluster, [&one, &other], |_| true).await;
    // What Helm did not make goes with what it did.
    let (secret, role) = (cluster.get(SECRET, NAMESPACE), cluster.get("clusterrole/hallmark", None));
    let (secret, role) = (secret.expect("the Secret"), role.expect("the role"));
    let owner = &secret["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["uid"]), (&Value::from("ClusterRole"), &role["metadata"]["uid"]));
    let provider = object(&cluster, PROVIDER, None, |_| true).await;
    let before = bundle(&provider);
    for replica in [&one, &other] {
        answers(replica, &before, None).await.expect("one bundle vouches for both");
    }

    // Deleted or damaged, it comes back as it was.
    cluster.ok(&["delete", SECRET, "-n", "hallmark-system"], "");
    agreed(&cluster, [&one, &other], |held| held == first).await;
    put(&cluster, b"junk");
    agreed(&cluster, [&one, &other], |held| held == first).await;

    // Replaced, everybody takes it, and clients trust both while it spreads.
    let new = AuthorityFile::make(jiff::Timestamp::now()).expect("an authority").to_vec();
    put(&cluster, &new);
    agreed(&cluster, [&one, &other], |held| held == new).await;
    let authority = AuthorityFile::bundle(&new).expect("an authority");
    let provider = object(&cluster, PROVIDER, None, |object| bundle(object).starts_with(&authority)).await;
    assert_eq!(bundle(&provider), format!("{authority}{before}"));
    for replica in [&one, &other] {
        until("the new authority signs", || answers(replica, &authority, None)).await;
    }
}

/// Nobody's caBundle knows the authority that it makes meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_starts_while_the_api_is_down_is_ready_only_with_a_certificate_of_the_shared_authority()
 {
    let mut cluster = cluster().await;
    install_providers(&cluster);
    let folder = tempfile::tempdir().expect("folder");
    let path = settings(&folder, &["hallmark"], false);
    let one = served(&cluster, &path, &[]);
    let shared = bundle(&object(&cluster, PROVIDER, None, |_| true).await);
    cluster.stop_api_server();
    let late = served(&cluster, &path, &[]);
    let (status, said) = late.health("/readyz").await;
    assert_eq!(status, 503);
    assert!(
        said.contains("the authority of the server certificate") && said.contains("cannot be asked"),
        "{said}"
    );
    answers(&late, &shared, None).await.expect_err("its own authority is another");

    cluster.start_api_server().await;
    until("ready", || async {
        let (status, said) = late.health("/readyz").await;
        if status == 200 { Ok(()) } else { Err(said) }
    })
    .await;
    for replica in [&one, &late] {
        answers(replica, &shared, None).await.expect("what is shown is what Gatekeeper was told of");
    }
}
