//! The search among an image's candidates: facts are gathered, judged and counted until the rule is
//! settled. One bad candidate costs only itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::Shared;
use super::failure;
use super::plan::Effective;
use super::rule::{Holds, Inputs, Judged};
use crate::oci::Descriptor;
use crate::outcome::{BoundSubject, Evidence as EvidenceMode, Reason, SignatureReport, SignatureResult};
use crate::reference::{Digest, Repository};
use crate::registry::{FetchContext, FetchError};
use crate::verifier::notation::{self, Evidence, Judgement, Preliminary, Question, SignatureFacts};

/// Candidates fetched side by side at most, once the first ones were not good.
const MAX_WINDOW: usize = 8;

/// One search.
pub(super) struct Search<'a> {
    shared: &'a Shared,
    effective: &'a Effective,
    repository: &'a Repository,
    subject: Descriptor,
    context: &'a FetchContext,
    now: Timestamp,
    listed: Vec<(Digest, Option<Arc<str>>)>,
    seen: BTreeSet<Arc<str>>,
    pending: Vec<Candidate>,
    judged: Vec<Judged>,
    judgements: Vec<Judgement>,
    proofs: Vec<Arc<SignatureFacts>>,
    tried: usize,
}

/// A listed candidate that was not judged yet.
#[derive(Clone, Debug)]
struct Candidate {
    descriptor: Descriptor,
    artifact_type: Option<Arc<str>>,
}

/// What a search came to.
pub(super) struct Found {
    pub(super) holds: Holds,
    pub(super) listed: Vec<(Digest, Option<Arc<str>>)>,
    pub(super) reports: Vec<SignatureReport>,
    pub(super) proofs: Vec<Arc<SignatureFacts>>,
    pub(super) holds_until: Option<Timestamp>,
    pub(super) prove_again_at: Option<Timestamp>,
    /// Something that a proof rests on is due for a new look, which failed.
    pub(super) stale: bool,
    /// Candidates beyond the limit were left untried.
    pub(super) too_many: bool,
    /// Some candidate of a claimed type exists.
    pub(super) any_candidate: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        effective: &'a Effective,
        repository: &'a Repository,
        subject: &'a BoundSubject,
        context: &'a FetchContext,
        now: Timestamp,
    ) -> Self {
        Self {
            shared,
            effective,
            repository,
            subject: subject.descriptor(),
            context,
            now,
            listed: Vec::new(),
            seen: BTreeSet::new(),
            pending: Vec::new(),
            judged: Vec::new(),
            judgements: Vec::new(),
            proofs: Vec::new(),
            tried: 0,
        }
    }

    /// Adds candidates that a route of discovery found; those that another route gave are left out.
    pub(super) fn list(&mut self, entries: Vec<Descriptor>) {
        for descriptor in entries {
            let artifact_type: Option<Arc<str>> = descriptor.artifact_type.as_deref().map(Arc::from);
            if self.listed.iter().any(|(digest, _)| *digest == descriptor.digest) {
                continue;
            }
            if let Some(kind) = &artifact_type {
                if !self.effective.voters.iter().any(|voter| voter.claims(kind)) {
                    continue;
                }
                self.seen.insert(kind.clone());
            }
            self.listed.push((descriptor.digest.clone(), artifact_type.clone()));
            self.pending.push(Candidate { descriptor, artifact_type });
        }
    }

    /// Judges what is listed, in order, until the rule is settled. It begins with one at a time, because
    /// the first one is nearly always good, and widens when it is not.
    pub(super) async fn run(&mut self) {
        let mut window = 1;
        while !self.is_settled() && !self.pending.is_empty() && self.tried < self.limit() {
            let count = window.min(self.pending.len()).min(self.limit() - self.tried);
            let batch: Vec<Candidate> = self.pending.drain(..count).collect();
            self.tried += batch.len();
            let gathered = join_all(batch.iter().map(|candidate| self.gather(candidate))).await;
            for (candidate, facts) in batch.into_iter().zip(gathered) {
                self.take(candidate, facts).await;
            }
            window = (window * 2).min(MAX_WINDOW);
        }
    }

    /// Judges only candidates whose facts are held: nothing is asked of the registry.
    pub(super) async fn run_from_memory(&mut self, listed: &[(Digest, Option<Arc<str>>)]) -> bool {
        let mut all_held = true;
        for (digest, artifact_type) in listed {
            self.listed.push((digest.clone(), artifact_type.clone()));
            if let Some(kind) = artifact_type {
                self.seen.insert(kind.clone());
            }
            match self.shared.memory.facts(digest) {
                Some(facts) => self.judge(facts, artifact_type.clone()).await,
                None => all_held = false,
            }
            if self.is_settled() {
                break;
            }
        }
        all_held
    }

    /// True where finding more candidates could change the answer.
    pub(super) fn is_open(&self) -> bool {
        !self.is_settled() || self.evaluate() == Holds::No
    }

    fn limit(&self) -> usize {
        self.shared.settings.signatures_per_image
    }

    /// Settled for good: with evidence `all`, every candidate is looked at.
    fn is_settled(&self) -> bool {
        match self.effective.rule.evidence() {
            EvidenceMode::All => false,
            EvidenceMode::First => self.evaluate() != Holds::Unknown,
        }
    }

    fn evaluate(&self) -> Holds {
        let pending = self.pending.iter().map(|candidate| candidate.artifact_type.clone()).collect();
        self.effective.rule.evaluate(&Inputs {
            voters: &self.effective.voters,
            judged: &self.judged,
            seen: &self.seen,
            pending: &pending,
        })
    }

    async fn gather(&self, candidate: &Candidate) -> Result<Option<Arc<SignatureFacts>>, FetchError> {
        let digest = &candidate.descriptor.digest;
        if let Some(facts) = self.shared.memory.facts(digest) {
            return Ok(Some(facts));
        }
        let judged_here =
            candidate.artifact_type.as_deref().is_none_or(|kind| kind == notation::ARTIFACT_TYPE);
        if !judged_here {
            return Ok(None);
        }
        let store = &*self.effective.store;
        let facts = notation::gather(store, self.repository, &candidate.descriptor, self.context).await?;
        Ok(facts.map(|facts| {
            let facts = Arc::new(facts);
            self.shared.memory.other_facts.insert(digest.clone(), Arc::clone(&facts));
            facts
        }))
    }

    async fn take(&mut self, candidate: Candidate, facts: Result<Option<Arc<SignatureFacts>>, FetchError>) {
        match facts {
            Ok(Some(facts)) => self.judge(facts, candidate.artifact_type).await,
            Ok(None) => {
                // What nobody here can judge is no candidate, unless a verifier that cannot run claims it.
                let digest = &candidate.descriptor.digest;
                if candidate.artifact_type.is_none() {
                    self.listed.retain(|(listed, _)| listed != digest);
                }
            }
            Err(error) => self.unreadable(&candidate, &error),
        }
    }

    async fn judge(&mut self, facts: Arc<SignatureFacts>, artifact_type: Option<Arc<str>>) {
        let artifact_type = artifact_type.unwrap_or_else(|| notation::ARTIFACT_TYPE.into());
        self.seen.insert(artifact_type.clone());
        for judge in &self.effective.judges {
            let Some(statement) = judge.statement() else {
                continue;
            };
            if !judge.voter.claims(&artifact_type) {
                continue;
            }
            let question = Question {
                facts: &facts,
                verifier: &judge.verifier,
                statement,
                subject: &self.subject,
                now: self.now,
            };
            let preliminary = Preliminary::check(question);
            let evidence = self.evidence(&preliminary, &question).await;
            let judgement = self.not_too_stale(preliminary.finish(&evidence));
            self.judged.push(Judged {
                candidate: facts.manifest().clone(),
                artifact_type: artifact_type.clone(),
                verifier: judge.voter.name.clone(),
                result: judgement.report.result,
            });
            if judgement.report.result == SignatureResult::Valid
                && !self.proofs.iter().any(|proof| proof.manifest() == facts.manifest())
            {
                self.proofs.push(Arc::clone(&facts));
            }
            self.judgements.push(judgement);
        }
    }

    async fn evidence(&self, preliminary: &Preliminary<'_>, question: &Question<'_>) -> Evidence {
        let needs = preliminary.needs();
        if needs.is_empty() {
            return Evidence::default();
        }
        Evidence::gather(&needs, question, &self.shared.revocation, self.context.deadline).await
    }

    /// Revocation information that could not be renewed counts up to `stale_max_age`.
    fn not_too_stale(&self, mut judgement: Judgement) -> Judgement {
        let too_old = judgement
            .due_since
            .is_some_and(|since| super::older_than(since, self.shared.settings.stale_max_age, self.now));
        if too_old && judgement.report.result == SignatureResult::Valid {
            judgement.report.result = SignatureResult::Undecided;
            judgement.report.reason = Some(notation::revocation_out_of_date());
        }
        judgement
    }

    fn unreadable(&mut self, candidate: &Candidate, error: &FetchError) {
        let (reason, undecided) = failure::candidate_reason(error);
        let result = if undecided { SignatureResult::Undecided } else { SignatureResult::Refuted };
        let artifact_type = candidate.artifact_type.clone().unwrap_or_else(|| notation::ARTIFACT_TYPE.into());
        for judge in self.effective.judges.iter().filter(|judge| judge.voter.claims(&artifact_type)) {
            let digest = candidate.descriptor.digest.clone();
            self.judged.push(Judged {
                candidate: digest.clone(),
                artifact_type: artifact_type.clone(),
                verifier: judge.voter.name.clone(),
                result,
            });
            self.judgements.push(Judgement::unreadable(digest, &judge.verifier, result, reason.clone()));
        }
    }

    /// What the search came to.
    pub(super) fn finish(self) -> Found {
        let holds = self.evaluate();
        let valid = || self.judgements.iter().filter(|j| j.report.result == SignatureResult::Valid);
        let stale = valid().any(|judgement| judgement.due_since.is_some());
        let holds_until = valid().filter_map(|judgement| judgement.holds_until).min();
        let prove_again_at = valid().filter_map(|judgement| judgement.prove_again_at).min();
        let mut reports: Vec<SignatureReport> = self.judgements.into_iter().map(|j| j.report).collect();
        reports.sort_by_key(|report| match report.result {
            SignatureResult::Valid => 0,
            SignatureResult::Undecided => 1,
            SignatureResult::Refuted => 2,
        });
        Found {
            holds,
            any_candidate: !self.judged.is_empty() || !self.seen.is_empty(),
            too_many: !self.pending.is_empty() && self.tried >= self.shared.settings.signatures_per_image,
            listed: self.listed,
            reports,
            proofs: self.proofs,
            holds_until,
            prove_again_at,
            stale,
        }
    }
}

impl Found {
    /// The reason that explains best why the rule does not hold: what could not be found out first.
    pub(super) fn first_reason(&self) -> Option<Reason> {
        self.reports.iter().find_map(|report| report.reason.clone())
    }
}
