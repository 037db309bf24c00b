//! Executors: what they decide about, what refuses them, and what a tenant's may do.

use std::collections::BTreeSet;

use super::shape_tests::*;
use super::*;
use crate::engine::diagnostic::Severity;
use crate::engine::scope::Scope;
use crate::engine::settings::{
    CredentialSettings, ExecutorSettings, MandatoryRule, RuleSettings, ThresholdRule,
};
use crate::secret::{NamedSecrets, SecretName};
use crate::trust::policy::Level;
use crate::verifier::VerifierSettings;

const CERTIFICATE: &str = include_str!("../../tests/fixtures/demo/root.crt");
const POLICY: &str =
    "  policyEnforcer: {type: threshold-policy, parameters: {policy: {rules: [{verifierName: notation}]}}}\n";

fn kind_and_metadata(name: &str) -> (&'static str, String) {
    match name.split_once('/') {
        Some((namespace, name)) => {
            ("NamespacedExecutor", format!("metadata:\n  name: {name}\n  namespace: {namespace}\n"))
        }
        None => ("Executor", format!("metadata:\n  name: {name}\n")),
    }
}

fn executor(name: &str, scopes: &str) -> String {
    let (kind, metadata) = kind_and_metadata(name);
    let certs: String = CERTIFICATE.lines().map(|line| format!("              {line}\n")).collect();
    format!(
        "apiVersion: config.ratify.sh/v2alpha1\nkind: {kind}\n{metadata}spec:\n  scopes: {scopes}\n  verifiers:\n  - name: notation\n    type: notation\n    parameters:\n      certificates:\n      - type: ca\n        inline:\n          certs: |\n{certs}  stores:\n  - type: registry-store\n    parameters: {{credential: {{provider: static}}}}\n{POLICY}"
    )
}

fn mandatory(resource: &str) -> String {
    let annotation = "metadata:\n  annotations: {hallmark.io/mandatory: \"true\"}\n";
    resource.replacen("metadata:\n", annotation, 1)
}

/// With the parameters of its store.
fn with_store(parameters: &str) -> Configuration {
    check(&executor("e", "[r.example, s.example/a]").replace("{credential: {provider: static}}", parameters))
}

#[track_caller]
fn only(configuration: &Configuration) -> &ExecutorSettings {
    let [executor] = &configuration.executors[..] else { panic!("{:?}", configuration.executors) };
    executor
}

fn is_refused(settings: &ExecutorSettings) -> bool {
    matches!(settings.plan.rule, RuleSettings::Refused { .. })
}

fn find<'a>(configuration: &'a Configuration, name: &str) -> &'a ExecutorSettings {
    configuration.executors.iter().find(|executor| &*executor.resource == name).expect(name)
}

#[test]
fn an_executor_is_a_plan_for_its_scopes() {
    let configuration = check(&executor("e", "[\"*.example.com\", ghcr.io, r.example/team/app]"));
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Notice, &["only Executors decide"]);
    let settings = only(&configuration);
    assert_eq!((&*settings.resource, settings.namespace.as_deref()), ("Executor e", None));
    let scopes: Vec<String> = settings.scopes.iter().map(ToString::to_string).collect();
    assert_eq!(scopes, ["*.example.com", "ghcr.io", "r.example/team/app"]);
    let VerifierSettings::Notation(verifier) = &settings.plan.verifiers[0] else { panic!("refused") };
    assert_eq!(verifier.statements[0].verification.level, Level::Strict);
    assert_eq!(verifier.statements[0].registry_scopes, ["*"]);
    assert_eq!(verifier.statements[0].trusted_identities, ["*"]);
    let RuleSettings::Threshold { name, root, .. } = &settings.plan.rule else { panic!("no threshold") };
    assert_eq!(&**name, "Executor e");
    let leaf = ThresholdRule::Signatures { verifier: "notation".into(), count: 1 };
    assert_eq!(*root, ThresholdRule::AtLeast { threshold: 1, rules: vec![leaf] }, "0 asks for all");
    assert_eq!(settings.plan.stores[0].credentials, CredentialSettings::Anonymous);
    assert!(configuration.namespaces.is_empty() && configuration.cluster.verifiers.is_empty());
}

#[test]
fn a_bad_executor_affects_only_its_scopes_and_one_whose_scopes_cannot_be_read_may_mean_anything() {
    let good = executor("good", "[a.example]");
    for (from, to, words, scopes) in [
        ("type: ca", "type: cab", "no type of trust store", "b.example"),
        ("type: notation\n", "type: cosign\n", "cosign is not supported", "b.example"),
        ("type: registry-store", "type: filesystem-oci-store", "is not read here", "b.example"),
        ("provider: static", "provider: azure", "azure is not supported", "b.example"),
        (POLICY, "", "spec.policyEnforcer: is missing: as in Ratify, nothing is admitted", "b.example"),
        ("verifierName: notation", "verifierName: cosign", "there is no verifier cosign", "b.example"),
        ("verifierName: notation", "verifierName: notation, rules: []", "not looked at", "b.example"),
        ("threshold-policy", "rego-policy", "no policy that can be used here", "b.example"),
        ("inline:\n", "azurekeyvault: {vaultURL: x}\n        inline:\n", "exactly one of", "b.example"),
        ("scopes: [b.example]", "scopes: [\"*\"]", "covers everything is not allowed", "everything"),
        ("scopes: [b.example]", "scope: [b.example]", "did you mean scopes?", "everything"),
        ("scopes: [b.example]", "scopes: []", "has 0 entries", "everything"),
        ("scopes: [b.example]", "scopes: [\"b.example/*\"]", "first label", "everything"),
        ("v2alpha1", "v2", "has no version v2", "b.example"),
        ("config.ratify.sh", "config.ratify.dev", "is called config.ratify.sh now", "b.example"),
    ] {
        let bad = executor("bad", "[b.example]");
        assert!(bad.contains(from), "{from}");
        let configuration = check(&together(&[good.clone(), bad.replacen(from, to, 1)]));
        assert_says(&configuration, Severity::Error, &["Executor bad", words]);
        let bad = find(&configuration, "Executor bad");
        assert!(is_refused(bad), "{words}");
        assert_eq!(bad.scopes.iter().map(ToString::to_string).collect::<Vec<_>>(), [scopes], "{words}");
        assert!(!is_refused(find(&configuration, "Executor good")), "{words}");
    }
}

#[test]
fn two_that_claim_the_same_scope_are_both_refused_and_their_neighbours_are_not() {
    let configuration = check(&together(&[
        executor("a", "[r.example, s.example]"),
        executor("b", "[R.example]"),
        executor("c", "[r.example/app]"),
        executor("team/d", "[r.example]"),
    ]));
    assert_says(
        &configuration,
        Severity::Error,
        &["Executor b", "r.example is claimed by Executor a and Executor b"],
    );
    let refused: Vec<_> =
        configuration.executors.iter().filter(|one| is_refused(one)).map(|one| &*one.resource).collect();
    assert_eq!(refused, ["Executor a", "Executor b"]);
}

#[test]
fn overlaps_are_said_where_they_matter() {
    let configuration = check(&together(&[
        executor("wide", "[\"*.example.com\"]"),
        mandatory(&executor("middle", "[r.example.com]")),
        executor("narrow", "[r.example.com/app, s.example.com]"),
        executor("team/own", "[r.example.com]"),
        key_source("KeyManagementProvider", "kmp"),
        verifier("Verifier", "v", "{ca: {certs: [kmp]}}"),
    ]));
    assert_loads(&configuration);
    for (one, other) in [
        ("Executor middle", "Executor wide where"),
        ("Executor narrow", "Executor middle where their scopes overlap; that one is mandatory"),
        ("Executor narrow", "Executor wide where"),
        ("NamespacedExecutor team/own", "Executor middle where"),
        ("NamespacedExecutor team/own", "Executor narrow where"),
        ("NamespacedExecutor team/own", "Executor wide where"),
        ("Executor wide", "Verifiers and Policies of config.ratify.deislabs.io"),
    ] {
        assert_says(&configuration, Severity::Notice, &[&format!(": {one}:"), other]);
    }
    let said = said(&configuration, Severity::Notice);
    assert!(!said.iter().any(|said| said.contains("the place of NamespacedExecutor")), "{said:?}");
}

#[test]
fn what_is_mandatory_holds_in_executors_too() {
    let configuration = check(&together(&[
        executor("e", "[r.example]"),
        mandatory(&executor("base", "[r.example/app]")),
        executor("team/own", "[r.example, s.example]"),
        key_source("KeyManagementProvider", "kmp"),
        mandatory(&verifier("Verifier", "v", "{ca: {certs: [kmp]}}")),
    ]));
    assert_loads(&configuration);
    let of = |name| {
        let rules = find(&configuration, name).plan.mandatory.iter();
        rules.map(|rule: &MandatoryRule| (&*rule.resource, rule.scopes.is_some())).collect::<Vec<_>>()
    };
    let (v, base) = (("Verifier v", false), ("Executor base", true));
    assert_eq!(of("Executor e"), [v, base]);
    assert_eq!(of("Executor base"), [v]);
    assert_eq!(of("NamespacedExecutor team/own"), [v, base]);
    let own = &find(&configuration, "NamespacedExecutor team/own").plan;
    let counted: Vec<_> = own.counted.iter().flatten().map(|resource| &**resource).collect();
    assert_eq!(counted, ["NamespacedExecutor team/own verifier 0"], "its rule counts its own verifiers");
    assert_eq!(own.verifiers.len(), 3);
    assert_eq!(own.key_sources.len(), 3);
    let tenants = check(&mandatory(&executor("team/own", "[r.example]")));
    assert_says(&tenants, Severity::Error, &["hallmark.io/mandatory", "of namespace team"]);
}

#[test]
fn a_password_is_for_registries_that_are_named() {
    let configuration =
        with_store("{credential: {provider: static, username: ann, password: hush}, plainHttp: true}");
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Warning, &["password", "readable for everyone"]);
    let store = &only(&configuration).plan.stores[0];
    assert!(store.plain_http);
    let CredentialSettings::Static(credentials) = &store.credentials else { panic!("{store:?}") };
    let hosts: Vec<_> = credentials.hosts().iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["r.example", "s.example"]);
    assert!(!format!("{configuration:?}").contains("hush"));
    let text = executor("e", "[\"*.example.com\"]")
        .replace("{provider: static}", "{provider: static, username: ann, password: hush}");
    let configuration = check(&text);
    assert_says(&configuration, Severity::Error, &["a wildcard names none"]);
    assert!(is_refused(only(&configuration)));
}

#[test]
fn a_store_names_a_secret_of_its_own_namespace_and_authorities_of_its_registries() {
    let options = ConvertOptions {
        origin: Origin::Cluster,
        release_namespace: "hallmark-system".into(),
        ..ConvertOptions::files(now())
    };
    let in_cluster = |name: &str, credential: &str| {
        let text = executor(name, "[r.example]").replace("{provider: static}", credential);
        convert(&documents_of("api.yaml", &text), &options)
    };
    for (name, namespace) in [("e", "hallmark-system"), ("team/e", "team")] {
        let configuration = in_cluster(name, "{provider: static, secretName: regcred}");
        assert_loads(&configuration);
        let expected = SecretName { namespace: namespace.into(), name: "regcred".into() };
        let (by_cluster, by_namespaces) = (configuration.named_by_cluster, configuration.named_by_namespaces);
        let [named, other] =
            if name.contains('/') { [by_namespaces, by_cluster] } else { [by_cluster, by_namespaces] };
        assert_eq!((named.secrets, other), (BTreeSet::from([expected]), NamedSecrets::default()));
    }
    let foreign = in_cluster("team/e", "{provider: static, secretName: regcred, namespace: other}");
    assert_says(&foreign, Severity::Error, &["reads no Secret of another namespace"]);
    assert_eq!(foreign.named_by_namespaces, NamedSecrets::default());
    let from_file = with_store("{credential: {provider: static, secretName: regcred}}");
    assert_says(&from_file, Severity::Error, &["there are no Secrets beside a file"]);
    let configuration = with_store(&format!("{{caPem: {CERTIFICATE:?}, userAgent: x, maxBlobBytes: 1}}"));
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Notice, &["userAgent", "has no effect"]);
    assert_eq!(only(&configuration).plan.stores[0].ca_pem.as_deref(), Some(CERTIFICATE));
    assert_says(&with_store("{caBase64: \"!\"}"), Severity::Error, &["no PEM in base64"]);
    assert_says(&with_store("{caPem: nonsense}"), Severity::Error, &["caPem"]);
}

#[test]
fn a_namespaced_executor_reads_no_files_and_one_of_the_cluster_follows_them() {
    let from_files = |name: &str| {
        let text = executor(name, "[r.example]");
        let (before, rest) = text.split_once("        inline:\n").expect("inline");
        let (_, after) = rest.split_once("  stores:").expect("stores");
        check(&format!("{before}        files: [/etc/anchors]\n  stores:{after}"))
    };
    let cluster = from_files("e");
    assert_loads(&cluster);
    assert_eq!(cluster.places.len(), 1);
    assert_says(&from_files("team/e"), Severity::Error, &["reads no files of the process"]);
}

#[test]
fn an_executor_that_cannot_be_read_and_one_written_twice_decide_nothing() {
    let broken = executor("e", "[r.example]").replace("  stores:", "  stores: [");
    let configuration = check(&broken);
    let settings = only(&configuration);
    assert!(is_refused(settings));
    assert_eq!(settings.scopes, [Scope::Everything]);
    let twice = check(&together(&[executor("e", "[r.example]"), executor("e", "[s.example]")]));
    let settings = only(&twice);
    assert!(is_refused(settings));
    assert_eq!(settings.scopes.len(), 2, "what either claims");
}

#[test]
fn the_last_good_version_of_an_executor_serves_while_its_replacement_is_bad() {
    let options = ConvertOptions::files(now());
    let mut documents = LastGood::new();
    let mut follow = |text: &str| documents.follow(&documents_of("config.yaml", text), &[], &options);
    follow(&executor("e", "[r.example]"));
    let configuration = follow(&executor("e", "[\"*\"]"));
    let settings = only(&configuration);
    assert!(!is_refused(settings));
    assert_eq!(settings.scopes[0].to_string(), "r.example");
    let key = configuration.resources.keys().next().expect("resource");
    assert_eq!(configuration.resources[key], ResourceState::LastGoodServes);
}

#[test]
fn both_names_of_the_version_and_both_shapes_of_inline_certificates_load() {
    let plain = executor("e", "[r.example]");
    assert_loads(&check(&plain.replace("v2alpha1", "v2beta1")));
    let lines: String = CERTIFICATE.lines().map(|line| format!("          {line}\n")).collect();
    let (before, rest) = plain.split_once("inline:").expect("inline");
    let (_, after) = rest.split_once("  stores:").expect("stores");
    let old = format!("{before}inline: |\n{lines}  stores:{after}");
    let configuration = check(&old);
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Warning, &["inline: is read as inline.certs"]);
    let spoilt = check(&old.replace("BEGIN CERTIFICATE", "BEGIN CERTIFICAT"));
    assert_says(&spoilt, Severity::Error, &["parameters.certificates[0].inline"]);
}

#[test]
fn a_password_goes_to_the_scopes_of_its_store() {
    let credential = "{provider: static, username: ann, password: hush}";
    let text = executor("e", "[r.example, s.example]").replace("{provider: static}", credential);
    let bound = |text: &str| {
        let configuration = check(text);
        assert_loads(&configuration);
        let CredentialSettings::Static(credentials) = &only(&configuration).plan.stores[0].credentials else {
            panic!("no password");
        };
        credentials.hosts().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(bound(&text), ["r.example", "s.example"]);
    let narrow = text.replace("type: registry-store", "type: registry-store\n    scopes: [s.example]");
    assert_ne!(narrow, text);
    assert_eq!(bound(&narrow), ["s.example"]);
    assert_says(&check(&narrow), Severity::Notice, &["spec.stores[0].scopes", "where the password is sent"]);
}

#[test]
fn a_scope_that_many_claim_names_a_few_of_them() {
    let many: Vec<String> = (0..40).map(|number| executor(&format!("e{number}"), "[r.example]")).collect();
    let configuration = check(&together(&many));
    assert!(configuration.executors.iter().all(is_refused));
    assert_says(&configuration, Severity::Error, &["Executor e39", "Executor e4 and 35 more"]);
}

#[test]
fn a_scope_of_one_word_is_told_to_be_a_registry() {
    let words = ["spec.scopes[0]: is the registry nginx", "docker.io/library/nginx"];
    assert_says(&check(&executor("e", "[nginx]")), Severity::Warning, &words);
    for scope in ["localhost", "\"registry:5000\"", "r.example"] {
        let warnings = said(&check(&executor("e", &format!("[{scope}]"))), Severity::Warning);
        assert!(!warnings.iter().any(|warning| warning.contains("is the registry")), "{warnings:?}");
    }
}
