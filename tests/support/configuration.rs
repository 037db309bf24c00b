//! Configurations as users write them, for tests that start the program.

/// The YAML of the AKS guide's shape: one inline certificate, one Store, one Verifier at level strict.
pub fn aks_shaped(root_pem: &str, use_http: bool) -> String {
    resources(&[("certstore-inline", root_pem)], use_http)
}

/// As [`aks_shaped`], with several named key sources in the one trust store.
pub fn resources(anchors: &[(&str, &str)], use_http: bool) -> String {
    let mut text = String::new();
    for (name, pem) in anchors {
        let pem: String = pem.lines().map(|line| format!("      {line}\n")).collect();
        text.push_str(&format!(
            "apiVersion: config.ratify.deislabs.io/v1beta1
kind: KeyManagementProvider
metadata:
  name: {name}
spec:
  type: inline
  parameters:
    contentType: certificate
    value: |
{pem}---
"
        ));
    }
    let names: String = anchors.iter().map(|(name, _)| format!("          - {name}\n")).collect();
    let http = if use_http { "  parameters:\n    useHttp: true\n" } else { "" };
    text.push_str(&format!(
        "apiVersion: config.ratify.deislabs.io/v1beta1
kind: Store
metadata:
  name: store-oras
spec:
  name: oras
{http}---
apiVersion: config.ratify.deislabs.io/v1beta1
kind: Verifier
metadata:
  name: verifier-notary-inline
spec:
  name: notation
  artifactTypes: application/vnd.cncf.notary.signature
  parameters:
    verificationCertStores:
      ca:
        certs:
{names}    trustPolicyDoc:
      version: \"1.0\"
      trustPolicies:
        - name: default
          registryScopes:
            - \"*\"
          signatureVerification:
            level: strict
          trustStores:
            - ca:certs
          trustedIdentities:
            - \"*\"
"
    ));
    text
}

/// The text with its certificate exchanged.
pub fn with_certificate(text: &str, pem: &str) -> String {
    let (before, rest) = text.split_once("-----BEGIN CERTIFICATE-----").expect("a certificate");
    let (_, after) = rest.split_once("-----END CERTIFICATE-----").expect("its end");
    let indent = before.lines().last().expect("a line");
    let pem = pem.trim().lines().collect::<Vec<_>>().join(&format!("\n{indent}"));
    format!("{before}{pem}{after}")
}
