//! The test signer makes what it says.

use openssl::x509::X509;

use crate::support::signer::{KeyKind, LeafOptions, SignOptions, Target, TestSigner};

#[test]
fn an_envelope_has_four_members_and_a_leaf_that_its_root_signed() {
    let options =
        LeafOptions { crl_url: Some("http://127.0.0.1/a.crl".to_owned()), ..LeafOptions::default() };
    for kind in [KeyKind::Rsa(2048), KeyKind::P256, KeyKind::P521] {
        let signer = TestSigner::with(kind, &options);
        assert!(signer.leaf.verify(&signer.root.public_key().expect("key")).expect("verify"));
        assert_eq!(X509::stack_from_pem(signer.root_pem().as_bytes()).expect("PEM").len(), 1);
        let target = Target { media_type: "a/b".to_owned(), digest: "sha256:00".to_owned(), size: 1 };
        let envelope: serde_json::Value =
            serde_json::from_slice(&signer.sign(&target, &SignOptions::default())).expect("JSON");
        let mut members: Vec<_> = envelope.as_object().expect("object").keys().cloned().collect();
        members.sort();
        assert_eq!(members, ["header", "payload", "protected", "signature"]);
    }
}
