//! How many bytes of memory what is remembered takes: sizes of values, lengths of texts, and what the
//! allocator and the caches add. Estimates that are rather too high.

use std::mem::size_of;
use std::sync::Arc;

use super::memory::{Candidates, Decision, Listed, SubjectKey};
use crate::oci::Content;
use crate::outcome::{CheckResult, Finding, Outcome, Reason, SignatureReport};
use crate::verifier::notation::SignatureFacts;

/// An entry of a cache, with its key: digest, two shared texts, and the cache's own nodes.
const ENTRY: usize = 384;
/// What an allocation costs besides what is in it.
const ALLOCATION: usize = 16;

/// A weight as the caches take it.
pub(super) fn small(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

pub(super) fn content(content: &Content) -> usize {
    ENTRY + size_of::<Content>() + text(content.media_type()) + content.bytes().len() + ALLOCATION
}

pub(super) fn facts(facts: &Arc<SignatureFacts>) -> usize {
    ENTRY + facts.retained_bytes()
}

pub(super) fn candidates(key: &SubjectKey, candidates: &Arc<Candidates>) -> usize {
    let listed: usize = candidates.listed.iter().map(listed).sum();
    ENTRY + text(&key.scope) + size_of::<Candidates>() + text(candidates.subject.media_type()) + listed
}

/// Texts of artifact types are shared by an image's candidates and counted with each reason.
fn listed(listed: &Listed) -> usize {
    let broken = listed.broken.as_ref().map_or(0, |broken| reason(broken) + size_of::<Reason>());
    size_of::<Listed>() + ALLOCATION + broken
}

pub(super) fn decision(decision: &Arc<Decision>) -> usize {
    let proofs = decision.proofs.len() * (size_of::<usize>() + ALLOCATION);
    ENTRY + size_of::<Decision>() + proofs + outcome(&decision.outcome)
}

pub(super) fn outcome(outcome: &Outcome) -> usize {
    let subject = outcome.subject().map_or(0, |subject| text(subject.media_type()));
    let signatures: usize = outcome.signatures.iter().map(signature).sum();
    size_of::<Outcome>() + ALLOCATION + subject + reason(&outcome.reason) + signatures
}

fn signature(report: &SignatureReport) -> usize {
    let signer = report
        .signer
        .as_ref()
        .map_or(0, |signer| text(&signer.subject) + text(&signer.issuer) + text(&signer.fingerprint));
    let findings: usize = report.findings.iter().map(finding).sum();
    size_of::<SignatureReport>()
        + text(&report.artifact_type)
        + report.reason.as_ref().map_or(0, reason)
        + signer
        + findings
        + ALLOCATION
}

fn finding(finding: &Finding) -> usize {
    let reason = match &finding.result {
        CheckResult::Failed(why) | CheckResult::Logged(why) => reason(why),
        CheckResult::Passed | CheckResult::Skipped => 0,
    };
    // A list grows by doubling.
    size_of::<Finding>() * 2 + reason
}

fn reason(reason: &Reason) -> usize {
    text(&reason.message) + text(&reason.remediation)
}

fn text(text: &str) -> usize {
    if text.is_empty() { 0 } else { text.len() + ALLOCATION }
}
