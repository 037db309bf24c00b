//! Texts that cannot be read, what stands in for them, and how faults are said.

use super::shape_tests::{
    HEAD, assert_loads, assert_says, check, documents_of, key_source, now, said, together, verifier,
};
use super::*;
use crate::engine::diagnostic::Severity;
use crate::engine::settings::RuleSettings;
use crate::verifier::VerifierSettings;

#[test]
fn messages_of_the_reader_give_no_places_within_the_document_and_no_advice_to_programmers() {
    let duplicate = check(&together(&[
        "a: 1\n".to_owned(),
        key_source("KeyManagementProvider", "kmp")
            .replace("  type: inline\n", "  type: inline\n  type: inline\n"),
    ]));
    let words = ["config.yaml:9", "duplicate mapping key: type", "keep one of the two"];
    assert_says(&duplicate, Severity::Error, &words);
    let errors = said(&duplicate, Severity::Error);
    assert!(
        !errors.iter().any(|said| said.contains(" at line ") || said.contains("DuplicateKeyPolicy")),
        "{errors:?}"
    );
    let tab = check(&key_source("KeyManagementProvider", "kmp").replace("  parameters:", "\tparameters:"));
    assert_says(&tab, Severity::Error, &["KeyManagementProvider kmp", "tabs"]);
}

#[test]
fn a_broken_document_is_refused_where_it_belongs() {
    let broken = verifier("NamespacedVerifier", "team-a/v", "{certs: [kmp]}") + "   x: [\n";
    let configuration = check(&broken);
    assert_says(&configuration, Severity::Error, &["NamespacedVerifier team-a/v"]);
    assert!(
        configuration.namespaces.contains_key("team-a") && !configuration.namespaces.contains_key("default")
    );
    let json = "{\"apiVersion\": \"config.ratify.deislabs.io/v1beta1\", \"kind\": \"Policy\",\n \"metadata\": {\"name\": \"ratify-policy\"}, \"spec\": {,}";
    let configuration = check(json);
    assert_says(&configuration, Severity::Error, &["Policy ratify-policy"]);
    assert!(matches!(configuration.cluster.rule, RuleSettings::Refused { .. }));
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {HEAD}  kind: Policy\n   x: [\n");
    assert!(matches!(check(&list).cluster.rule, RuleSettings::Refused { .. }));
    let another = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nrules:\n- apiGroups: [config.ratify.deislabs.io\n";
    assert!(matches!(check(another).cluster.rule, RuleSettings::OneValidSignature));
}

#[test]
fn a_resource_whose_text_breaks_serves_as_last_read_whatever_is_left_of_its_name() {
    let file = || std::sync::Arc::from(std::path::Path::new("config.yaml"));
    let good =
        together(&[key_source("KeyManagementProvider", "kmp"), verifier("Verifier", "v", "{certs: [kmp]}")]);
    let mut last_good = LastGood::new();
    let options = ConvertOptions::files(now());
    assert_loads(&last_good.follow(&documents_of("config.yaml", &good), &[], &options));
    for (from, to) in [("  name: v\n", "  {name: v\n"), ("kind: Verifier\n", "{kind: Verifier\n")] {
        let broken = good.replace(from, to);
        let configuration = last_good.follow(&documents_of("config.yaml", &broken), &[file()], &options);
        assert_says(&configuration, Severity::Error, &["cannot be read"]);
        assert_says(&configuration, Severity::Warning, &["Verifier v serves as last read"]);
        assert_eq!(configuration.cluster.verifiers.len(), 1, "{to}");
        assert!(matches!(configuration.cluster.verifiers[0], VerifierSettings::Notation(_)), "{to}");
        assert!(matches!(configuration.cluster.rule, RuleSettings::OneValidSignature), "{to}");
    }
}

#[test]
fn what_is_wrong_with_a_policy_is_said_once_and_at_its_line() {
    let policy = format!(
        "{HEAD}kind: Policy\nmetadata: {{name: ratify-policy}}\nspec:\n  type: config-policy\n  parameters:\n    artifactVerificationPolicies:\n      default: any\n      application/vnd.example.v1+json: any\n"
    );
    let configuration = check(&together(&[
        policy,
        key_source("NamespacedKeyManagementProvider", "team-a/kmp"),
        verifier("NamespacedVerifier", "team-a/v", "{certs: [kmp]}"),
    ]));
    let warnings = said(&configuration, Severity::Warning);
    let about = warnings.iter().filter(|said| said.contains("no Verifier claims application/vnd.example"));
    assert_eq!(about.clone().count(), 1, "{warnings:?}");
    assert!(about.clone().all(|said| said.contains("config.yaml:9:")), "{warnings:?}");
}

#[test]
fn a_misspelt_field_is_one_error_and_not_missing_as_well() {
    let good =
        together(&[key_source("KeyManagementProvider", "kmp"), verifier("Verifier", "v", "{certs: [kmp]}")]);
    for (from, to, meant) in [
        ("artifactTypes", "artifactType", "artifactTypes"),
        ("  name: notation", "  names: notation", "name"),
        ("trustPolicyDoc", "trustPolicyDocs", "trustPolicyDoc"),
        ("registryScopes", "registryScope", "registryScopes"),
        ("trustPolicies", "trustPolicys", "trustPolicies"),
        ("signatureVerification", "signatureVerifcation", "signatureVerification"),
        ("level", "levl", "level"),
    ] {
        let configuration = check(&good.replace(from, to));
        let errors = said(&configuration, Severity::Error);
        assert_eq!(errors.len(), 1, "{to}: {errors:#?}");
        assert!(errors[0].contains(&format!("did you mean {meant}?")), "{errors:?}");
        assert!(matches!(configuration.cluster.verifiers[0], VerifierSettings::Refused { .. }), "{to}");
    }
}

#[test]
fn a_name_that_is_only_found_in_a_namespace_is_told_how_to_write_it() {
    let store = key_source("CertificateStore", "gatekeeper-system/certs-of-venafi");
    let store =
        store.replace("type: inline", "provider: inline").replace("    contentType: certificate\n", "");
    let named = |kind: &str, name: &str, stores: &str| {
        check(&together(&[store.clone(), verifier(kind, name, stores)]))
    };
    let bare = named("Verifier", "v", "{certs: [certs-of-venafi]}");
    assert_says(&bare, Severity::Error, &["write gatekeeper-system/certs-of-venafi"]);
    assert_loads(&named("Verifier", "v", "{certs: [gatekeeper-system/certs-of-venafi]}"));
    let tenant = named("NamespacedVerifier", "team-a/v", "{certs: [certs-of-venafi]}");
    assert_says(&tenant, Severity::Error, &["serves only its own namespace"]);
}

#[test]
fn a_thousand_faults_of_one_resource_are_few_words_and_each_is_one_line() {
    let unknown: String = (0..1000).map(|number| format!("    field{number}: x\n")).collect();
    let long = format!("    \"{}\\nerror: forged\\u202e\": x\n", "y".repeat(900));
    let text = format!(
        "{HEAD}kind: Store\nmetadata: {{name: s}}\nspec:\n  name: oras\n  parameters:\n{long}{unknown}"
    );
    let configuration = check(&text);
    let errors = said(&configuration, Severity::Error);
    assert_eq!(errors.len(), 51, "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("more errors are not said")), "{errors:?}");
    assert!(errors.iter().all(|error| error.chars().count() < 4000), "{errors:?}");
    assert!(errors.iter().all(|error| !error.contains(['\n', '\u{202e}'])), "{errors:?}");
    assert!(configuration.cluster.stores[0].refused.is_some());
}

#[test]
fn an_error_counts_however_many_notices_go_before_it() {
    let scopes: String = (0..200).map(|number| format!("\"INDEX.docker.io/a{number}\", ")).collect();
    let text = together(&[
        key_source("KeyManagementProvider", "kmp"),
        verifier("Verifier", "v", "{ca: {certs: [kmp, absent]}}")
            .replace("registryScopes: [\"*\"]", &format!("registryScopes: [{scopes}]")),
    ]);
    let configuration = check(&text);
    let warnings = said(&configuration, Severity::Warning);
    assert_eq!(warnings.iter().filter(|said| said.contains("Verifier v: ")).count(), 51, "{warnings:?}");
    assert!(matches!(configuration.cluster.verifiers[0], VerifierSettings::Refused { .. }));
}

#[test]
fn in_a_cluster_a_tenant_is_not_told_what_others_call_theirs() {
    let options = ConvertOptions { origin: Origin::Cluster, ..ConvertOptions::files(now()) };
    for name in ["team-b/payments-root", "team-b/payments-roots"] {
        let text = together(&[
            key_source("NamespacedKeyManagementProvider", name),
            verifier("NamespacedVerifier", "team-a/v", "{ca: {certs: [payments-root]}}"),
        ]);
        let configuration = convert(&documents_of("api.yaml", &text), &options);
        let errors = said(&configuration, Severity::Error);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("add a KeyManagementProvider called payments-root"), "{errors:?}");
    }
}

#[test]
fn what_every_image_would_be_compared_with_has_bounds() {
    let types: Vec<String> = (0..65).map(|number| format!("application/a{number}")).collect();
    let many_types = verifier("Verifier", "v", "{ca: {certs: [kmp]}}")
        .replace("application/vnd.cncf.notary.signature", &types.join(","));
    assert_says(&check(&many_types), Severity::Error, &["spec.artifactTypes: names 65 types; 64 are read"]);

    let listed: String = (0..257).map(|number| format!("      a{number}: any\n")).collect();
    let policy = |kind: &str, rest: &str| {
        check(&format!(
            "{HEAD}kind: Policy\nmetadata: {{name: ratify-policy}}\nspec:\n  type: {kind}\n  parameters:\n{rest}"
        ))
    };
    let many_listed = policy("config-policy", &format!("    artifactVerificationPolicies:\n{listed}"));
    assert_says(&many_listed, Severity::Error, &["has 257 entries; 256 are read"]);
    assert!(matches!(many_listed.cluster.rule, RuleSettings::Refused { .. }));

    let leaves = vec!["{verifierName: v}"; 64].join(", ");
    let branches = vec![format!("{{rules: [{leaves}]}}"); 4].join(", ");
    let tree = policy("threshold-policy", &format!("    policy: {{rules: [{branches}]}}\n"));
    assert_says(&tree, Severity::Error, &["has 261 rules; 256 are read"]);

    let names: Vec<String> = (0..65).map(|number| format!("team/v{number:02}")).collect();
    let mut documents = vec![key_source("NamespacedKeyManagementProvider", "team/kmp")];
    documents.extend(names.iter().map(|name| verifier("NamespacedVerifier", name, "{ca: {certs: [kmp]}}")));
    let configuration = check(&together(&documents));
    let errors = said(&configuration, Severity::Error);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("team/v64: namespace team has more than 64 Verifiers"), "{errors:?}");
}
