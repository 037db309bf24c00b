//! The value of a verification item in Ratify v2's shape.

use serde::Serialize;

use super::MAX_SIGNATURES;
use super::response::ResponseWriter;
use super::signature::first;
use crate::outcome::{Outcome, SignatureReport};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Value<'a> {
    succeeded: bool,
    artifact_reports: Vec<ArtifactReport<'a>>,
}

/// What was found of one signature, or of the image itself where there is none.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactReport<'a> {
    subject: &'a str,
    artifact: String,
    results: [VerificationResult<'a>; 1],
    artifact_reports: [(); 0],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationResult<'a> {
    verifier_name: &'a str,
    description: &'a str,
    /// A JSON text, as Ratify v2 has it.
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_reason: Option<String>,
}

pub(super) fn write(writer: &mut ResponseWriter, key: &str, image: &str, outcome: &Outcome) {
    let most = outcome.signatures.len().min(MAX_SIGNATURES);
    writer.fitting(key, most, |details| value(image, outcome, details));
}

fn value<'a>(image: &'a str, outcome: &'a Outcome, details: usize) -> Value<'a> {
    let described = first(outcome, details);
    let succeeded = outcome.verdict().admits();
    let artifact_reports = match described {
        [] if !succeeded => vec![without_signature(image, outcome)],
        described => described.iter().map(|signature| report(image, signature)).collect(),
    };
    Value { succeeded, artifact_reports }
}

fn report<'a>(image: &'a str, signature: &'a SignatureReport) -> ArtifactReport<'a> {
    let reason = signature.reason.as_ref();
    let signer = signature.signer.as_ref();
    let detail = serde_json::json!({
        "Issuer": signer.map(|signer| &signer.issuer),
        "SN": signer.map(|signer| &signer.subject),
    });
    ArtifactReport {
        subject: image,
        artifact: signature.digest.to_string(),
        results: [VerificationResult {
            verifier_name: &signature.verifier,
            description: reason.map_or("signature verification success", |reason| &reason.message),
            detail: detail.to_string(),
            error_reason: reason.map(|reason| format!("{}: {}", reason.code, reason.message)),
        }],
        artifact_reports: [],
    }
}

fn without_signature<'a>(image: &'a str, outcome: &'a Outcome) -> ArtifactReport<'a> {
    let reason = &outcome.reason;
    ArtifactReport {
        subject: image,
        artifact: outcome.subject().map(|subject| subject.digest().to_string()).unwrap_or_default(),
        results: [VerificationResult {
            verifier_name: "hallmark",
            description: &reason.message,
            detail: "{}".to_owned(),
            error_reason: Some(format!("{}: {}", reason.code, reason.message)),
        }],
        artifact_reports: [],
    }
}
