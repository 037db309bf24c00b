//! Envelope cases: one envelope, one target, one statement.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use hallmark::oci::Descriptor;
use hallmark::outcome::{CheckResult, SignatureReport, SignatureResult};
use hallmark::reference::{Digest, DigestAlgorithm};
use hallmark::trust::policy::{Level, Statement};
use hallmark::trust::revocation::{CertificateEvidence, Proof, RevocationEvidence};
use hallmark::verifier::notation::{
    Evidence, InstalledPlugins, NotationVerifier, Preliminary, Question, SignatureFacts,
};
use hallmark::verifier::plugin::{Capability, PluginAnswer, PluginMetadata};
use hallmark::x509::Certificate;

use crate::case::{Case, Plugin, Target, needed};
use crate::clock::now;
use crate::report::Answer;
use crate::trust;

pub fn answer(folder: &Path, case: &Case) -> anyhow::Result<Answer> {
    let file = folder.join(needed(&case.envelope, "envelope")?);
    let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
    let statements = match trust::statement(needed(&case.policy, "policy")?) {
        Ok(statements) => statements,
        Err(error) => return Ok(Answer::verdict("reject", format!("the policy is invalid: {error}"))),
    };
    let media_type = needed(&case.media_type, "media_type")?;
    let manifest = Digest::of(DigestAlgorithm::Sha256, &bytes);
    let facts = SignatureFacts::of_envelope(manifest, media_type, bytes.into());
    let verifier = trust::verifier(folder, case, statements, plugins(&facts, case.plugin.as_ref()))?;
    let subject = subject(needed(&case.target, "target")?)?;
    Ok(of_report(judge(&facts, &verifier, &subject, case.plugin.as_ref())?))
}

fn judge(
    facts: &SignatureFacts,
    verifier: &NotationVerifier,
    subject: &Descriptor,
    plugin: Option<&Plugin>,
) -> anyhow::Result<Option<SignatureReport>> {
    let statement = verifier.settings.statements.first().context("no statement")?;
    if is_skip(statement) {
        return Ok(None);
    }
    let question = Question { facts, verifier, statement, subject, now: now() };
    let preliminary = Preliminary::check(question);
    let evidence = stubbed_evidence(facts, &preliminary, plugin);
    Ok(Some(preliminary.finish(&evidence).report))
}

pub fn is_skip(statement: &Statement) -> bool {
    statement.verification.level == Level::Skip
}

/// Revocation is stubbed as OK, also for chains that the product would ask nobody about; plugins answer
/// what the case says.
pub fn stubbed_evidence(
    facts: &SignatureFacts,
    preliminary: &Preliminary<'_>,
    plugin: Option<&Plugin>,
) -> Evidence {
    let needs = preliminary.needs();
    Evidence {
        signing_chain: facts.envelope().ok().map(|envelope| nobody_revoked(envelope.chain())),
        timestamp_chain: needs.timestamp_chain.map(nobody_revoked),
        plugin: needs.plugin.map(|_| plugin_answer(plugin)),
    }
}

fn nobody_revoked(chain: &[Certificate]) -> RevocationEvidence {
    let certificates = chain
        .iter()
        .map(|certificate| CertificateEvidence { subject: certificate.subject(), proof: Proof::NonRevokable })
        .collect();
    RevocationEvidence { certificates, gathered_at: now(), requests: 0 }
}

fn plugin_answer(plugin: Option<&Plugin>) -> Result<PluginAnswer, String> {
    match plugin.and_then(|plugin| plugin.response.as_ref()) {
        Some(response) => PluginAnswer::parse(response.to_string().as_bytes()),
        None => Err("the stub fails".to_owned()),
    }
}

/// The stub is installed under the name that the envelope asks for.
fn plugins(facts: &SignatureFacts, plugin: Option<&Plugin>) -> InstalledPlugins {
    let mut installed = BTreeMap::new();
    let required = facts.envelope().ok().and_then(|envelope| envelope.plugin().cloned());
    if let (Some(plugin), Some(required)) = (plugin.filter(|plugin| plugin.installed), required) {
        let known = [Capability::TrustedIdentity, Capability::RevocationCheck];
        let names = plugin.capabilities.clone().unwrap_or_default();
        let metadata = PluginMetadata {
            name: required.name.clone(),
            version: plugin.version.clone(),
            capabilities: known
                .into_iter()
                .filter(|capability| names.iter().any(|name| name == capability.as_str()))
                .collect(),
            executable: Default::default(),
        };
        installed.insert(required.name, Ok(Arc::new(metadata)));
    }
    installed
}

fn subject(target: &Target) -> anyhow::Result<Descriptor> {
    Ok(Descriptor {
        media_type: target.media_type.clone(),
        digest: target.digest.parse()?,
        size: target.size,
        artifact_type: None,
        annotations: BTreeMap::new(),
    })
}

/// A report in the words of cases; no report means that the level is `skip`.
pub fn of_report(report: Option<SignatureReport>) -> Answer {
    let Some(report) = report else {
        return Answer::Verdict {
            verdict: "accept".to_owned(),
            failed_at: Some(String::new()),
            logged_failures: Vec::new(),
            why: "level skip".to_owned(),
        };
    };
    let failed = report.findings.iter().find_map(|finding| match &finding.result {
        CheckResult::Failed(_) => Some(finding.check.as_str()),
        _ => None,
    });
    let verdict = if report.result == SignatureResult::Valid { "accept" } else { "reject" };
    Answer::Verdict {
        verdict: verdict.to_owned(),
        failed_at: Some(failed.unwrap_or_default().to_owned()),
        logged_failures: report.logged_failures().map(|(check, _)| check.as_str().to_owned()).collect(),
        why: report.reason.map(|reason| reason.message).unwrap_or_default(),
    }
}
