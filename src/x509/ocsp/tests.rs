use proptest::prelude::*;

use super::*;
use crate::x509::test_authority::{Authority, Says, Wanted, day, extension};

const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

fn now() -> Timestamp {
    "2027-01-01T00:00:00Z".parse().unwrap()
}

fn leaf_of(root: &Authority) -> Authority {
    root.issue(&Wanted::leaf("leaf", 2))
}

fn ask(signer: &Authority, root: &Authority, leaf: &Authority, says: &Says) -> Result<Answer, OcspError> {
    let response = signer.respond(&root.certificate, &leaf.certificate, says);
    verify(&response, &leaf.certificate, &root.certificate)
}

fn verify(response: &[u8], certificate: &Certificate, issuer: &Certificate) -> Result<Answer, OcspError> {
    SignedAnswer::verify(response, certificate, issuer, now()).map(|signed| signed.answer)
}

#[test]
fn the_issuer_may_answer() {
    let root = Authority::root("root");
    let leaf = leaf_of(&root);
    let answer = ask(&root, &root, &leaf, &Says::good()).unwrap();
    assert_eq!(answer.status, CertificateStatus::Good);
    assert_eq!(answer.next_update.unwrap().to_string(), "2035-01-01T00:00:00Z");
    let answer = ask(&root, &root, &leaf, &Says::unknown()).unwrap();
    assert_eq!(answer.status, CertificateStatus::Unknown);
}

#[test]
fn a_revocation_comes_with_its_times_and_reason() {
    let root = Authority::root("root");
    let mut says = Says::revoked("20260101", 1);
    says.extensions.push(extension("2.5.29.24", false, &day("20250601")));
    let answer = ask(&root, &root, &leaf_of(&root), &says).unwrap();
    assert_eq!(
        answer.status,
        CertificateStatus::Revoked {
            revoked_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            reason: Some(RevocationReason::Permanent(1)),
            invalid_since: Some("2025-06-01T00:00:00Z".parse().unwrap()),
        }
    );
}

#[test]
fn a_delegate_needs_the_purpose_the_issuer_and_a_valid_certificate() {
    let root = Authority::root("root");
    let leaf = leaf_of(&root);
    let delegate = Wanted::leaf("delegate", 3).with_purpose(OCSP_SIGNING, false);
    let expired = Wanted { not_after: "20260101", ..delegate.clone() };
    let says = Says::good();
    assert!(ask(&root.issue(&delegate), &root, &leaf, &says).is_ok());
    let without_purpose = root.issue(&Wanted::leaf("delegate", 3));
    let of_another = Authority::root("root").issue(&delegate);
    for signer in [without_purpose, of_another, root.issue(&expired)] {
        assert_eq!(ask(&signer, &root, &leaf, &says).unwrap_err(), OcspError::Signature);
    }
}

#[test]
fn a_delegate_that_names_a_list_and_does_not_ask_to_leave_it_is_to_be_looked_up() {
    let root = Authority::root("root");
    let leaf = leaf_of(&root);
    let plain = Wanted::leaf("delegate", 3).with_purpose(OCSP_SIGNING, false);
    let listed = plain.clone().with_lists(&["http://crl.test/"]);
    let nocheck = listed.clone().with(extension("1.3.6.1.5.5.7.48.1.5", false, &[0x05, 0x00]));
    for (wanted, revocable) in [(&plain, false), (&listed, true), (&nocheck, false)] {
        let delegate = root.issue(wanted);
        let response = delegate.respond(&root.certificate, &leaf.certificate, &Says::good());
        let signed = SignedAnswer::verify(&response, &leaf.certificate, &root.certificate, now()).unwrap();
        assert_eq!(signed.revocable_delegate.is_some(), revocable);
    }
}

#[test]
fn a_leaf_never_vouches_for_itself() {
    let root = Authority::root("root");
    let leaf = root.issue(&Wanted::leaf("leaf", 2).with_purpose(OCSP_SIGNING, false));
    assert_eq!(ask(&leaf, &root, &leaf, &Says::good()).unwrap_err(), OcspError::Signature);
}

#[test]
fn an_answer_about_another_certificate_says_nothing() {
    let root = Authority::root("root");
    let (leaf, other) = (leaf_of(&root), root.issue(&Wanted::leaf("other", 3)));
    let response = root.respond(&root.certificate, &other.certificate, &Says::good());
    let answer = verify(&response, &leaf.certificate, &root.certificate);
    assert_eq!(answer.unwrap_err(), OcspError::OtherCertificate);
}

#[test]
fn answers_outside_their_dates_are_refused() {
    let root = Authority::root("root");
    let leaf = leaf_of(&root);
    let with = |this_update, next_update| {
        ask(&root, &root, &leaf, &Says { this_update, next_update, ..Says::good() })
    };
    assert!(matches!(with("20280101", Some("20350101")), Err(OcspError::NotYetValid { .. })));
    assert!(matches!(with("20250101", Some("20260101")), Err(OcspError::Expired { .. })));
    assert_eq!(with("20250101", None).unwrap_err(), OcspError::Expired { next_update: None });
    assert!(with("20270101", Some("20270101")).is_ok());
}

#[test]
fn critical_extensions_that_are_not_understood_are_refused() {
    let root = Authority::root("root");
    let mut says = Says::good();
    says.extensions.push(extension("1.2.3.4", true, &[0x05, 0x00]));
    let error = ask(&root, &root, &leaf_of(&root), &says).unwrap_err();
    assert!(matches!(error, OcspError::UnknownCriticalExtension { .. }));
}

#[test]
fn error_statuses_and_trailing_bytes_are_refused() {
    let root = Authority::root("root");
    let leaf = leaf_of(&root);
    let verify = |response: &[u8]| verify(response, &leaf.certificate, &root.certificate);
    assert_eq!(verify(&[0x30, 0x03, 0x0a, 0x01, 0x06]).unwrap_err(), OcspError::Declined { status: 6 });
    let mut response = root.respond(&root.certificate, &leaf.certificate, &Says::good());
    response.push(0);
    assert!(matches!(verify(&response), Err(OcspError::Malformed(_))));
    let bytes = MAX_RESPONSE_BYTES + 1;
    assert_eq!(verify(&vec![0x30; bytes]).unwrap_err(), OcspError::TooLarge { bytes });
}

#[test]
fn openssl_reads_a_request_as_it_is_meant() {
    let root = Authority::root("root");
    let leaf = leaf_of(&root);
    let request = request(&leaf.certificate, &root.certificate).unwrap();
    let mut expected = openssl::ocsp::OcspRequest::new().unwrap();
    let x509 = |certificate: &Certificate| openssl::x509::X509::from_der(certificate.der()).unwrap();
    let (subject, issuer) = (x509(&leaf.certificate), x509(&root.certificate));
    let digest = openssl::hash::MessageDigest::sha1();
    expected.add_id(openssl::ocsp::OcspCertId::from_cert(digest, &subject, &issuer).unwrap()).unwrap();
    assert_eq!(request, expected.to_der().unwrap());
}

#[test]
fn no_change_of_one_byte_makes_it_panic_or_turns_the_answer() {
    let root = Authority::root("root");
    let leaf = leaf_of(&root);
    let response = root.respond(&root.certificate, &leaf.certificate, &Says::revoked("20260101", 1));
    for at in 0..response.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut damaged = response.clone();
            damaged[at] ^= flip;
            if let Ok(answer) = verify(&damaged, &leaf.certificate, &root.certificate) {
                assert!(matches!(answer.status, CertificateStatus::Revoked { .. }), "byte {at}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let root = Authority::root("root");
        let _ = verify(&bytes, &root.certificate, &root.certificate);
    }
}
