//! Secrets that resources name, read under narrow rights.

use std::fmt::Write as _;

use super::resources::{all, pem};
use super::{cluster, ready, status};
use crate::support::cluster::Cluster;
use crate::support::program::Served;

/// What the chart lets the service account do, Secrets of resources left out.
fn rights() -> String {
    let mut text = String::from(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: hallmark, namespace: hallmark-system}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: hallmark}\nrules:\n",
    );
    for group in ["config.ratify.deislabs.io", "config.ratify.sh"] {
        // Writing to a String does not fail.
        let _ = writeln!(text, "- {{apiGroups: [{group}], resources: ['*'], verbs: [get, list, watch]}}");
        let _ = writeln!(text, "- {{apiGroups: [{group}], resources: ['*/status'], verbs: [get, patch]}}");
    }
    text.push_str(
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: hallmark}\n\
         roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: hallmark}\n\
         subjects: [{kind: ServiceAccount, name: hallmark, namespace: hallmark-system}]\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n\
         metadata: {name: hallmark, namespace: hallmark-system}\nrules:\n\
         - {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
         metadata: {name: hallmark, namespace: hallmark-system}\n\
         roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: hallmark}\n\
         subjects: [{kind: ServiceAccount, name: hallmark, namespace: hallmark-system}]\n",
    );
    text
}

/// A source of keys from a Secret of the namespace `team`, and a Verifier that uses it.
fn tenant() -> String {
    all(&[
        "apiVersion: config.ratify.deislabs.io/v1beta1\n\
           kind: NamespacedKeyManagementProvider\n\
           metadata: {name: anchors, namespace: team}\n\
           spec: {type: secret, parameters: {name: anchors, key: ca.crt, contentType: certificate}}\n"
            .to_owned(),
        "apiVersion: config.ratify.deislabs.io/v1beta1\n\
         kind: NamespacedVerifier\n\
         metadata: {name: verifier-notation, namespace: team}\n\
         spec:\n  \
           name: notation\n  \
           artifactTypes: application/vnd.cncf.notary.signature\n  \
           parameters:\n    \
             verificationCertStores: {ca: {certs: [anchors]}}\n    \
             trustPolicyDoc:\n      \
               version: '1.0'\n      \
               trustPolicies:\n      \
               - {name: all, registryScopes: ['*'], signatureVerification: {level: strict}, \
                  trustStores: ['ca:certs'], trustedIdentities: ['*']}\n"
            .to_owned(),
    ])
}

fn create_secret(cluster: &Cluster, pem: &str) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("ca.crt");
    std::fs::write(&file, pem).expect("file");
    let from = format!("--from-file=ca.crt={}", file.display());
    let made = cluster.ok(
        &["create", "secret", "generic", "anchors", "-n", "team", &from, "--dry-run=client", "-o", "yaml"],
        "",
    );
    cluster.apply(&made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_may_not_be_read_is_said_with_the_role_to_apply_and_is_followed_once_it_may() {
    let cluster = cluster().await;
    cluster.ok(&["create", "namespace", "team"], "");
    cluster.apply(&rights());
    create_secret(&cluster, &pem());
    cluster.apply(&tenant());
    let served = Served::start_in_cluster(&cluster.kubeconfig_of("hallmark-system", "hallmark"), &[]);
    ready(&served).await;
    let source = "namespacedkeymanagementproviders.config.ratify.deislabs.io/anchors";
    let team = Some("team");
    let has_role = |text: &serde_json::Value| text.as_str().is_some_and(|text| text.contains("kind: Role"));
    let object = status(&cluster, source, team, |status| has_role(&status["error"])).await;
    assert_eq!(object["status"]["issuccess"], false);
    let error = object["status"]["error"].as_str().expect("text");
    let yaml = &error[error.find("---").expect("YAML")..];
    cluster.apply(yaml);
    let object = status(&cluster, source, team, |status| status["issuccess"] == true).await;
    let before = object["status"]["properties"]["content"].clone();
    assert!(before.is_string(), "{object}");
    create_secret(&cluster, &pem());
    status(&cluster, source, team, |status| status["properties"]["content"] != before).await;
    cluster.ok(&["delete", "secret", "anchors", "-n", "team"], "");
    let object = status(&cluster, source, team, |status| status["issuccess"] == false).await;
    assert!(object["status"]["error"].as_str().expect("text").contains("there is no Secret team/anchors"));
}
