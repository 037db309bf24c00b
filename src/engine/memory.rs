//! What the engine remembers, each kind bounded on its own.

use std::sync::Arc;

use jiff::Timestamp;
use moka::sync::Cache;
use tokio::time::Instant;

use super::limits::EngineSettings;
use super::proven::ProvenSignatures;
use crate::oci::Content;
use crate::outcome::{BoundSubject, Outcome};
use crate::reference::{Digest, Repository, Tag};
use crate::verifier::notation::SignatureFacts;

/// A decision about a digest, and for how long it can be believed.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub(super) outcome: Arc<Outcome>,
    /// The signatures that a `Verified` decision rests on.
    pub(super) proofs: Arc<[Digest]>,
    pub(super) decided_at: Timestamp,
    /// The instant at which an enforced check could come out differently.
    pub(super) holds_until: Option<Timestamp>,
    /// When revocation should be asked anew.
    pub(super) prove_again_at: Option<Timestamp>,
}

/// What a decision is about: the digest, under which settings, seen with whose credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct DecisionKey {
    pub(super) subject: Digest,
    pub(super) policy: Arc<str>,
    /// Trust policies are chosen by repository, and what is readable differs by it.
    pub(super) scope: Arc<str>,
}

/// An image in a repository, read with certain credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SubjectKey {
    pub(super) subject: Digest,
    pub(super) scope: Arc<str>,
}

/// A tag, read with certain credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TagKey {
    pub(super) repository: Repository,
    pub(super) tag: Tag,
    pub(super) scope: Arc<str>,
}

/// What is known of an image's candidates.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    pub(super) subject: BoundSubject,
    /// The candidates in the order in which they were found, with their artifact types where known.
    pub(super) listed: Arc<[(Digest, Option<Arc<str>>)]>,
    /// Both routes of discovery were read to their end.
    pub(super) complete: bool,
    pub(super) listed_at: Timestamp,
}

/// Everything that is remembered.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) tags: Cache<TagKey, (Digest, Timestamp)>,
    pub(super) content: Cache<Digest, Content>,
    pub(super) candidates: Cache<SubjectKey, Arc<Candidates>>,
    pub(super) proven: ProvenSignatures,
    pub(super) other_facts: Cache<Digest, Arc<SignatureFacts>>,
    pub(super) decisions: Cache<DecisionKey, Arc<Decision>>,
    /// That nothing could be found out, for a few seconds.
    pub(super) inconclusive: Cache<super::flight::LoadKey, (Arc<Outcome>, Instant)>,
}

impl Memory {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        Self {
            tags: Cache::new(settings.tags),
            content: by_weight(settings.content_bytes, |_, content: &Content| content.bytes().len()),
            candidates: by_weight(settings.decision_bytes / 2, |_, candidates: &Arc<Candidates>| {
                256 + candidates.listed.len() * 64
            }),
            proven: ProvenSignatures::new(
                settings.unique_signatures,
                settings.overflow,
                settings.verified_ttl,
            ),
            other_facts: by_weight(settings.other_facts_bytes, |_, facts: &Arc<SignatureFacts>| {
                facts.retained_bytes()
            }),
            decisions: by_weight(settings.decision_bytes, |_, decision: &Arc<Decision>| {
                512 + decision.outcome.signatures.len() * 1024
            }),
            inconclusive: Cache::builder()
                .max_capacity(settings.tags)
                .time_to_live(settings.inconclusive_ttl)
                .build(),
        }
    }

    /// The facts of a signature, wherever they are held.
    pub(super) fn facts(&self, digest: &Digest) -> Option<Arc<SignatureFacts>> {
        self.proven.facts(digest).or_else(|| self.other_facts.get(digest))
    }
}

fn by_weight<K, V>(bytes: u64, weigh: impl Fn(&K, &V) -> usize + Send + Sync + 'static) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(bytes)
        .weigher(move |key, value| u32::try_from(weigh(key, value)).unwrap_or(u32::MAX))
        .build()
}
