//! Shapes that Ratify's samples, tests, chart and documents use, and the faults that people make.

use jiff::Timestamp;

use super::*;
use crate::engine::diagnostic::Severity;
use crate::engine::settings::RuleSettings;
use crate::verifier::VerifierSettings;

const CERTIFICATE: &str = include_str!("../../tests/fixtures/demo/root.crt");
pub(super) const HEAD: &str = "apiVersion: config.ratify.deislabs.io/v1beta1\n";

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

pub(super) fn documents_of(file: &str, text: &str) -> Vec<Document> {
    let read = yaml::read_documents(text).into_iter();
    let document = |document: yaml::TextDocument| Document {
        file: Some(std::path::Path::new(file).into()),
        line: Some(document.line),
        content: document.content,
    };
    read.map(document).collect()
}

pub(super) fn check(text: &str) -> Configuration {
    convert(&documents_of("config.yaml", text), &ConvertOptions::files(now()))
}

pub(super) fn said(configuration: &Configuration, severity: Severity) -> Vec<String> {
    let all = configuration.diagnostics.iter();
    all.filter(|said| said.severity == severity).map(ToString::to_string).collect()
}

#[track_caller]
pub(super) fn assert_says(configuration: &Configuration, severity: Severity, words: &[&str]) {
    let said = said(configuration, severity);
    let matching = said.iter().any(|said| words.iter().all(|words| said.contains(words)));
    assert!(matching, "no {severity} says {words:?}: {:#?}", configuration.diagnostics);
}

#[track_caller]
pub(super) fn assert_loads(configuration: &Configuration) {
    assert_eq!(said(configuration, Severity::Error), Vec::<String>::new());
}

/// An inline key source; `kind` and `name` as written, `name` with its namespace.
pub(super) fn key_source(kind: &str, name: &str) -> String {
    let value: String = CERTIFICATE.lines().map(|line| format!("      {line}\n")).collect();
    let metadata = metadata(name);
    format!(
        "{HEAD}kind: {kind}\n{metadata}spec:\n  type: inline\n  parameters:\n    contentType: certificate\n    value: |\n{value}"
    )
}

fn metadata(name: &str) -> String {
    match name.split_once('/') {
        Some((namespace, name)) => format!("metadata:\n  name: {name}\n  namespace: {namespace}\n"),
        None => format!("metadata:\n  name: {name}\n"),
    }
}

pub(super) fn verifier(kind: &str, name: &str, stores: &str) -> String {
    let metadata = metadata(name);
    format!(
        "{HEAD}kind: {kind}\n{metadata}spec:\n  name: notation\n  artifactTypes: application/vnd.cncf.notary.signature\n  parameters:\n    verificationCertStores: {stores}\n    trustPolicyDoc:\n      version: \"1.0\"\n      trustPolicies:\n        - name: default\n          registryScopes: [\"*\"]\n          signatureVerification: {{level: strict}}\n          trustStores: [\"ca:certs\"]\n          trustedIdentities: [\"*\"]\n"
    )
}

pub(super) fn together(documents: &[String]) -> String {
    documents.join("---\n")
}

#[test]
fn a_cluster_verifier_names_a_namespaces_provider_with_its_namespace() {
    let configuration = check(&together(&[
        key_source("NamespacedKeyManagementProvider", "gatekeeper-system/kmp"),
        verifier("Verifier", "v", "{ca: {certs: [gatekeeper-system/kmp]}}"),
    ]));
    assert_loads(&configuration);
    assert_says(
        &configuration,
        Severity::Notice,
        &["gatekeeper-system/kmp is NamespacedKeyManagementProvider"],
    );
}

#[test]
fn a_bare_name_in_the_cluster_never_finds_a_namespaces_provider() {
    let configuration = check(&together(&[
        key_source("NamespacedKeyManagementProvider", "default/kmp"),
        verifier("Verifier", "v", "{ca: {certs: [kmp]}}"),
    ]));
    assert_says(
        &configuration,
        Severity::Error,
        &["there is no KeyManagementProvider or CertificateStore kmp"],
    );
}

#[test]
fn a_namespaced_verifier_finds_its_own_and_the_clusters_and_never_another_namespaces() {
    for (provider, kind, name) in [
        ("kmp", "KeyManagementProvider", "default/kmp"),
        ("kmp", "KeyManagementProvider", "kmp"),
        ("default/kmp", "NamespacedKeyManagementProvider", "default/kmp"),
        ("default/kmp", "NamespacedKeyManagementProvider", "kmp"),
    ] {
        let stores = format!("{{certs: [{name}]}}");
        let verifier = verifier("NamespacedVerifier", "default/v", &stores);
        assert_loads(&check(&together(&[key_source(kind, provider), verifier])));
    }
    let configuration = check(&together(&[
        key_source("NamespacedKeyManagementProvider", "other/kmp"),
        verifier("NamespacedVerifier", "default/v", "{certs: [other/kmp]}"),
    ]));
    assert_says(&configuration, Severity::Error, &["other/kmp belongs to another namespace"]);
}

#[test]
fn a_namespace_where_none_belongs_and_none_where_one_does_are_said() {
    let configuration = check(&key_source("KeyManagementProvider", "team-a/kmp"));
    let words = ["config.yaml:5", "metadata.namespace", "Namespaced"];
    assert_says(&configuration, Severity::Warning, &words);
    let configuration = check(&key_source("NamespacedKeyManagementProvider", "kmp"));
    assert_says(&configuration, Severity::Notice, &["metadata.namespace", "default is taken"]);
}

#[test]
fn the_namespaced_policy_sample_in_v1alpha1_loads_with_a_warning() {
    let text = "apiVersion: config.ratify.deislabs.io/v1alpha1\nkind: NamespacedPolicy\nmetadata: {name: configpolicy, namespace: team-a}\nspec: {parameters: {artifactVerificationPolicies: {default: all}}}\n";
    let configuration = check(text);
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Warning, &["only as v1beta1"]);
    let rule = &configuration.namespaces.get("team-a").unwrap().rule;
    assert!(matches!(rule, RuleSettings::ByArtifactType { .. }), "{rule:?}");
}

#[test]
fn types_of_policy_are_read_in_every_spelling_of_ratify() {
    let policy = |version: &str, kind: &str| {
        check(&format!(
            "apiVersion: config.ratify.deislabs.io/{version}\nkind: Policy\nmetadata: {{name: ratify-policy}}\nspec:\n  type: {kind}\n  parameters:\n    passthroughEnabled: false\n    artifactVerificationPolicies: {{default: any}}\n"
        ))
    };
    let exact = policy("v1beta1", "config-policy");
    assert_loads(&exact);
    assert_says(&exact, Severity::Notice, &["passthroughEnabled", "rego-policy"]);
    for (version, kind) in
        [("v1beta1", "configpolicy"), ("v1beta1", "configPolicy"), ("v1alpha1", "configpolicy")]
    {
        let configuration = policy(version, kind);
        assert_loads(&configuration);
        assert_says(&configuration, Severity::Warning, &["is read as config-policy"]);
    }
    assert_says(&policy("v1beta1", "config"), Severity::Error, &["did you mean config-policy?"]);
    assert_says(&policy("v1beta1", "rego-policy"), Severity::Error, &["rego-policy is not supported"]);
    assert_says(&policy("v1beta1", "regopolicy"), Severity::Error, &["rego-policy is not supported"]);
}

#[test]
fn settings_of_the_store_that_ratify_dropped_are_notices() {
    let text = format!(
        "{HEAD}kind: Store\nmetadata: {{name: store-oras}}\nspec: {{name: oras, parameters: {{cacheEnabled: true, capacity: 100, keyNumber: 10000, ttl: 10}}}}\n"
    );
    let configuration = check(&text);
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Notice, &["spec.parameters.capacity"]);
    assert_says(&configuration, Severity::Notice, &["spec.parameters.keyNumber"]);
}

#[test]
fn a_namespaces_store_names_no_file_of_the_process() {
    let store = |kind: &str, path: &str| {
        check(&format!(
            "{HEAD}kind: {kind}\nmetadata: {{name: store-oras}}\nspec: {{name: oras, parameters: {{authProvider: {{name: dockerConfig, configPath: {path}}}}}}}\n"
        ))
    };
    assert_loads(&store("Store", "/etc/docker.json"));
    assert_says(&store("NamespacedStore", "/etc/docker.json"), Severity::Error, &["configPath", "no files"]);
    assert_says(&store("Store", "~/.docker/config.json"), Severity::Error, &["configPath", "whole path"]);
}

#[test]
fn the_earlier_name_of_notation_is_understood() {
    let text = together(&[
        key_source("KeyManagementProvider", "kmp"),
        verifier("Verifier", "v", "{certs: [kmp]}").replace("name: notation", "name: notaryv2"),
    ]);
    let configuration = check(&text);
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Warning, &["notaryv2 is read as notation"]);
    assert!(matches!(configuration.cluster.verifiers[0], VerifierSettings::Notation(_)));
}

#[test]
fn what_a_refused_verifier_may_name_is_not_called_unused() {
    let text = together(&[
        key_source("KeyManagementProvider", "kmp"),
        verifier("Verifier", "v", "{certs: [kmp]}").replace("trustPolicyDoc", "trustPolicyDocs"),
    ]);
    let configuration = check(&text);
    assert_says(&configuration, Severity::Error, &["did you mean trustPolicyDoc?"]);
    let warnings = said(&configuration, Severity::Warning);
    assert!(!warnings.iter().any(|said| said.contains("named by no Verifier")), "{warnings:?}");
}

#[test]
fn a_store_of_another_type_is_told_where_to_move() {
    let text = together(&[
        key_source("KeyManagementProvider", "kmp"),
        verifier("Verifier", "v", "{certs: [kmp]}").replace("ca:certs", "signingAuthority:certs"),
    ]);
    let words = ["certs is defined as ca", "below spec.parameters.verificationCertStores.signingAuthority"];
    assert_says(&check(&text), Severity::Error, &words);
}

#[test]
fn a_version_that_is_a_number_is_one_error_with_a_remedy() {
    let text = together(&[
        key_source("KeyManagementProvider", "kmp"),
        verifier("Verifier", "v", "{certs: [kmp]}").replace("version: \"1.0\"", "version: 1.0"),
    ]);
    let configuration = check(&text);
    assert_says(&configuration, Severity::Error, &["trustPolicyDoc.version", "put it in quotes"]);
    assert_eq!(said(&configuration, Severity::Error).len(), 1);
}

#[test]
fn folders_of_certificates_are_whole_paths_that_something_uses() {
    let with = |stores: &str, path: &str| {
        let folders = format!("    verificationCerts: [{path}]\n    trustPolicyDoc:");
        let verifier = verifier("Verifier", "v", stores).replace("    trustPolicyDoc:", &folders);
        check(&together(&[key_source("KeyManagementProvider", "kmp"), verifier]))
    };
    let used = with("{}", "/etc/certs");
    assert_loads(&used);
    let place = used.places.values().next().unwrap();
    assert_eq!(
        (place.resource.as_str(), place.field.as_str()),
        ("Verifier v", "spec.parameters.verificationCerts[0]")
    );
    assert!(place.line.is_some());
    assert_says(&with("{}", "~/certs"), Severity::Error, &["verificationCerts[0]", "whole path"]);
    let unused = with("{ca: {certs: [kmp]}}", "/etc/certs");
    assert_says(&unused, Severity::Warning, &["verificationCerts", "used by no statement"]);
}

#[test]
fn keyless_without_a_written_identity_accepts_anyone() {
    for keyless in [
        "{ctLogVerify: true}",
        "{certificateIdentity: \"\", certificateOIDCIssuer: \"\"}",
        "{certificateIdentity: a@b.c, certificateOIDCIssuerRegExp: }",
    ] {
        let text = format!(
            "{HEAD}kind: Verifier\nmetadata: {{name: v}}\nspec:\n  name: cosign\n  artifactTypes: application/vnd.dev.cosign.artifact.sig.v1+json\n  parameters:\n    trustPolicies:\n      - {{name: default, scopes: [\"*\"], keyless: {keyless}}}\n"
        );
        assert_says(&check(&text), Severity::Error, &["accepts anyone"]);
    }
}

#[test]
fn a_notation_plugin_from_a_registry_is_refused_with_the_setting_that_replaces_it() {
    let text = format!(
        "{HEAD}kind: Verifier\nmetadata: {{name: aws}}\nspec:\n  name: notation-com.example.plugin\n  artifactTypes: application/vnd.oci.image.manifest.v1+json\n  source: {{artifact: registry.example.com/plugin:1}}\n"
    );
    assert_says(&check(&text), Severity::Error, &["not executed", "plugin.folder", "plugin.allow"]);
}

#[test]
fn a_kind_with_cluster_before_it_is_refused_as_what_it_means() {
    let text = format!("{HEAD}kind: ClusterStore\nmetadata: {{name: s}}\nspec: {{}}\n");
    let configuration = check(&text);
    assert_says(&configuration, Severity::Error, &["ClusterStore s", "did you mean Store?"]);
    assert!(configuration.cluster.stores[0].refused.is_some());
}

#[test]
fn what_belongs_to_others_is_a_notice() {
    for (api, kind) in [
        ("apps/v1", "Deployment"),
        ("v1", "Namespace"),
        ("templates.gatekeeper.sh/v1", "ConstraintTemplate"),
        ("externaldata.gatekeeper.sh/v1beta1", "Provider"),
        ("mutations.gatekeeper.sh/v1", "Assign"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ] {
        let configuration = check(&format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: x}}\n"));
        assert_loads(&configuration);
        assert_says(&configuration, Severity::Notice, &[&format!("{api} {kind} is not read")]);
    }
    let kustomization = documents_of("samples/kustomization.yaml", "resources:\n- a.yaml\n");
    let configuration = convert(&kustomization, &ConvertOptions::files(now()));
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Notice, &["kustomize build"]);
}

#[test]
fn the_configuration_of_ratifys_command_line_is_called_by_its_name() {
    let text = "{\"store\": {\"plugins\": []}, \"policy\": {}, \"verifier\": {\"plugins\": []}}";
    assert_says(&check(text), Severity::Error, &["Ratify's command line"]);
}

#[test]
fn lists_and_what_kubectl_adds_are_read() {
    let item = |text: String| format!("- {}", text.trim_end().replace('\n', "\n  "));
    let provider = key_source("KeyManagementProvider", "kmp")
        + "status:\n  issuccess: true\n  lastfetchedtime: \"2026-01-01T00:00:00Z\"\n";
    let annotated = "metadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"kind\":\"Verifier\"}\n  generation: 2\n";
    let verifier = verifier("Verifier", "v", "{certs: [kmp]}").replace("metadata:\n", annotated);
    for kind in ["List", "VerifierList"] {
        let list = format!(
            "apiVersion: v1\nkind: {kind}\nitems:\n{}\n{}\n",
            item(provider.clone()),
            item(verifier.clone())
        );
        let configuration = check(&list);
        assert_loads(&configuration);
        assert_eq!(configuration.cluster.verifiers.len(), 1, "{kind}");
    }
}

#[test]
fn byte_order_marks_and_line_ends_of_windows_change_nothing() {
    let text =
        together(&[key_source("KeyManagementProvider", "kmp"), verifier("Verifier", "v", "{certs: [kmp]}")]);
    for text in
        [format!("\u{feff}# comment\n{text}"), format!("\u{feff}---\n{text}"), text.replace('\n', "\r\n")]
    {
        let configuration = check(&text);
        assert_loads(&configuration);
        assert_eq!(configuration.cluster.verifiers.len(), 1);
    }
}

/// What is applied in v1alpha1 is shown, and exported, in the version that is stored.
#[test]
fn a_policy_that_was_applied_in_v1alpha1_loads_as_it_is_shown() {
    let text = format!(
        "{HEAD}kind: Policy\nmetadata: {{name: configpolicy}}\nspec: {{parameters: {{artifactVerificationPolicies: {{default: any}}}}}}\n"
    );
    let configuration = check(&text);
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Warning, &["name of a v1alpha1 Policy", "type: config-policy"]);
    let rule = &configuration.cluster.rule;
    assert!(matches!(rule, RuleSettings::ByArtifactType { .. }), "{rule:?}");
    let typed = check(&text.replace("spec: {", "spec: {type: config-policy, "));
    assert_says(&typed, Severity::Error, &["must be called ratify-policy"]);
    let rego = check(&text.replace("configpolicy", "regopolicy"));
    assert_says(&rego, Severity::Error, &["rego-policy is not supported"]);
}
