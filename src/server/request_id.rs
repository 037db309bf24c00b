//! Ids of requests, for the log and the answer. They tell requests apart and guard nothing, so the kernel's
//! generator is asked once for all of them.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Gives every request another id.
#[derive(Debug, Default)]
pub(super) struct RequestIds {
    high: RandomState,
    low: RandomState,
    given: AtomicU64,
}

impl RequestIds {
    /// The next id: 122 bits of a keyed hash, in the form of a random UUID (RFC 9562 §5.4).
    pub(super) fn next(&self) -> Uuid {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (self.high.hash_one(number), self.low.hash_one(number));
        let bits = (u128::from(high) << 64) | u128::from(low);
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_random_uuids_and_differ_between_requests_and_processes() {
        let (one, other) = (RequestIds::default(), RequestIds::default());
        let given: Vec<Uuid> = (0..1000).flat_map(|_| [one.next(), other.next()]).collect();
        assert!(given.iter().all(|id| id.get_version_num() == 4));
        assert_eq!(given.iter().collect::<HashSet<_>>().len(), given.len());
    }
}
