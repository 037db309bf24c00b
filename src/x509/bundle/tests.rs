use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

const PEM: &str = "-----BEGIN CERTIFICATE-----
MIIBPDCB46ADAgECAgEHMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBHRlc3QwHhcN
-----END CERTIFICATE-----
";

fn der() -> Vec<u8> {
    use openssl::asn1::Asn1Time;
    use openssl::ec::{EcGroup, EcKey};
    let group = EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).expect("curve");
    let key = openssl::pkey::PKey::from_ec_key(EcKey::generate(&group).expect("key")).expect("key");
    let mut builder = openssl::x509::X509Builder::new().expect("builder");
    builder.set_not_before(&Asn1Time::from_unix(0).expect("time")).expect("time");
    builder.set_not_after(&Asn1Time::from_unix(1).expect("time")).expect("time");
    builder.set_pubkey(&key).expect("key");
    builder.sign(&key, openssl::hash::MessageDigest::sha256()).expect("signature");
    builder.build().to_der().expect("DER")
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN ANY-----\r\n{}\r\n-----END ANY-----\r\n", STANDARD.encode(der))
}

#[test]
fn every_block_of_a_pem_file_is_read_whatever_stands_between() {
    let (first, second) = (der(), der());
    let file = format!("subject=x\n{}text\n{}", pem(&first), pem(&second));
    let certificates = certificates_from_pem_or_der(file.as_bytes()).expect("bundle");
    assert_eq!(certificates.iter().map(Certificate::der).collect::<Vec<_>>(), [first, second]);
}

#[test]
fn der_certificates_may_follow_one_another() {
    let (first, second) = (der(), der());
    let file = [first.as_slice(), second.as_slice()].concat();
    assert_eq!(certificates_from_pem_or_der(&file).expect("bundle").len(), 2);
}

#[test]
fn one_bad_certificate_refuses_the_file_and_is_named() {
    let file = format!("{}{PEM}", pem(&der()));
    let error = certificates_from_pem_or_der(file.as_bytes()).expect_err("bad certificate");
    assert_eq!(error, BundleError::Certificate { position: 2, error: CertificateError::Malformed });
    let file = [der().as_slice(), b"\x30\x82junk"].concat();
    assert!(matches!(certificates_from_pem_or_der(&file), Err(BundleError::Certificate { position: 2, .. })));
}

#[test]
fn a_block_without_end_is_refused() {
    let file = pem(&der());
    let (open, _) = file.split_once("-----END").expect("end");
    assert_eq!(certificates_from_pem_or_der(open.as_bytes()), Err(BundleError::Pem { position: 1 }));
}

#[test]
fn a_file_without_certificates_is_refused() {
    assert_eq!(certificates_from_pem_or_der(b""), Err(BundleError::Empty));
    assert_eq!(certificates_from_pem_or_der(b"hello\n"), Err(BundleError::Empty));
}

#[test]
fn the_number_of_certificates_is_bounded() {
    let one = der();
    let file: Vec<u8> = one.iter().copied().cycle().take(one.len() * 1_001).collect();
    assert_eq!(certificates_from_pem_or_der(&file), Err(BundleError::TooMany { limit: 1_000 }));
}

#[test]
fn every_trust_store_of_the_vectors_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/notation");
    let files: Vec<_> =
        ["truststores", "derived/certs", "certs"].iter().flat_map(|name| files(&folder.join(name))).collect();
    if files.is_empty() {
        println!("skipped: no vectors at {}", folder.display());
    }
    for file in files {
        let bytes = std::fs::read(&file).expect("vector");
        let loaded = certificates_from_pem_or_der(&bytes);
        assert!(loaded.is_ok(), "{}: {loaded:?}", file.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = certificates_from_pem_or_der(&bytes);
        let _ = certificates_from_pem_or_der(&[&[0x30, 0x82], bytes.as_slice()].concat());
    }
}
