//! The value of a verification item in Ratify v1's shape, version 0.2.0, with Hallmark's own fields beside
//! it. Templates of Ratify read `isSuccess` and `verifierReports`; new ones read `verdict` and `signatures`.

use jiff::Timestamp;
use serde::Serialize;

use super::json::{Printed, append, shortened};
use super::signature::{ReasonValue, SignatureValue, first};
use crate::oci::media_type;
use crate::outcome::{Outcome, SignatureReport, SignatureResult};
use crate::reference::Digest;

/// The version of the shape (Ratify's verification result, with a config-policy).
const VERSION: &str = "0.2.0";
/// Whose report it is where no verifier has one.
const NO_VERIFIER: &str = "hallmark";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest<'a> {
    verifier_reports: Vec<Report<'a>>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Printed<&'a Digest>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'a str>,
    /// Whether what was asked for, and is signed or not, is a list of images for several platforms.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_index: Option<bool>,
    reason: ReasonValue<'a>,
    signatures: Vec<SignatureValue<'a>>,
    signatures_omitted: usize,
    evidence: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    proven_at: Option<Printed<Timestamp>>,
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
    reference_digest: Option<Printed<&'a Digest>>,
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

/// The value up to the answer's id, whose text follows.
pub(super) fn begin(buffer: &mut Vec<u8>, outcome: &Outcome) {
    buffer.extend_from_slice(br#"{"version":"#);
    append(buffer, VERSION);
    buffer.extend_from_slice(br#","isSuccess":"#);
    append(buffer, &outcome.verdict().admits());
    buffer.extend_from_slice(br#","traceID":""#);
}

/// The value from the end of the answer's time on, with so many signatures described.
pub(super) fn end(buffer: &mut Vec<u8>, image: &str, outcome: &Outcome, described: usize) {
    buffer.extend_from_slice(br#"""#);
    let start = buffer.len();
    append(buffer, &rest(image, outcome, described));
    // The members go on in the object that was begun.
    if let Some(brace) = buffer.get_mut(start) {
        *brace = b',';
    }
}

fn rest<'a>(image: &'a str, outcome: &'a Outcome, described: usize) -> Rest<'a> {
    let described = first(outcome, described);
    Rest {
        verifier_reports: reports(image, outcome, described),
        verdict: outcome.verdict().as_str(),
        digest: outcome.subject().map(|subject| Printed(subject.digest())),
        media_type: outcome.subject().map(|subject| shortened(subject.media_type())),
        is_index: outcome.subject().map(|subject| is_index(subject.media_type())),
        reason: (&outcome.reason).into(),
        signatures: described.iter().map(SignatureValue::from).collect(),
        signatures_omitted: outcome.signatures.len() - described.len(),
        evidence: outcome.evidence.as_str(),
        proven_at: outcome.proven_at.map(Printed),
        stale: outcome.stale,
        policy: Policy { name: shortened(&outcome.policy.name), id: &outcome.policy.id },
    }
}

fn is_index(subject: &str) -> bool {
    subject == media_type::IMAGE_INDEX || subject == media_type::DOCKER_MANIFEST_LIST
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
        name: shortened(&signature.verifier),
        verifier_name: shortened(&signature.verifier),
        kind: signature.kind,
        verifier_type: signature.kind,
        reference_digest: Some(Printed(&signature.digest)),
        artifact_type: shortened(&signature.artifact_type),
        message: reason.map_or("signature verification success", |reason| shortened(&reason.message)),
        error_reason: reason.map(|reason| reason.code.as_str()),
        remediation: reason.map(|reason| shortened(&reason.remediation)),
        extensions: Extensions {
            issuer: signer.map(|signer| shortened(&signer.issuer)),
            subject: signer.map(|signer| shortened(&signer.subject)),
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
        message: shortened(&reason.message),
        error_reason: Some(reason.code.as_str()),
        remediation: Some(shortened(&reason.remediation)),
        extensions: Extensions::default(),
        nested_results: [],
    }
}
