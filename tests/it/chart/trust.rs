//! What to trust, given by values: the resources that Ratify's chart would make, and that Hallmark understands.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::rendered::{Rendered, refusal};
use crate::support::program::run;
use crate::support::signer::{KeyKind, TestSigner};

/// Values with that many certificates, and `more`.
fn certificates(count: usize, more: &str) -> String {
    let mut values = "notationCerts:\n".to_owned();
    for _ in 0..count {
        _ = writeln!(values, "  - {}", json!(TestSigner::new(KeyKind::P256).root_pem()));
    }
    values + more
}

/// What `hallmark config check` says to the rendered resources, and how it ends.
fn checked(rendered: &Rendered) -> (String, i32) {
    let folder = tempfile::tempdir().expect("folder");
    for (index, object) in rendered.all().iter().enumerate() {
        let group = object["apiVersion"].as_str().unwrap_or_default();
        if group.starts_with("config.ratify.") {
            std::fs::write(folder.path().join(format!("{index}.yaml")), object.to_string()).expect("written");
        }
    }
    let ran = run(&["config", "check", folder.path().to_str().expect("path")]);
    (ran.stdout + &ran.stderr, ran.status)
}

#[test]
fn nothing_is_trusted_unless_it_is_given() {
    let rendered = Rendered::of("{}");
    for kind in ["Verifier", "Policy", "Store", "KeyManagementProvider", "Executor"] {
        assert!(rendered.names(kind).is_empty(), "{kind}");
    }
}

#[test]
fn certificates_make_the_resources_of_ratifys_chart_and_hallmark_takes_them() {
    let rendered = Rendered::of(&certificates(2, ""));
    let providers = ["hallmark-notation-inline-cert-0", "hallmark-notation-inline-cert-1"];
    assert_eq!(rendered.names("KeyManagementProvider"), providers);
    let verifier = &rendered.object("Verifier", "verifier-notation")["spec"]["parameters"];
    assert_eq!(verifier["verificationCertStores"], json!({"ca": {"certs": providers}}));
    let policy = &verifier["trustPolicyDoc"]["trustPolicies"][0];
    assert_eq!(policy["signatureVerification"], json!({"level": "strict"}));
    assert_eq!(policy["trustStores"], json!(["ca:certs"]));
    let rule = &rendered.object("Policy", "ratify-policy")["spec"]["parameters"];
    assert_eq!(rule["artifactVerificationPolicies"], json!({"default": "all"}));
    assert_eq!(rendered.names("Store"), ["store-oras"]);
    let (text, status) = checked(&rendered);
    assert_eq!(status, 0, "{text}");
    assert!(!text.contains(" warning: "), "{text}");
}

/// A timestamp authority that were an anchor of signers as well could sign images.
#[test]
fn stores_have_the_types_that_policies_give_them() {
    let policies = r#"
notation:
  trustPolicies:
    - {name: timed, registryScopes: [registry.example/a], trustedIdentities: ["*"], trustStores: ["ca:notationCerts[0]", "tsa:notationCerts[1]"]}
    - {name: rest, registryScopes: ["*"], trustedIdentities: ["*"], trustStores: []}
"#;
    let rendered = Rendered::of(&certificates(3, policies));
    let verifier = &rendered.object("Verifier", "verifier-notation")["spec"]["parameters"];
    let expected = json!({
        "ca": {
            "notation-cert-0": ["hallmark-notation-inline-cert-0"],
            "certs": ["hallmark-notation-inline-cert-0", "hallmark-notation-inline-cert-2"],
        },
        "tsa": {"notation-cert-1": ["hallmark-notation-inline-cert-1"]},
    });
    assert_eq!(verifier["verificationCertStores"], expected);
    let (text, status) = checked(&rendered);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn a_level_and_its_exceptions_reach_the_verifier() {
    let policies = r#"
notation:
  trustPolicies:
    - name: mild
      registryScopes: [registry.example/a]
      trustedIdentities: ["*"]
      signatureVerification: {level: permissive, override: {expiry: enforce}, verifyTimestamp: afterCertExpiry}
    - {name: none, registryScopes: [registry.example/b], signatureVerification: {level: skip}}
"#;
    let rendered = Rendered::of(&certificates(1, policies));
    let document = &rendered.object("Verifier", "verifier-notation")["spec"]["parameters"]["trustPolicyDoc"];
    let expected = json!({"level": "permissive", "override": {"expiry": "enforce"}, "verifyTimestamp": "afterCertExpiry"});
    assert_eq!(document["trustPolicies"][0]["signatureVerification"], expected);
    assert_eq!(document["trustPolicies"][1]["trustStores"], Value::Null, "a skipped scope names no stores");
    let (text, status) = checked(&rendered);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn a_store_that_is_not_there_is_refused() {
    let policy = |store: &str| {
        certificates(
            1,
            &format!(
                "notation: {{trustPolicies: [{{name: a, registryScopes: ['*'], trustStores: ['{store}']}}]}}"
            ),
        )
    };
    assert!(refusal(&policy("ca:notationCerts[1]")).contains("notationCerts has 1 certificates"));
    assert!(refusal(&policy("ca:AzureKeyVault")).contains("trustResources"));
}

#[test]
fn credentials_from_secrets_come_with_the_right_to_read_those() {
    let values = "
imagePullSecrets: [{name: pull}]
oras: {authProviders: {k8secretsEnabled: true, k8secrets: [{secretName: team, namespace: team-a}]}}";
    let rendered = Rendered::of(values);
    let provider = &rendered.object("Store", "store-oras")["spec"]["parameters"]["authProvider"];
    let expected = json!({
        "name": "k8Secrets", "serviceAccountName": "hallmark",
        "secrets": [{"secretName": "team", "namespace": "team-a"}],
    });
    assert_eq!(*provider, expected);
    let roles = rendered.kind("Role");
    let granted = |namespace: &str| {
        let role = roles.iter().find(|role| {
            role["metadata"]["name"] == "hallmark-reader" && role["metadata"]["namespace"] == namespace
        });
        role.expect("role")["rules"].to_string()
    };
    assert!(granted("team-a").contains("\"team\""));
    assert!(granted("hallmark-system").contains("\"pull\""));
    assert!(granted("hallmark-system").contains("serviceaccounts"));
}

#[test]
fn resources_are_passed_on_and_others_are_not() {
    let resource = |group: &str| {
        format!(
            "trustResources: [{{apiVersion: {group}, kind: Store, metadata: {{name: mine, annotations: {{hallmark.io/mandatory: 'true'}}}}, spec: {{name: oras}}}}]"
        )
    };
    let rendered = Rendered::of(&resource("config.ratify.deislabs.io/v1beta1"));
    let store = rendered.object("Store", "mine");
    assert_eq!(store["metadata"]["annotations"]["hallmark.io/mandatory"], "true");
    assert!(refusal(&resource("rbac.authorization.k8s.io/v1")).contains("trustResources"));
}

#[test]
fn values_of_ratify_2_make_its_executor() {
    let pem = json!(TestSigner::new(KeyKind::P256).root_pem());
    let values = format!(
        "
executor: {{scopes: [registry.example, registry.example.org]}}
notation: {{trustedIdentities: ['*'], certs: [{{provider: inline, cert: {pem}}}]}}
stores: [{{credential: {{provider: static, username: u, password: p}}}}]"
    );
    let rendered = Rendered::of(&values);
    let spec = &rendered.object("Executor", "hallmark-executor-1")["spec"];
    assert_eq!(spec["scopes"], json!(["registry.example", "registry.example.org"]));
    let certificate = &spec["verifiers"][0]["parameters"]["certificates"][0];
    assert_eq!(*certificate, json!({"type": "ca", "inline": {"certs": pem}}));
    assert_eq!(spec["stores"][0]["parameters"]["credential"]["username"], "u");
    let rule = &spec["policyEnforcer"]["parameters"]["policy"];
    assert_eq!(*rule, json!({"threshold": 1, "rules": [{"verifierName": "notation-1"}]}));
    let (text, status) = checked(&rendered);
    assert_eq!(status, 0, "{text}");
    let wildcard = values.replace("registry.example.org", "'*.example.org'");
    assert!(refusal(&wildcard).contains("*.example.org names none"));
    let named = wildcard.replace("username: u, password: p", "secretName: pull, namespace: team-a");
    let rendered = Rendered::of(&named);
    let spec = &rendered.object("Executor", "hallmark-executor-1")["spec"];
    assert_eq!(spec["scopes"][1], "*.example.org");
    let credential = json!({"provider": "static", "secretName": "pull", "namespace": "team-a"});
    assert_eq!(spec["stores"][0]["parameters"]["credential"], credential);
    assert_eq!(rendered.object("Role", "hallmark-reader")["metadata"]["namespace"], "team-a");
    assert!(
        refusal(&values.replace("[{credential", "[{scopes: [a.example], credential"))
            .contains("executor.scopes")
    );
    let certificates = format!("notation: {{certs: [{{provider: inline, cert: {pem}}}]}}");
    assert!(refusal(&certificates).contains("executor.scopes"));
    assert!(refusal("executor: {scopes: [a.example]}").contains("notation.certs"));
    let two = format!(
        "executor: {{scopes: [a.example]}}\nnotation: {{certs: [{{provider: inline, cert: {pem}}}, {{provider: inline, cert: {pem}}}]}}"
    );
    assert!(refusal(&two).contains("only the first"));
}
