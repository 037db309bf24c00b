//! Layout cases: an image layout folder read as a registry would be, under a whole policy document.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hallmark::oci::Descriptor;
use hallmark::outcome::SignatureReport;
use hallmark::reference::Reference;
use hallmark::registry::layout::OciLayout;
use hallmark::registry::{ArtifactStore, FetchContext, Reach};
use hallmark::trust::policy::select;
use hallmark::verifier::notation::{
    ARTIFACT_TYPE, Gathered, InstalledPlugins, NotationVerifier, Preliminary, Question, gather,
};
use serde_json::Value;

use crate::case::{Case, needed};
use crate::clock::now;
use crate::envelope::{is_skip, of_report, stubbed_evidence};
use crate::report::Answer;
use crate::trust;

pub fn answer(folder: &Path, case: &Case) -> anyhow::Result<Answer> {
    let statements = match needed(&case.policy, "policy")? {
        Value::String(file) => trust::document_statements(&std::fs::read(folder.join(file))?),
        statement => trust::statement(statement),
    };
    let statements = match statements {
        Ok(statements) => statements,
        Err(error) => return Ok(refused("policy", &format!("the policy is invalid: {error}"))),
    };
    let reference: Reference = needed(&case.artifact_reference, "artifact_reference")?.parse()?;
    let verifier = trust::verifier(folder, case, statements, InstalledPlugins::new())?;
    let Some(statement) = select(&verifier.settings.statements, &reference.repository().to_string()) else {
        return Ok(refused("no-applicable-policy", "no statement covers the repository"));
    };
    if is_skip(statement) {
        return Ok(of_report(None));
    }
    let store = OciLayout::open(folder.join(needed(&case.oci_layout, "oci_layout")?))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let search = Search { store: Arc::new(store), reference, verifier: &verifier };
    runtime.block_on(search.run(case.max_signature_attempts.unwrap_or(100)))
}

struct Search<'a> {
    store: Arc<dyn ArtifactStore>,
    reference: Reference,
    verifier: &'a NotationVerifier,
}

impl Search<'_> {
    /// The first good signature ends the search; the last bad one explains a refusal.
    async fn run(&self, attempts: usize) -> anyhow::Result<Answer> {
        let context = FetchContext::within(Duration::from_secs(30));
        let repository = self.reference.repository();
        let digest = self.reference.digest().context("the reference has no digest")?;
        let subject = self.store.manifest(repository, digest, &context).await?.descriptor();
        let types = [ARTIFACT_TYPE.to_owned()];
        let candidates =
            self.store.referrers(repository, digest, &types, Reach::Nearest, &context).await?.entries;
        if candidates.is_empty() {
            return Ok(refused("no-signature", "the layout holds no signature of the image"));
        }
        let mut last = None;
        for candidate in candidates.iter().take(attempts) {
            if let Some(report) = self.judge(candidate, &subject, &context).await? {
                let answer = of_report(Some(report));
                if matches!(&answer, Answer::Verdict { verdict, .. } if verdict == "accept") {
                    return Ok(answer);
                }
                last = Some(answer);
            }
        }
        match last {
            Some(answer) if candidates.len() < attempts => Ok(answer),
            Some(_) => Ok(refused("max-attempts", "every attempt that may be made failed")),
            None => Ok(refused("no-signature", "nothing that is listed is a signature")),
        }
    }

    async fn judge(
        &self,
        candidate: &Descriptor,
        subject: &Descriptor,
        context: &FetchContext,
    ) -> anyhow::Result<Option<SignatureReport>> {
        let repository = self.reference.repository();
        let pool = hallmark::x509::CertificatePool::default();
        let facts = match gather(&*self.store, repository, candidate, &pool, context).await? {
            Gathered::Facts(facts) => facts,
            Gathered::Misdescribed(reason) => {
                anyhow::bail!("a layout lists what it holds: {}", reason.message)
            }
            Gathered::Foreign => return Ok(None),
        };
        let statement = select(&self.verifier.settings.statements, &repository.to_string())
            .context("the statement was there before")?;
        let question = Question { facts: &facts, verifier: self.verifier, statement, subject, now: now() };
        let preliminary = Preliminary::check(question);
        let evidence = stubbed_evidence(&facts, &preliminary, None);
        Ok(Some(preliminary.finish(&evidence).report))
    }
}

fn refused(failed_at: &str, why: &str) -> Answer {
    Answer::Verdict {
        verdict: "reject".to_owned(),
        failed_at: Some(failed_at.to_owned()),
        logged_failures: Vec::new(),
        why: why.to_owned(),
    }
}
