//! Requests and answers as bytes: every shape, every bound, and the committed schemas.

mod bounds;
mod requests;
mod shapes;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::oci::{Content, media_type};
use crate::outcome::{
    BoundSubject, Check, CheckResult, Evidence, Finding, PolicyIdentity, Reason, SignatureReport,
    SignatureResult, Signer,
};
use crate::reference::DigestAlgorithm;

const IMAGE: &str = "registry.example/team/app:1";
const SIGNATURE_TYPE: &str = "application/vnd.cncf.notary.signature";

fn context() -> AnswerContext {
    AnswerContext { trace_id: Uuid::nil(), now: "2026-11-24T12:00:00Z".parse().expect("time") }
}

fn content(media_type: &str, text: &str) -> Content {
    Content::hash(DigestAlgorithm::Sha256, media_type, Bytes::copy_from_slice(text.as_bytes()))
}

fn subject() -> BoundSubject {
    BoundSubject::of(&content(media_type::IMAGE_MANIFEST, "image"))
}

fn policy() -> PolicyIdentity {
    PolicyIdentity { name: "ratify-policy".into(), id: "0123abcd".into() }
}

fn proven_at() -> Timestamp {
    "2026-11-24T11:00:00Z".parse().expect("time")
}

/// A signature that counts.
fn valid(number: usize) -> SignatureReport {
    SignatureReport {
        digest: content(media_type::IMAGE_MANIFEST, &number.to_string()).digest().clone(),
        kind: "notation",
        artifact_type: SIGNATURE_TYPE.to_owned(),
        verifier: "notation".into(),
        result: SignatureResult::Valid,
        reason: None,
        signer: Some(Signer {
            subject: "CN=release,O=Acme,C=US".to_owned(),
            issuer: "CN=ca,O=Acme,C=US".to_owned(),
            fingerprint: "ab".repeat(32),
        }),
        signing_time: Some("2026-11-01T00:00:00Z".parse().expect("time")),
        signing_time_trusted: true,
        expiry: None,
        findings: Vec::new(),
    }
}

fn refuted(number: usize, reason: Reason) -> SignatureReport {
    SignatureReport {
        result: SignatureResult::Refuted,
        reason: Some(reason),
        signer: None,
        signing_time: None,
        signing_time_trusted: false,
        ..valid(number)
    }
}

fn logged(reason: Reason) -> Finding {
    Finding { check: Check::Revocation, result: CheckResult::Logged(reason) }
}

fn verified(signatures: Vec<SignatureReport>) -> Outcome {
    let reason = Reason::new(ReasonCode::Verified, "1 of 1 signatures counts", "");
    Outcome::verified(subject(), reason, signatures, Evidence::First, policy(), proven_at())
}

fn untrusted() -> Reason {
    Reason::new(ReasonCode::UntrustedSigner, "nobody trusts it", "add its authority to a trust store")
}

fn rejected(signatures: Vec<SignatureReport>) -> Outcome {
    Outcome::rejected(Some(subject()), untrusted(), signatures, policy())
}

fn unsigned() -> Outcome {
    let reason = Reason::new(ReasonCode::NoSignature, "no signature was found", "sign it");
    Outcome::unsigned(subject(), reason, policy())
}

fn undecided(code: ReasonCode) -> Outcome {
    Outcome::inconclusive(None, Reason::new(code, "why", ""), Vec::new(), policy())
}

fn answered(key: &str, outcome: Outcome) -> VerificationAnswer<'_> {
    VerificationAnswer { key, image: IMAGE, outcome: Ok(Arc::new(outcome)), item: None }
}

fn answer(shape: Shape, answers: &[VerificationAnswer<'_>]) -> Value {
    parsed(&verify_response(answers, shape, context()))
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("an answer is JSON")
}

fn value(shape: Shape, outcome: Outcome) -> Value {
    let answer = answer(shape, &[answered("the key", outcome)]);
    assert_valid(shape, &answer);
    answer["response"]["items"][0]["value"].clone()
}

fn assert_valid(shape: Shape, answer: &Value) {
    let schema = match shape {
        Shape::Canonical | Shape::RatifyV1 => include_str!("../../docs/schemas/verify-v1.json"),
        Shape::RatifyV2 => include_str!("../../docs/schemas/verify-v2.json"),
    };
    assert_matches_schema(schema, answer);
}

fn assert_matches_schema(schema: &str, document: &Value) {
    let schema = jsonschema::validator_for(&parsed(schema.as_bytes())).expect("schema");
    let complaints: Vec<String> = schema.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:#?}\n{document:#}");
}
