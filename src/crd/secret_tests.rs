//! Secrets that resources name: whose they may be, and who is told to read them.

use std::collections::BTreeSet;

use super::shape_tests::*;
use super::*;
use crate::engine::diagnostic::Severity;
use crate::engine::settings::CredentialSettings;
use crate::secret::{NamedSecrets, SecretName, ServiceAccountName};

fn in_cluster(text: &str) -> Configuration {
    let options = ConvertOptions {
        origin: Origin::Cluster,
        release_namespace: "hallmark-system".into(),
        ..ConvertOptions::files(now())
    };
    convert(&documents_of("api.yaml", text), &options)
}

fn store(kind: &str, metadata: &str, provider: &str) -> String {
    format!(
        "{HEAD}kind: {kind}\nmetadata: {metadata}\nspec:\n  name: oras\n  parameters:\n    authProvider: {provider}\n"
    )
}

fn secret(namespace: &str, name: &str) -> SecretName {
    SecretName { namespace: namespace.into(), name: name.into() }
}

#[test]
fn a_cluster_store_reads_the_named_secrets_and_those_of_its_service_account() {
    let provider =
        "{name: k8Secrets, secrets: [{secretName: a}, {secretName: b, namespace: team}], secretTimeout: 60}";
    let configuration = in_cluster(&store("Store", "{name: s}", provider));
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Notice, &["secretTimeout", "followed"]);
    let [a, b] = [secret("hallmark-system", "a"), secret("team", "b")];
    assert_eq!(configuration.named_by_cluster.secrets, BTreeSet::from([a.clone(), b.clone()]));
    let account: ServiceAccountName = ("hallmark-system".into(), "default".into());
    assert_eq!(configuration.named_by_cluster.service_accounts, BTreeSet::from([account.clone()]));
    assert_eq!(configuration.named_by_namespaces, NamedSecrets::default());
    let expected = |account_required| CredentialSettings::KubernetesSecrets {
        secrets: vec![a.clone(), b.clone()],
        service_account: Some(account.clone()),
        account_required,
    };
    assert_eq!(configuration.cluster.stores[0].credentials, expected(false));
    let named = provider.replace("secretTimeout: 60", "serviceAccountName: default");
    let configuration = in_cluster(&store("Store", "{name: s}", &named));
    assert_eq!(configuration.cluster.stores[0].credentials, expected(true));
}

#[test]
fn a_namespaced_store_reads_its_own_namespace_and_an_account_only_by_name() {
    let provider = "{name: k8Secrets, secrets: [{secretName: a}]}";
    let configuration = in_cluster(&store("NamespacedStore", "{name: s, namespace: team}", provider));
    assert_loads(&configuration);
    assert_eq!(configuration.named_by_namespaces.secrets, BTreeSet::from([secret("team", "a")]));
    assert_eq!(configuration.named_by_namespaces.service_accounts, BTreeSet::new());
    assert_eq!(configuration.named_by_cluster, NamedSecrets::default());
    let provider = "{name: k8Secrets, serviceAccountName: puller}";
    let configuration = in_cluster(&store("NamespacedStore", "{name: s, namespace: team}", provider));
    let accounts = configuration.named_by_namespaces.service_accounts;
    assert_eq!(accounts, BTreeSet::from([("team".into(), "puller".into())]));
}

#[test]
fn a_tenant_names_no_secret_of_another_namespace() {
    for (kind, provider) in [
        ("store", "{name: k8Secrets, secrets: [{secretName: a, namespace: hallmark-system}]}"),
        ("provider", "{name: a, namespace: hallmark-system, contentType: certificate}"),
    ] {
        let configuration = match kind {
            "store" => in_cluster(&store("NamespacedStore", "{name: s, namespace: team}", provider)),
            _ => in_cluster(&format!(
                "{HEAD}kind: NamespacedKeyManagementProvider\nmetadata: {{name: k, namespace: team}}\nspec:\n  type: secret\n  parameters: {provider}\n"
            )),
        };
        assert_says(
            &configuration,
            Severity::Error,
            &["namespace team reads no Secret of another namespace"],
        );
        assert_eq!(configuration.named_by_namespaces, NamedSecrets::default(), "{kind}");
        assert!(configuration.namespaces["team"].stores.iter().all(|store| store.refused.is_some()));
    }
}

#[test]
fn names_that_would_leave_their_place_in_a_url_are_refused() {
    for name in ["../../x", "a/b", "A", "", "-a", "a?b"] {
        let provider = format!("{{name: k8Secrets, secrets: [{{secretName: {name:?}}}]}}");
        let configuration = in_cluster(&store("Store", "{name: s}", &provider));
        assert!(!said(&configuration, Severity::Error).is_empty(), "{name}");
        assert_eq!(configuration.named_by_cluster, NamedSecrets::default());
    }
}

#[test]
fn a_key_source_is_a_secret_of_hallmarks_namespace_unless_it_says_so() {
    let provider = format!(
        "{HEAD}kind: KeyManagementProvider\nmetadata: {{name: anchors}}\nspec:\n  type: secret\n  parameters: {{name: anchors, key: ca.crt, contentType: certificate}}\n"
    );
    let text = together(&[provider, verifier("Verifier", "v", "{ca: {certs: [anchors]}}")]);
    let configuration = in_cluster(&text);
    assert_loads(&configuration);
    let named = &configuration.named_by_cluster.secrets;
    assert_eq!(*named, BTreeSet::from([secret("hallmark-system", "anchors")]));
    assert!(configuration.places.contains_key("KeyManagementProvider anchors"));
    assert_says(&check(&text), Severity::Error, &["spec.type", "there are no Secrets beside a file"]);
    let keys = text.replace("contentType: certificate}", "contentType: key}");
    assert_says(&in_cluster(&keys), Severity::Error, &["holds keys, and a trust store holds certificates"]);
}
