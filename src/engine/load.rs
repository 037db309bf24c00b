//! The look-up of one image, on a task of its own: resolve, list, judge, conclude, remember.
//!
//! Cold by digest it is four requests in three sequential round trips: the subject beside its referrers,
//! the signature's manifest, its envelope.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::answer;
use super::effective::Effective;
use super::failure;
use super::found::Found;
use super::held::{Held, OnOutage};
use super::memory::{Candidates, Decision, DecisionKey, SubjectKey};
use super::rule::Holds;
use super::search::Search;
use super::{Shared, Standing};
use crate::oci::Content;
use crate::outcome::{BoundSubject, Outcome, Reason, Verdict};
use crate::reference::{Digest, Reference};
use crate::registry::{FetchContext, FetchError, Reach, Referrers};

/// One look-up.
pub(super) struct Load {
    pub(super) shared: Arc<Shared>,
    pub(super) effective: Effective,
    pub(super) reference: Reference,
    pub(super) context: FetchContext,
    /// The time that decisions are made for.
    pub(super) now: Timestamp,
}

/// What is known of the subject and of what refers to it.
struct Discovery {
    content: Content,
    referrers: Result<Referrers, FetchError>,
}

/// A way of discovering signatures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    Api,
    TagSchema,
}

impl Load {
    /// Looks the image up and remembers the decision.
    pub(super) async fn run(self) -> Arc<Outcome> {
        let digest = match self.known_digest().await {
            Ok(digest) => digest,
            Err(error) => return self.inconclusive(None, failure::reason(&error)),
        };
        if let Standing::Fresh(decision) = self.shared.standing(&digest, &self.effective, self.now) {
            return Arc::clone(&decision.outcome);
        }
        let held = match self.decide_from_memory(&digest).await {
            Held::Decided(outcome) => return outcome,
            Held::OnOutage(held) => held,
        };
        match self.discover(&digest).await {
            Ok(discovery) => self.conclude(discovery, held).await,
            Err(error) => self.without_registry(held, &error),
        }
    }

    async fn known_digest(&self) -> Result<Digest, FetchError> {
        if let Some(digest) = self.reference.digest() {
            return Ok(digest.clone());
        }
        let Some(tag) = self.reference.tag() else {
            let what = self.reference.to_string();
            return Err(FetchError::Invalid { what, detail: "no tag or digest".into() });
        };
        let repository = self.reference.repository();
        self.shared.resolve_tag(&self.effective, repository, tag, &self.context).await
    }

    pub(super) fn search<'a>(&'a self, subject: &'a BoundSubject) -> Search<'a> {
        let repository = self.reference.repository();
        Search::new(&self.shared, &self.effective.settings, repository, subject, &self.context, self.now)
    }

    /// Reads the subject beside its referrers.
    async fn discover(&self, digest: &Digest) -> Result<Discovery, FetchError> {
        let repository = self.reference.repository();
        let settings = &self.effective.settings;
        let content = async {
            if let Some(content) = self.shared.memory.content.get(&self.subject_key(digest)) {
                return Ok(content);
            }
            let content = settings.store.manifest(repository, digest, &self.context).await?;
            self.shared.memory.content.insert(self.subject_key(digest), content.clone());
            Ok(content)
        };
        let referrers = self.list(Route::Api, Reach::Nearest, digest);
        let (content, referrers) = tokio::join!(content, referrers);
        Ok(Discovery { content: content?, referrers })
    }

    async fn conclude(&self, discovery: Discovery, held: OnOutage) -> Arc<Outcome> {
        let subject = BoundSubject::of(&discovery.content);
        let mut search = self.search(&subject);
        // What refuses one way of asking may still answer the other; what is down answers neither.
        let mut unasked = VecDeque::from([(Route::TagSchema, Reach::Nearest)]);
        let mut failed = match discovery.referrers {
            Ok(referrers) => {
                unasked.extend(referrers.by_mirror.then_some((Route::Api, Reach::Upstream)));
                add(&mut search, referrers);
                None
            }
            Err(error @ (FetchError::Denied { .. } | FetchError::Invalid { .. })) => {
                search.cut_short();
                Some(error)
            }
            Err(error) => return self.without_registry(held, &error),
        };
        search.run().await;
        while search.is_open()
            && let Some((route, reach)) = unasked.pop_front()
        {
            match self.list(route, reach, subject.digest()).await {
                Ok(referrers) => {
                    unasked.extend(referrers.by_mirror.then_some((route, Reach::Upstream)));
                    add(&mut search, referrers);
                    search.run().await;
                }
                Err(error) => {
                    search.cut_short();
                    failed = failed.or(Some(error));
                }
            }
        }
        let every_route = unasked.is_empty();
        let found = search.finish();
        if found.holds == Holds::Yes {
            self.remember_candidates(&subject, &found, every_route && failed.is_none());
            return self.verified(&subject, found, self.now);
        }
        let Some(error) = failed else {
            self.remember_candidates(&subject, &found, every_route);
            return self.refuted(&subject, found, self.now);
        };
        if found.listed.is_empty() {
            return self.without_registry(held, &error);
        }
        self.forget_provisional(subject.digest());
        self.without_registry(held.with_more_candidates(), &error)
    }

    async fn list(&self, route: Route, reach: Reach, digest: &Digest) -> Result<Referrers, FetchError> {
        let (repository, settings) = (self.reference.repository(), &self.effective.settings);
        let (store, types) = (&settings.store, &settings.artifact_types);
        match route {
            Route::Api => store.referrers(repository, digest, types, reach, &self.context).await,
            Route::TagSchema => {
                match store.referrers_by_tag(repository, digest, types, reach, &self.context).await {
                    Err(FetchError::NotFound { .. }) => Ok(Referrers::default()),
                    listed => listed,
                }
            }
        }
    }

    fn remember_candidates(&self, subject: &BoundSubject, found: &Found, every_route: bool) {
        let candidates = Candidates {
            subject: subject.clone(),
            listed: found.listed.clone(),
            complete: !found.cut_short,
            every_route,
            listed_at: self.now,
        };
        self.shared.memory.candidates.insert(self.subject_key(subject.digest()), Arc::new(candidates));
    }

    /// The registry cannot be asked: what is held decides, as far as it can.
    fn without_registry(&self, held: OnOutage, error: &FetchError) -> Arc<Outcome> {
        match held {
            OnOutage::Stands { subject, found, proven_at } => self.verified(&subject, *found, proven_at),
            // It counts now, and has its own time from now on.
            OnOutage::Refuted(outcome) => self.remember(Decision::new(outcome, self.now)),
            OnOutage::Nothing(subject) => self.inconclusive(subject, failure::reason(error)),
        }
    }

    /// A rule that holds; its signatures take their slots.
    pub(super) fn verified(
        &self,
        subject: &BoundSubject,
        found: Found,
        proven_at: Timestamp,
    ) -> Arc<Outcome> {
        let policy = self.effective.settings.policy.clone();
        if found.proofs.is_empty() {
            let outcome = Outcome::not_required(Some(subject.clone()), answer::skipped(), policy);
            return self.remember(Decision::new(Arc::new(outcome), self.now));
        }
        let proofs = match self.shared.memory.proven.hold(&found.proofs, self.now) {
            Ok(proofs) => proofs,
            Err(full) => {
                return self.inconclusive(Some(subject.clone()), answer::cap_reached(full.to_string()));
            }
        };
        for facts in &found.proofs {
            self.shared.memory.other_facts.invalidate(facts.manifest());
        }
        let reason = answer::verified(subject, found.proofs.len());
        let evidence = self.effective.settings.demands.evidence();
        let mut outcome =
            Outcome::verified(subject.clone(), reason, found.reports, evidence, policy, proven_at);
        outcome.stale = found.stale;
        let due_at_once = found.stale.then_some(self.now);
        self.remember(Decision {
            proofs,
            holds_until: found.holds_until,
            prove_again_at: found.prove_again_at.or(due_at_once),
            ..Decision::new(Arc::new(outcome), proven_at)
        })
    }

    /// A rule that does not hold, or of which that could not be found out.
    pub(super) fn refuted(
        &self,
        subject: &BoundSubject,
        found: Found,
        decided_at: Timestamp,
    ) -> Arc<Outcome> {
        let outcome = Arc::new(self.refutation(subject, found));
        if outcome.verdict() == Verdict::Inconclusive {
            self.forget_provisional(subject.digest());
            return outcome;
        }
        self.remember(Decision::new(outcome, decided_at))
    }

    /// What a search that did not end well says.
    pub(super) fn refutation(&self, subject: &BoundSubject, found: Found) -> Outcome {
        let settings = &self.effective.settings;
        let (subject, policy) = (subject.clone(), settings.policy.clone());
        if found.is_undecided() {
            let reason = found.undecided_reason(settings);
            return Outcome::inconclusive(Some(subject), reason, found.reports, policy);
        }
        if !found.any_candidate {
            let reason = answer::unsigned(&subject);
            return Outcome::unsigned(subject, reason, policy);
        }
        let reason = found.rejection(settings, self.shared.settings.signatures_per_image);
        let mut outcome = Outcome::rejected(Some(subject), reason, found.reports, policy);
        outcome.evidence = settings.demands.evidence();
        outcome
    }

    fn inconclusive(&self, subject: Option<BoundSubject>, reason: Reason) -> Arc<Outcome> {
        let policy = self.effective.settings.policy.clone();
        Arc::new(Outcome::inconclusive(subject, reason, Vec::new(), policy))
    }

    pub(super) fn remember(&self, decision: Decision) -> Arc<Outcome> {
        let outcome = Arc::clone(&decision.outcome);
        if let Some(subject) = outcome.subject() {
            let key = DecisionKey::new(subject.digest(), &self.effective);
            self.shared.memory.decisions.insert(key, Arc::new(decision));
        }
        outcome
    }

    pub(super) fn subject_key(&self, digest: &Digest) -> SubjectKey {
        SubjectKey { subject: digest.clone(), scope: self.effective.scope.clone() }
    }
}

fn add(search: &mut Search<'_>, referrers: Referrers) {
    search.list(referrers.entries);
    if referrers.truncated {
        search.cut_short();
    }
}
