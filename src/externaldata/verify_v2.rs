//! The value of a verification item in Ratify v2's shape.

use serde::{Serialize, Serializer};

use super::json::{Joined, Printed, append, shortened};
use super::signature::first;
use crate::outcome::{Outcome, Reason, SignatureReport, Signer};
use crate::reference::Digest;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact: Option<Printed<&'a Digest>>,
    results: [VerificationResult<'a>; 1],
    artifact_reports: [(); 0],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationResult<'a> {
    verifier_name: &'a str,
    description: &'a str,
    detail: Detail<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_reason: Option<Joined<'a>>,
}

/// The value, with so many signatures described.
pub(super) fn write(buffer: &mut Vec<u8>, image: &str, outcome: &Outcome, described: usize) {
    append(buffer, &value(image, outcome, described));
}

fn value<'a>(image: &'a str, outcome: &'a Outcome, described: usize) -> Value<'a> {
    let described = first(outcome, described);
    let succeeded = outcome.verdict().admits();
    let artifact_reports = match described {
        [] if !succeeded => vec![without_signature(image, outcome)],
        described => described.iter().map(|signature| report(image, signature)).collect(),
    };
    Value { succeeded, artifact_reports }
}

fn report<'a>(image: &'a str, signature: &'a SignatureReport) -> ArtifactReport<'a> {
    let reason = signature.reason.as_ref();
    ArtifactReport {
        subject: image,
        artifact: Some(Printed(&signature.digest)),
        results: [VerificationResult {
            verifier_name: shortened(&signature.verifier),
            description: reason.map_or("signature verification success", |reason| shortened(&reason.message)),
            detail: Detail(signature.signer.as_ref()),
            error_reason: reason.map(error_reason),
        }],
        artifact_reports: [],
    }
}

fn without_signature<'a>(image: &'a str, outcome: &'a Outcome) -> ArtifactReport<'a> {
    let reason = &outcome.reason;
    ArtifactReport {
        subject: image,
        artifact: outcome.subject().map(|subject| Printed(subject.digest())),
        results: [VerificationResult {
            verifier_name: "hallmark",
            description: shortened(&reason.message),
            detail: Detail(None),
            error_reason: Some(error_reason(reason)),
        }],
        artifact_reports: [],
    }
}

fn error_reason(reason: &Reason) -> Joined<'_> {
    Joined([reason.code.as_str(), ": ", shortened(&reason.message)])
}

/// A JSON text within the JSON, as Ratify v2 has it: who signed, under Ratify's names.
#[derive(Clone, Copy, Debug)]
struct Detail<'a>(Option<&'a Signer>);

#[derive(Serialize)]
struct Names<'a> {
    #[serde(rename = "Issuer")]
    issuer: &'a str,
    #[serde(rename = "SN")]
    subject: &'a str,
}

impl Serialize for Detail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Some(signer)) = self else { return serializer.serialize_str("{}") };
        let names = Names { issuer: shortened(&signer.issuer), subject: shortened(&signer.subject) };
        serializer.serialize_str(&serde_json::to_string(&names).unwrap_or_default())
    }
}
