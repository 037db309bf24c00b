use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, KeyUsage};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

use super::*;
use crate::oci::Descriptor;
use crate::outcome::{CheckResult, Finding, SignatureResult};
use crate::reference::{Digest, DigestAlgorithm};
use crate::test_signer::{JWS, KeyKind, SignOptions, Target, TestSigner};
use crate::trust::policy::{Level, SignatureVerification, Statement, VerifyTimestamp};
use crate::trust::store::StoreType;
use crate::x509::Certificate;

/// A name and its key.
struct Holder {
    name: X509Name,
    key: PKey<Private>,
}

impl Holder {
    fn new(common_name: &str) -> Self {
        let mut name = X509NameBuilder::new().expect("name");
        name.append_entry_by_text("CN", common_name).expect("entry");
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("curve");
        let key = PKey::from_ec_key(EcKey::generate(&group).expect("EC key")).expect("key");
        Self { name: name.build(), key }
    }

    /// An authority's certificate for `subject`.
    fn certifies(&self, subject: &Self) -> X509 {
        let mut builder = X509Builder::new().expect("certificate");
        builder.set_version(2).expect("version");
        let serial = Asn1Integer::from_bn(&BigNum::from_u32(7).expect("number")).expect("serial");
        builder.set_serial_number(&serial).expect("serial");
        builder.set_subject_name(&subject.name).expect("subject");
        builder.set_issuer_name(&self.name).expect("issuer");
        builder.set_not_before(&Asn1Time::from_unix(1_600_000_000).expect("time")).expect("not before");
        builder.set_not_after(&Asn1Time::from_unix(4_100_000_000).expect("time")).expect("not after");
        builder.set_pubkey(&subject.key).expect("key");
        let constraints = BasicConstraints::new().critical().ca().build().expect("constraints");
        builder.append_extension(constraints).expect("extension");
        let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build().expect("usage");
        builder.append_extension(usage).expect("extension");
        builder.sign(&self.key, MessageDigest::sha256()).expect("signature");
        builder.build()
    }
}

fn verifier(anchor: &X509) -> NotationVerifier {
    let anchor = Certificate::from_der(&anchor.to_der().expect("DER")).expect("certificate");
    NotationVerifier {
        settings: Arc::new(NotationSettings {
            resource: "verifier".into(),
            name: "notation".into(),
            artifact_types: vec![ARTIFACT_TYPE.to_owned()],
            statements: Vec::new(),
            trust_stores: std::collections::BTreeMap::new(),
            required_metadata: Vec::new(),
            plugins: Vec::new(),
        }),
        stores: TrustStores::strict([((StoreType::Ca, "certs".to_owned()), vec![anchor])]),
        plugins: InstalledPlugins::new(),
    }
}

fn strict() -> Statement {
    Statement {
        name: "strict".into(),
        registry_scopes: vec!["*".to_owned()],
        verification: SignatureVerification {
            level: Level::Strict,
            overrides: Vec::new(),
            verify_timestamp: VerifyTimestamp::Always,
        },
        trust_stores: vec![(StoreType::Ca, "certs".to_owned())],
        trusted_identities: vec!["*".to_owned()],
        global: false,
    }
}

/// The image of five bytes that has this digest.
fn subject(digest: Digest) -> Descriptor {
    Descriptor {
        media_type: "a/b".to_owned(),
        digest,
        size: 5,
        artifact_type: None,
        annotations: std::collections::BTreeMap::new(),
    }
}

/// How many certificates would be asked about where `anchor` is trusted and `chain` is presented.
fn asked(signer: &TestSigner, chain: &[&X509], anchor: &X509) -> Option<usize> {
    let digest = Digest::of(DigestAlgorithm::Sha256, b"image");
    let target = Target { media_type: "a/b".to_owned(), digest: digest.to_string(), size: 5 };
    let envelope = signer.sign(&target, &SignOptions::default());
    let mut envelope: serde_json::Value = serde_json::from_slice(&envelope).expect("JSON");
    let chain: Vec<String> =
        chain.iter().map(|certificate| STANDARD.encode(certificate.to_der().expect("DER"))).collect();
    envelope["header"]["x5c"] = chain.into();
    let facts = SignatureFacts::of_envelope(digest.clone(), JWS, envelope.to_string().into());
    facts.envelope().expect("an envelope whose integrity holds");
    let subject = subject(digest);
    let (verifier, statement) = (verifier(anchor), strict());
    let now = jiff::Timestamp::from_second(1_800_000_000).expect("time");
    let question =
        Question { facts: &facts, verifier: &verifier, statement: &statement, subject: &subject, now };
    let preliminary = Preliminary::check(question);
    // The last is an issuer, and is not asked about itself.
    preliminary.needs().signing_chain.map(|chain| chain.len() - 1)
}

/// Level `audit` accepts a stranger: what he calls himself is then said as his own word, and he is no signer.
#[test]
fn what_a_stranger_calls_himself_is_never_said_as_if_it_were_proven() {
    let (signer, other) = (TestSigner::new(KeyKind::P256), TestSigner::new(KeyKind::P256));
    let digest = Digest::of(DigestAlgorithm::Sha256, b"image");
    let target = Target { media_type: "a/b".to_owned(), digest: digest.to_string(), size: 5 };
    let envelope = signer.sign(&target, &SignOptions::default());
    let facts = SignatureFacts::of_envelope(digest.clone(), JWS, envelope.into());
    let subject = subject(digest);
    let mut audit = strict();
    audit.verification.level = Level::Audit;
    let verifier = verifier(&other.root);
    // Long after the chain has ended.
    let now = jiff::Timestamp::from_second(9_000_000_000).expect("time");
    let question = Question { facts: &facts, verifier: &verifier, statement: &audit, subject: &subject, now };
    let report = Preliminary::check(question).finish(&Evidence::default()).report;
    assert_eq!((report.result, report.signer), (SignatureResult::Valid, None));
    let name = facts.envelope().expect("envelope").leaf().subject();
    let logged: Vec<String> = report.findings.iter().filter_map(logged_message).collect();
    let naming: Vec<_> = logged.iter().filter(|message| message.contains(&name)).collect();
    assert_eq!(naming.len(), 2, "authenticity and time: {logged:?}");
    for message in naming {
        assert!(message.contains(&format!("calls itself \"{name}\"")), "{message}");
    }
}

fn logged_message(finding: &Finding) -> Option<String> {
    match &finding.result {
        CheckResult::Logged(reason) => Some(reason.message.clone()),
        _ => None,
    }
}

/// A chain is not signed: whoever holds a genuine signature can put other certificates above an
/// intermediate that is trusted, for the key that really issued it, with addresses of their own choice.
#[test]
fn nothing_above_the_highest_anchor_is_asked_about() {
    let signer = TestSigner::new(KeyKind::P256);
    let name = signer.root.subject_name().to_owned().expect("name");
    let issuing = Holder { name, key: signer.root_key().clone() };
    let (root, middle, stranger) = (Holder::new("root"), Holder::new("middle"), Holder::new("stranger"));
    let intermediate = middle.certifies(&issuing);
    let (genuine, genuine_root) = (root.certifies(&middle), root.certifies(&root));
    let (forged, forged_root) = (stranger.certifies(&middle), stranger.certifies(&stranger));
    let chain = [&signer.leaf, &intermediate, &genuine, &genuine_root];
    assert_eq!(asked(&signer, &chain, &genuine_root), Some(3), "everything but the root");
    assert_eq!(asked(&signer, &chain, &genuine), Some(3));
    assert_eq!(asked(&signer, &chain, &intermediate), Some(2), "the leaf and the anchor");
    let chain = [&signer.leaf, &intermediate, &forged, &forged_root];
    assert_eq!(asked(&signer, &chain, &intermediate), Some(2), "not the forged one");
    assert_eq!(asked(&signer, &chain, &genuine_root), None, "nobody vouches for any of it");
}
