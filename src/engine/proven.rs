//! The cap of unique signatures: the facts of signatures that support a `Verified` decision at present.
//!
//! Only what proves something gets in, so nobody can fill the cap with junk. A slot that nobody has asked
//! for within `verified_ttl` is free.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::limits::Overflow;
use crate::reference::Digest;
use crate::verifier::notation::SignatureFacts;

/// Signatures that are held verified.
#[derive(Debug)]
pub(super) struct ProvenSignatures {
    cap: usize,
    overflow: Overflow,
    idle_after: Duration,
    held: Mutex<Held>,
}

/// Why a signature gets no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cap} unique signatures are held, which is all that may be")]
pub(super) struct CapReached {
    cap: usize,
}

#[derive(Debug, Default)]
struct Held {
    by_digest: HashMap<Digest, Slot>,
    /// From the least to the most recently used.
    by_use: BTreeMap<u64, Digest>,
    next_use: u64,
    evicted: u64,
    refused: u64,
}

#[derive(Debug)]
struct Slot {
    facts: Arc<SignatureFacts>,
    used: u64,
    used_at: Timestamp,
}

impl ProvenSignatures {
    pub(super) fn new(cap: usize, overflow: Overflow, idle_after: Duration) -> Self {
        Self { cap, overflow, idle_after, held: Mutex::default() }
    }

    /// Marks the signatures that a decision rests on as used. False where one of them is no longer held:
    /// the decision then does not stand.
    pub(super) fn touch(&self, digests: &[Digest], now: Timestamp) -> bool {
        let mut held = self.lock();
        if !digests.iter().all(|digest| held.by_digest.contains_key(digest)) {
            return false;
        }
        for digest in digests {
            held.use_slot(digest, now);
        }
        true
    }

    /// Gives the signatures of a `Verified` decision their slots.
    ///
    /// # Errors
    /// [`CapReached`] in mode `refuse`, or where one decision needs more than all slots.
    pub(super) fn hold(&self, proofs: &[Arc<SignatureFacts>], now: Timestamp) -> Result<(), CapReached> {
        let mut held = self.lock();
        let wanted = proofs.iter().filter(|facts| !held.by_digest.contains_key(facts.manifest())).count();
        let free = self.cap.saturating_sub(held.by_digest.len());
        if wanted > free && !self.make_room(&mut held, proofs, wanted - free, now) {
            held.refused += 1;
            return Err(CapReached { cap: self.cap });
        }
        for facts in proofs {
            held.insert(Arc::clone(facts), now);
        }
        Ok(())
    }

    /// The facts of a held signature.
    pub(super) fn facts(&self, digest: &Digest) -> Option<Arc<SignatureFacts>> {
        self.lock().by_digest.get(digest).map(|slot| Arc::clone(&slot.facts))
    }

    /// How many are held, were evicted and were refused.
    pub(super) fn counts(&self) -> (usize, u64, u64) {
        let held = self.lock();
        (held.by_digest.len(), held.evicted, held.refused)
    }

    fn make_room(
        &self,
        held: &mut Held,
        proofs: &[Arc<SignatureFacts>],
        wanted: usize,
        now: Timestamp,
    ) -> bool {
        let keep = |digest: &Digest| proofs.iter().any(|facts| facts.manifest() == digest);
        let idle = SignedDuration::try_from(self.idle_after).unwrap_or(SignedDuration::MAX);
        let victims: Vec<Digest> = held
            .by_use
            .values()
            .filter(|digest| !keep(digest))
            .filter(|digest| {
                self.overflow == Overflow::Evict
                    || held.by_digest.get(*digest).is_none_or(|slot| now.duration_since(slot.used_at) > idle)
            })
            .take(wanted)
            .cloned()
            .collect();
        if victims.len() < wanted {
            return false;
        }
        for digest in victims {
            held.remove(&digest);
            held.evicted += 1;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn insert(&mut self, facts: Arc<SignatureFacts>, now: Timestamp) {
        let digest = facts.manifest().clone();
        self.remove(&digest);
        let used = self.next_use();
        self.by_use.insert(used, digest.clone());
        self.by_digest.insert(digest, Slot { facts, used, used_at: now });
    }

    fn use_slot(&mut self, digest: &Digest, now: Timestamp) {
        let used = self.next_use();
        let Some(slot) = self.by_digest.get_mut(digest) else {
            return;
        };
        let before = std::mem::replace(&mut slot.used, used);
        slot.used_at = now;
        if let Some(digest) = self.by_use.remove(&before) {
            self.by_use.insert(used, digest);
        }
    }

    fn remove(&mut self, digest: &Digest) {
        if let Some(slot) = self.by_digest.remove(digest) {
            self.by_use.remove(&slot.used);
        }
    }

    fn next_use(&mut self) -> u64 {
        self.next_use += 1;
        self.next_use
    }
}
