//! The value of a verification item in Ratify v1's shape, version 0.2.0, with Hallmark's own fields beside
//! it. Templates of Ratify read `isSuccess` and `verifierReports`; new ones read `verdict` and `signatures`.

use serde::Serialize;

use super::response::ResponseWriter;
use super::signature::{ReasonValue, SignatureValue, first};
use super::{AnswerContext, MAX_SIGNATURES};
use crate::outcome::{Outcome, SignatureReport, SignatureResult};

/// The version of the shape (Ratify's verification result, with a config-policy).
const VERSION: &str = "0.2.0";
/// Whose report it is where no verifier has one.
const NO_VERIFIER: &str = "hallmark";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Value<'a> {
    version: &'static str,
    is_success: bool,
    #[serde(rename = "traceID")]
    trace_id: uuid::Uuid,
    timestamp: String,
    verifier_reports: Vec<Report<'a>>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'a str>,
    reason: ReasonValue<'a>,
    signatures: Vec<SignatureValue<'a>>,
    signatures_omitted: usize,
    evidence: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    proven_at: Option<String>,
    stale: bool,
    policy: Policy<'a>,
}

#[derive(Debug, Serialize)]
struct Policy<'a> {
    name: &'a str,
    id: &'a str,
}

/// One verifier's report on one signature.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    subject: &'a str,
    is_success: bool,
    name: &'a str,
    verifier_name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    verifier_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_digest: Option<String>,
    artifact_type: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<&'a str>,
    extensions: Extensions<'a>,
    nested_results: [(); 0],
}

/// Ratify's names: `SN` is the subject.
#[derive(Debug, Default, Serialize)]
struct Extensions<'a> {
    #[serde(rename = "Issuer", skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(rename = "SN", skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
}

pub(super) fn write(
    writer: &mut ResponseWriter,
    key: &str,
    image: &str,
    outcome: &Outcome,
    context: AnswerContext,
) {
    let most = outcome.signatures.len().min(MAX_SIGNATURES);
    writer.fitting(key, most, |details| value(image, outcome, context, details));
}

fn value<'a>(image: &'a str, outcome: &'a Outcome, context: AnswerContext, details: usize) -> Value<'a> {
    let described = first(outcome, details);
    Value {
        version: VERSION,
        is_success: outcome.verdict().admits(),
        trace_id: context.trace_id,
        timestamp: context.now.to_string(),
        verifier_reports: reports(image, outcome, described),
        verdict: outcome.verdict().as_str(),
        digest: outcome.subject().map(|subject| subject.digest().to_string()),
        media_type: outcome.subject().map(|subject| subject.media_type()),
        reason: (&outcome.reason).into(),
        signatures: described.iter().map(SignatureValue::from).collect(),
        signatures_omitted: outcome.signatures.len() - described.len(),
        evidence: outcome.evidence.as_str(),
        proven_at: outcome.proven_at.map(|time| time.to_string()),
        stale: outcome.stale,
        policy: Policy { name: &outcome.policy.name, id: &outcome.policy.id },
    }
}

/// Where a refused image has no signature, one report says so: templates that look for a failed report
/// find one.
fn reports<'a>(image: &'a str, outcome: &'a Outcome, described: &'a [SignatureReport]) -> Vec<Report<'a>> {
    if described.is_empty() && !outcome.verdict().admits() {
        return vec![without_signature(image, outcome)];
    }
    described.iter().map(|signature| report(image, signature)).collect()
}

fn report<'a>(image: &'a str, signature: &'a SignatureReport) -> Report<'a> {
    let reason = signature.reason.as_ref();
    let signer = signature.signer.as_ref();
    Report {
        subject: image,
        is_success: signature.result == SignatureResult::Valid,
        name: &signature.verifier,
        verifier_name: &signature.verifier,
        kind: signature.kind,
        verifier_type: signature.kind,
        reference_digest: Some(signature.digest.to_string()),
        artifact_type: &signature.artifact_type,
        message: reason.map_or("signature verification success", |reason| &reason.message),
        error_reason: reason.map(|reason| reason.code.as_str()),
        remediation: reason.map(|reason| reason.remediation.as_str()),
        extensions: Extensions {
            issuer: signer.map(|signer| signer.issuer.as_str()),
            subject: signer.map(|signer| signer.subject.as_str()),
        },
        nested_results: [],
    }
}

fn without_signature<'a>(image: &'a str, outcome: &'a Outcome) -> Report<'a> {
    let reason = &outcome.reason;
    Report {
        subject: image,
        is_success: false,
        name: NO_VERIFIER,
        verifier_name: NO_VERIFIER,
        kind: NO_VERIFIER,
        verifier_type: NO_VERIFIER,
        reference_digest: None,
        artifact_type: "",
        message: &reason.message,
        error_reason: Some(reason.code.as_str()),
        remediation: Some(&reason.remediation),
        extensions: Extensions::default(),
        nested_results: [],
    }
}
