use proptest::prelude::*;

use super::*;
use crate::x509::test_authority::{Authority, INTEGER, List, Wanted, extension, point, sequence, tlv};

fn read(authority: &Authority, list: &List) -> Result<Crl, CrlError> {
    UnverifiedCrl::parse(authority.list(list).into())?.verify(&authority.certificate)
}

fn one(crl: &Crl, serial: u8) -> Option<Entry> {
    crl.entries(&[serial]).next()
}

#[test]
fn entries_are_found_by_serial_number_with_their_extensions() {
    let root = Authority::root("root");
    let invalid = extension("2.5.29.24", false, &crate::x509::test_authority::day("20250201"));
    let list = List::numbered(7)
        .revoking(2, "20250301", Some(1))
        .entry(3, "20250302", &[invalid])
        .revoking(4, "20250303", None);
    let crl = read(&root, &list).unwrap();
    assert_eq!(one(&crl, 2).unwrap().reason, Some(RevocationReason::Permanent(1)));
    assert_eq!(one(&crl, 3).unwrap().invalid_since.unwrap().to_string(), "2025-02-01T00:00:00Z");
    assert_eq!(one(&crl, 4).unwrap().revoked_at.to_string(), "2025-03-03T00:00:00Z");
    assert_eq!(one(&crl, 5), None);
    assert_eq!(crl.number(), Some(&[7][..]));
    assert_eq!(crl.next_update().unwrap().to_string(), "2035-01-01T00:00:00Z");
}

#[test]
fn a_list_by_another_key_or_name_is_refused() {
    let (root, impostor, other) =
        (Authority::root("root"), Authority::root("root"), Authority::root("other"));
    let list = root.list(&List::numbered(1));
    let parse = || UnverifiedCrl::parse(list.clone().into()).unwrap();
    assert_eq!(parse().verify(&impostor.certificate).unwrap_err(), CrlError::Signature);
    assert_eq!(parse().verify(&other.certificate).unwrap_err(), CrlError::OtherIssuer);
}

#[test]
fn an_issuer_without_crl_sign_is_refused() {
    let root = Authority::root("root");
    let basic = extension("2.5.29.19", true, &[0x30, 0x03, 0x01, 0x01, 0xff]);
    let usage = extension("2.5.29.15", true, &[0x03, 0x02, 0x02, 0x04]);
    let issuer = root.issue(&Wanted::leaf("issuer", 9).with(basic).with(usage));
    assert!(matches!(read(&issuer, &List::numbered(1)), Err(CrlError::NotASigner { .. })));
}

#[test]
fn critical_extensions_that_are_not_understood_make_a_list_unusable() {
    let root = Authority::root("root");
    let unknown = extension("1.2.3.4", true, &[0x05, 0x00]);
    let tolerated = extension("1.2.3.4", false, &[0x05, 0x00]);
    assert!(read(&root, &List::numbered(1).with(tolerated.clone())).is_ok());
    assert!(read(&root, &List::numbered(1).entry(2, "20250101", &[tolerated])).is_ok());
    for list in [
        List::numbered(1).with(unknown.clone()),
        List::numbered(1).revoking(3, "20250101", None).entry(2, "20250101", &[unknown]),
    ] {
        assert!(matches!(read(&root, &list), Err(CrlError::UnknownCriticalExtension { .. })));
    }
}

#[test]
fn indirect_lists_are_refused() {
    let root = Authority::root("root");
    let scope = List::numbered(1).with_scope(&[0x84, 0x01, 0xff]);
    assert_eq!(read(&root, &scope).unwrap_err(), CrlError::Indirect);
    let entry = extension("2.5.29.29", true, &[0x30, 0x00]);
    let list = List::numbered(1).entry(2, "20250101", &[entry]);
    assert_eq!(read(&root, &list).unwrap_err(), CrlError::Indirect);
}

#[test]
fn the_scope_of_a_list_decides_what_it_speaks_about() {
    let root = Authority::root("root");
    let leaf = root.issue(&Wanted::leaf("leaf", 2).with_lists(&["http://crl.test/1"])).certificate;
    let authority = root.issue(&Wanted::authority("authority", 3)).certificate;
    let exclusion = |scope: &[u8], certificate: &Certificate| {
        read(&root, &List::numbered(1).with_scope(scope)).unwrap().exclusion(certificate, "http://crl.test/1")
    };
    assert_eq!(exclusion(&[], &leaf), None);
    assert_eq!(exclusion(&[0x81, 0x01, 0xff], &leaf), None);
    assert_eq!(exclusion(&[0x81, 0x01, 0xff], &authority), Some(Exclusion::EndEntitiesOnly));
    assert_eq!(exclusion(&[0x82, 0x01, 0xff], &leaf), Some(Exclusion::CertificateAuthoritiesOnly));
    assert_eq!(exclusion(&[0x82, 0x01, 0xff], &authority), None);
    assert_eq!(exclusion(&[0x85, 0x01, 0xff], &leaf), Some(Exclusion::AttributeCertificatesOnly));
    assert_eq!(exclusion(&[0x83, 0x02, 0x06, 0x40], &leaf), Some(Exclusion::SomeReasonsOnly));
    assert_eq!(exclusion(&point(&["http://crl.test/1"]), &leaf), None);
    let other = exclusion(&point(&["http://crl.test/2"]), &leaf);
    assert_eq!(other, Some(Exclusion::OtherDistributionPoint));
}

/// A certificate with two distribution points has a list at each: one served in the other's place would hide
/// what the other holds (RFC 5280 §6.3.3 (b)(2)).
#[test]
fn a_list_counts_only_for_the_distribution_point_that_led_to_it() {
    let root = Authority::root("root");
    let (one, two, alias) = ("http://crl.test/1", "http://crl.test/2", "http://crl.test/alias");
    let leaf = root.issue(&Wanted::leaf("leaf", 2).with_points(&[&[one, alias], &[two]])).certificate;
    let exclusion = |names: &[&str], url: &str| {
        read(&root, &List::numbered(1).with_scope(&point(names))).unwrap().exclusion(&leaf, url)
    };
    assert_eq!(exclusion(&[one], one), None);
    assert_eq!(exclusion(&[one], alias), None, "two addresses of one point");
    assert_eq!(exclusion(&["http://crl.test/other", two], two), None, "one common name suffices");
    for (names, url) in [([two], one), ([one], two), ([alias], two)] {
        assert_eq!(exclusion(&names, url), Some(Exclusion::OtherDistributionPoint), "{names:?} at {url}");
    }
}

#[test]
fn a_delta_goes_with_a_base_between_its_start_and_itself() {
    let root = Authority::root("root");
    let base = read(&root, &List::numbered(5)).unwrap();
    let delta = |number, from| read(&root, &List::numbered(number).delta_from(from)).unwrap();
    assert!(delta(6, 5).is_delta_of(&base));
    assert!(delta(6, 4).is_delta_of(&base));
    assert!(!delta(5, 5).is_delta_of(&base));
    assert!(!delta(7, 6).is_delta_of(&base));
    assert!(!base.is_delta_of(&base));
    let scoped = List::numbered(6).delta_from(5).with_scope(&[0x81, 0x01, 0xff]);
    assert!(!read(&root, &scoped).unwrap().is_delta_of(&base));
}

#[test]
fn repeated_extensions_and_trailing_bytes_are_refused() {
    let root = Authority::root("root");
    let twice = List::numbered(1).with(extension("2.5.29.20", false, &tlv(INTEGER, &[1])));
    assert!(matches!(read(&root, &twice), Err(CrlError::Malformed(_))));
    let followed = [root.list(&List::numbered(1)), vec![0]].concat();
    assert!(matches!(UnverifiedCrl::parse(followed.into()), Err(CrlError::Malformed(_))));
}

#[test]
fn a_serial_number_in_a_longer_form_is_refused_because_it_would_never_be_found() {
    let root = Authority::root("root");
    let mut list = List::numbered(1);
    let revoked_at = crate::x509::test_authority::day("20250301");
    list.entries.push(sequence(&[&tlv(INTEGER, &[0, 2]), &revoked_at]));
    assert!(matches!(read(&root, &list), Err(CrlError::Malformed(_))));
}

#[test]
fn a_list_beyond_the_limit_is_refused_unread() {
    let bytes = MAX_CRL_BYTES + 1;
    assert_eq!(UnverifiedCrl::parse(vec![0; bytes].into()).unwrap_err(), CrlError::TooLarge { bytes });
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = UnverifiedCrl::parse(bytes.into());
    }
}

#[test]
fn no_change_of_one_byte_is_both_accepted_and_different() {
    let root = Authority::root("root");
    let list = root.list(&List::numbered(7).revoking(2, "20250301", Some(1)).with_freshest("http://a.test/"));
    for at in 0..list.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut damaged = list.clone();
            damaged[at] ^= flip;
            let crl = UnverifiedCrl::parse(damaged.into());
            if let Ok(crl) = crl.and_then(|crl| crl.verify(&root.certificate)) {
                assert!(one(&crl, 2).is_some(), "byte {at}");
            }
        }
    }
}
