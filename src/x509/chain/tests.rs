use std::rc::Rc;

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use openssl::x509::{X509Builder, X509Extension, X509NameBuilder};

use super::*;

type Extension = Rc<X509Extension>;

/// What a certificate under test says of itself.
#[derive(Clone)]
struct Shape {
    name: &'static str,
    key: PKey<Private>,
    hash: MessageDigest,
    extensions: Vec<Extension>,
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("curve");
    PKey::from_ec_key(EcKey::generate(&group).expect("EC key")).expect("key")
}

fn authority(path_length: Option<u32>) -> Vec<Extension> {
    let mut constraints = BasicConstraints::new();
    constraints.critical().ca();
    if let Some(length) = path_length {
        constraints.pathlen(length);
    }
    vec![built(constraints.build()), usage(KeyUsage::new().critical().key_cert_sign())]
}

fn signer() -> Vec<Extension> {
    vec![usage(KeyUsage::new().critical().digital_signature())]
}

fn timestamper() -> Vec<Extension> {
    vec![
        usage(KeyUsage::new().digital_signature()),
        purpose(ExtendedKeyUsage::new().critical().time_stamping()),
    ]
}

fn built(extension: Result<X509Extension, ErrorStack>) -> Extension {
    Rc::new(extension.expect("extension"))
}

fn usage(usage: &KeyUsage) -> Extension {
    built(usage.build())
}

fn purpose(purpose: &ExtendedKeyUsage) -> Extension {
    built(purpose.build())
}

fn shape(name: &'static str, extensions: Vec<Extension>) -> Shape {
    Shape { name, key: key(), hash: MessageDigest::sha256(), extensions }
}

fn issue(shape: &Shape, issuer: &Shape) -> Certificate {
    let name = |text: &str| {
        let mut name = X509NameBuilder::new().expect("name");
        name.append_entry_by_text("CN", text).expect("CN");
        name.build()
    };
    let mut builder = X509Builder::new().expect("builder");
    builder.set_version(2).expect("version");
    let serial = BigNum::from_u32(7).expect("number");
    builder.set_serial_number(&Asn1Integer::from_bn(&serial).expect("serial")).expect("serial");
    builder.set_subject_name(&name(shape.name)).expect("subject");
    builder.set_issuer_name(&name(issuer.name)).expect("issuer");
    builder.set_not_before(&Asn1Time::from_unix(0).expect("time")).expect("time");
    builder.set_not_after(&Asn1Time::from_unix(1).expect("time")).expect("time");
    builder.set_pubkey(&shape.key).expect("key");
    for extension in &shape.extensions {
        builder.append_extension2(extension).expect("extension");
    }
    builder.sign(&issuer.key, shape.hash).expect("signature");
    Certificate::from_der(&builder.build().to_der().expect("DER")).expect("certificate")
}

/// Leaf first; each shape is issued by the next, the last by itself.
fn chain(shapes: &[Shape]) -> Vec<Certificate> {
    let issuers = shapes.iter().skip(1).chain(shapes.last());
    shapes.iter().zip(issuers).map(|(shape, issuer)| issue(shape, issuer)).collect()
}

fn broken_rule(result: Result<(), ChainError>) -> (usize, BrokenRule) {
    match result {
        Err(ChainError::Broken { position, rule, .. }) => (position, rule),
        other => panic!("expected a broken rule, found {other:?}"),
    }
}

/// The rule that a leaf with these extensions breaks under a good root.
fn leaf_breaks(extensions: Vec<Extension>) -> BrokenRule {
    let chain = chain(&[shape("leaf", extensions), shape("root", authority(None))]);
    let (position, rule) = broken_rule(check_code_signing(&chain));
    assert_eq!(position, 1);
    rule
}

/// The rule that an intermediate with these extensions breaks between a good leaf and a good root.
fn authority_breaks(extensions: Vec<Extension>) -> BrokenRule {
    let shapes = [shape("leaf", signer()), shape("middle", extensions), shape("root", authority(None))];
    let (position, rule) = broken_rule(check_code_signing(&chain(&shapes)));
    assert_eq!(position, 2);
    rule
}

#[test]
fn a_leaf_with_its_authorities_up_to_the_root_is_accepted() {
    let shapes =
        [shape("leaf", signer()), shape("middle", authority(Some(0))), shape("root", authority(Some(1)))];
    assert_eq!(check_code_signing(&chain(&shapes)), Ok(()));
}

#[test]
fn a_lone_self_signed_signer_is_accepted_and_a_lone_authority_is_not() {
    assert_eq!(check_code_signing(&chain(&[shape("leaf", signer())])), Ok(()));
    let root = chain(&[shape("root", authority(None))]);
    assert_eq!(broken_rule(check_code_signing(&root)), (1, BrokenRule::Authority));
}

#[test]
fn no_certificate_and_too_many_are_refused() {
    assert_eq!(check_code_signing(&[]), Err(ChainError::Empty));
    let one = chain(&[shape("leaf", signer())]);
    let many: Vec<_> = one.iter().cycle().take(11).cloned().collect();
    assert_eq!(check_code_signing(&many), Err(ChainError::TooLong { count: 11, limit: 10 }));
}

#[test]
fn a_chain_without_its_root_is_refused() {
    let shapes = [shape("leaf", signer()), shape("middle", authority(None)), shape("root", authority(None))];
    let all = chain(&shapes);
    assert_eq!(broken_rule(check_code_signing(&all[..2])), (2, BrokenRule::NotSelfSigned));
    assert_eq!(broken_rule(check_code_signing(&all[..1])), (1, BrokenRule::NotSelfSigned));
}

#[test]
fn a_genuine_root_behind_a_foreign_chain_does_not_help() {
    let foreign = chain(&[shape("leaf", signer()), shape("root", authority(None))]);
    let genuine = chain(&[shape("other", signer()), shape("root", authority(None))]);
    let mixed = [foreign[0].clone(), genuine[1].clone()];
    assert_eq!(broken_rule(check_code_signing(&mixed)), (1, BrokenRule::Signature));
    let appended = [foreign[0].clone(), foreign[1].clone(), genuine[1].clone()];
    assert_eq!(broken_rule(check_code_signing(&appended)), (2, BrokenRule::SelfSigned));
}

#[test]
fn a_leaf_that_bears_the_name_of_its_root_is_not_taken_for_self_signed() {
    assert_eq!(
        check_code_signing(&chain(&[shape("same", signer()), shape("same", authority(None))])),
        Ok(())
    );
}

#[test]
fn a_signature_under_another_name_is_refused() {
    let root = shape("root", authority(None));
    let renamed = Shape { name: "other", ..root.clone() };
    let mixed = [issue(&shape("leaf", signer()), &renamed), issue(&root, &root)];
    let (position, rule) = broken_rule(check_code_signing(&mixed));
    assert_eq!((position, rule), (1, BrokenRule::IssuerName { issuer: "CN=other".to_owned() }));
}

#[test]
fn sha_1_is_refused_everywhere_in_a_chain() {
    let lone = Shape { hash: MessageDigest::sha1(), ..shape("leaf", signer()) };
    assert_eq!(
        broken_rule(check_code_signing(&chain(std::slice::from_ref(&lone)))),
        (1, BrokenRule::NotSelfSigned)
    );
    let below = chain(&[lone, shape("root", authority(None))]);
    assert_eq!(broken_rule(check_code_signing(&below)), (1, BrokenRule::Signature));
    let root = Shape { hash: MessageDigest::sha1(), ..shape("root", authority(None)) };
    let under = chain(&[shape("leaf", signer()), root]);
    assert_eq!(broken_rule(check_code_signing(&under)), (2, BrokenRule::NotSelfSigned));
}

#[test]
fn a_leaf_signs_and_does_nothing_else() {
    assert_eq!(leaf_breaks(vec![]), BrokenRule::NoKeyUsage);
    assert_eq!(
        leaf_breaks(vec![usage(KeyUsage::new().digital_signature())]),
        BrokenRule::KeyUsageNotCritical
    );
    assert_eq!(
        leaf_breaks(vec![usage(KeyUsage::new().critical().non_repudiation())]),
        BrokenRule::LacksUse("digitalSignature")
    );
    let signs = || {
        let mut usage = KeyUsage::new();
        usage.critical().digital_signature();
        usage
    };
    for (name, foreign) in [
        ("keyEncipherment", signs().key_encipherment()),
        ("dataEncipherment", signs().data_encipherment()),
        ("keyAgreement", signs().key_agreement()),
        ("keyCertSign", signs().key_cert_sign()),
        ("cRLSign", signs().crl_sign()),
        ("encipherOnly", signs().encipher_only()),
        ("decipherOnly", signs().decipher_only()),
    ] {
        assert_eq!(leaf_breaks(vec![usage(foreign)]), BrokenRule::ForeignUse(name));
    }
    let free = [shape("leaf", vec![usage(KeyUsage::new().critical().digital_signature().non_repudiation())])];
    assert_eq!(check_code_signing(&chain(&free)), Ok(()));
}

#[test]
fn a_leaf_is_meant_for_nothing_that_is_forbidden() {
    let leaf = |purposes: &ExtendedKeyUsage| [signer(), vec![purpose(purposes)]].concat();
    let forbidden = [
        (ExtendedKeyUsage::new().server_auth().build(), Purpose::ServerAuth),
        (ExtendedKeyUsage::new().client_auth().build(), Purpose::ClientAuth),
        (ExtendedKeyUsage::new().email_protection().build(), Purpose::EmailProtection),
        (ExtendedKeyUsage::new().time_stamping().build(), Purpose::TimeStamping),
        (ExtendedKeyUsage::new().other("2.5.29.37.0").build(), Purpose::Any),
    ];
    for (extension, purpose) in forbidden {
        let extensions = [signer(), vec![built(extension)]].concat();
        assert_eq!(leaf_breaks(extensions), BrokenRule::ForeignPurpose(purpose));
    }
    let mut free = ExtendedKeyUsage::new();
    free.code_signing().other("1.2.3.4").other("1.3.6.1.5.5.7.3.9");
    assert_eq!(check_code_signing(&chain(&[shape("leaf", leaf(&free))])), Ok(()));
}

#[test]
fn a_leaf_needs_one_of_the_six_keys() {
    let rsa = PKey::from_rsa(Rsa::generate(1024).expect("RSA key")).expect("key");
    let leaf = Shape { key: rsa, ..shape("leaf", signer()) };
    assert_eq!(broken_rule(check_code_signing(&chain(&[leaf]))), (1, BrokenRule::Key));
}

#[test]
fn an_authority_may_have_a_short_key() {
    let rsa = PKey::from_rsa(Rsa::generate(1024).expect("RSA key")).expect("key");
    let root = Shape { key: rsa, ..shape("root", authority(None)) };
    assert_eq!(check_code_signing(&chain(&[shape("leaf", signer()), root])), Ok(()));
}

#[test]
fn an_authority_says_so_critically_and_may_sign_certificates() {
    let cert_sign = || usage(KeyUsage::new().critical().key_cert_sign());
    let ca = || built(BasicConstraints::new().critical().ca().build());
    assert_eq!(authority_breaks(vec![cert_sign()]), BrokenRule::NotAuthority);
    let not_ca = built(BasicConstraints::new().critical().build());
    assert_eq!(authority_breaks(vec![not_ca, cert_sign()]), BrokenRule::NotAuthority);
    let relaxed = built(BasicConstraints::new().ca().build());
    assert_eq!(authority_breaks(vec![relaxed, cert_sign()]), BrokenRule::BasicConstraintsNotCritical);
    assert_eq!(authority_breaks(vec![ca()]), BrokenRule::NoKeyUsage);
    let not_critical = usage(KeyUsage::new().key_cert_sign());
    assert_eq!(authority_breaks(vec![ca(), not_critical]), BrokenRule::KeyUsageNotCritical);
    let lists_only = usage(KeyUsage::new().critical().crl_sign());
    assert_eq!(authority_breaks(vec![ca(), lists_only]), BrokenRule::LacksUse("keyCertSign"));
}

#[test]
fn the_path_length_counts_authorities_and_not_the_leaf() {
    let shapes = |root: u32| {
        [shape("leaf", signer()), shape("middle", authority(None)), shape("root", authority(Some(root)))]
    };
    assert_eq!(check_code_signing(&chain(&shapes(1))), Ok(()));
    let (position, rule) = broken_rule(check_code_signing(&chain(&shapes(0))));
    assert_eq!((position, rule), (3, BrokenRule::PathLength { allowed: 0, below: 1 }));
}

#[test]
fn an_unknown_critical_extension_is_ignored_for_code_and_refused_for_timestamps() {
    let oid = openssl::asn1::Asn1Object::from_str("1.2.3.4").expect("OID");
    let content = openssl::asn1::Asn1OctetString::new_from_bytes(&[5, 0]).expect("content");
    let unknown = || built(X509Extension::new_from_der(&oid, true, &content));
    let code = [shape("leaf", [signer(), vec![unknown()]].concat())];
    assert_eq!(check_code_signing(&chain(&code)), Ok(()));
    let time = [shape("leaf", [timestamper(), vec![unknown()]].concat()), shape("root", authority(None))];
    let (position, rule) = broken_rule(check_timestamping(&chain(&time)));
    assert_eq!((position, rule), (1, BrokenRule::CriticalExtension("1.2.3.4".to_owned())));
}

#[test]
fn a_timestamp_authority_is_marked_for_timestamps_alone() {
    let check = |purposes: Option<&ExtendedKeyUsage>| {
        let mut leaf = signer();
        leaf.extend(purposes.map(purpose));
        check_timestamping(&chain(&[shape("leaf", leaf), shape("root", authority(None))]))
    };
    assert_eq!(check(Some(ExtendedKeyUsage::new().critical().time_stamping())), Ok(()));
    for wrong in [
        None,
        Some(ExtendedKeyUsage::new().time_stamping()),
        Some(ExtendedKeyUsage::new().critical().time_stamping().code_signing()),
        Some(ExtendedKeyUsage::new().critical().time_stamping().other("1.2.3.4")),
    ] {
        assert_eq!(broken_rule(check(wrong.as_deref())), (1, BrokenRule::NotForTimestampsAlone));
    }
}

#[test]
fn a_timestamp_root_is_a_self_signed_authority() {
    let all = chain(&[
        shape("leaf", timestamper()),
        shape("middle", authority(None)),
        shape("root", authority(None)),
    ]);
    assert_eq!(check_timestamping_root(&all[2]), Ok(()));
    assert_eq!(broken_rule(check_timestamping_root(&all[1])).1, BrokenRule::NotSelfSigned);
    let lone = chain(&[shape("leaf", timestamper())]);
    assert_eq!(broken_rule(check_timestamping_root(&lone[0])).1, BrokenRule::NotAuthority);
}
