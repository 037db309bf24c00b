use openssl::nid::Nid;
use proptest::prelude::*;

use super::*;
use crate::x509::Certificate;

/// DER of one attribute, by its object identifier's content, string tag and bytes.
fn attribute(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    element(0x30, &[element(0x06, oid), element(tag, value)].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("short");
    let header = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [header, content.to_vec()].concat()
}

/// DER of a Name with one attribute for each RDN.
fn name(attributes: &[Vec<u8>]) -> Vec<u8> {
    let rdns: Vec<_> = attributes.iter().map(|attribute| element(0x31, attribute)).collect();
    element(0x30, &rdns.concat())
}

const C: &[u8] = &[0x55, 4, 6];
const ST: &[u8] = &[0x55, 4, 8];
const O: &[u8] = &[0x55, 4, 10];
const OU: &[u8] = &[0x55, 4, 11];
const CN: &[u8] = &[0x55, 4, 3];
const EMAIL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];

/// A certificate whose subject is `attributes`. Its signature is of no interest.
fn certificate(attributes: &[Vec<u8>]) -> Certificate {
    use openssl::ec::{EcGroup, EcKey};
    use openssl::x509::{X509Builder, X509Name as OpensslName};
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("curve");
    let key = openssl::pkey::PKey::from_ec_key(EcKey::generate(&group).expect("key")).expect("key");
    let mut builder = X509Builder::new().expect("builder");
    builder.set_subject_name(&OpensslName::from_der(&name(attributes)).expect("name")).expect("subject");
    let time = openssl::asn1::Asn1Time::from_unix(0).expect("time");
    builder.set_not_before(&time).expect("time");
    builder.set_not_after(&time).expect("time");
    builder.set_pubkey(&key).expect("key");
    builder.sign(&key, openssl::hash::MessageDigest::sha256()).expect("signature");
    Certificate::from_der(&builder.build().to_der().expect("DER")).expect("certificate")
}

fn wabbit(further: &[Vec<u8>]) -> Certificate {
    let mut attributes =
        vec![attribute(C, 0x13, b"US"), attribute(ST, 0x0c, b"WA"), attribute(O, 0x0c, b"wabbit.io")];
    attributes.extend_from_slice(further);
    certificate(&attributes)
}

fn parse(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).expect(text)
}

fn refused(text: &str) -> DistinguishedNameError {
    DistinguishedName::parse(text).expect_err(text)
}

#[test]
fn an_identity_matches_what_has_all_of_its_attributes() {
    let leaf = wabbit(&[attribute(CN, 0x0c, b"signer")]);
    for text in [
        "C=US, ST=WA, O=wabbit.io",
        "O=wabbit.io;S=WA;C=US",
        "C=US,ST=WA,O=wabbit\\.io".replace("\\.", "\\2e").as_str(),
        " C = US , ST = WA , O = wabbit.io , CN = signer ",
    ] {
        assert!(parse(text).matches(&leaf), "{text}");
    }
    for text in [
        "C=US,ST=WA,O=Wabbit.io",
        "C=US,ST=WA,O=wabbit.io,OU=x",
        "C=US,ST=WA,O=wabbit.io,CN=signer\\ ",
        "c=US,C=US,ST=WA,O=wabbit.io",
        "C=US,ST=WA,O=wabbit.io,2.5.4.3=signer",
    ] {
        assert!(!parse(text).matches(&leaf), "{text}");
    }
}

#[test]
fn a_repeated_attribute_matters_only_where_the_identity_names_it() {
    let leaf =
        wabbit(&[attribute(OU, 0x0c, b"a"), attribute(OU, 0x0c, b"b"), attribute(EMAIL, 0x16, b"a@b")]);
    assert!(parse("C=US,ST=WA,O=wabbit.io").matches(&leaf));
    assert!(!parse("C=US,ST=WA,O=wabbit.io,OU=a").matches(&leaf));
    assert!(!parse("C=US,ST=WA,O=wabbit.io,OU=b").matches(&leaf));
}

#[test]
fn every_string_type_is_compared_by_its_text() {
    let named = |tag, value: &[u8]| wabbit(&[attribute(CN, tag, value)]);
    let identity = parse("C=US,ST=WA,O=wabbit.io,CN=é");
    assert!(identity.matches(&named(0x0c, "é".as_bytes())));
    assert!(identity.matches(&named(0x14, b"\xe9")));
    assert!(identity.matches(&named(0x1e, b"\0\xe9")));
    assert!(!identity.matches(&named(0x0c, "e\u{301}".as_bytes())), "no Unicode folding");
}

#[test]
fn nothing_after_a_nul_is_overlooked() {
    let leaf = wabbit(&[attribute(CN, 0x0c, b"signer\0.evil")]);
    assert!(!parse("C=US,ST=WA,O=wabbit.io,CN=signer").matches(&leaf));
    let error = DistinguishedNameError::NotText { kind: "CN".to_owned() };
    assert_eq!(refused("C=US,ST=WA,O=x,CN=signer\\00"), error);
}

#[test]
fn an_encoded_value_is_refused_before_anything_decodes_it() {
    assert_eq!(refused("C=US,ST=WA,O=#04ff"), DistinguishedNameError::EncodedValue);
    assert_eq!(refused("C=US,ST=WA,O=x,CN=a=#b"), DistinguishedNameError::EncodedValue);
}

#[test]
fn texts_that_could_mean_two_things_are_refused() {
    use DistinguishedNameError as Error;
    assert!(matches!(refused(""), Error::NotAnAttribute(_)));
    assert!(matches!(refused("C=US,ST=WA,O=x,"), Error::NotAnAttribute(_)));
    assert!(matches!(refused("C=US,ST=WA,O=\"a, b\""), Error::NotAnAttribute(_)));
    assert!(matches!(refused("C=US,ST=WA,=x,O=x"), Error::NotAnAttribute(_)));
    assert_eq!(refused("C=US+ST=WA,O=x"), Error::MultipleValues);
    assert_eq!(refused("C=US,ST=WA,O=x\\"), Error::BadEscape);
    assert_eq!(refused("C=US,ST=WA,O=x\\zz"), Error::BadEscape);
    assert_eq!(refused("C=US,ST=WA,O=x\\4"), Error::BadEscape);
    assert_eq!(refused("C=US,ST=WA,O=\\ff"), Error::NotText { kind: "O".to_owned() });
    assert_eq!(refused("C=US,ST=WA,O=x,OU="), Error::EmptyValue { kind: "OU".to_owned() });
    assert_eq!(refused("C=US,ST=WA,O=x,O=y"), Error::Repeated { kind: "O".to_owned() });
    assert_eq!(refused("C=US,ST=WA,S=CA,O=x"), Error::Repeated { kind: "ST".to_owned() });
    assert_eq!(refused("ST=WA,O=x"), Error::Missing { kind: "C" });
    assert_eq!(refused("C=US,O=x"), Error::Missing { kind: "ST" });
    assert_eq!(refused("C=US,ST=WA"), Error::Missing { kind: "O" });
    assert_eq!(
        refused(&format!("C=US,ST=WA,O={}", "x".repeat(5000))),
        Error::TooLong { length: 5013, limit: 4096 }
    );
}

#[test]
fn escapes_give_the_characters_that_they_stand_for() {
    let leaf = wabbit(&[attribute(CN, 0x0c, b" a,b;c+d\\e=f ")]);
    assert!(parse(r"C=US,ST=WA,O=wabbit.io,CN=\ a\,b\;c\+d\\e=f\ ").matches(&leaf));
    let leaf = wabbit(&[attribute(CN, 0x0c, b"a\\")]);
    assert!(parse(r"C=US,ST=WA,O=wabbit.io,CN=a\\  ").matches(&leaf));
}

#[test]
fn names_that_cover_each_other_overlap() {
    let wide = parse("C=US,ST=WA,O=x");
    let narrow = parse("C=US,ST=WA,O=x,OU=y");
    assert!(wide.covers(&narrow) && !narrow.covers(&wide));
    assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide) && wide.overlaps(&wide));
    assert!(!narrow.overlaps(&parse("C=US,ST=WA,O=x,OU=z")));
}

#[test]
fn a_subject_prints_in_one_line_whatever_it_holds() {
    let subject = name(&[
        attribute(C, 0x13, b"US"),
        attribute(O, 0x0c, b"a, \"b\"\n\x1b[0m"),
        attribute(EMAIL, 0x16, b"a@b"),
        attribute(&[0x2a, 3], 0x0c, b"x"),
        attribute(CN, 0x0c, "# \u{202e}".as_bytes()),
    ]);
    assert_eq!(
        to_rfc4514(&subject),
        "CN=\\# \\e2\\80\\ae,1.2.3=#0c0178,emailAddress=a@b,O=a\\, \\\"b\\\"\\0a\\1b[0m,C=US"
    );
    assert_eq!(to_rfc4514(&[1, 2]), "#0102");
}

fn identity() -> impl Strategy<Value = DistinguishedName> {
    proptest::collection::btree_map("[A-Z]{1,3}", "[a-z ,+;\\\\=é]{0,5}x", 0..4).prop_map(|further| {
        let escape = |value: &str| super::escape(value);
        let mut text = "C=US,ST=WA,O=x".to_owned();
        for (kind, value) in
            further.iter().filter(|(kind, _)| !matches!(kind.as_str(), "C" | "S" | "ST" | "O"))
        {
            text.push_str(&format!(",{kind}={}", escape(value)));
        }
        parse(&text)
    })
}

proptest! {
    #[test]
    fn covering_is_the_subset_relation(one in identity(), other in identity(), third in identity()) {
        prop_assert!(one.covers(&one));
        prop_assert_eq!(one.covers(&other) && other.covers(&one), one == other);
        prop_assert!(!(one.covers(&other) && other.covers(&third)) || one.covers(&third));
        prop_assert_eq!(one.overlaps(&other), other.overlaps(&one));
    }

    #[test]
    fn the_name_without_optional_attributes_covers_all(one in identity()) {
        prop_assert!(parse("C=US,ST=WA,O=x").covers(&one));
    }

    #[test]
    fn no_text_panics(text in "\\PC*", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = DistinguishedName::parse(&text);
        let _ = DistinguishedName::parse(&format!("C=US,ST=WA,O={text}"));
        prop_assert!(!to_rfc4514(&bytes).contains('\n'));
    }

    #[test]
    fn a_printed_value_reads_back(value in "[ -~é]{0,10}x") {
        let leaf = wabbit(&[attribute(CN, 0x0c, value.as_bytes())]);
        let printed = leaf.subject();
        if !printed.contains("=#") {
            prop_assert!(parse(&printed).matches(&leaf), "{}", printed);
        }
    }
}
