//! Tokens built byte by byte.

use super::*;
use crate::x509::test_authority::{
    Authority, INTEGER, OCTETS, SEQUENCE, SET, Wanted, day, ecdsa, oid, sequence, tlv,
};

const SIGNATURE: &[u8] = b"the signature of an envelope";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
const SIGNING_CERTIFICATE: &str = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";

struct World {
    root: Authority,
    middle: Authority,
    leaf: Authority,
}

impl World {
    fn new() -> Self {
        Self::with(&Wanted::timestamping("timestamp authority", 3))
    }

    fn with(leaf: &Wanted) -> Self {
        let root = Authority::root("root");
        let middle = root.issue(&Wanted::authority("middle", 2));
        let leaf = middle.issue(leaf);
        Self { root, middle, leaf }
    }

    fn token(&self, signers: &[Vec<u8>]) -> Vec<u8> {
        let certificates = [self.middle.certificate.der(), self.leaf.certificate.der()].concat();
        token(&certificates, signers)
    }

    fn signer(&self) -> SignerSpec<'_> {
        let hash = openssl::sha::sha256(self.leaf.certificate.der());
        SignerSpec {
            authority: &self.leaf,
            attributes: vec![
                attribute(CONTENT_TYPE, &oid(TST_INFO)),
                attribute(MESSAGE_DIGEST, &tlv(OCTETS, &openssl::sha::sha256(&tst_info()))),
                attribute(
                    SIGNING_CERTIFICATE_V2,
                    &sequence(&[&sequence(&[&sequence(&[&tlv(OCTETS, &hash)])])]),
                ),
            ],
            serial: self.leaf.certificate.serial().to_vec(),
        }
    }

    fn verify(&self, token: &[u8]) -> Result<VerifiedTimestamp, TimestampError> {
        verify(token, SIGNATURE, std::slice::from_ref(&self.root.certificate))
    }

    fn refuses(&self, signer: &SignerSpec<'_>) -> SignerError {
        match self.verify(&self.token(&[signer.der()])) {
            Err(TimestampError::Signer(error)) => error,
            other => panic!("{other:?}"),
        }
    }
}

struct SignerSpec<'a> {
    authority: &'a Authority,
    attributes: Vec<Vec<u8>>,
    serial: Vec<u8>,
}

impl SignerSpec<'_> {
    fn der(&self) -> Vec<u8> {
        let mut sorted = self.attributes.clone();
        sorted.sort();
        let signature = self.authority.sign(&tlv(SET, &sorted.concat()));
        sequence(&[
            &tlv(INTEGER, &[1]),
            &sequence(&[self.authority.certificate.issuer_der(), &tlv(INTEGER, &self.serial)]),
            &sha256(),
            &tlv(0xa0, &self.attributes.concat()),
            &ecdsa(),
            &tlv(OCTETS, &signature),
        ])
    }

    fn without(mut self, attribute: &str) -> Self {
        let name = oid(attribute);
        self.attributes.retain(|der| !der.windows(name.len()).any(|window| window == name));
        self
    }

    fn with(mut self, name: &str, value: &[u8]) -> Self {
        self.attributes.push(attribute(name, value));
        self
    }
}

fn attribute(name: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(name), &tlv(SET, value)])
}

fn sha256() -> Vec<u8> {
    sequence(&[&oid("2.16.840.1.101.3.4.2.1")])
}

fn tst_info() -> Vec<u8> {
    let imprint = sequence(&[&sha256(), &tlv(OCTETS, &openssl::sha::sha256(SIGNATURE))]);
    let version = tlv(INTEGER, &[1]);
    sequence(&[&version, &oid("1.2.3.4"), &imprint, &tlv(INTEGER, &[5]), &day("20260101")])
}

fn token(certificates: &[u8], signers: &[Vec<u8>]) -> Vec<u8> {
    let content = sequence(&[&oid(TST_INFO), &tlv(0xa0, &tlv(OCTETS, &tst_info()))]);
    let signed = sequence(&[
        &tlv(INTEGER, &[3]),
        &tlv(SET, &sha256()),
        &content,
        &tlv(0xa0, certificates),
        &tlv(SET, &signers.concat()),
    ]);
    sequence(&[&oid("1.2.840.113549.1.7.2"), &tlv(0xa0, &signed)])
}

#[test]
fn a_proper_token_holds() {
    let world = World::new();
    let timestamp = world.verify(&world.token(&[world.signer().der()])).unwrap();
    assert_eq!(timestamp.time().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(timestamp.chain().len(), 3);
}

#[test]
fn one_good_signer_suffices_wherever_it_is() {
    let world = World::new();
    let (good, bad) = (world.signer().der(), world.signer().without(MESSAGE_DIGEST).der());
    assert!(world.verify(&world.token(&[bad.clone(), good.clone()])).is_ok());
    assert!(world.verify(&world.token(&[good, bad.clone()])).is_ok());
    let none = world.verify(&world.token(&[bad.clone(), bad])).unwrap_err();
    assert_eq!(none, TimestampError::Signer(SignerError::MessageDigest));
    assert_eq!(world.verify(&world.token(&[])).unwrap_err(), TimestampError::NoSigner);
}

#[test]
fn attributes_count_in_whatever_order_they_come() {
    let world = World::new();
    let mut signer = world.signer();
    signer.attributes.sort();
    signer.attributes.reverse();
    assert!(world.verify(&world.token(&[signer.der()])).is_ok());
}

#[test]
fn the_signing_certificate_attribute_of_version_1_does_not_suffice() {
    let world = World::new();
    let hash = openssl::sha::sha1(world.leaf.certificate.der());
    let v1 = sequence(&[&sequence(&[&sequence(&[&tlv(OCTETS, &hash)])])]);
    let signer = world.signer().without(SIGNING_CERTIFICATE_V2).with(SIGNING_CERTIFICATE, &v1);
    assert_eq!(world.refuses(&signer), SignerError::NoSigningCertificate);
}

#[test]
fn the_signing_certificate_must_be_the_signers() {
    let world = World::new();
    let other = openssl::sha::sha256(world.middle.certificate.der());
    let v2 = sequence(&[&sequence(&[&sequence(&[&tlv(OCTETS, &other)])])]);
    let signer = world.signer().without(SIGNING_CERTIFICATE_V2).with(SIGNING_CERTIFICATE_V2, &v2);
    assert_eq!(world.refuses(&signer), SignerError::CertificateMismatch);
    let absent = SignerSpec { serial: vec![9], ..world.signer() };
    assert_eq!(world.refuses(&absent), SignerError::CertificateMissing);
}

#[test]
fn the_name_in_the_signing_certificate_attribute_goes_before_that_of_the_signer_info() {
    let world = World::new();
    let leaf = &world.leaf.certificate;
    let names = sequence(&[&tlv(0xa4, leaf.issuer_der())]);
    let name = sequence(&[&names, &tlv(INTEGER, leaf.serial())]);
    let hash = tlv(OCTETS, &openssl::sha::sha256(leaf.der()));
    let v2 = sequence(&[&sequence(&[&sequence(&[&hash, &name])])]);
    let signer = world.signer().without(SIGNING_CERTIFICATE_V2).with(SIGNING_CERTIFICATE_V2, &v2);
    assert!(world.verify(&world.token(&[SignerSpec { serial: vec![9], ..signer }.der()])).is_ok());
}

#[test]
fn content_type_and_message_digest_are_required_once_and_right() {
    let world = World::new();
    let signer = || world.signer().without(CONTENT_TYPE);
    assert_eq!(world.refuses(&signer()), SignerError::ContentType);
    let data = oid("1.2.840.113549.1.7.1");
    assert_eq!(world.refuses(&signer().with(CONTENT_TYPE, &data)), SignerError::ContentType);
    let twice = world.signer().with(CONTENT_TYPE, &oid(TST_INFO));
    assert!(matches!(world.refuses(&twice), SignerError::Malformed(_)));
    let signer = || world.signer().without(MESSAGE_DIGEST);
    let other = tlv(OCTETS, &openssl::sha::sha256(b"other"));
    assert_eq!(world.refuses(&signer().with(MESSAGE_DIGEST, &other)), SignerError::MessageDigest);
}

#[test]
fn a_signing_time_must_lie_in_every_certificates_validity() {
    let world = World::new();
    assert!(world.verify(&world.token(&[world.signer().with(SIGNING_TIME, &day("20250101")).der()])).is_ok());
    let early = world.refuses(&world.signer().with(SIGNING_TIME, &day("20190101")));
    assert!(matches!(early, SignerError::SigningTime { .. }));
}

#[test]
fn a_signature_by_another_key_is_refused() {
    let (world, other) = (World::new(), World::new());
    let forged = SignerSpec { authority: &other.leaf, ..world.signer() };
    assert_eq!(world.refuses(&forged), SignerError::Signature);
}

#[test]
fn the_path_is_judged_at_the_tokens_time() {
    let expired = Wanted { not_after: "20260601", ..Wanted::timestamping("authority", 3) };
    let world = World::with(&expired);
    assert!(world.verify(&world.token(&[world.signer().der()])).is_ok());
    let too_late = Wanted { not_before: "20260601", ..Wanted::timestamping("authority", 3) };
    let world = World::with(&too_late);
    assert!(matches!(world.refuses(&world.signer()), SignerError::Path(PathError::NotValidAt { .. })));
}

#[test]
fn authorities_without_the_purpose_or_the_root_are_refused() {
    let world = World::with(&Wanted::leaf("authority", 3));
    assert!(matches!(world.refuses(&world.signer()), SignerError::Path(PathError::Rules { .. })));
    let (world, other) = (World::new(), World::new());
    let token = world.token(&[world.signer().der()]);
    assert!(matches!(
        other.verify(&token),
        Err(TimestampError::Signer(SignerError::Path(PathError::Untrusted { .. })))
    ));
    let intermediate = verify(&token, SIGNATURE, std::slice::from_ref(&world.middle.certificate));
    assert!(matches!(
        intermediate,
        Err(TimestampError::Signer(SignerError::Path(PathError::Untrusted { .. })))
    ));
}

#[test]
fn many_certificates_of_one_name_cost_little() {
    let root = Authority::root("same");
    let mut links = vec![root.issue(&Wanted::authority("same", 2))];
    for serial in 3..17 {
        links.push(links.last().unwrap().issue(&Wanted::authority("same", serial)));
    }
    let leaf = links.last().unwrap().issue(&Wanted::timestamping("authority", 20));
    let intermediates: Vec<_> = links.iter().map(|link| link.certificate.clone()).collect();
    let stranger = Authority::root("same");
    let time = "2026-01-01T00:00:00Z".parse().unwrap();
    let found = path::find(&leaf.certificate, &intermediates, &[stranger.certificate], time);
    assert!(matches!(found, Err(PathError::Untrusted { .. })));
}

#[test]
fn too_many_certificates_or_signers_are_refused_unread() {
    let world = World::new();
    let certificates = world.leaf.certificate.der().repeat(MAX_CERTIFICATES + 1);
    let many = token(&certificates, &[world.signer().der()]);
    assert_eq!(world.verify(&many).unwrap_err(), TimestampError::TooManyCertificates);
    let many = world.token(&vec![tlv(SEQUENCE, &[]); MAX_SIGNERS + 1]);
    assert_eq!(world.verify(&many).unwrap_err(), TimestampError::TooManySigners);
}
