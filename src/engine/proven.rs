//! The cap of unique signatures: the facts of signatures that support a `Verified` decision at present.
//!
//! Only what proves something gets in, so nobody can fill the cap with junk. In mode `refuse` a slot that
//! nobody has asked for within `verified_ttl` is free. Using a slot takes no lock: what was used when is
//! put in order only when room is needed.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::limits::{EngineSettings, Overflow};
use crate::reference::Digest;
use crate::verifier::notation::SignatureFacts;

/// Signatures that are held verified.
#[derive(Debug)]
pub(super) struct ProvenSignatures {
    cap: usize,
    max_bytes: usize,
    overflow: Overflow,
    idle_after: Duration,
    uses: AtomicU64,
    held: Mutex<Held>,
}

/// A place among the proven signatures: what a decision rests on.
#[derive(Debug)]
pub(super) struct Slot {
    held: AtomicBool,
    last_use: AtomicU64,
    /// Unix seconds.
    used_at: AtomicI64,
}

/// Why a signature gets no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CapReached {
    #[error("{cap} unique signatures are held, which is all that may be")]
    Signatures { cap: usize },
    #[error("the signatures held take all of {max_bytes} bytes")]
    Bytes { max_bytes: usize },
}

#[derive(Debug, Default)]
struct Held {
    by_digest: HashMap<Digest, Entry>,
    /// From the least used, as far as it was put in order.
    queue: BTreeMap<u64, Digest>,
    bytes: usize,
    evicted: u64,
    refused: u64,
}

#[derive(Debug)]
struct Entry {
    facts: Arc<SignatureFacts>,
    slot: Arc<Slot>,
    queued_as: u64,
    bytes: usize,
}

/// What an entry costs besides its facts: digest, slot, and its places in map and queue.
const ENTRY_BYTES: usize = 320;

impl ProvenSignatures {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        Self {
            cap: settings.unique_signatures,
            max_bytes: usize::try_from(settings.unique_signature_bytes).unwrap_or(usize::MAX),
            overflow: settings.overflow,
            idle_after: settings.verified_ttl,
            uses: AtomicU64::new(0),
            held: Mutex::default(),
        }
    }

    /// Marks what a decision rests on as used. False where one of the signatures is no longer held: the
    /// decision then does not stand.
    pub(super) fn touch(&self, slots: &[Arc<Slot>], now: Timestamp) -> bool {
        if !slots.iter().all(|slot| slot.held.load(Ordering::Relaxed)) {
            return false;
        }
        for slot in slots {
            self.mark(slot, now);
        }
        true
    }

    /// Gives the signatures of a `Verified` decision their slots.
    ///
    /// # Errors
    /// [`CapReached`] in mode `refuse`, or where one decision needs more than all there is.
    pub(super) fn hold(
        &self,
        proofs: &[Arc<SignatureFacts>],
        now: Timestamp,
    ) -> Result<Arc<[Arc<Slot>]>, CapReached> {
        let mut held = self.lock();
        if let Err(full) = self.make_room(&mut held, proofs, now) {
            held.refused += 1;
            return Err(full);
        }
        Ok(proofs.iter().map(|facts| self.slot(&mut held, facts, now)).collect())
    }

    /// The facts of a held signature.
    pub(super) fn facts(&self, digest: &Digest) -> Option<Arc<SignatureFacts>> {
        self.lock().by_digest.get(digest).map(|entry| Arc::clone(&entry.facts))
    }

    /// How many are held, were evicted and were refused.
    pub(super) fn counts(&self) -> (usize, u64, u64) {
        let held = self.lock();
        (held.by_digest.len(), held.evicted, held.refused)
    }

    /// Bytes that are held.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn mark(&self, slot: &Slot, now: Timestamp) -> u64 {
        let number = self.uses.fetch_add(1, Ordering::Relaxed);
        slot.last_use.store(number, Ordering::Relaxed);
        slot.used_at.store(now.as_second(), Ordering::Relaxed);
        number
    }

    fn make_room(
        &self,
        held: &mut Held,
        proofs: &[Arc<SignatureFacts>],
        now: Timestamp,
    ) -> Result<(), CapReached> {
        let (too_many, too_large) =
            (CapReached::Signatures { cap: self.cap }, CapReached::Bytes { max_bytes: self.max_bytes });
        // What can never fit evicts nobody.
        if proofs.len() > self.cap {
            return Err(too_many);
        }
        if proofs.iter().map(|facts| bytes_of(facts)).sum::<usize>() > self.max_bytes {
            return Err(too_large);
        }
        let (mut slots, mut bytes) = (0, 0);
        for facts in proofs {
            match held.by_digest.get(facts.manifest()) {
                // In use: the last to go.
                Some(entry) => _ = self.mark(&entry.slot, now),
                None => (slots, bytes) = (slots + 1, bytes + bytes_of(facts)),
            }
        }
        loop {
            let full = if held.by_digest.len() + slots > self.cap {
                too_many
            } else if held.bytes + bytes > self.max_bytes {
                too_large
            } else {
                return Ok(());
            };
            let Some(least_used) = held.least_used() else {
                return Err(full);
            };
            if self.overflow == Overflow::Refuse && !self.is_idle(held, &least_used, now) {
                return Err(full);
            }
            held.evicted += u64::from(self.overflow == Overflow::Evict);
            held.remove(&least_used);
        }
    }

    fn is_idle(&self, held: &Held, digest: &Digest, now: Timestamp) -> bool {
        let used_at = held.by_digest.get(digest).map(|entry| entry.slot.used_at.load(Ordering::Relaxed));
        let idle = used_at.map_or(0, |used_at| now.as_second().saturating_sub(used_at));
        u64::try_from(idle).is_ok_and(|idle| idle > self.idle_after.as_secs())
    }

    fn slot(&self, held: &mut Held, facts: &Arc<SignatureFacts>, now: Timestamp) -> Arc<Slot> {
        if let Some(entry) = held.by_digest.get(facts.manifest()) {
            self.mark(&entry.slot, now);
            return Arc::clone(&entry.slot);
        }
        let slot = Arc::new(Slot {
            held: AtomicBool::new(true),
            last_use: AtomicU64::new(0),
            used_at: AtomicI64::new(0),
        });
        let queued_as = self.mark(&slot, now);
        held.insert(Entry {
            facts: Arc::clone(facts),
            slot: Arc::clone(&slot),
            queued_as,
            bytes: bytes_of(facts),
        });
        slot
    }

    /// The maps agree after every call, so a panic elsewhere does not spoil them.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn insert(&mut self, entry: Entry) {
        let digest = entry.facts.manifest().clone();
        self.bytes += entry.bytes;
        self.queue.insert(entry.queued_as, digest.clone());
        self.by_digest.insert(digest, entry);
    }

    fn remove(&mut self, digest: &Digest) {
        if let Some(entry) = self.by_digest.remove(digest) {
            entry.slot.held.store(false, Ordering::Relaxed);
            self.queue.remove(&entry.queued_as);
            self.bytes = self.bytes.saturating_sub(entry.bytes);
        }
    }

    /// The least used signature. Whatever was used since it was queued is queued anew on the way.
    fn least_used(&mut self) -> Option<Digest> {
        loop {
            let (queued_as, digest) = self.queue.pop_first()?;
            let Some(entry) = self.by_digest.get_mut(&digest) else {
                continue;
            };
            entry.queued_as = entry.slot.last_use.load(Ordering::Relaxed);
            self.queue.insert(entry.queued_as, digest.clone());
            if entry.queued_as == queued_as {
                return Some(digest);
            }
        }
    }
}

fn bytes_of(facts: &SignatureFacts) -> usize {
    facts.retained_bytes() + ENTRY_BYTES
}

#[cfg(test)]
mod tests;
