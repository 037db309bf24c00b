//! Revocation lists of a test signer's root.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::expect_used,
    reason = "included by several test binaries, each uses its own part"
)]

use openssl::x509::X509;
use rcgen::{CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber};

use super::signer::TestSigner;

/// A list of the signer's root, in DER: from `this_update` to `next_update`, Unix seconds.
pub fn sign(signer: &TestSigner, this_update: i64, next_update: i64, revoked: &[&X509]) -> Vec<u8> {
    let key = signer.root_key().private_key_to_pem_pkcs8().expect("PEM");
    let key = KeyPair::from_pem(&String::from_utf8(key).expect("PEM is text")).expect("key");
    let issuer = Issuer::from_ca_cert_pem(&signer.root_pem(), key).expect("issuer");
    let time = |seconds: i64| {
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds.cast_unsigned())
    };
    let serial = |certificate: &X509| {
        let number = certificate.serial_number().to_bn().expect("serial");
        SerialNumber::from(number.to_vec())
    };
    let revoked_certs = revoked
        .iter()
        .map(|certificate| RevokedCertParams {
            serial_number: serial(certificate),
            revocation_time: time(this_update),
            reason_code: None,
            invalidity_date: None,
        })
        .collect();
    let list = CertificateRevocationListParams {
        this_update: time(this_update),
        next_update: time(next_update),
        crl_number: SerialNumber::from(this_update.cast_unsigned()),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&issuer).expect("list").der().to_vec()
}
