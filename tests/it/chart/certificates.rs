//! The three ways to a serving certificate, and how clients prove themselves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::rendered::{Rendered, refusal};

#[test]
fn by_default_hallmark_makes_its_certificate_for_the_names_of_the_service() {
    let rendered = Rendered::of("{}");
    let settings = rendered.settings();
    assert_eq!(settings["gatekeeper"]["ca"], "own");
    assert_eq!(settings["cert_dir"], Value::Null);
    let names = settings["tls_san"].as_array().expect("names");
    for name in ["hallmark.hallmark-system", "hallmark.hallmark-system.svc"] {
        assert!(names.contains(&json!(name)), "{names:?}");
    }
}

#[test]
fn the_client_must_be_gatekeepers_webhook_service() {
    let settings = Rendered::of("gatekeeper: {namespace: policy-system}").settings();
    assert_eq!(settings["gatekeeper"]["client_ca"], "webhook");
    assert_eq!(settings["client_san"], json!(["gatekeeper-webhook-service.policy-system.svc"]));
    let settings = Rendered::of("clientAuth: {mode: none}").settings();
    assert_eq!(settings["gatekeeper"]["client_ca"], "none");
    assert_eq!(settings["client_san"], Value::Null, "nothing is asked for that could have the name");
}

#[test]
fn cert_manager_is_asked_for_the_names_of_the_service_and_its_secret_is_served_and_read() {
    let values = "certificates: {mode: certManager, certManager: {issuerRef: {name: ours, kind: Issuer}}}";
    let rendered = Rendered::of(values);
    let certificate = &rendered.object("Certificate", "hallmark")["spec"];
    assert_eq!(certificate["issuerRef"], json!({"name": "ours", "kind": "Issuer"}));
    let names = certificate["dnsNames"].as_array().expect("names");
    assert!(names.contains(&json!("hallmark.hallmark-system")), "{names:?}");
    let settings = rendered.settings();
    assert_eq!(settings["gatekeeper"]["ca"], "secret");
    assert_eq!(settings["gatekeeper"]["ca_secret"], certificate["secretName"]);
    assert_eq!(settings["tls_san"], Value::Null);
    mounted(&rendered, "hallmark-tls");
    let reader = &rendered.object("Role", "hallmark-reader")["rules"][0];
    assert_eq!(reader["resourceNames"], json!(["hallmark-tls"]));
    assert!(refusal("certificates: {mode: certManager}").contains("certificates.certManager.issuerRef"));
}

/// Nobody but the operator knows the bundle, so the chart makes the Provider objects and Hallmark none.
#[test]
fn a_provided_certificate_is_served_and_its_authorities_are_in_the_providers() {
    let given = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    let as_pem = given.replace('\n', "\\n");
    let as_base64 = STANDARD.encode(given);
    for bundle in [as_pem, as_base64.clone()] {
        let values =
            format!("certificates: {{mode: provided, provided: {{secret: ours, caBundle: \"{bundle}\"}}}}");
        let rendered = Rendered::of(&values);
        let all = [
            "hallmark",
            "hallmark-mutation",
            "ratify-gatekeeper-mutation-provider",
            "ratify-gatekeeper-provider",
            "ratify-mutation-provider",
            "ratify-provider",
        ];
        assert_eq!(rendered.names("Provider"), all);
        let provider = &rendered.object("Provider", "ratify-provider")["spec"];
        assert_eq!(provider["url"], "https://hallmark.hallmark-system:6001/ratify/gatekeeper/v1/verify");
        assert_eq!(provider["timeout"], 3);
        assert_eq!(provider["caBundle"], as_base64, "one line of base64, as Gatekeeper wants it");
        assert_eq!(rendered.settings()["gatekeeper"]["providers"], Value::Null);
        mounted(&rendered, "ours");
    }
    let refused = refusal("certificates: {mode: provided, provided: {secret: ours, caBundle: bm8=}}");
    assert!(refused.contains("neither PEM certificates nor base64 of them"), "{refused}");
    assert!(
        refusal("certificates: {mode: provided, provided: {caBundle: '-----BEGIN CERTIFICATE-----'}}")
            .contains("provided.secret")
    );
    assert!(refusal("certificates: {mode: provided, provided: {secret: a}}").contains("provided.caBundle"));
}

#[test]
fn the_authority_of_gatekeeper_may_come_from_a_secret_or_a_file() {
    let rendered = Rendered::of("clientAuth: {mode: secret, secret: policy-system/authority}");
    assert_eq!(rendered.settings()["gatekeeper"]["client_ca_secret"], "policy-system/authority");
    let role = rendered.object("Role", "hallmark-reader");
    assert_eq!(role["metadata"]["namespace"], "policy-system");
    assert_eq!(role["rules"][0]["resourceNames"], json!(["authority"]));
    let settings = Rendered::of("clientAuth: {mode: file, file: /ours/ca.crt, sans: [a.example]}").settings();
    assert_eq!(settings["client_ca"], "/ours/ca.crt");
    assert_eq!(settings["client_san"], json!(["a.example"]));
    assert!(refusal("clientAuth: {mode: file}").contains("clientAuth.file"));
}

/// The serving pair is where `cert_dir` says.
fn mounted(rendered: &Rendered, secret: &str) {
    assert_eq!(rendered.settings()["cert_dir"], "/etc/hallmark/tls");
    let volumes = rendered.pod()["spec"]["volumes"].as_array().expect("volumes");
    let volume = volumes.iter().find(|volume| volume["name"] == "tls").expect("volume");
    assert_eq!(volume["secret"]["secretName"], secret);
    let mounts = rendered.container()["volumeMounts"].as_array().expect("mounts");
    let mount = mounts.iter().find(|mount| mount["name"] == "tls").expect("mount");
    assert_eq!(mount["mountPath"], "/etc/hallmark/tls");
}
