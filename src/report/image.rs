//! What `hallmark verify` shows of one image: the same [`Outcome`] that Gatekeeper gets, with every check
//! and what was asked of the network.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::outcome::{CheckResult, Finding, Outcome, Reason, SignatureReport, SignatureResult};
use crate::registry::RequestRecord;

/// One image that was asked about.
#[derive(Clone, Debug)]
pub struct JudgedImage {
    /// The image as it was asked for.
    pub asked: String,
    /// The answer.
    pub outcome: Arc<Outcome>,
    /// What was asked of the network for it.
    pub requests: Vec<RequestRecord>,
    /// How long the answer took.
    pub took: Duration,
}

/// The images as text for a terminal: a table, then each image in detail. `revocation` is what was asked of
/// responders and list servers, which is shared by all of them.
pub fn text(images: &[JudgedImage], revocation: &[RequestRecord]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(["IMAGE", "VERDICT", "SIGNED BY", "REASON"]);
    for image in images {
        table.add_row([
            image.asked.clone(),
            image.outcome.verdict().as_str().to_owned(),
            signed_by(&image.outcome),
            image.outcome.reason.code.to_string(),
        ]);
    }
    let mut out = format!("{table}\n");
    for image in images {
        describe(&mut out, image);
    }
    if !revocation.is_empty() {
        line(&mut out, "", "revocation, for all images");
        describe_requests(&mut out, revocation);
    }
    out
}

/// The images as JSON, with what was asked of responders and list servers.
pub fn json(images: &[JudgedImage], revocation: &[RequestRecord]) -> Value {
    json!({
        "images": images.iter().map(image_json).collect::<Vec<_>>(),
        "revocationRequests": revocation.iter().map(request_json).collect::<Vec<_>>(),
    })
}

fn signed_by(outcome: &Outcome) -> String {
    let mut signers: Vec<&str> = outcome
        .signatures
        .iter()
        .filter(|signature| signature.result == SignatureResult::Valid)
        .filter_map(|signature| signature.signer.as_ref().map(|signer| signer.subject.as_str()))
        .collect();
    signers.dedup();
    if signers.is_empty() { "-".to_owned() } else { signers.join("; ") }
}

fn describe(out: &mut String, image: &JudgedImage) {
    let outcome = &image.outcome;
    line(out, "", &image.asked);
    line(out, "  verdict", outcome.verdict().as_str());
    if let Some(subject) = outcome.subject() {
        line(out, "  digest", &format!("{} ({})", subject.digest(), subject.media_type()));
    }
    line(out, "  reason", &format!("{}: {}", outcome.reason.code, outcome.reason.message));
    if !outcome.policy.id.is_empty() {
        line(out, "  policy", &format!("{} ({})", outcome.policy.name, outcome.policy.id));
    }
    for signature in &outcome.signatures {
        describe_signature(out, signature, &outcome.reason);
    }
    line(out, "  network", &network_summary(image));
    describe_requests(out, &image.requests);
    if !outcome.reason.remediation.is_empty() {
        line(out, "  what to do", &outcome.reason.remediation);
    }
}

fn describe_requests(out: &mut String, requests: &[RequestRecord]) {
    for request in requests {
        let took = milliseconds(request.took);
        line(
            out,
            "   ",
            &format!("{} -> {} ({} bytes, {took} ms)", request.what, request.result, request.bytes),
        );
    }
}

/// `said` is the image's own reason, which need not be said twice.
fn describe_signature(out: &mut String, signature: &SignatureReport, said: &Reason) {
    line(
        out,
        "  signature",
        &format!("{} {} by verifier {}", signature.digest, signature.result.as_str(), signature.verifier),
    );
    if let Some(signer) = &signature.signer {
        line(out, "    signed by", &signer.subject);
        line(out, "    issued by", &signer.issuer);
        line(out, "    sha256", &signer.fingerprint);
    }
    if let Some(time) = signature.signing_time {
        let trust = if signature.signing_time_trusted { "vouched for" } else { "the signer's own word" };
        line(out, "    signed at", &format!("{time} ({trust})"));
    }
    if let Some(expiry) = signature.expiry {
        line(out, "    expires", &expiry.to_string());
    }
    for finding in &signature.findings {
        line(out, "    check", &finding_text(finding));
    }
    if let Some(reason) = signature.reason.as_ref().filter(|reason| *reason != said) {
        line(out, "    reason", &format!("{}: {}", reason.code, reason.message));
        if !reason.remediation.is_empty() {
            line(out, "    what to do", &reason.remediation);
        }
    }
}

fn finding_text(finding: &Finding) -> String {
    let check = finding.check.as_str();
    match &finding.result {
        CheckResult::Passed => format!("{check}: passed"),
        CheckResult::Skipped => format!("{check}: does not apply"),
        CheckResult::Failed(reason) => format!("{check}: FAILED, {}", reason.message),
        CheckResult::Logged(reason) => format!("{check}: failed and only logged, {}", reason.message),
    }
}

fn network_summary(image: &JudgedImage) -> String {
    let bytes: u64 = image.requests.iter().map(|request| request.bytes).sum();
    format!("{} requests, {bytes} bytes, {} ms in all", image.requests.len(), milliseconds(image.took))
}

/// Whole milliseconds: finer digits are noise to a reader.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn line(out: &mut String, label: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = if label.is_empty() { writeln!(out, "{value}") } else { writeln!(out, "{label}  {value}") };
}

fn image_json(image: &JudgedImage) -> Value {
    let outcome = &image.outcome;
    json!({
        "image": image.asked,
        "verdict": outcome.verdict().as_str(),
        "admitted": outcome.verdict().admits(),
        "digest": outcome.subject().map(|subject| subject.digest().to_string()),
        "mediaType": outcome.subject().map(|subject| subject.media_type().to_owned()),
        "reason": reason_json(&outcome.reason),
        "signatures": outcome.signatures.iter().map(signature_json).collect::<Vec<_>>(),
        "evidence": outcome.evidence.as_str(),
        "provenAt": outcome.proven_at.map(|time| time.to_string()),
        "stale": outcome.stale,
        "policy": {"name": *outcome.policy.name, "id": *outcome.policy.id},
        "network": {
            "requests": image.requests.iter().map(request_json).collect::<Vec<_>>(),
            "bytes": image.requests.iter().map(|request| request.bytes).sum::<u64>(),
        },
        "tookMilliseconds": milliseconds(image.took),
    })
}

fn reason_json(reason: &Reason) -> Value {
    json!({"code": reason.code.as_str(), "message": reason.message, "remediation": reason.remediation})
}

fn signature_json(signature: &SignatureReport) -> Value {
    json!({
        "digest": signature.digest.to_string(),
        "kind": signature.kind,
        "artifactType": signature.artifact_type,
        "verifier": *signature.verifier,
        "result": signature.result.as_str(),
        "reason": signature.reason.as_ref().map(reason_json),
        "signer": signature.signer.as_ref().map(|signer| json!({
            "subject": signer.subject, "issuer": signer.issuer, "fingerprint": signer.fingerprint,
        })),
        "signingTime": signature.signing_time.map(|time| time.to_string()),
        "signingTimeTrusted": signature.signing_time_trusted,
        "expiry": signature.expiry.map(|time| time.to_string()),
        "checks": signature.findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

fn finding_json(finding: &Finding) -> Value {
    let (result, reason) = match &finding.result {
        CheckResult::Passed => ("passed", None),
        CheckResult::Skipped => ("skipped", None),
        CheckResult::Failed(reason) => ("failed", Some(reason)),
        CheckResult::Logged(reason) => ("logged", Some(reason)),
    };
    json!({"check": finding.check.as_str(), "result": result, "reason": reason.map(reason_json)})
}

fn request_json(request: &RequestRecord) -> Value {
    json!({
        "request": request.what,
        "result": request.result,
        "bytes": request.bytes,
        "tookMilliseconds": milliseconds(request.took),
    })
}
