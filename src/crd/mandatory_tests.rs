//! What a tenant may do to what the cluster demands: add, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::shape_tests::*;
use super::*;
use crate::engine::diagnostic::Severity;
use crate::engine::settings::{MandatoryRule, NamespacedResources, PlanSettings, Quantifier, RuleSettings};
use crate::verifier::VerifierSettings;

const ANNOTATED: &str = "  annotations: {hallmark.io/mandatory: \"true\"}\n";

/// The same resource, mandatory.
fn mandatory(resource: &str) -> String {
    resource.replacen("metadata:\n", &format!("metadata:\n{ANNOTATED}"), 1)
}

fn policy(kind: &str, namespace: Option<&str>, quantifier: &str) -> String {
    let namespace = namespace.map(|name| format!("  namespace: {name}\n")).unwrap_or_default();
    format!(
        "{HEAD}kind: {kind}\nmetadata:\n  name: ratify-policy\n{namespace}spec:\n  type: config-policy\n  parameters: {{artifactVerificationPolicies: {{default: {quantifier}}}}}\n"
    )
}

fn cluster_verifier() -> String {
    verifier("Verifier", "v", "{ca: {certs: [kmp]}}")
}

fn clusters() -> Vec<String> {
    vec![key_source("KeyManagementProvider", "kmp"), cluster_verifier()]
}

fn with(more: &[String]) -> Configuration {
    check(&together(&[clusters(), more.to_vec()].concat()))
}

fn resources(rule: &MandatoryRule) -> Vec<&str> {
    rule.counted.iter().map(|resource| &**resource).collect()
}

fn names(settings: &PlanSettings) -> Vec<&str> {
    settings.verifiers.iter().map(|verifier| &**verifier.resource()).collect()
}

#[test]
fn a_weaker_namespaced_policy_stands_beside_the_mandatory_one() {
    let tenant = policy("NamespacedPolicy", Some("team"), "any");
    for (clusters, expected) in
        [(policy("Policy", None, "all"), 0), (mandatory(&policy("Policy", None, "all")), 1)]
    {
        let configuration = with(&[clusters, tenant.clone()]);
        assert_loads(&configuration);
        let words = ["NamespacedPolicy team/ratify-policy", "in place of the cluster's Policy"];
        assert_says(&configuration, Severity::Notice, &words);
        let plan = &configuration.namespaces["team"];
        assert!(matches!(&plan.rule, RuleSettings::ByArtifactType { default: Quantifier::Any, .. }));
        assert_eq!(plan.mandatory.len(), expected);
        for rule in &plan.mandatory {
            assert_eq!(&*rule.resource, "Policy ratify-policy");
            assert_eq!(resources(rule), ["v"]);
            let is_all = matches!(&rule.rule, RuleSettings::ByArtifactType { default: Quantifier::All, .. });
            assert!(is_all, "{rule:?}");
        }
        assert!(configuration.cluster.mandatory.is_empty(), "there it is the rule");
    }
}

#[test]
fn a_namespaced_verifier_of_the_same_name_counts_for_the_namespace_and_not_for_what_is_mandatory() {
    let own = [
        key_source("NamespacedKeyManagementProvider", "team/kmp"),
        verifier("NamespacedVerifier", "team/v", "{ca: {certs: [kmp]}}"),
    ];
    let clusters = [key_source("KeyManagementProvider", "kmp"), mandatory(&cluster_verifier())];
    let configuration = check(&together(&[clusters.to_vec(), own.to_vec()].concat()));
    assert_loads(&configuration);
    let plan = &configuration.namespaces["team"];
    assert_eq!(names(plan), ["v", "team/v"]);
    assert_eq!(plan.counted, None, "united");
    let [rule] = &plan.mandatory[..] else { panic!("{:?}", plan.mandatory) };
    assert_eq!((&*rule.resource, resources(rule)), ("Verifier v", vec!["v"]));
    assert_eq!(configuration.cluster.mandatory.len(), 1, "in the cluster too");
}

#[test]
fn a_tenants_key_sources_are_no_anchor_of_a_cluster_verifier() {
    let tenants = [
        key_source("CertificateStore", "team/kmp"),
        key_source("NamespacedKeyManagementProvider", "team/kmp"),
    ];
    let configuration = with(&tenants);
    let plan = &configuration.namespaces["team"];
    for settings in [&configuration.cluster, plan] {
        let sources: Vec<_> = settings.key_sources.keys().map(|name| &**name).collect();
        assert_eq!(sources, ["KeyManagementProvider kmp"]);
        let VerifierSettings::Notation(settings) = &settings.verifiers[0] else { panic!("refused") };
        let members: Vec<_> = settings.trust_stores.values().flatten().map(|name| &**name).collect();
        assert_eq!(members, ["KeyManagementProvider kmp"]);
    }
    // And where the cluster's is gone, the name leads nowhere.
    let configuration = check(&together(&[vec![cluster_verifier()], tenants.to_vec()].concat()));
    let words = ["there is no KeyManagementProvider or CertificateStore kmp"];
    assert_says(&configuration, Severity::Error, &words);
    assert!(configuration.cluster.key_sources.is_empty());
}

#[test]
fn what_is_mandatory_trusts_no_key_source_of_another_namespace_not_even_a_named_one() {
    let source = key_source("NamespacedKeyManagementProvider", "team/kmp");
    let plain = cluster_verifier().replace("[kmp]", "[team/kmp]");
    assert_loads(&check(&together(&[source.clone(), plain.clone()])));
    for resources in [
        vec![source.clone(), mandatory(&plain)],
        vec![source, plain, mandatory(&policy("Policy", None, "all"))],
    ] {
        let configuration = check(&together(&resources));
        assert_says(&configuration, Severity::Error, &["Verifier v", "team/kmp is of another namespace"]);
    }
}

#[test]
fn a_refused_mandatory_resource_vetoes_in_every_namespace() {
    let tenant = policy("NamespacedPolicy", Some("team"), "any");
    let broken_policy = mandatory(&policy("Policy", None, "sometimes"));
    let broken_verifier = mandatory(&cluster_verifier().replace("kmp", "nowhere"));
    for broken in [broken_policy, broken_verifier.replace("name: v\n", "name: w\n")] {
        let configuration = with(&[broken, tenant.clone()]);
        let rule = &configuration.namespaces["team"].mandatory[0].rule;
        assert!(matches!(rule, RuleSettings::Refused { .. }), "{rule:?}");
    }
    let nobody = check(&together(&[mandatory(&policy("Policy", None, "all")), tenant]));
    assert_says(&nobody, Severity::Error, &["Policy ratify-policy", "has no Verifier that could satisfy it"]);
    assert!(matches!(nobody.namespaces["team"].mandatory[0].rule, RuleSettings::Refused { .. }));
}

#[test]
fn the_annotation_says_true_or_false_on_what_decides_for_the_cluster() {
    let annotated = |annotation: &str| {
        cluster_verifier().replacen(
            "metadata:\n",
            &format!("metadata:\n  annotations: {{{annotation}}}\n"),
            1,
        )
    };
    for (annotation, words) in [
        ("hallmark.io/mandatory: \"yes\"", "neither \"true\" nor \"false\""),
        ("hallmark.io/mandatory: true", "a text is wanted"),
        ("hallmark.io/mandatry: \"true\"", "did you mean hallmark.io/mandatory?"),
    ] {
        let text = together(&[key_source("KeyManagementProvider", "kmp"), annotated(annotation)]);
        let configuration = check(&text);
        assert_says(&configuration, Severity::Error, &["metadata.annotations.hallmark.io/", words]);
        assert_eq!(configuration.cluster.mandatory.len(), 1, "{annotation}: it may have been meant");
    }
    for annotation in ["hallmark.io/mandatory: \"false\"", "example.com/mandatory: \"true\""] {
        let text = together(&[key_source("KeyManagementProvider", "kmp"), annotated(annotation)]);
        let configuration = check(&text);
        assert_loads(&configuration);
        assert!(configuration.cluster.mandatory.is_empty());
    }
    for (resource, words) in [
        (mandatory(&key_source("KeyManagementProvider", "other")), "decides nothing"),
        (mandatory(&policy("NamespacedPolicy", Some("team"), "all")), "this is of namespace team"),
        (mandatory(&verifier("NamespacedVerifier", "team/v", "{ca: {certs: [kmp]}}")), "of namespace team"),
    ] {
        let configuration = with(&[resource]);
        assert_says(&configuration, Severity::Error, &["metadata.annotations.hallmark.io/mandatory", words]);
        assert!(configuration.cluster.mandatory.is_empty(), "a tenant demands nothing of the cluster");
        let namespaces = configuration.namespaces.values();
        assert!(namespaces.flat_map(|plan| &plan.mandatory).next().is_none());
    }
}

fn replacing(text: &str) -> Configuration {
    let options = ConvertOptions { namespaced: NamespacedResources::Replace, ..ConvertOptions::files(now()) };
    convert(&documents_of("config.yaml", text), &options)
}

#[test]
fn where_ratifys_behaviour_is_chosen_a_namespace_puts_each_kind_aside_and_never_what_is_mandatory() {
    let store = |kind: &str, metadata: &str| {
        format!("{HEAD}kind: {kind}\nmetadata: {metadata}\nspec: {{name: oras}}\n")
    };
    let resources = [
        key_source("KeyManagementProvider", "kmp"),
        mandatory(&cluster_verifier()),
        verifier("Verifier", "w", "{ca: {certs: [kmp]}}"),
        store("Store", "{name: s}"),
        verifier("NamespacedVerifier", "team/v", "{ca: {certs: [kmp]}}"),
        store("NamespacedStore", "{name: s, namespace: other}"),
    ];
    let configuration = replacing(&together(&resources));
    assert_loads(&configuration);
    assert_says(&configuration, Severity::Notice, &["NamespacedVerifier team/v", "Verifiers aside"]);
    assert_says(&configuration, Severity::Notice, &["NamespacedStore other/s", "Stores aside"]);
    let stores =
        |plan: &PlanSettings| plan.stores.iter().map(|store| store.name.to_string()).collect::<Vec<_>>();
    let team = &configuration.namespaces["team"];
    assert_eq!(names(team), ["team/v", "v"]);
    assert_eq!(team.counted, Some(BTreeSet::from([Arc::from("team/v")])), "v counts only for its own");
    assert_eq!(team.mandatory.len(), 1);
    assert_eq!(stores(team), ["s"]);
    let other = &configuration.namespaces["other"];
    assert_eq!((names(other), stores(other)), (vec!["v", "w"], vec!["other/s".to_owned()]));
    assert_eq!(names(&check(&together(&resources)).namespaces["team"]), ["v", "w", "team/v"]);
}

#[test]
fn a_tenant_that_puts_a_named_verifier_aside_refuses_only_its_own_images() {
    let threshold = format!(
        "{HEAD}kind: Policy\nmetadata: {{name: ratify-policy}}\nspec:\n  type: threshold-policy\n  parameters:\n    policy: {{rules: [{{verifierName: notation}}]}}\n"
    );
    let own = verifier("NamespacedVerifier", "team/v", "{ca: {certs: [kmp]}}")
        .replace("spec:\n  name: notation\n", "spec:\n  name: own\n  type: notation\n");
    let configuration = replacing(&together(&[clusters(), vec![threshold, own]].concat()));
    assert_loads(&configuration);
    assert!(matches!(configuration.cluster.rule, RuleSettings::Threshold { .. }));
    assert!(matches!(configuration.namespaces["team"].rule, RuleSettings::Refused { .. }));
}
