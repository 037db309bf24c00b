//! What an item says of one signature, in Hallmark's own words.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::json::{Printed, shortened};
use crate::outcome::{Outcome, Reason, SignatureReport, Signer};
use crate::reference::Digest;

/// A reason.
#[derive(Debug, Serialize)]
pub(super) struct ReasonValue<'a> {
    code: &'static str,
    message: &'a str,
    remediation: &'a str,
}

impl<'a> From<&'a Reason> for ReasonValue<'a> {
    fn from(reason: &'a Reason) -> Self {
        Self {
            code: reason.code.as_str(),
            message: shortened(&reason.message),
            remediation: shortened(&reason.remediation),
        }
    }
}

/// One signature.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignatureValue<'a> {
    digest: Printed<&'a Digest>,
    kind: &'static str,
    verifier: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<SignerValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_time: Option<Printed<Timestamp>>,
    signing_time_trusted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<Printed<Timestamp>>,
    logged_failures: LoggedFailures<'a>,
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
            digest: Printed(&report.digest),
            kind: report.kind,
            verifier: shortened(&report.verifier),
            result: report.result.as_str(),
            reason: report.reason.as_ref().map(ReasonValue::from),
            signer: report.signer.as_ref().map(SignerValue::from),
            signing_time: report.signing_time.map(Printed),
            signing_time_trusted: report.signing_time_trusted,
            expiry: report.expiry.map(Printed),
            logged_failures: LoggedFailures(report),
        }
    }
}

impl<'a> From<&'a Signer> for SignerValue<'a> {
    fn from(signer: &'a Signer) -> Self {
        Self {
            subject: shortened(&signer.subject),
            issuer: shortened(&signer.issuer),
            fingerprint: &signer.fingerprint,
        }
    }
}

/// A list that is written as it is found.
#[derive(Debug)]
struct LoggedFailures<'a>(&'a SignatureReport);

impl Serialize for LoggedFailures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.logged_failures().map(|(check, reason)| LoggedFailure {
            check: check.as_str(),
            code: reason.code.as_str(),
            message: shortened(&reason.message),
        }))
    }
}

/// The first signatures of an outcome, which are those that count.
pub(super) fn first(outcome: &Outcome, most: usize) -> &[SignatureReport] {
    outcome.signatures.get(..most).unwrap_or(&outcome.signatures)
}
