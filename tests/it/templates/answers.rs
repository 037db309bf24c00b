//! Answers that Hallmark really gives: outcomes by name, written by its own encoder.

use std::sync::Arc;

use bytes::Bytes;
use hallmark::externaldata::{AnswerContext, Shape, VerificationAnswer, parse_key, verify_response};
use hallmark::oci::{Content, media_type};
use hallmark::outcome::{
    BoundSubject, Evidence, Outcome, PolicyIdentity, Reason, ReasonCode, SignatureReport, SignatureResult,
    Signer,
};
use hallmark::reference::DigestAlgorithm;
use serde::Deserialize;
use uuid::Uuid;

/// The longest key that is taken.
const KEY_BYTES: usize = 1024;

/// What became of an image, as cases write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Found {
    /// A verdict, or the reason code of an undecided image.
    Named(String),
    /// Signatures by these.
    Signed(Signed),
}

/// A verified image.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Whose signatures count, by common name.
    signers: Vec<String>,
    /// Whose do not.
    #[serde(default)]
    refuted: Vec<String>,
    /// `first`, or `all`.
    evidence: String,
}

impl From<&str> for Found {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

/// The body of the answer about these keys.
pub fn body(shape: Shape, found: &[(String, Found)]) -> Vec<u8> {
    let answers: Vec<VerificationAnswer<'_>> = found
        .iter()
        .map(|(key, found)| match parse_key(key, KEY_BYTES) {
            Ok(question) => VerificationAnswer {
                key,
                image: question.image,
                outcome: Ok(Arc::new(outcome(question.image, found))),
                item: None,
            },
            Err(error) => VerificationAnswer { key, image: key, outcome: Err(error), item: None },
        })
        .collect();
    let context = AnswerContext { trace_id: Uuid::nil(), now: "2026-11-24T12:00:00Z".parse().expect("time") };
    verify_response(&answers, shape, context)
}

fn outcome(image: &str, found: &Found) -> Outcome {
    let subject = BoundSubject::of(&content(image));
    match found {
        Found::Signed(signed) => {
            let evidence = match signed.evidence.as_str() {
                "all" => Evidence::All,
                "first" => Evidence::First,
                other => panic!("evidence {other}"),
            };
            let signatures = signed
                .signers
                .iter()
                .map(|name| valid(name))
                .chain(signed.refuted.iter().map(|name| refuted(name)))
                .collect();
            verified(subject, signatures, evidence)
        }
        Found::Named(name) => named(subject, name),
    }
}

fn named(subject: BoundSubject, name: &str) -> Outcome {
    match name {
        "verified" => verified(subject, vec![valid("release")], Evidence::First),
        "notRequired" => {
            let reason = Reason::new(ReasonCode::SkippedByPolicy, "the trust policy skips the image", "");
            Outcome::not_required(None, reason, policy())
        }
        "unsigned" => {
            let remedy = "sign the image, or push its signature to this registry";
            let reason = Reason::new(ReasonCode::NoSignature, "no signature was found", remedy);
            Outcome::unsigned(subject, reason, policy())
        }
        "rejected" => Outcome::rejected(Some(subject), untrusted(), vec![refuted("stranger")], policy()),
        code => {
            let known = ReasonCode::ALL.iter().find(|known| known.as_str() == code);
            let code = *known.unwrap_or_else(|| panic!("{code} is no verdict and no reason code"));
            let reason = Reason::new(code, "it could not be found out", "");
            Outcome::inconclusive(None, reason, Vec::new(), policy())
        }
    }
}

fn verified(subject: BoundSubject, signatures: Vec<SignatureReport>, evidence: Evidence) -> Outcome {
    let reason = Reason::new(ReasonCode::Verified, "the rule is satisfied", "");
    let proven_at = "2026-11-24T11:00:00Z".parse().expect("time");
    Outcome::verified(subject, reason, signatures, evidence, policy(), proven_at)
}

fn valid(name: &str) -> SignatureReport {
    SignatureReport {
        digest: content(name).digest().clone(),
        kind: "notation",
        artifact_type: "application/vnd.cncf.notary.signature".to_owned(),
        verifier: "notation".into(),
        result: SignatureResult::Valid,
        reason: None,
        signer: Some(Signer {
            subject: format!("CN={name},O=Acme,C=US"),
            issuer: "CN=ca,O=Acme,C=US".to_owned(),
            fingerprint: hex::encode(openssl::sha::sha256(name.as_bytes())),
        }),
        signing_time: None,
        signing_time_trusted: false,
        expiry: None,
        findings: Vec::new(),
    }
}

/// One that has a signer all the same, as where only its expiry has passed.
fn refuted(name: &str) -> SignatureReport {
    SignatureReport { result: SignatureResult::Refuted, reason: Some(untrusted()), ..valid(name) }
}

fn untrusted() -> Reason {
    Reason::new(ReasonCode::UntrustedSigner, "nobody trusts the signer", "add its authority to a trust store")
}

fn content(text: &str) -> Content {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    Content::hash(DigestAlgorithm::Sha256, media_type::IMAGE_MANIFEST, bytes)
}

fn policy() -> PolicyIdentity {
    PolicyIdentity { name: "ratify-policy".into(), id: "0123abcd".into() }
}
