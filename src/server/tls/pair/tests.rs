use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use rustls::crypto::aws_lc_rs;

use super::*;

fn read(chain: &str, key: &str) -> Result<ServerPair, PairError> {
    ServerPair::read(chain.as_bytes(), key.as_bytes(), &aws_lc_rs::default_provider())
}

fn self_signed(key: &KeyPair, change: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    params.self_signed(key).unwrap().pem()
}

fn pem(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_kind_of_key_that_tls_signs_with_makes_a_pair() {
    let curve = |curve| EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap();
    for (what, key) in [
        ("RSA 2048", PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()),
        ("P-256", PKey::from_ec_key(curve(Nid::X9_62_PRIME256V1)).unwrap()),
        ("P-384", PKey::from_ec_key(curve(Nid::SECP384R1)).unwrap()),
        ("P-521", PKey::from_ec_key(curve(Nid::SECP521R1)).unwrap()),
        ("Ed25519", PKey::generate_ed25519().unwrap()),
    ] {
        let key = pem(key.private_key_to_pem_pkcs8().unwrap());
        let chain = self_signed(&KeyPair::from_pem(&key).unwrap(), |_| ());
        let pair = read(&chain, &key).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(pair.flaw(), None);
    }
}

#[test]
fn keys_in_older_forms_are_read() {
    let rsa = Rsa::generate(2048).unwrap();
    let ec = EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap();
    for (old, key) in [
        (rsa.private_key_to_pem().unwrap(), PKey::from_rsa(rsa).unwrap()),
        (ec.private_key_to_pem().unwrap(), PKey::from_ec_key(ec).unwrap()),
    ] {
        let new = pem(key.private_key_to_pem_pkcs8().unwrap());
        let chain = self_signed(&KeyPair::from_pem(&new).unwrap(), |_| ());
        read(&chain, &pem(old)).unwrap();
    }
}

#[test]
fn what_is_no_pair_says_why_and_never_shows_the_key() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let chain = self_signed(&key, |_| ());
    let text = key.serialize_pem();
    let half = |text: &str| text.get(..text.len() / 2).unwrap().to_owned();
    let weak = Rsa::generate(1024).unwrap().private_key_to_pem().unwrap();
    let encrypted = PKey::generate_ed25519().unwrap();
    let encrypted = encrypted.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"hush").unwrap();
    let many = chain.repeat(MAX_CHAIN + 1);
    for (chain, key, why) in [
        (half(&chain), text.clone(), "no whole PEM"),
        (chain.clone() + &half(&chain), text.clone(), "no whole PEM"),
        (String::new(), text.clone(), "no PEM block CERTIFICATE"),
        (text.clone(), text.clone(), "no PEM block CERTIFICATE"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into(),
            text.clone(),
            "certificate 1",
        ),
        (many, text.clone(), "more than 10 certificates"),
        (chain.clone(), half(&text), "no whole private key"),
        (chain.clone(), chain.clone(), "no whole private key"),
        (chain.clone(), pem(encrypted), "without a passphrase"),
        (chain.clone(), pem(weak), "RSA from 2048 bits"),
        (chain.clone(), other.serialize_pem(), "not the first certificate's"),
        (self_signed(&other, |_| ()) + &chain, text.clone(), "not the first certificate's"),
    ] {
        let error = read(&chain, &key).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.contains(why), "{why}: {said}");
        assert!(text.lines().skip(1).all(|line| line.starts_with('-') || !said.contains(line)));
    }
}

#[test]
fn flaws_that_clients_refuse_are_named() {
    let key = KeyPair::generate().unwrap();
    let flaw = |change: fn(&mut CertificateParams)| {
        read(&self_signed(&key, change), &key.serialize_pem()).unwrap().flaw()
    };
    assert_eq!(flaw(|_| ()), None);
    assert_eq!(flaw(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]), None);
    let clients_only =
        flaw(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]).unwrap();
    assert!(clients_only.contains("serverAuth"));
    let nameless = flaw(|params| params.subject_alt_names.clear()).unwrap();
    assert!(nameless.contains("subject alternative name"));
}

#[test]
fn a_pair_shows_no_key() {
    let key = KeyPair::generate().unwrap();
    let shown = format!("{:?}", read(&self_signed(&key, |_| ()), &key.serialize_pem()).unwrap());
    assert!(shown.starts_with("ServerPair(Certificate(") && shown.len() < 120, "{shown}");
}
