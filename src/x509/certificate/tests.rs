use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::Private;
use openssl::rsa::Rsa;
use openssl::x509::{X509Builder, X509NameBuilder};
use proptest::prelude::*;

use super::*;

fn curve(nid: Nid, flag: Asn1Flag) -> PKey<Private> {
    let mut group = EcGroup::from_curve_name(nid).expect("curve");
    group.set_asn1_flag(flag);
    PKey::from_ec_key(EcKey::generate(&group).expect("EC key")).expect("key")
}

fn p256() -> PKey<Private> {
    curve(Nid::X9_62_PRIME256V1, Asn1Flag::NAMED_CURVE)
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).expect("RSA key")).expect("key")
}

/// A certificate with `key` that `signer` signs; serial as given.
fn certificate(key: &PKey<Private>, signer: &PKey<Private>, hash: MessageDigest, serial: i64) -> Vec<u8> {
    let mut name = X509NameBuilder::new().expect("name");
    name.append_entry_by_text("CN", "test").expect("CN");
    let name = name.build();
    let mut number = BigNum::from_u32(u32::try_from(serial.unsigned_abs()).expect("small")).expect("number");
    number.set_negative(serial < 0);
    let mut builder = X509Builder::new().expect("builder");
    builder.set_version(2).expect("version");
    builder.set_serial_number(&Asn1Integer::from_bn(&number).expect("serial")).expect("serial");
    builder.set_subject_name(&name).expect("subject");
    builder.set_issuer_name(&name).expect("issuer");
    builder.set_not_before(&Asn1Time::from_unix(1_700_000_000).expect("time")).expect("not before");
    builder.set_not_after(&Asn1Time::from_str("99991231235959Z").expect("time")).expect("not after");
    builder.set_pubkey(key).expect("key");
    builder.sign(signer, hash).expect("signature");
    builder.build().to_der().expect("DER")
}

fn self_signed(key: &PKey<Private>) -> Certificate {
    Certificate::from_der(&certificate(key, key, MessageDigest::sha256(), 7)).expect("certificate")
}

#[test]
fn only_the_six_key_specifications_have_one() {
    assert_eq!(self_signed(&rsa(2048)).key_spec(), Some(KeySpec::Rsa2048));
    assert_eq!(self_signed(&p256()).key_spec(), Some(KeySpec::EcP256));
    let p384 = curve(Nid::SECP384R1, Asn1Flag::NAMED_CURVE);
    assert_eq!(self_signed(&p384).key_spec(), Some(KeySpec::EcP384));
    let p521 = curve(Nid::SECP521R1, Asn1Flag::NAMED_CURVE);
    assert_eq!(self_signed(&p521).key_spec(), Some(KeySpec::EcP521));
    assert_eq!(self_signed(&rsa(1024)).key_spec(), None);
    let p224 = curve(Nid::SECP224R1, Asn1Flag::NAMED_CURVE);
    assert_eq!(self_signed(&p224).key_spec(), None);
}

#[test]
fn a_curve_given_by_its_parameters_signs_nothing() {
    let key = curve(Nid::X9_62_PRIME256V1, Asn1Flag::EXPLICIT_CURVE);
    let certificate = self_signed(&key);
    assert_eq!(certificate.key_spec(), None);
    assert!(!certificate.is_self_signed());
}

#[test]
fn a_signature_counts_only_under_the_key_that_made_it() {
    let (first, second) = (p256(), p256());
    let own = self_signed(&first);
    let foreign = Certificate::from_der(&certificate(&first, &second, MessageDigest::sha256(), 7))
        .expect("certificate");
    assert!(own.is_self_signed());
    assert!(foreign.is_self_issued() && !foreign.is_self_signed());
    assert!(foreign.signed_by(&self_signed(&second)));
    assert!(!foreign.may_anchor());
}

#[test]
fn a_sha_1_signature_counts_for_nothing() {
    let key = rsa(2048);
    let der = certificate(&key, &key, MessageDigest::sha1(), 7);
    assert!(!Certificate::from_der(&der).expect("certificate").is_self_signed());
}

#[test]
fn the_last_day_of_9999_does_not_overflow() {
    let certificate = self_signed(&p256());
    assert_eq!(certificate.not_after(), Timestamp::MAX);
    assert!(certificate.valid_at(Timestamp::from_second(1_700_000_000).expect("time")));
    assert!(!certificate.valid_at(Timestamp::from_second(1_699_999_999).expect("time")));
}

#[test]
fn bytes_after_the_certificate_are_refused() {
    let key = p256();
    let mut der = certificate(&key, &key, MessageDigest::sha256(), 7);
    der.push(0);
    assert_eq!(Certificate::from_der(&der), Err(CertificateError::TrailingBytes { count: 1 }));
}

#[test]
fn a_certificate_of_more_than_64_kib_is_not_looked_at() {
    let error = Certificate::from_der(&vec![0x30; 70_000]).expect_err("too large");
    assert_eq!(error, CertificateError::TooLarge { size: 70_000, limit: 65_536 });
}

#[test]
fn serial_numbers_of_every_sign_are_read_alike_by_both_parsers() {
    let key = p256();
    for serial in [0, 1, 127, 128, 255, 256, 65_535, -1, -127, -128, -129, -256, -65_536] {
        let der = certificate(&key, &key, MessageDigest::sha256(), serial);
        assert!(Certificate::from_der(&der).is_ok(), "serial {serial}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_damage_to_a_certificate_panics(at in 0usize..400, byte: u8, cut in 0usize..200) {
        let key = p256();
        let mut der = certificate(&key, &key, MessageDigest::sha256(), 7);
        if let Some(place) = der.get_mut(at) {
            *place = byte;
        }
        if let Ok(damaged) = Certificate::from_der(&der) {
            let _ = (damaged.is_self_signed(), damaged.may_anchor());
        }
        der.truncate(cut);
        prop_assert!(Certificate::from_der(&der).is_err());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Certificate::from_der(&bytes);
    }
}
