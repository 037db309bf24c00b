//! What does not work at present, by kind: since when, and what was said last.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::failure::Failure;

/// A watch that fails says so more often than this, so that a silent one works.
const STILL: SignedDuration = SignedDuration::from_secs(20);

/// What does not work, by kind.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<usize, Trouble>);

/// One kind's trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub since: Timestamp,
    last: Timestamp,
    pub failure: Failure,
}

impl Trouble {
    fn lasts(&self, now: Timestamp) -> bool {
        now.duration_since(self.last) < STILL
    }

    fn is_outage(&self) -> bool {
        matches!(self.failure, Failure::Unreachable(_))
    }
}

impl Troubles {
    /// Takes a failure. True where it is to be said: it is of another sort than the one before, and for an
    /// outage, no other kind is in one.
    pub(super) fn fail(&mut self, kind: usize, failure: Failure, now: Timestamp) -> bool {
        let outage = self.outage(now).is_some();
        let before = self.0.get(&kind).filter(|trouble| trouble.lasts(now));
        let same = before.is_some_and(|before| {
            std::mem::discriminant(&before.failure) == std::mem::discriminant(&failure)
        });
        let since = before.filter(|_| same).map_or(now, |before| before.since);
        let trouble = Trouble { since, last: now, failure };
        let is_old = same || (outage && trouble.is_outage());
        self.0.insert(kind, trouble);
        !is_old
    }

    /// The kind works. True where that ended an outage of all.
    pub(super) fn overcome(&mut self, kind: usize) -> bool {
        let ended = self.0.remove(&kind).is_some_and(|trouble| trouble.is_outage());
        ended && !self.0.values().any(Trouble::is_outage)
    }

    /// The longest outage that lasts.
    pub(super) fn outage(&self, now: Timestamp) -> Option<&Trouble> {
        self.0.values().filter(|one| one.is_outage() && one.lasts(now)).min_by_key(|one| one.since)
    }

    /// What is to be said of one kind at present.
    pub(super) fn of(&self, kind: usize, now: Timestamp) -> Option<&Trouble> {
        self.0.get(&kind).filter(|trouble| trouble.lasts(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("time")
    }

    fn refused() -> Failure {
        Failure::Unreachable("connection refused".to_owned())
    }

    #[test]
    fn an_outage_of_all_kinds_is_said_once_and_so_is_its_end() {
        let mut troubles = Troubles::default();
        assert!(troubles.fail(0, refused(), at(0)));
        assert!(!troubles.fail(1, refused(), at(1)));
        assert!(!troubles.fail(0, Failure::Unreachable("another word".to_owned()), at(5)));
        assert_eq!(troubles.outage(at(6)).map(|trouble| trouble.since), Some(at(0)));
        assert!(!troubles.overcome(0));
        assert!(troubles.overcome(1));
        assert!(!troubles.overcome(1));
        assert_eq!(troubles.outage(at(6)), None);
    }

    #[test]
    fn a_watch_that_fails_no_more_is_in_no_outage() {
        let mut troubles = Troubles::default();
        troubles.fail(0, refused(), at(0));
        assert!(troubles.outage(at(19)).is_some());
        assert!(troubles.outage(at(20)).is_none());
        assert!(troubles.fail(0, refused(), at(60)), "a new outage is said again");
        assert_eq!(troubles.outage(at(61)).map(|trouble| trouble.since), Some(at(60)));
    }

    #[test]
    fn what_is_forbidden_is_said_of_each_kind() {
        let mut troubles = Troubles::default();
        let forbidden = || Failure::Forbidden("no".to_owned());
        assert!(troubles.fail(0, forbidden(), at(0)));
        assert!(troubles.fail(1, forbidden(), at(0)));
        assert!(!troubles.fail(1, forbidden(), at(1)));
        assert!(troubles.fail(1, refused(), at(2)));
    }
}
