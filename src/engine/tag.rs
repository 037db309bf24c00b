//! What a tag means now: one look-up for everyone who asks, be it for a verdict or for mutation.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::time::Instant;

use super::answer;
use super::effective::Effective;
use super::failure;
use super::memory::{SubjectKey, TagKey};
use super::plans::Question;
use super::{Shared, older_than};
use crate::outcome::Reason;
use crate::reference::{Digest, Reference, Repository, Tag};
use crate::registry::{FetchContext, FetchError, FetchTrace};

/// What is resolved: a tag, as seen by somebody, in one way of reading.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ResolutionKey {
    tag: TagKey,
    source: Arc<str>,
}

/// What a resolution gave, and what it asked of the network.
#[derive(Clone, Debug)]
pub(super) struct Resolution {
    digest: Result<Digest, FetchError>,
    trace: Arc<FetchTrace>,
}

/// Why a resolution gave nothing to whoever waited for it.
enum Unresolved {
    Overloaded(String),
    Late,
}

impl Shared {
    /// Resolves an image for mutation.
    pub(super) async fn resolve(
        self: &Arc<Self>,
        question: Question<'_>,
        budget: Duration,
    ) -> Result<Reference, Reason> {
        let reference =
            Reference::parse(question.image).map_err(|error| answer::invalid_reference(error.to_string()))?;
        let (None, Some(tag)) = (reference.digest(), reference.tag()) else {
            return Ok(reference);
        };
        let in_force = self.in_force.load_full().ok_or_else(answer::not_ready)?;
        let repository = reference.repository();
        let effective = in_force.plans.of(question.namespace, repository).effective(repository);
        if let Some(digest) = self.tag_at_hand(tag, &effective, self.now()) {
            return Ok(reference.with_digest(digest));
        }
        let by = |started: Instant| started + budget;
        match self.share_resolution(&effective, repository, tag, by).await {
            Ok((resolution, is_own)) => {
                if is_own {
                    self.counters.count_requests(resolution.trace.requests());
                }
                let digest = resolution.digest.map_err(|error| failure::reason(&error))?;
                Ok(reference.with_digest(digest))
            }
            Err(Unresolved::Late) => Err(answer::deadline_exceeded(budget)),
            Err(Unresolved::Overloaded(problem)) => Err(answer::overloaded(problem)),
        }
    }

    /// Resolves a tag for a decision. What its requests were is told to the decision that started them.
    pub(super) async fn resolve_tag(
        self: &Arc<Self>,
        effective: &Effective,
        repository: &Repository,
        tag: &Tag,
        context: &FetchContext,
    ) -> Result<Digest, FetchError> {
        if let Some(digest) = self.tag_at_hand(tag, effective, self.now()) {
            return Ok(digest);
        }
        let what = || format!("tag {repository}:{tag}");
        match self.share_resolution(effective, repository, tag, |_| context.deadline).await {
            Ok((resolution, is_own)) => {
                if is_own {
                    resolution.trace.records().into_iter().for_each(|record| context.trace.record(record));
                }
                resolution.digest
            }
            Err(Unresolved::Late) => Err(FetchError::Deadline { what: what() }),
            Err(Unresolved::Overloaded(detail)) => Err(FetchError::Unavailable { what: what(), detail }),
        }
    }

    /// The digest that a tag had a moment ago.
    pub(super) fn tag_at_hand(&self, tag: &Tag, effective: &Effective, now: Timestamp) -> Option<Digest> {
        self.digest_of_tag(&TagKey { tag: tag.clone(), scope: effective.scope.clone() }, now)
    }

    pub(super) fn digest_of_tag(&self, key: &TagKey, now: Timestamp) -> Option<Digest> {
        let (digest, at) = self.memory.tags.get(key)?;
        (!older_than(at, self.settings.tag_ttl, now)).then_some(digest)
    }

    /// Joins or starts the resolution; true beside it for whoever started it.
    async fn share_resolution(
        self: &Arc<Self>,
        effective: &Effective,
        repository: &Repository,
        tag: &Tag,
        deadline: impl FnOnce(Instant) -> Instant,
    ) -> Result<(Resolution, bool), Unresolved> {
        let tag = TagKey { tag: tag.clone(), scope: effective.scope.clone() };
        let key = ResolutionKey { tag: tag.clone(), source: effective.settings.source.clone() };
        let mut is_own = false;
        let start = || {
            is_own = true;
            Arc::clone(self).resolve_anew(effective.clone(), repository.clone(), tag)
        };
        let flight = self.resolutions.join(key, start);
        let mut flight = flight.map_err(|full| Unresolved::Overloaded(full.to_string()))?;
        let deadline = deadline(flight.started());
        let resolution = flight.result_by(deadline).await.ok_or(Unresolved::Late)?;
        Ok((resolution, is_own))
    }

    async fn resolve_anew(
        self: Arc<Self>,
        effective: Effective,
        repository: Repository,
        tag: TagKey,
    ) -> Resolution {
        let context = FetchContext::within(self.settings.load_bound);
        let asked = AssertUnwindSafe(self.ask_for_tag(&effective, &repository, tag, &context)).catch_unwind();
        let digest = asked.await.unwrap_or_else(|_| {
            let (what, detail) = (repository.to_string(), "the look-up ended by a fault".to_owned());
            Err(FetchError::Unavailable { what, detail })
        });
        Resolution { digest, trace: context.trace }
    }

    /// A first sight is a GET whose bytes are hashed here; later a HEAD selects among content that was
    /// hashed already.
    async fn ask_for_tag(
        &self,
        effective: &Effective,
        repository: &Repository,
        key: TagKey,
        context: &FetchContext,
    ) -> Result<Digest, FetchError> {
        let store = &effective.settings.store;
        let now = self.now();
        let scope = Arc::clone(&key.scope);
        let content_key = |digest: &Digest| SubjectKey { subject: digest.clone(), scope: Arc::clone(&scope) };
        if self.memory.tags.contains_key(&key) {
            let head = store.head_tag(repository, &key.tag, context).await;
            match head {
                Ok(Some(digest)) if self.memory.content.contains_key(&content_key(&digest)) => {
                    self.memory.tags.insert(key, (digest.clone(), now));
                    return Ok(digest);
                }
                // A registry that cannot be asked so is asked the other way.
                Ok(_) | Err(FetchError::Invalid { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let content = store.manifest_by_tag(repository, &key.tag, context).await?;
        let digest = content.digest().clone();
        self.memory.content.insert(content_key(&digest), content);
        self.memory.tags.insert(key, (digest.clone(), now));
        Ok(digest)
    }
}
