//! Provider objects: made, kept, and others' left alone.

use serde_json::Value;

use super::{PROVIDER, answers, bundle, cluster, install_providers, metric, object, served, settings};

const BOTH: [&str; 2] = ["hallmark", "ratify-provider"];

const RATIFYS: &str = "providers.externaldata.gatekeeper.sh/ratify-provider";

const FOREIGN: &str = "\
apiVersion: externaldata.gatekeeper.sh/v1beta1
kind: Provider
metadata:
  name: ratify-provider
  annotations: {meta.helm.sh/release-name: ratify, meta.helm.sh/release-namespace: gatekeeper-system}
spec: {url: 'https://ratify.gatekeeper-system:6001', timeout: 5, caBundle: eA==}
";

#[tokio::test(flavor = "multi_thread")]
async fn provider_objects_are_made_once_gatekeeper_is_there_corrected_and_made_again_and_others_left_alone() {
    let cluster = cluster().await;
    let folder = tempfile::tempdir().expect("folder");
    let one = served(&cluster, &settings(&folder, &["hallmark"], false), &[]);
    one.wait_for("kind Provider is not installed");
    install_providers(&cluster);

    let made = object(&cluster, PROVIDER, None, |_| true).await;
    assert_eq!(made["spec"]["url"], "https://hallmark.hallmark-system:6001/verify");
    assert_eq!(made["spec"]["timeout"], 3);
    let role = cluster.get("clusterrole/hallmark", None).expect("the role");
    let owner = &made["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["uid"]), (&Value::from("ClusterRole"), &role["metadata"]["uid"]));
    answers(&one, &bundle(&made), None).await.expect("the bundle vouches for the server");

    cluster.ok(&["delete", PROVIDER], "");
    let again = object(&cluster, PROVIDER, None, |_| true).await;
    assert_ne!(again["metadata"]["uid"], made["metadata"]["uid"]);
    assert_eq!(again["spec"], made["spec"]);
    let patch = r#"{"spec":{"url":"https://elsewhere","caBundle":"eA=="}}"#;
    cluster.ok(&["patch", PROVIDER, "--type=merge", "-p", patch], "");
    object(&cluster, PROVIDER, None, |object| object["spec"] == made["spec"]).await;

    // What another release made is its own, until it is to be taken over.
    cluster.ok(&["apply", "--server-side", "-f", "-"], FOREIGN);
    let other = served(&cluster, &settings(&folder, &BOTH, false), &[]);
    let said = other.wait_for("is left alone");
    assert!(
        said["message"].as_str().expect("text").contains("the Helm release gatekeeper-system/ratify"),
        "{said}"
    );
    let theirs = cluster.get(RATIFYS, None).expect("the object");
    assert_eq!(theirs["spec"]["url"], "https://ratify.gatekeeper-system:6001");
    let kept = metric(&other, "hallmark_gatekeeper_provider_kept{provider=\"ratify-provider\"}").await;
    assert_eq!(kept.as_deref(), Some("0"));
    let adopting = served(&cluster, &settings(&folder, &BOTH, true), &[]);
    object(&cluster, RATIFYS, None, |object| object["spec"] == made["spec"]).await;
    answers(&adopting, &bundle(&made), None).await.expect("replicas share the authority");
}
