//! Tokens of the vectors at `../shared/conformance`, and tokens built here to be wrong in one chosen way.

mod made;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use coset::{CoseSign1, Label, TaggedCborSerializable as _, cbor::Value as Cbor};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::x509::certificates_from_pem_or_der;

const VECTORS: &str = "../shared/conformance/notation";
const TOKEN_HEADER: &str = "io.cncf.notary.timestampSignature";

struct Stamped {
    token: Vec<u8>,
    signature: Vec<u8>,
    chain: Vec<Certificate>,
}

fn vectors(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(VECTORS).join(path)
}

fn certificates(path: &str) -> Vec<Certificate> {
    certificates_from_pem_or_der(&std::fs::read(vectors(path)).unwrap()).unwrap()
}

fn jws(bytes: &[u8]) -> Option<Stamped> {
    let envelope: Value = serde_json::from_slice(bytes).ok()?;
    let header = envelope.get("header")?;
    let chain = header.get("x5c")?.as_array()?.iter();
    Some(Stamped {
        token: STANDARD.decode(header.get(TOKEN_HEADER)?.as_str()?).ok()?,
        signature: URL_SAFE_NO_PAD.decode(envelope.get("signature")?.as_str()?).ok()?,
        chain: chain
            .map(|der| Certificate::from_der(&STANDARD.decode(der.as_str().unwrap()).unwrap()).unwrap())
            .collect(),
    })
}

fn cose(bytes: &[u8]) -> Option<Stamped> {
    let envelope = CoseSign1::from_tagged_slice(bytes).ok()?;
    let header = |label: Label| {
        envelope.unprotected.rest.iter().find(|(name, _)| *name == label).map(|(_, value)| value)
    };
    let Cbor::Bytes(token) = header(Label::Text(TOKEN_HEADER.into()))? else { return None };
    let chain = match header(Label::Int(33))? {
        Cbor::Array(chain) => chain.iter().filter_map(Cbor::as_bytes).cloned().collect(),
        Cbor::Bytes(leaf) => vec![leaf.clone()],
        _ => return None,
    };
    Some(Stamped {
        token: token.clone(),
        signature: envelope.signature.clone(),
        chain: chain.iter().map(|der| Certificate::from_der(der).unwrap()).collect(),
    })
}

fn stamped(path: &str) -> Option<Stamped> {
    let bytes = std::fs::read(vectors(path)).unwrap();
    jws(&bytes).or_else(|| cose(&bytes))
}

fn holds(stamped: &Stamped, anchors: &[Certificate]) -> Result<(), String> {
    let timestamp = verify(&stamped.token, &stamped.signature, anchors).map_err(|error| error.to_string())?;
    match timestamp.first_not_covered(&stamped.chain) {
        None => Ok(()),
        Some(certificate) => Err(format!("{} is not covered", certificate.subject())),
    }
}

#[test]
fn tokens_of_the_vectors_hold_where_the_specification_says_so() {
    let cases: Value = serde_json::from_slice(&std::fs::read(vectors("cases.json")).unwrap()).unwrap();
    let cases = cases.as_array().or_else(|| cases["cases"].as_array()).unwrap();
    let (mut accepted, mut rejected) = (0, 0);
    for case in cases.iter().filter(|case| always_stamped(case)) {
        let Some(stamped) = stamped(case["envelope"].as_str().unwrap()) else { continue };
        let anchors: Vec<_> = case["trust_stores"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.starts_with("tsa:"))
            .flat_map(|(_, files)| files.as_array().unwrap())
            .flat_map(|file| certificates(file.as_str().unwrap()))
            .collect();
        let result = holds(&stamped, &anchors);
        let made = case["id"].as_str().unwrap().starts_with("made-timestamp/");
        match (case["expected"].as_str().unwrap(), case["failed_at"].as_str()) {
            ("accept", _) => {
                assert_eq!(result, Ok(()), "{}", case["id"]);
                accepted += 1;
            }
            ("reject", Some("authenticTimestamp")) => {
                assert!(result.is_err(), "{}", case["id"]);
                rejected += 1;
            }
            ("reject", _) if made => {
                assert!(result.is_err(), "{}", case["id"]);
                rejected += 1;
            }
            _ => {}
        }
    }
    assert!(accepted >= 6 && rejected >= 6, "{accepted} accepted, {rejected} rejected");
}

fn always_stamped(case: &Value) -> bool {
    let verification = &case["policy"]["signatureVerification"];
    case["kind"] == "envelope"
        && verification["level"] == "strict"
        && verification["verifyTimestamp"] == "always"
        && case["trust_stores"].as_object().unwrap().keys().any(|name| name.starts_with("tsa:"))
}

fn example() -> (Stamped, Vec<Certificate>) {
    let stamped = stamped("derived-timestamp/envelopes/tsa-ku-noncritical.jws.json").unwrap();
    (stamped, certificates("derived-timestamp/tsa-root.pem"))
}

#[test]
fn the_chain_leads_from_authority_to_root() {
    let (stamped, anchors) = example();
    let timestamp = verify(&stamped.token, &stamped.signature, &anchors).unwrap();
    assert_eq!(timestamp.chain().last(), anchors.first());
    assert!(timestamp.chain().len() >= 2);
    assert!(timestamp.earliest() <= timestamp.time() && timestamp.time() <= timestamp.latest());
}

#[test]
fn a_token_of_another_signature_is_refused() {
    let (stamped, anchors) = example();
    assert_eq!(verify(&stamped.token, b"another", &anchors).unwrap_err(), TimestampError::OtherSignature);
}

#[test]
fn bytes_after_a_token_are_refused() {
    let (mut stamped, anchors) = example();
    stamped.token.push(0);
    let error = verify(&stamped.token, &stamped.signature, &anchors).unwrap_err();
    assert_eq!(error, TimestampError::Encoding(BerError::TrailingBytes { bytes: 1 }));
}

#[test]
fn an_intermediate_is_no_anchor() {
    let (stamped, anchors) = example();
    let timestamp = verify(&stamped.token, &stamped.signature, &anchors).unwrap();
    let intermediate = timestamp.chain().get(1).cloned().into_iter().collect::<Vec<_>>();
    if timestamp.chain().len() > 2 {
        assert!(verify(&stamped.token, &stamped.signature, &intermediate).is_err());
    }
    assert_eq!(verify(&stamped.token, &stamped.signature, &[]).unwrap_err(), TimestampError::NoAnchors);
}

#[test]
fn a_token_in_ber_holds_like_the_same_in_der() {
    let (stamped, anchors) = example();
    let mut ber = vec![0x30, 0x80];
    ber.extend_from_slice(&stamped.token[4..]);
    ber.extend_from_slice(&[0, 0]);
    assert!(verify(&ber, &stamped.signature, &anchors).is_ok());
}

#[test]
fn empty_and_huge_tokens_are_refused_unread() {
    assert_eq!(verify(&[], b"", &[]).unwrap_err(), TimestampError::Empty);
    let huge = vec![0x30; MAX_TOKEN_BYTES + 1];
    assert_eq!(verify(&huge, b"", &[]).unwrap_err(), TimestampError::TooLarge { bytes: huge.len() });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_of_one_byte_makes_a_token_panic_or_move_in_time(at in 0_usize..3300, byte in any::<u8>()) {
        let (mut stamped, anchors) = example();
        let time = verify(&stamped.token, &stamped.signature, &anchors).unwrap().time();
        if let Some(place) = stamped.token.get_mut(at) {
            *place = byte;
        }
        if let Ok(timestamp) = verify(&stamped.token, &stamped.signature, &anchors) {
            prop_assert_eq!(timestamp.time(), time);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = verify(&bytes, b"", &[]);
    }
}
