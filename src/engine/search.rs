//! The search among an image's candidates: facts are gathered, judged and counted until the rule is
//! settled. One bad candidate costs only itself.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::demand::Known;
use super::effective::EffectiveSettings;
use super::failure;
use super::found::{Found, Unmet};
use super::memory::Listed;
use super::rule::{Holds, Judged};
use super::{Shared, older_than};
use crate::oci::Descriptor;
use crate::outcome::{BoundSubject, Evidence as EvidenceMode, Reason, SignatureResult};
use crate::reference::{Digest, Repository};
use crate::registry::{FetchContext, FetchError};
use crate::verifier::notation::{self, Evidence, Gathered, Judgement, Preliminary, Question, SignatureFacts};

/// Candidates fetched side by side at most, once the first ones were not good.
const MAX_WINDOW: usize = 8;

/// One search.
pub(super) struct Search<'a> {
    shared: &'a Shared,
    settings: &'a EffectiveSettings,
    repository: &'a Repository,
    subject: Descriptor,
    context: &'a FetchContext,
    now: Timestamp,
    listed: Vec<Listed>,
    /// As listed: what one list says falsely of a signature hides no other's word on it.
    known: HashSet<(Digest, u64, Option<Arc<str>>)>,
    /// Types of candidates that were listed.
    seen: BTreeSet<Arc<str>>,
    /// Positions among the listed of those that were not looked at yet.
    pending: Vec<usize>,
    /// Positions of those that turned out to be none of ours.
    foreign: BTreeSet<usize>,
    /// There are candidates that no list gave.
    cut_short: bool,
    judged: Vec<Judged>,
    judgements: Vec<Judgement>,
    proofs: Vec<Arc<SignatureFacts>>,
    tried: usize,
}

/// What a look at a candidate gave.
enum Sight {
    Facts(Arc<SignatureFacts>),
    /// Nobody here judges such a thing.
    Foreign,
    /// It cannot be read, and nothing better will come.
    Broken(Reason),
    Unreadable(FetchError),
}

impl<'a> Search<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        settings: &'a EffectiveSettings,
        repository: &'a Repository,
        subject: &'a BoundSubject,
        context: &'a FetchContext,
        now: Timestamp,
    ) -> Self {
        Self {
            shared,
            settings,
            repository,
            subject: subject.descriptor(),
            context,
            now,
            listed: Vec::new(),
            known: HashSet::new(),
            seen: BTreeSet::new(),
            pending: Vec::new(),
            foreign: BTreeSet::new(),
            cut_short: false,
            judged: Vec::new(),
            judgements: Vec::new(),
            proofs: Vec::new(),
            tried: 0,
        }
    }

    /// Adds candidates that a route of discovery found; those that another route gave are left out.
    pub(super) fn list(&mut self, entries: Vec<Descriptor>) {
        for entry in entries {
            let artifact_type = entry.artifact_type.as_deref().map(|kind| self.shared_type(kind));
            self.add(Listed { digest: entry.digest, size: entry.size, artifact_type, broken: None });
        }
    }

    /// Adds candidates as they were listed earlier.
    pub(super) fn list_again(&mut self, listed: &[Listed]) {
        for candidate in listed {
            self.add(candidate.clone());
        }
    }

    /// There are candidates that no list gave.
    pub(super) fn cut_short(&mut self) {
        self.cut_short = true;
    }

    /// Looks at what is listed, in order, until the rule is settled. It begins with one at a time, because
    /// the first one is nearly always good, and widens when it is not.
    pub(super) async fn run(&mut self) {
        let mut window = 1;
        while !self.is_settled() && !self.pending.is_empty() && self.tried < self.limit() {
            let count = window.min(self.pending.len()).min(self.limit() - self.tried);
            let batch: Vec<usize> = self.pending.drain(..count).collect();
            self.tried += batch.len();
            let sights = join_all(batch.iter().map(|position| self.look(*position))).await;
            for (position, sight) in batch.into_iter().zip(sights) {
                self.take(position, sight).await;
            }
            window = (window * 2).min(MAX_WINDOW);
        }
    }

    /// Looks only at candidates of which enough is held: nothing is asked of the registry. The others stay
    /// pending.
    pub(super) async fn run_from_memory(&mut self) {
        let mut index = 0;
        while !self.is_settled() && self.tried < self.limit() {
            let Some(position) = self.pending.get(index).copied() else {
                break;
            };
            match self.held(position) {
                Some(sight) => {
                    self.pending.remove(index);
                    self.tried += 1;
                    self.take(position, sight).await;
                }
                None => index += 1,
            }
        }
    }

    /// True where finding more candidates could change the answer, or the answer is a refusal.
    pub(super) fn is_open(&self) -> bool {
        !self.is_settled() || self.evaluate() != Holds::Yes || self.could_be_vetoed()
    }

    /// Whether a candidate that no list gave could undo that the rule holds.
    fn could_be_vetoed(&self) -> bool {
        self.evaluate_with(&self.unseen()) != Holds::Yes
    }

    /// Types of which there may be candidates that no list gave.
    fn unseen(&self) -> BTreeSet<Option<Arc<str>>> {
        match self.settings.artifact_types.as_slice() {
            [] => BTreeSet::from([None]),
            types => types.iter().map(|kind| Some(kind.as_str().into())).collect(),
        }
    }

    fn add(&mut self, candidate: Listed) {
        if let Some(kind) = &candidate.artifact_type
            && !self.settings.voters.iter().any(|voter| voter.claims(kind))
        {
            return;
        }
        let identity = (candidate.digest.clone(), candidate.size, candidate.artifact_type.clone());
        if !self.known.insert(identity) {
            return;
        }
        self.seen.extend(candidate.artifact_type.clone());
        self.pending.push(self.listed.len());
        self.listed.push(candidate);
    }

    /// Artifact types are few: equal ones share their text.
    fn shared_type(&self, kind: &str) -> Arc<str> {
        self.seen.get(kind).cloned().unwrap_or_else(|| kind.into())
    }

    fn limit(&self) -> usize {
        self.shared.settings.signatures_per_image
    }

    /// Settled for good: with evidence `all`, every candidate is looked at.
    fn is_settled(&self) -> bool {
        match self.settings.demands.evidence() {
            EvidenceMode::All => false,
            EvidenceMode::First => self.evaluate() != Holds::Unknown,
        }
    }

    fn evaluate(&self) -> Holds {
        let types = |position: &usize| self.listed.get(*position).map(|one| one.artifact_type.clone());
        let mut pending: BTreeSet<Option<Arc<str>>> = self.pending.iter().filter_map(types).collect();
        if self.cut_short {
            pending.extend(self.unseen());
        }
        self.evaluate_with(&pending)
    }

    fn evaluate_with(&self, pending: &BTreeSet<Option<Arc<str>>>) -> Holds {
        self.settings.demands.evaluate(&self.known(pending))
    }

    fn known<'b>(&'b self, pending: &'b BTreeSet<Option<Arc<str>>>) -> Known<'b> {
        Known { judged: &self.judged, seen: &self.seen, pending }
    }

    /// The demand that does not hold of what was looked at, with what was said for it.
    fn unmet(&self) -> Option<Unmet> {
        let nothing = BTreeSet::new();
        let demand = self.settings.demands.unmet(&self.known(&nothing))?;
        let words = self.judged.iter().zip(&self.judgements);
        let words: Vec<_> = words.filter(|(judged, _)| demand.counts(&judged.resource)).collect();
        let refuted = |(judged, judgement): &(&Judged, &Judgement)| match judged.result {
            SignatureResult::Refuted => judgement.report.reason.clone(),
            _ => None,
        };
        Some(Unmet {
            called: demand.called(),
            is_mandatory: demand.mandatory.is_some(),
            count: words.len(),
            first: words.iter().find_map(refuted),
        })
    }

    /// What is held of a candidate.
    fn held(&self, position: usize) -> Option<Sight> {
        let candidate = self.listed.get(position)?;
        if candidate.artifact_type.as_deref().is_some_and(|kind| kind != notation::ARTIFACT_TYPE) {
            return Some(Sight::Foreign);
        }
        if let Some(reason) = &candidate.broken {
            return Some(Sight::Broken((**reason).clone()));
        }
        self.shared.memory.facts(&candidate.digest).map(Sight::Facts)
    }

    async fn look(&self, position: usize) -> Sight {
        if let Some(sight) = self.held(position) {
            return sight;
        }
        let Some(candidate) = self.listed.get(position) else {
            return Sight::Foreign;
        };
        let descriptor = Descriptor {
            media_type: String::new(),
            digest: candidate.digest.clone(),
            size: candidate.size,
            artifact_type: candidate.artifact_type.as_deref().map(str::to_owned),
            annotations: std::collections::BTreeMap::new(),
        };
        let (store, pool) = (&*self.settings.store, &self.shared.memory.certificates);
        match notation::gather(store, self.repository, &descriptor, pool, self.context).await {
            Ok(Gathered::Facts(facts)) => {
                self.shared.memory.other_facts.insert(candidate.digest.clone(), Arc::clone(&facts));
                Sight::Facts(facts)
            }
            Ok(Gathered::Misdescribed(reason)) => Sight::Broken(reason),
            Ok(Gathered::Foreign) => Sight::Foreign,
            Err(error) => Sight::Unreadable(error),
        }
    }

    async fn take(&mut self, position: usize, sight: Sight) {
        match sight {
            Sight::Facts(facts) => self.judge(position, facts).await,
            // What nobody here can judge is no candidate, unless a verifier that cannot run claims it: then
            // the type that was listed speaks for it.
            Sight::Foreign => _ = self.foreign.insert(position),
            Sight::Broken(reason) => self.broken(position, reason),
            Sight::Unreadable(error) => match failure::candidate_reason(&error) {
                (reason, true) => self.unreadable(position, SignatureResult::Undecided, reason),
                (reason, false) => self.broken(position, reason),
            },
        }
    }

    /// Remembered with this list alone: another list may say something better of the same manifest.
    fn broken(&mut self, position: usize, reason: Reason) {
        if let Some(candidate) = self.listed.get_mut(position) {
            candidate.broken = Some(Arc::new(reason.clone()));
        }
        self.unreadable(position, SignatureResult::Refuted, reason);
    }

    /// The candidate's type, now that it is known to be one of ours.
    fn settle_type(&mut self, position: usize) -> Arc<str> {
        let ours = self.shared_type(notation::ARTIFACT_TYPE);
        let Some(candidate) = self.listed.get_mut(position) else {
            return ours;
        };
        let settled = candidate.artifact_type.get_or_insert(ours).clone();
        self.seen.insert(settled.clone());
        settled
    }

    async fn judge(&mut self, position: usize, facts: Arc<SignatureFacts>) {
        let artifact_type = self.settle_type(position);
        let settings = self.settings;
        for judge in settings.judges.iter().filter(|judge| judge.voter.claims(&artifact_type)) {
            let Some(statement) = judge.statement() else {
                continue;
            };
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
                resource: judge.voter.resource.clone(),
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
        let max_age = self.shared.settings.stale_max_age;
        let too_old = judgement.due_since.is_some_and(|since| older_than(since, max_age, self.now));
        if too_old && judgement.report.result == SignatureResult::Valid {
            judgement.report.result = SignatureResult::Undecided;
            judgement.report.reason = Some(notation::revocation_out_of_date());
        }
        judgement
    }

    fn unreadable(&mut self, position: usize, result: SignatureResult, reason: Reason) {
        let Some(digest) = self.listed.get(position).map(|candidate| candidate.digest.clone()) else {
            return;
        };
        // Where the list does not say of what type it is, it may be one of ours.
        let listed_type = self.listed.get(position).and_then(|candidate| candidate.artifact_type.clone());
        let artifact_type = listed_type.unwrap_or_else(|| self.shared_type(notation::ARTIFACT_TYPE));
        self.seen.insert(artifact_type.clone());
        let settings = self.settings;
        for judge in settings.judges.iter().filter(|judge| judge.voter.claims(&artifact_type)) {
            self.judged.push(Judged {
                candidate: digest.clone(),
                artifact_type: artifact_type.clone(),
                resource: judge.voter.resource.clone(),
                verifier: judge.voter.name.clone(),
                result,
            });
            let judgement = Judgement::unreadable(digest.clone(), &judge.verifier, result, reason.clone());
            self.judgements.push(judgement);
        }
    }

    /// What the search came to.
    pub(super) fn finish(self) -> Found {
        let unexamined = !self.pending.is_empty();
        let any_candidate = !self.judged.is_empty() || !self.seen.is_empty();
        let foreign = &self.foreign;
        let kept = |(position, one): (usize, &Listed)| {
            (!foreign.contains(&position) || one.artifact_type.is_some()).then(|| one.clone())
        };
        Found {
            holds: self.evaluate(),
            holds_alone: self.evaluate_with(&BTreeSet::new()),
            could_be_vetoed: self.could_be_vetoed(),
            unmet: self.unmet(),
            too_many: unexamined && self.tried >= self.limit(),
            unexamined,
            cut_short: self.cut_short,
            any_candidate,
            listed: self.listed.iter().enumerate().filter_map(kept).collect(),
            ..Found::of(self.judgements, self.proofs)
        }
    }
}
