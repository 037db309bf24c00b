//! Resources as YAML, for the scenarios.

/// An image that the trust policies below decide about without a registry.
pub const IMAGE: &str =
    "registry.example/app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What there is beside a Verifier.
pub fn store() -> String {
    "apiVersion: config.ratify.deislabs.io/v1beta1\n\
     kind: Store\n\
     metadata: {name: store-oras}\n\
     spec: {name: oras}\n"
        .to_owned()
}

/// Skips the images of `scope`; every other is covered by no trust policy.
pub fn verifier(scope: &str) -> String {
    format!(
        "apiVersion: config.ratify.deislabs.io/v1beta1\n\
         kind: Verifier\n\
         metadata: {{name: verifier-notation}}\n\
         spec:\n  \
           name: notation\n  \
           artifactTypes: application/vnd.cncf.notary.signature\n  \
           parameters:\n    \
             verificationCertStores: {{ca: {{certs: [certs]}}}}\n    \
             trustPolicyDoc:\n      \
               version: '1.0'\n      \
               trustPolicies:\n      \
               - name: skipped\n        \
                 registryScopes: ['{scope}']\n        \
                 signatureVerification: {{level: skip}}\n"
    )
}

/// A source of the certificate `pem`.
pub fn certificates(name: &str, pem: &str) -> String {
    let pem = pem.trim().replace('\n', "\n      ");
    format!(
        "apiVersion: config.ratify.deislabs.io/v1beta1\n\
         kind: KeyManagementProvider\n\
         metadata: {{name: {name}}}\n\
         spec:\n  \
           type: inline\n  \
           parameters:\n    \
             contentType: certificate\n    \
             value: |\n      {pem}\n"
    )
}

/// A certificate to be trusted.
pub fn pem() -> String {
    rcgen::generate_simple_self_signed(["signer.example".to_owned()]).expect("certificate").cert.pem()
}

/// Joins documents.
pub fn all(documents: &[String]) -> String {
    documents.join("---\n")
}
