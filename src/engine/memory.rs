//! What the engine remembers, each kind bounded on its own.

use std::sync::Arc;

use jiff::Timestamp;
use moka::sync::Cache;
use tokio::time::Instant;

use super::limits::EngineSettings;
use super::proven::{ProvenSignatures, Slot};
use super::weight;
use crate::oci::Content;
use crate::outcome::{BoundSubject, Outcome, Reason};
use crate::reference::{Digest, Reference, Tag};
use crate::verifier::notation::SignatureFacts;
use crate::x509::CertificatePool;

/// A decision about a digest, and for how long it can be believed.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub(super) outcome: Arc<Outcome>,
    /// The signatures that a `Verified` decision rests on.
    pub(super) proofs: Arc<[Arc<Slot>]>,
    pub(super) decided_at: Timestamp,
    /// The instant at which an enforced check could come out differently.
    pub(super) holds_until: Option<Timestamp>,
    /// When revocation should be asked anew.
    pub(super) prove_again_at: Option<Timestamp>,
    /// Refuted from what is held, while the registry is still being asked: it counts only where the
    /// registry does not answer.
    pub(super) provisional: bool,
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

/// A tag in a repository, read with certain credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TagKey {
    pub(super) tag: Tag,
    pub(super) scope: Arc<str>,
}

/// What a look-up is about. It outlives an edit of the configuration that changes nothing for the image:
/// whoever asks afterwards waits for the same look-up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LoadKey {
    target: Target,
    policy: Arc<str>,
    scope: Arc<str>,
    source: Arc<str>,
}

/// A digest, whatever tag is written beside it, or a tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Target {
    Digest(Digest),
    Tag(Option<Tag>),
}

impl LoadKey {
    pub(super) fn new(reference: &Reference, effective: &super::Effective) -> Self {
        let target = match reference.digest() {
            Some(digest) => Target::Digest(digest.clone()),
            None => Target::Tag(reference.tag().cloned()),
        };
        Self {
            target,
            policy: effective.settings.policy.id.clone(),
            scope: effective.scope.clone(),
            source: effective.settings.source.clone(),
        }
    }
}

/// What is known of an image's candidates.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    pub(super) subject: BoundSubject,
    /// In the order in which they were found.
    pub(super) listed: Arc<[Listed]>,
    /// What was read was read to its end.
    pub(super) complete: bool,
    /// Every route of discovery was read.
    pub(super) every_route: bool,
    pub(super) listed_at: Timestamp,
}

/// A candidate that a route of discovery found.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// As far as known; the candidate's manifest says where the list does not.
    pub(super) artifact_type: Option<Arc<str>>,
    /// Why it is no signature that can be judged, where the registry has nothing better.
    pub(super) broken: Option<Arc<Reason>>,
}

/// That something could not be found out, under which configuration, and until when that is remembered.
#[derive(Clone, Debug)]
pub(super) struct Undecided {
    pub(super) outcome: Arc<Outcome>,
    pub(super) generation: u64,
    pub(super) until: Instant,
}

/// Everything that is remembered.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) tags: Cache<TagKey, (Digest, Timestamp)>,
    /// Kept apart by who read it where: under which type it was served is the registry's word.
    pub(super) content: Cache<SubjectKey, Content>,
    pub(super) candidates: Cache<SubjectKey, Arc<Candidates>>,
    pub(super) proven: ProvenSignatures,
    /// Certificates that facts hold.
    pub(super) certificates: CertificatePool,
    pub(super) other_facts: Cache<Digest, Arc<SignatureFacts>>,
    pub(super) decisions: Cache<DecisionKey, Arc<Decision>>,
    pub(super) undecided: Cache<LoadKey, Undecided>,
}

impl Memory {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        Self {
            tags: Cache::new(settings.tags),
            content: by_weight(settings.content_bytes, |_, content| weight::content(content)),
            candidates: by_weight(settings.decision_bytes / 4, |key: &SubjectKey, candidates| {
                weight::candidates(key, candidates)
            }),
            proven: ProvenSignatures::new(settings),
            certificates: CertificatePool::default(),
            other_facts: by_weight(settings.other_facts_bytes, |_, facts| weight::facts(facts)),
            decisions: by_weight(settings.decision_bytes / 4 * 3, |_, decision| weight::decision(decision)),
            undecided: Cache::builder()
                .max_capacity(settings.decision_bytes / 8)
                .weigher(|_, undecided: &Undecided| weight::small(weight::outcome(&undecided.outcome)))
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
    Cache::builder().max_capacity(bytes).weigher(move |key, value| weight::small(weigh(key, value))).build()
}
