//! No answer grows with what a stranger wrote.

use proptest::prelude::*;

use super::*;

const SHAPES: [Shape; 3] = [Shape::Canonical, Shape::RatifyV1, Shape::RatifyV2];

/// The bytes of the only item, and its value.
fn only_item(shape: Shape, key: &str, outcome: Outcome) -> (usize, Value) {
    let body = verify_response(&[answered(key, outcome)], shape, context());
    let without = verify_response(&[], shape, context());
    let answer = parsed(&body);
    assert_valid(shape, &answer);
    (body.len() - without.len(), answer["response"]["items"][0]["value"].clone())
}

#[test]
fn at_most_twenty_signatures_are_described_the_first_ones_and_the_rest_is_counted() {
    let signatures: Vec<_> = (0..100).map(valid).collect();
    let first = signatures[0].digest.to_string();
    let (size, value) = only_item(Shape::Canonical, "key", verified(signatures.clone()));
    let described = value["signatures"].as_array().expect("signatures");
    assert!(size <= MAX_ITEM_BYTES, "{size}");
    assert!((5..=MAX_SIGNATURES).contains(&described.len()), "{}", described.len());
    assert_eq!(value["signaturesOmitted"], 100 - described.len());
    assert_eq!(described[0]["digest"], *first);
    assert_eq!(value["verifierReports"].as_array().map(Vec::len), Some(described.len()));
    let (size, value) = only_item(Shape::RatifyV2, "key", verified(signatures));
    assert_eq!(value["artifactReports"].as_array().map(Vec::len), Some(MAX_SIGNATURES), "{size}");
}

#[test]
fn what_strangers_write_is_cut_and_the_verdict_stays() {
    let long = "\u{1}\"€\\".repeat(5000);
    let mut signature =
        refuted(1, Reason { message: long.clone(), remediation: long.clone(), ..untrusted() });
    signature.artifact_type = long.clone();
    signature.signer =
        Some(Signer { subject: long.clone(), issuer: long.clone(), fingerprint: "ab".repeat(32) });
    signature.findings = vec![logged(Reason::new(ReasonCode::RevocationUnknown, long.clone(), "")); 100];
    for shape in SHAPES {
        let (size, value) = only_item(shape, "key", rejected(vec![signature.clone(); 100]));
        assert!(size <= MAX_ITEM_BYTES, "{size}");
        assert_eq!(value["isSuccess"].as_bool().or(value["succeeded"].as_bool()), Some(false));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn an_item_stays_within_its_bound_and_its_schema(
        message in ".{0,600}", subject in ".{0,2000}", media in ".{0,900}", count in 0usize..60,
    ) {
        let mut signature = valid(0);
        signature.signer = Some(Signer {
            subject: subject.clone(),
            issuer: subject,
            fingerprint: "ab".repeat(32),
        });
        signature.findings = vec![logged(Reason::new(ReasonCode::RevocationUnknown, message.clone(), ""))];
        signature.artifact_type = media.clone();
        let subject = BoundSubject::of(&content(&media, "image"));
        let reason = Reason::new(ReasonCode::UntrustedSigner, message.clone(), message);
        let outcome = Outcome::rejected(Some(subject), reason, vec![signature; count], policy());
        for shape in SHAPES {
            let (size, _) = only_item(shape, &"k".repeat(1100), outcome.clone());
            prop_assert!(size <= MAX_ITEM_BYTES, "{size}");
        }
    }
}
