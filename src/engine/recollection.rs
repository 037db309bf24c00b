//! Answering the same question again without looking anything up: no reference is parsed, no plan searched.
//!
//! An answer given so is no use in the eyes of the cache of decisions. A decision that is forgotten for that is
//! made again from the facts held.

use std::sync::{Arc, Weak};

use super::effective::Effective;
use super::memory::{Decision, DecisionKey, TagKey};
use super::{Shared, Standing};
use crate::outcome::Outcome;
use crate::reference::{Digest, Reference};

/// What an answer was made of, for whoever is asked the same question again. It holds nothing in memory: once
/// the engine has another decision, or has forgotten this one, it recalls nothing.
#[derive(Clone, Debug)]
pub struct Recollection {
    /// The configuration that decided which decision is the question's.
    generation: u64,
    decision: Weak<Decision>,
    /// The tag that was asked for, and what it meant.
    tag: Option<(TagKey, Digest)>,
}

impl Recollection {
    pub(super) fn new(
        generation: u64,
        decision: &Arc<Decision>,
        reference: &Reference,
        effective: &Effective,
        digest: &Digest,
    ) -> Self {
        let tag = match reference.digest() {
            Some(_) => None,
            None => reference.tag().map(|tag| {
                let key = TagKey { tag: tag.clone(), scope: effective.scope.clone() };
                (key, digest.clone())
            }),
        };
        Self { generation, decision: Arc::downgrade(decision), tag }
    }
}

impl Shared {
    /// What an outcome is answered by again, if it is that of the decision that is remembered now.
    pub(super) fn recollection(
        &self,
        generation: u64,
        reference: &Reference,
        effective: &Effective,
        outcome: &Arc<Outcome>,
    ) -> Option<Recollection> {
        let digest = outcome.subject()?.digest();
        let decision = self.memory.decisions.get(&DecisionKey::new(digest, effective))?;
        let is_remembered = Arc::ptr_eq(&decision.outcome, outcome);
        is_remembered.then(|| Recollection::new(generation, &decision, reference, effective, digest))
    }

    /// The decision again, where asking would give the very same.
    pub(super) fn recall(&self, recollection: &Recollection) -> Option<Arc<Outcome>> {
        let in_force = self.in_force.load();
        if in_force.as_ref()?.generation != recollection.generation {
            return None;
        }
        let decision = recollection.decision.upgrade()?;
        let now = self.now();
        if let Some((key, digest)) = &recollection.tag
            && self.digest_of_tag(key, now).as_ref() != Some(digest)
        {
            return None;
        }
        match self.standing_of(&decision, now) {
            Standing::Fresh(decision) => {
                self.counters.count_cache(true);
                Some(Arc::clone(&decision.outcome))
            }
            Standing::Due(_) | Standing::Over => None,
        }
    }
}
