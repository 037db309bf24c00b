//! What an item says of one signature, in Hallmark's own words.

use serde::Serialize;

use crate::outcome::{Check, Outcome, Reason, SignatureReport, Signer};

/// A reason.
#[derive(Debug, Serialize)]
pub(super) struct ReasonValue<'a> {
    code: &'static str,
    message: &'a str,
    remediation: &'a str,
}

impl<'a> From<&'a Reason> for ReasonValue<'a> {
    fn from(reason: &'a Reason) -> Self {
        Self { code: reason.code.as_str(), message: &reason.message, remediation: &reason.remediation }
    }
}

/// One signature.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignatureValue<'a> {
    digest: String,
    kind: &'static str,
    verifier: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<SignerValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_time: Option<String>,
    signing_time_trusted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<String>,
    logged_failures: Vec<LoggedFailure<'a>>,
}

#[derive(Debug, Serialize)]
struct SignerValue<'a> {
    subject: &'a str,
    issuer: &'a str,
    fingerprint: &'a str,
}

#[derive(Debug, Serialize)]
struct LoggedFailure<'a> {
    check: &'static str,
    code: &'static str,
    message: &'a str,
}

impl<'a> From<&'a SignatureReport> for SignatureValue<'a> {
    fn from(report: &'a SignatureReport) -> Self {
        Self {
            digest: report.digest.to_string(),
            kind: report.kind,
            verifier: &report.verifier,
            result: report.result.as_str(),
            reason: report.reason.as_ref().map(ReasonValue::from),
            signer: report.signer.as_ref().map(SignerValue::from),
            signing_time: report.signing_time.map(|time| time.to_string()),
            signing_time_trusted: report.signing_time_trusted,
            expiry: report.expiry.map(|time| time.to_string()),
            logged_failures: report.logged_failures().map(LoggedFailure::from).collect(),
        }
    }
}

impl<'a> From<&'a Signer> for SignerValue<'a> {
    fn from(signer: &'a Signer) -> Self {
        Self { subject: &signer.subject, issuer: &signer.issuer, fingerprint: &signer.fingerprint }
    }
}

impl<'a> From<(Check, &'a Reason)> for LoggedFailure<'a> {
    fn from((check, reason): (Check, &'a Reason)) -> Self {
        Self { check: check.as_str(), code: reason.code.as_str(), message: &reason.message }
    }
}

/// The first signatures of an outcome, which are those that count.
pub(super) fn first(outcome: &Outcome, most: usize) -> &[SignatureReport] {
    outcome.signatures.get(..most).unwrap_or(&outcome.signatures)
}
