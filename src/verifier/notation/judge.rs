//! The judgement of one signature under one trust policy statement: a pure function of facts, settings,
//! evidence and time, in the order of the Notary Project's verification workflow
//! (trust-store-trust-policy.md, "Signature Evaluation").
//!
//! It is made in two steps, because revocation and plugins need the network in between:
//! [`Preliminary::check`] says what is needed, [`Preliminary::finish`] judges with it.

use jiff::Timestamp;

use super::authenticity::{self, Anchored};
use super::facts::SignatureFacts;
use super::plugin_check::{self, PluginDuties};
use super::time_check::{self, TimeProof};
use super::{ARTIFACT_TYPE, Evidence, Needs, NotationVerifier};
use crate::notation::{Scheme, VerifiedEnvelope};
use crate::oci::Descriptor;
use crate::outcome::{
    Check, CheckResult, Finding, Reason, ReasonCode, SignatureReport, SignatureResult, Signer,
};
use crate::reference::Digest;
use crate::trust::policy::{Action, Statement};
use crate::trust::revocation::{self, ChainRevocation, ChainStatus, RevocationEvidence};

/// What is asked about one candidate.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What the candidate is.
    pub facts: &'a SignatureFacts,
    /// Who judges.
    pub verifier: &'a NotationVerifier,
    /// Under which statement.
    pub statement: &'a Statement,
    /// Over which artifact: what the signed payload must describe.
    pub subject: &'a Descriptor,
    /// When.
    pub now: Timestamp,
}

/// The judgement, and for how long it cannot come out differently.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// What was found.
    pub report: SignatureReport,
    /// The earliest instant at which an enforced check that passed could fail by time alone.
    pub holds_until: Option<Timestamp>,
    /// When revocation should be asked anew.
    pub prove_again_at: Option<Timestamp>,
    /// Since when newer information about revocation is due, where asking for it failed.
    pub due_since: Option<Timestamp>,
}

impl Judgement {
    /// The judgement of a candidate that could not be read.
    pub fn unreadable(
        candidate: Digest,
        verifier: &NotationVerifier,
        result: SignatureResult,
        reason: Reason,
    ) -> Self {
        let report = SignatureReport {
            digest: candidate,
            kind: super::KIND,
            artifact_type: ARTIFACT_TYPE.to_owned(),
            verifier: verifier.settings.name.clone(),
            result,
            reason: Some(reason),
            signer: None,
            signing_time: None,
            signing_time_trusted: false,
            expiry: None,
            findings: Vec::new(),
        };
        Self { report, holds_until: None, prove_again_at: None, due_since: None }
    }
}

/// The checks that need nothing from the network, made.
#[derive(Debug)]
pub struct Preliminary<'a> {
    question: Question<'a>,
    log: Log<'a>,
    anchored: Option<Anchored>,
    duties: Option<PluginDuties>,
    time: TimeProof,
}

/// Findings so far, and whether an enforced check has failed.
#[derive(Debug)]
struct Log<'a> {
    statement: &'a Statement,
    findings: Vec<Finding>,
    stopped: Option<Stop>,
    holds_until: Option<Timestamp>,
    prove_again_at: Option<Timestamp>,
    due_since: Option<Timestamp>,
}

/// Why the judgement ended.
#[derive(Debug)]
struct Stop {
    reason: Reason,
    undecided: bool,
}

impl<'a> Preliminary<'a> {
    /// Makes every check that facts and settings decide.
    pub fn check(question: Question<'a>) -> Self {
        let mut preliminary = Self {
            question,
            log: Log::new(question.statement),
            anchored: None,
            duties: None,
            time: TimeProof::NotNeeded,
        };
        if let Some(envelope) = preliminary.check_integrity() {
            preliminary.check_plugin(envelope);
            preliminary.check_authenticity(envelope);
            preliminary.check_expiry(envelope);
            preliminary.check_time(envelope);
        }
        preliminary
    }

    /// What the network must answer before the judgement can be finished. A signing chain that holds no
    /// configured anchor is never asked about, nor what stands above its highest one: those addresses are
    /// an attacker's.
    pub fn needs(&self) -> Needs<'_> {
        let (Ok(envelope), None) = (self.question.facts.envelope(), &self.log.stopped) else {
            return Needs::default();
        };
        let action = self.question.statement.verification.action(Check::Revocation);
        let by_plugin = self.duties.as_ref().is_some_and(|duties| duties.revocation);
        let own = self.anchored.filter(|_| action != Action::Skip && !by_plugin);
        Needs {
            signing_chain: own.map(|anchored| anchored.vouched(envelope.chain())),
            timestamp_chain: self.time.timestamp().map(|timestamp| timestamp.chain()),
            plugin: self.duties.as_ref(),
        }
    }

    /// Judges with what the network answered.
    pub fn finish(mut self, evidence: &Evidence) -> Judgement {
        if let Ok(envelope) = self.question.facts.envelope() {
            self.check_timestamp_chain(evidence);
            self.check_revocation(envelope, evidence);
            self.check_plugin_results(envelope, evidence);
            self.check_subject(envelope);
            self.check_metadata(envelope);
        }
        self.into_judgement()
    }

    fn check_integrity(&mut self) -> Option<&'a VerifiedEnvelope> {
        match self.question.facts.envelope() {
            Ok(envelope) => {
                self.log.passed(Check::Integrity);
                Some(envelope)
            }
            Err(reason) => {
                self.log.enforced(Check::Integrity, reason.clone());
                None
            }
        }
    }

    fn check_plugin(&mut self, envelope: &VerifiedEnvelope) {
        match plugin_check::duties(envelope, &self.question.verifier.plugins) {
            Ok(duties) => self.duties = duties,
            Err(reason) => self.log.enforced(Check::Plugin, reason),
        }
    }

    fn check_authenticity(&mut self, envelope: &VerifiedEnvelope) {
        if self.log.is_stopped() {
            return;
        }
        let identity_by_plugin = self.duties.as_ref().is_some_and(|duties| duties.identity);
        let question = self.question;
        match authenticity::check(envelope, question.statement, &question.verifier.stores, identity_by_plugin)
        {
            Ok(anchored) => {
                self.anchored = Some(anchored);
                self.log.passed(Check::Authenticity);
            }
            Err(failure) => self.log.failed(Check::Authenticity, failure.reason, failure.undecided),
        }
    }

    fn check_expiry(&mut self, envelope: &VerifiedEnvelope) {
        if self.log.is_stopped() {
            return;
        }
        match envelope.expiry() {
            Some(expiry) if self.question.now >= expiry => {
                let reason = Reason::new(
                    ReasonCode::SignatureExpired,
                    format!("the signature expired at {expiry}"),
                    "sign the image again",
                );
                self.log.failed(Check::Expiry, reason, false);
            }
            expiry => {
                self.log.passed(Check::Expiry);
                self.log.holds_at_most_until(Check::Expiry, expiry);
            }
        }
    }

    fn check_time(&mut self, envelope: &VerifiedEnvelope) {
        if self.log.is_stopped() || self.log.is_skipped(Check::AuthenticTimestamp) {
            return;
        }
        let question = self.question;
        match time_check::check(envelope, question.statement, &question.verifier.stores, question.now) {
            Ok(proof) => {
                if proof.timestamp().is_none() {
                    self.log.passed(Check::AuthenticTimestamp);
                }
                self.log.holds_at_most_until(Check::AuthenticTimestamp, proof.holds_until());
                self.time = proof;
            }
            Err(failure) => self.log.failed(Check::AuthenticTimestamp, failure.reason, failure.undecided),
        }
    }

    /// A timestamp counts only while nobody of its authority's chain is revoked.
    fn check_timestamp_chain(&mut self, evidence: &Evidence) {
        if self.log.is_stopped() || self.time.timestamp().is_none() {
            return;
        }
        let Some(chain) = &evidence.timestamp_chain else {
            let message = "whether the timestamp authority is revoked was not asked".to_owned();
            return self.log.failed(Check::AuthenticTimestamp, timestamp_reason(message), true);
        };
        let revocation = revocation::decide(chain, None, self.question.now);
        let undecided = match revocation.status {
            ChainStatus::Ok | ChainStatus::NonRevokable => {
                self.log.passed(Check::AuthenticTimestamp);
                return self.log.rests_on(chain, &revocation);
            }
            ChainStatus::Unknown { .. } => true,
            ChainStatus::Revoked { .. } => false,
        };
        let message = format!("the timestamp authority's chain is no proof: {}", revocation.status);
        self.time = TimeProof::NotNeeded;
        self.log.failed(Check::AuthenticTimestamp, timestamp_reason(message), undecided);
    }

    fn check_revocation(&mut self, envelope: &VerifiedEnvelope, evidence: &Evidence) {
        if self.log.is_stopped() || self.log.is_skipped(Check::Revocation) {
            return;
        }
        if self.duties.as_ref().is_some_and(|duties| duties.revocation) {
            return;
        }
        let Some(chain) = &evidence.signing_chain else {
            return self.revocation_not_asked();
        };
        let revocation = revocation::decide(chain, authentic_time(envelope), self.question.now);
        match &revocation.status {
            ChainStatus::Ok | ChainStatus::NonRevokable => {
                self.log.passed(Check::Revocation);
                self.log.rests_on(chain, &revocation);
            }
            status @ ChainStatus::Revoked { .. } => {
                let reason = Reason::new(
                    ReasonCode::CertificateRevoked,
                    status.to_string(),
                    "sign the image again with a certificate that is not revoked",
                );
                self.log.failed(Check::Revocation, reason, false);
            }
            status @ ChainStatus::Unknown { .. } => {
                self.log.failed(Check::Revocation, revocation_unknown(&status.to_string()), true);
            }
        }
    }

    /// Nothing was asked, because authenticity failed and was only logged. An enforced check cannot pass
    /// unasked; a logged one says nothing.
    fn revocation_not_asked(&mut self) {
        match self.question.statement.verification.action(Check::Revocation) {
            Action::Enforce => {
                let reason = revocation_unknown("the signer is not authenticated, so nobody was asked");
                self.log.failed(Check::Revocation, reason, false);
            }
            Action::Log | Action::Skip => self.log.add(Check::Revocation, CheckResult::Skipped),
        }
    }

    fn check_plugin_results(&mut self, envelope: &VerifiedEnvelope, evidence: &Evidence) {
        let (false, Some(duties)) = (self.log.is_stopped(), &self.duties) else {
            return;
        };
        for (check, failure) in plugin_check::failures(envelope, duties, evidence.plugin.as_ref()) {
            // Whom the plugin did not confirm is nobody.
            if check == Check::Authenticity || duties.identity {
                self.anchored = None;
            }
            self.log.replace(check, failure.reason, failure.undecided);
        }
    }

    fn check_subject(&mut self, envelope: &VerifiedEnvelope) {
        if self.log.is_stopped() {
            return;
        }
        let (target, subject) = (envelope.target(), self.question.subject);
        let same = target.digest == subject.digest
            && target.size == subject.size
            && target.media_type == subject.media_type;
        let attached = self.question.facts.attached_to().is_none_or(|digest| *digest == subject.digest);
        if same && attached {
            return self.log.passed(Check::Subject);
        }
        let reason = Reason::new(
            ReasonCode::SubjectMismatch,
            format!(
                "the signature covers {} ({}, {} bytes), the image is {} ({}, {} bytes)",
                target.digest,
                target.media_type,
                target.size,
                subject.digest,
                subject.media_type,
                subject.size
            ),
            "sign this very digest; a signature of another image or platform does not cover it",
        );
        self.log.enforced(Check::Subject, reason);
    }

    fn check_metadata(&mut self, envelope: &VerifiedEnvelope) {
        if self.log.is_stopped() {
            return;
        }
        let annotations = &envelope.target().annotations;
        let required = &self.question.verifier.settings.required_metadata;
        if required.is_empty() {
            return;
        }
        let missing = required.iter().find(|(key, value)| annotations.get(key) != Some(value));
        match missing {
            None => self.log.passed(Check::UserMetadata),
            Some((key, value)) => {
                let reason = Reason::new(
                    ReasonCode::MetadataMissing,
                    format!("the signed payload does not say {key}={value}"),
                    "sign the image with that user metadata",
                );
                self.log.enforced(Check::UserMetadata, reason);
            }
        }
    }

    fn into_judgement(self) -> Judgement {
        let envelope = self.question.facts.envelope().ok();
        let vouched = self.time.timestamp().map(|timestamp| timestamp.time());
        let result = match &self.log.stopped {
            None => SignatureResult::Valid,
            Some(stop) if stop.undecided => SignatureResult::Undecided,
            Some(_) => SignatureResult::Refuted,
        };
        let authentic = envelope.and_then(authentic_time);
        let report = SignatureReport {
            digest: self.question.facts.manifest().clone(),
            kind: super::KIND,
            artifact_type: ARTIFACT_TYPE.to_owned(),
            verifier: self.question.verifier.settings.name.clone(),
            result,
            reason: self.log.stopped.map(|stop| stop.reason),
            signer: envelope.filter(|_| self.anchored.is_some()).map(signer),
            signing_time: vouched.or_else(|| envelope.map(VerifiedEnvelope::signing_time)),
            signing_time_trusted: vouched.is_some() || (authentic.is_some() && self.anchored.is_some()),
            expiry: envelope.and_then(VerifiedEnvelope::expiry),
            findings: self.log.findings,
        };
        Judgement {
            report,
            holds_until: self.log.holds_until,
            prove_again_at: self.log.prove_again_at,
            due_since: self.log.due_since,
        }
    }
}

impl<'a> Log<'a> {
    fn new(statement: &'a Statement) -> Self {
        Self {
            statement,
            findings: Vec::new(),
            stopped: None,
            holds_until: None,
            prove_again_at: None,
            due_since: None,
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Records a check that the policy leaves out.
    fn is_skipped(&mut self, check: Check) -> bool {
        let skipped = self.statement.verification.action(check) == Action::Skip;
        if skipped {
            self.add(check, CheckResult::Skipped);
        }
        skipped
    }

    fn add(&mut self, check: Check, result: CheckResult) {
        self.findings.push(Finding { check, result });
    }

    fn passed(&mut self, check: Check) {
        self.add(check, CheckResult::Passed);
    }

    /// A failure that the policy enforces or only logs.
    fn failed(&mut self, check: Check, reason: Reason, undecided: bool) {
        match self.statement.verification.action(check) {
            Action::Enforce => self.stop(check, reason, undecided),
            Action::Log => self.add(check, CheckResult::Logged(reason)),
            Action::Skip => self.add(check, CheckResult::Skipped),
        }
    }

    /// A failure that no policy lets pass.
    fn enforced(&mut self, check: Check, reason: Reason) {
        self.stop(check, reason, false);
    }

    /// A plugin's word on a check in place of ours.
    fn replace(&mut self, check: Check, reason: Reason, undecided: bool) {
        if self.is_stopped() {
            return;
        }
        self.findings.retain(|finding| finding.check != check);
        if check == Check::Plugin {
            self.stop(check, reason, undecided);
        } else {
            self.failed(check, reason, undecided);
        }
    }

    fn stop(&mut self, check: Check, reason: Reason, undecided: bool) {
        self.add(check, CheckResult::Failed(reason.clone()));
        self.stopped = Some(Stop { reason, undecided });
    }

    fn holds_at_most_until(&mut self, check: Check, until: Option<Timestamp>) {
        if self.statement.verification.action(check) == Action::Enforce {
            self.holds_until = earlier(self.holds_until, until);
        }
    }

    /// What rests on revocation information is asked anew when newer information is due.
    fn rests_on(&mut self, chain: &RevocationEvidence, revocation: &ChainRevocation) {
        self.prove_again_at = earlier(self.prove_again_at, revocation.next_update);
        if revocation.due {
            self.due_since =
                earlier(self.due_since, Some(revocation.next_update.unwrap_or(chain.gathered_at)));
        }
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn signer(envelope: &VerifiedEnvelope) -> Signer {
    let leaf = envelope.leaf();
    Signer { subject: leaf.subject(), issuer: leaf.issuer(), fingerprint: hex::encode(leaf.fingerprint()) }
}

/// The time that a signing authority vouches for; the signer's own word never counts.
fn authentic_time(envelope: &VerifiedEnvelope) -> Option<Timestamp> {
    (envelope.scheme() == Scheme::SigningAuthority).then(|| envelope.signing_time())
}

fn timestamp_reason(message: String) -> Reason {
    Reason::new(
        ReasonCode::TimestampFailed,
        message,
        "sign the image again with a timestamp of an authority that is trusted and not revoked",
    )
}

pub(super) fn revocation_unknown(why: &str) -> Reason {
    Reason::new(
        ReasonCode::RevocationUnknown,
        format!("whether the signer is revoked could not be found out: {why}"),
        "make the OCSP and CRL addresses of the certificate chain reachable (private ones need the setting \
         revocation.private_addresses), or set revocation to log in the trust policy",
    )
}
