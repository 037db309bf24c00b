//! Authorities that were replaced and stay trusted for a while, so that what they signed works until it is
//! replaced too. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::x509::Certificate;

/// How long an authority of clients stays after it was replaced. Gatekeeper shows a certificate of the former
/// one until its Secret has reached every Pod and every connection is made anew.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The authorities in force, and those that were.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    current: Vec<Certificate>,
    former: Vec<(Certificate, Timestamp)>,
}

impl Overlap {
    /// Takes what is in force now. What was and is no longer becomes former.
    pub(super) fn take(&mut self, current: Vec<Certificate>, now: Timestamp) {
        let until = now.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
        let before = std::mem::replace(&mut self.current, current);
        self.former.extend(before.into_iter().map(|certificate| (certificate, until)));
        let current = &self.current;
        self.former.retain(|(certificate, _)| !current.contains(certificate));
        self.forget(now);
    }

    /// Those that count now: the ones in force first.
    pub(super) fn at(&mut self, now: Timestamp) -> Vec<Certificate> {
        self.forget(now);
        let former = self.former.iter().map(|(certificate, _)| certificate);
        self.current.iter().chain(former).cloned().collect()
    }

    /// How many of them are former.
    pub(super) fn former(&self) -> usize {
        self.former.len()
    }

    fn forget(&mut self, now: Timestamp) {
        self.former.retain(|(certificate, until)| now < *until && now <= certificate.not_after());
    }
}

#[cfg(test)]
mod tests {
    use super::super::provider::tests::{HOUR, at, authority};
    use super::*;

    #[test]
    fn a_former_authority_counts_for_a_day_and_not_beyond_its_end() {
        let (one, other) = (authority("one", 40 * HOUR), authority("other", 400 * HOUR));
        let mut overlap = Overlap::default();
        overlap.take(vec![one.clone()], at(0));
        assert_eq!(overlap.at(at(0)), vec![one.clone()]);
        overlap.take(vec![other.clone()], at(10 * HOUR));
        assert_eq!(overlap.at(at(33 * HOUR)), [other.clone(), one.clone()]);
        assert_eq!(overlap.at(at(34 * HOUR)), vec![other.clone()]);
        let mut overlap = Overlap::default();
        overlap.take(vec![one.clone()], at(30 * HOUR));
        overlap.take(vec![other.clone()], at(30 * HOUR));
        assert_eq!(overlap.at(at(41 * HOUR)), [other]);
    }

    #[test]
    fn one_that_comes_back_is_no_former_one() {
        let (one, other) = (authority("one", 400 * HOUR), authority("other", 400 * HOUR));
        let mut overlap = Overlap::default();
        overlap.take(vec![one.clone()], at(0));
        overlap.take(vec![other.clone()], at(HOUR));
        overlap.take(vec![one.clone()], at(2 * HOUR));
        assert_eq!(overlap.at(at(3 * HOUR)), [one.clone(), other]);
        assert_eq!(overlap.former(), 1);
        assert_eq!(overlap.at(at(26 * HOUR)), [one]);
    }
}
