//! What serves while a change is bad, and that deletions take effect.

use super::shape_tests::{
    assert_loads, assert_says, documents_of, key_source, now, said, together, verifier,
};
use super::*;
use crate::engine::diagnostic::Severity;
use crate::engine::settings::RuleSettings;
use crate::verifier::VerifierSettings;

/// Readings of one file, one after another.
struct Readings {
    last_good: LastGood,
}

impl Readings {
    fn from(documents: &[String]) -> Self {
        let mut readings = Self { last_good: LastGood::new() };
        assert_loads(&readings.read(documents));
        readings
    }

    fn read(&mut self, documents: &[String]) -> Configuration {
        let documents = documents_of("config.yaml", &together(documents));
        self.last_good.follow(&documents, &[], &ConvertOptions::files(now()))
    }
}

fn provider() -> String {
    key_source("KeyManagementProvider", "kmp")
}

fn trusting(name: &str) -> String {
    verifier("Verifier", "v", &format!("{{certs: [{name}]}}"))
}

#[track_caller]
fn assert_in_force(configuration: &Configuration) {
    let verifiers = &configuration.cluster.verifiers;
    assert!(matches!(verifiers.as_slice(), [VerifierSettings::Notation(_)]), "{verifiers:?}");
}

#[test]
fn the_last_good_version_serves_while_its_replacement_is_bad() {
    let good = [provider(), trusting("kmp")];
    let mut readings = Readings::from(&good);
    for bad in [
        [provider(), trusting("nowhere")],
        [provider(), trusting("kmp").replace("trustPolicyDoc", "trustPolicyDok")],
        [provider().replace("BEGIN", "BEGUN"), trusting("kmp")],
        [provider().replace("contentType: certificate", "contentType: certificates"), trusting("kmp")],
    ] {
        let configuration = readings.read(&bad);
        assert_in_force(&configuration);
        assert!(!said(&configuration, Severity::Error).is_empty(), "{bad:?}");
        assert_says(&configuration, Severity::Warning, &["its last good version serves"]);
    }
    let configuration = readings.read(&good);
    assert_loads(&configuration);
    assert!(!said(&configuration, Severity::Warning).iter().any(|said| said.contains("last good")));
}

/// The Verifier did not change: the key source is what is bad.
#[test]
fn a_key_source_that_is_of_no_use_any_more_is_a_bad_replacement() {
    let signer = crate::test_signer::TestSigner::new(crate::test_signer::KeyKind::P256);
    let key = String::from_utf8(signer.root_key().public_key_to_pem().expect("key")).expect("text");
    let leaf = String::from_utf8(signer.leaf.to_pem().expect("PEM")).expect("text");
    let inline = |content: &str, pem: &str| {
        format!(
            "apiVersion: config.ratify.deislabs.io/v1beta1\nkind: KeyManagementProvider\nmetadata: {{name: kmp}}\nspec: {{type: inline, parameters: {{contentType: {content}, value: {pem:?}}}}}\n"
        )
    };
    for (content, pem, said) in
        [("key", &key, "it holds keys"), ("certificate", &leaf, "none of its certificates")]
    {
        let mut readings = Readings::from(&[provider(), trusting("kmp")]);
        let before = readings.read(&[provider(), trusting("kmp")]);
        let after = readings.read(&[inline(content, pem), trusting("kmp")]);
        assert_in_force(&after);
        assert_eq!(after.cluster.key_sources, before.cluster.key_sources);
        assert_says(&after, Severity::Error, &[said]);
        assert_says(&after, Severity::Warning, &["its last good version serves"]);
        let key =
            before.resources.keys().find(|key| key.kind == Kind::KeyManagementProvider).expect("source");
        assert_eq!(after.resources[key], ResourceState::LastGoodServes);
        // A Verifier that is new has nothing that served before.
        let other = trusting("kmp").replace("name: v", "name: w");
        let mut first = Readings { last_good: LastGood::new() };
        let fresh = first.read(&[inline(content, pem), other]);
        assert!(matches!(fresh.cluster.verifiers.as_slice(), [VerifierSettings::Refused { .. }]), "{said}");
    }
}

#[test]
fn a_contradiction_leaves_the_last_good_version_in_force() {
    let mut readings = Readings::from(&[provider(), trusting("kmp")]);
    let other = trusting("kmp").replace("level: strict", "level: audit");
    let configuration = readings.read(&[provider(), other, trusting("kmp")]);
    assert_in_force(&configuration);
    let VerifierSettings::Notation(notation) = &configuration.cluster.verifiers[0] else { return };
    assert_eq!(notation.statements[0].verification.level, crate::trust::policy::Level::Strict);
}

#[test]
fn a_deletion_always_takes_effect() {
    let mut readings = Readings::from(&[provider(), trusting("kmp")]);
    let dangling = readings.read(&[trusting("kmp")]);
    assert!(matches!(dangling.cluster.verifiers[0], VerifierSettings::Refused { .. }));
    assert!(dangling.cluster.key_sources.is_empty());
    let mut readings = Readings::from(&[provider(), trusting("kmp")]);
    assert!(readings.read(&[provider()]).cluster.verifiers.is_empty());
    // And what was deleted does not come back with a bad version of the same name.
    let again = readings.read(&[provider(), trusting("nowhere")]);
    assert!(matches!(again.cluster.verifiers[0], VerifierSettings::Refused { .. }));
}

#[test]
fn a_policy_that_turns_bad_never_brings_the_default_rule_back() {
    let policy = |kind: &str| {
        format!(
            "apiVersion: config.ratify.deislabs.io/v1beta1\nkind: Policy\nmetadata: {{name: ratify-policy}}\nspec: {{type: {kind}}}\n"
        )
    };
    let mut first = Readings { last_good: LastGood::new() };
    let configuration = first.read(&[policy("rego-policy")]);
    assert!(matches!(configuration.cluster.rule, RuleSettings::Refused { .. }));
    let mut readings = Readings::from(&[policy("config-policy")]);
    let configuration = readings.read(&[policy("rego-policy")]);
    assert!(matches!(configuration.cluster.rule, RuleSettings::ByArtifactType { .. }));
}

/// Else who may write one Verifier in a namespace could keep a key in force that the cluster takes away.
#[test]
fn a_tenants_verifier_does_not_hold_back_what_the_cluster_changes() {
    let signer = crate::test_signer::TestSigner::new(crate::test_signer::KeyKind::P256);
    let leaf = String::from_utf8(signer.leaf.to_pem().expect("PEM")).expect("text");
    let replacement = format!(
        "apiVersion: config.ratify.deislabs.io/v1beta1\nkind: KeyManagementProvider\nmetadata: {{name: kmp}}\nspec: {{type: inline, parameters: {{contentType: certificate, value: {leaf:?}}}}}\n"
    );
    let tenants = verifier("NamespacedVerifier", "team/v", "{ca: {certs: [kmp]}}");
    let mut readings = Readings::from(&[provider(), tenants.clone()]);
    let after = readings.read(&[replacement, tenants]);
    let state =
        |kind: Kind| after.resources.iter().find(|(key, _)| key.kind == kind).map(|(_, state)| *state);
    assert_eq!(state(Kind::KeyManagementProvider), Some(ResourceState::InForce));
    assert_eq!(state(Kind::Verifier), Some(ResourceState::Refused));
}
