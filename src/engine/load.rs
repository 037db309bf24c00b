//! The look-up of one image, on a task of its own: resolve, list, judge, conclude, remember.
//!
//! Cold by digest it is four requests in three sequential round trips: the subject beside its referrers,
//! the signature's manifest, its envelope.

use std::sync::Arc;

use jiff::Timestamp;

use super::failure;
use super::memory::{Candidates, Decision, DecisionKey, SubjectKey, TagKey};
use super::plan::Effective;
use super::rule::Holds;
use super::search::{Found, Search};
use super::{Shared, older_than};
use crate::oci::Content;
use crate::outcome::{BoundSubject, Outcome, Reason, ReasonCode};
use crate::reference::{Digest, Reference, Tag};
use crate::registry::{FetchContext, FetchError, Referrers};

/// One look-up.
pub(super) struct Load {
    pub(super) shared: Arc<Shared>,
    pub(super) effective: Arc<Effective>,
    pub(super) reference: Reference,
    pub(super) context: FetchContext,
}

/// What is known of the subject and of what refers to it.
struct Discovery {
    content: Content,
    referrers: Result<Referrers, FetchError>,
}

impl Load {
    /// Looks the image up and remembers the decision.
    pub(super) async fn run(self) -> Arc<Outcome> {
        let now = self.shared.now();
        let digest = match self.known_digest(now).await {
            Ok(digest) => digest,
            Err(error) => return self.inconclusive(None, failure::reason(&error)),
        };
        if let Some(outcome) = self.decide_from_memory(&digest, now).await {
            return outcome;
        }
        match self.discover(&digest).await {
            Ok(discovery) => self.conclude(discovery, now).await,
            Err(error) => self.without_registry(&digest, &error, now).await,
        }
    }

    /// Resolves the reference; a tag by GET at first sight, by HEAD once its content is held.
    async fn known_digest(&self, now: Timestamp) -> Result<Digest, FetchError> {
        if let Some(digest) = self.reference.digest() {
            return Ok(digest.clone());
        }
        let Some(tag) = self.reference.tag() else {
            return Err(FetchError::Invalid {
                what: self.reference.to_string(),
                detail: "no tag or digest".into(),
            });
        };
        resolve_tag(&self.shared, &self.effective, &self.reference, tag, &self.context, now).await
    }

    /// Decides from what is held, where a listing is recent enough to conclude from.
    async fn decide_from_memory(&self, digest: &Digest, now: Timestamp) -> Option<Arc<Outcome>> {
        let candidates = self.shared.memory.candidates.get(&self.subject_key(digest))?;
        let settings = &self.shared.settings;
        if older_than(candidates.listed_at, settings.verified_ttl, now) {
            return None;
        }
        let (found, all_held) = self.search_memory(&candidates, now).await;
        match found.holds {
            Holds::Yes => Some(self.verified(&candidates.subject, found, candidates.listed_at, now)),
            Holds::No if all_held && candidates.complete && !self.is_due(&candidates, now) => {
                Some(self.refuted(&candidates.subject, found, now))
            }
            Holds::No | Holds::Unknown => None,
        }
    }

    fn is_due(&self, candidates: &Candidates, now: Timestamp) -> bool {
        let ttl = self.effective.referrers_ttl.unwrap_or(self.shared.settings.referrers_ttl);
        older_than(candidates.listed_at, ttl, now)
    }

    async fn search_memory(&self, candidates: &Candidates, now: Timestamp) -> (Found, bool) {
        let mut search = self.search(&candidates.subject, now);
        let all_held = search.run_from_memory(&candidates.listed).await;
        (search.finish(), all_held)
    }

    fn search<'a>(&'a self, subject: &'a BoundSubject, now: Timestamp) -> Search<'a> {
        Search::new(&self.shared, &self.effective, self.reference.repository(), subject, &self.context, now)
    }

    /// Reads the subject beside its referrers.
    async fn discover(&self, digest: &Digest) -> Result<Discovery, FetchError> {
        let repository = self.reference.repository();
        let store = &self.effective.store;
        let content = async {
            if let Some(content) = self.shared.memory.content.get(digest) {
                return Ok(content);
            }
            let content = store.manifest(repository, digest, &self.context).await?;
            self.shared.memory.content.insert(digest.clone(), content.clone());
            Ok(content)
        };
        let referrers = store.referrers(repository, digest, &self.effective.artifact_types, &self.context);
        let (content, referrers) = tokio::join!(content, referrers);
        Ok(Discovery { content: content?, referrers })
    }

    async fn conclude(&self, discovery: Discovery, now: Timestamp) -> Arc<Outcome> {
        let subject = BoundSubject::of(&discovery.content);
        let mut search = self.search(&subject, now);
        let mut truncated = false;
        match discovery.referrers {
            Ok(referrers) => {
                truncated |= referrers.truncated;
                search.list(referrers.entries);
                search.run().await;
            }
            Err(error) => return self.without_registry(subject.digest(), &error, now).await,
        }
        let mut complete = false;
        if search.is_open() {
            match self.list_by_tag(subject.digest()).await {
                Ok(referrers) => {
                    truncated |= referrers.truncated;
                    search.list(referrers.entries);
                    search.run().await;
                    complete = !truncated;
                }
                Err(error) => return self.without_registry(subject.digest(), &error, now).await,
            }
        }
        let found = search.finish();
        self.remember_candidates(&subject, &found, complete && !found.too_many, now);
        match found.holds {
            Holds::Yes => self.verified(&subject, found, now, now),
            Holds::No | Holds::Unknown => self.refuted(&subject, found, now),
        }
    }

    async fn list_by_tag(&self, digest: &Digest) -> Result<Referrers, FetchError> {
        let repository = self.reference.repository();
        let types = &self.effective.artifact_types;
        match self.effective.store.referrers_by_tag(repository, digest, types, &self.context).await {
            Err(FetchError::NotFound { .. }) => Ok(Referrers::default()),
            listed => listed,
        }
    }

    fn remember_candidates(&self, subject: &BoundSubject, found: &Found, complete: bool, now: Timestamp) {
        let candidates = Candidates {
            subject: subject.clone(),
            listed: found.listed.clone().into(),
            complete,
            listed_at: now,
        };
        self.shared.memory.candidates.insert(self.subject_key(subject.digest()), Arc::new(candidates));
    }

    /// The registry cannot be asked: what is held decides, as far as it can.
    async fn without_registry(&self, digest: &Digest, error: &FetchError, now: Timestamp) -> Arc<Outcome> {
        let reason = failure::reason(error);
        let Some(candidates) = self.shared.memory.candidates.get(&self.subject_key(digest)) else {
            return self.inconclusive(None, reason);
        };
        let settings = &self.shared.settings;
        let listed_at = candidates.listed_at;
        if older_than(listed_at, settings.verified_ttl, now)
            && older_than(listed_at, settings.stale_max_age, now)
        {
            return self.inconclusive(Some(candidates.subject.clone()), reason);
        }
        let (mut found, all_held) = self.search_memory(&candidates, now).await;
        match found.holds {
            Holds::Yes => {
                found.stale |= older_than(listed_at, settings.verified_ttl, now);
                self.verified(&candidates.subject, found, listed_at, now)
            }
            // What was listed once is refuted now; that more could have come is a matter of its time.
            Holds::No if all_held && candidates.complete => self.refuted(&candidates.subject, found, now),
            Holds::No | Holds::Unknown => self.inconclusive(Some(candidates.subject.clone()), reason),
        }
    }

    /// A rule that holds; its signatures take their slots.
    fn verified(
        &self,
        subject: &BoundSubject,
        found: Found,
        proven_at: Timestamp,
        now: Timestamp,
    ) -> Arc<Outcome> {
        if let Err(full) = self.shared.memory.proven.hold(&found.proofs, now) {
            let reason = Reason::new(
                ReasonCode::SignatureCapReached,
                full.to_string(),
                "raise limits.unique_signatures, or set limits.overflow to evict",
            );
            return self.inconclusive(Some(subject.clone()), reason);
        }
        let count = found.proofs.len();
        let reason = Reason::new(
            ReasonCode::Verified,
            format!("{count} trusted signature{} of {}", if count == 1 { "" } else { "s" }, subject.digest()),
            "",
        );
        let policy = self.effective.policy.clone();
        let evidence = self.effective.rule.evidence();
        let proofs = found.proofs.iter().map(|facts| facts.manifest().clone()).collect();
        let mut outcome =
            Outcome::verified(subject.clone(), reason, found.reports, evidence, policy, proven_at);
        outcome.stale = found.stale;
        self.remember(Decision {
            outcome: Arc::new(outcome),
            proofs,
            decided_at: proven_at,
            holds_until: found.holds_until,
            prove_again_at: found.prove_again_at,
        })
    }

    /// A rule that does not hold, or of which that could not be found out.
    fn refuted(&self, subject: &BoundSubject, found: Found, now: Timestamp) -> Arc<Outcome> {
        let policy = self.effective.policy.clone();
        if found.holds == Holds::Unknown && !found.too_many {
            let reason = self.undecided_reason(&found);
            let outcome = Outcome::inconclusive(Some(subject.clone()), reason, found.reports, policy);
            return Arc::new(outcome);
        }
        let outcome = if found.any_candidate {
            let reason = self.rejection(&found);
            Outcome::rejected(Some(subject.clone()), reason, found.reports, policy)
        } else {
            Outcome::unsigned(subject.clone(), unsigned(subject), policy)
        };
        self.remember(Decision {
            outcome: Arc::new(outcome),
            proofs: Arc::new([]),
            decided_at: now,
            holds_until: None,
            prove_again_at: None,
        })
    }

    fn undecided_reason(&self, found: &Found) -> Reason {
        let undecided = found.reports.iter().find(|report| {
            report.result == crate::outcome::SignatureResult::Undecided && report.reason.is_some()
        });
        undecided
            .and_then(|report| report.reason.clone())
            .or_else(|| self.effective.refusal.clone())
            .unwrap_or_else(|| {
                Reason::new(ReasonCode::Internal, "the rule could not be settled", "report this")
            })
    }

    fn rejection(&self, found: &Found) -> Reason {
        if found.too_many {
            let limit = self.shared.settings.signatures_per_image;
            return Reason::new(
                ReasonCode::TooManySignatures,
                format!("the rule does not hold after {limit} signatures, and there are more"),
                "delete signatures that nobody needs, or raise limits.signatures_per_image",
            );
        }
        match (found.first_reason(), found.reports.len()) {
            (Some(reason), 1) => reason,
            (reason, count) => Reason::new(
                ReasonCode::RuleNotSatisfied,
                format!(
                    "of {count} signatures not enough are good for policy {}{}",
                    self.effective.policy.name,
                    reason.map(|reason| format!("; the first: {}", reason.message)).unwrap_or_default()
                ),
                "see each signature's reason; sign the image with what the policy asks for",
            ),
        }
    }

    fn inconclusive(&self, subject: Option<BoundSubject>, reason: Reason) -> Arc<Outcome> {
        Arc::new(Outcome::inconclusive(subject, reason, Vec::new(), self.effective.policy.clone()))
    }

    fn remember(&self, decision: Decision) -> Arc<Outcome> {
        let outcome = Arc::clone(&decision.outcome);
        if let Some(subject) = outcome.subject() {
            let key = DecisionKey {
                subject: subject.digest().clone(),
                policy: self.effective.policy.id.clone(),
                scope: self.effective.scope.clone(),
            };
            self.shared.memory.decisions.insert(key, Arc::new(decision));
        }
        outcome
    }

    fn subject_key(&self, digest: &Digest) -> SubjectKey {
        SubjectKey { subject: digest.clone(), scope: self.effective.scope.clone() }
    }
}

/// The digest that a tag has now. A first sight is a GET whose bytes are hashed here; later a HEAD
/// selects among content that was hashed already.
pub(super) async fn resolve_tag(
    shared: &Shared,
    effective: &Effective,
    reference: &Reference,
    tag: &Tag,
    context: &FetchContext,
    now: Timestamp,
) -> Result<Digest, FetchError> {
    let repository = reference.repository();
    let key = TagKey { repository: repository.clone(), tag: tag.clone(), scope: effective.scope.clone() };
    let before = shared.memory.tags.get(&key);
    if let Some((digest, at)) = &before
        && !older_than(*at, shared.settings.tag_ttl, now)
    {
        return Ok(digest.clone());
    }
    if before.is_some()
        && let Some(digest) = effective.store.head_tag(repository, tag, context).await?
        && shared.memory.content.contains_key(&digest)
    {
        shared.memory.tags.insert(key, (digest.clone(), now));
        return Ok(digest);
    }
    let content = effective.store.manifest_by_tag(repository, tag, context).await?;
    let digest = content.digest().clone();
    shared.memory.content.insert(digest.clone(), content);
    shared.memory.tags.insert(key, (digest.clone(), now));
    Ok(digest)
}

fn unsigned(subject: &BoundSubject) -> Reason {
    Reason::new(
        ReasonCode::NoSignature,
        format!("the registry holds no signature of {} that the policy asks for", subject.digest()),
        "sign this digest and push the signature to the same repository",
    )
}
