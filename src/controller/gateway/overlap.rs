//! Authorities that were replaced and stay trusted for a while, so that what they signed works until it is
//! replaced too. Pure.

use jiff::{SignedDuration, Timestamp};

use super::pem;
use crate::x509::Certificate;

/// How long an authority stays after it was replaced: until everybody shows a certificate of the new one, which
/// mounted Secrets take a minute or two for.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// What is above a former authority in a file.
const UNTIL: &str = "# former, until ";

const END: &str = "-----END CERTIFICATE-----\n";

/// An authority that was replaced, and until when it stays.
pub(super) type Former = (Certificate, Timestamp);

/// The authorities in force, and those that were.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    current: Vec<Certificate>,
    former: Vec<Former>,
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

    /// Those in force.
    pub(super) fn current(&self) -> &[Certificate] {
        &self.current
    }

    /// Those that were, and until when they count.
    pub(super) fn former(&self) -> &[Former] {
        &self.former
    }

    /// What a file keeps of it, so that a process that starts again knows the former ones: PEM, each of them
    /// below a line that says until when it counts.
    pub(super) fn to_pem(&self) -> String {
        let mut text = pem::to_pem(&self.current);
        for (certificate, until) in &self.former {
            text.push_str(&format!("{UNTIL}{until}\n{}", pem::to_pem([certificate])));
        }
        text
    }

    /// Reads what [`Self::to_pem`] wrote. Whatever was in force then has to be confirmed by [`Self::take`]: until
    /// it is, it is former, too.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub(super) fn resume(text: &str, now: Timestamp) -> Result<Self, String> {
        let latest = now.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
        let mut former = Vec::new();
        for block in text.split_inclusive(END) {
            let said = block.lines().find_map(|line| line.strip_prefix(UNTIL)?.parse().ok());
            let until = said.unwrap_or(latest).min(latest);
            if block.contains("-----BEGIN") {
                former.extend(pem::authorities(block.as_bytes())?.into_iter().map(|one| (one, until)));
            }
        }
        let mut this = Self { current: Vec::new(), former };
        this.forget(now);
        Ok(this)
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
    fn a_former_authority_counts_for_an_hour_and_not_beyond_its_end() {
        let (one, other) = (authority("one", 10 * HOUR), authority("other", 400 * HOUR));
        let mut overlap = Overlap::default();
        overlap.take(vec![one.clone()], at(0));
        assert_eq!(overlap.at(at(0)), vec![one.clone()]);
        overlap.take(vec![other.clone()], at(HOUR));
        assert_eq!(overlap.at(at(2 * HOUR - 1)), [other.clone(), one.clone()]);
        assert_eq!(overlap.at(at(2 * HOUR)), vec![other.clone()]);
        let mut overlap = Overlap::default();
        overlap.take(vec![one.clone()], at(10 * HOUR - 60));
        overlap.take(vec![other.clone()], at(10 * HOUR - 60));
        assert_eq!(overlap.at(at(10 * HOUR + 1)), [other]);
    }

    #[test]
    fn a_process_that_starts_again_knows_the_former_ones_and_gives_none_more_time() {
        let [one, other, third] = ["one", "other", "third"].map(|name| authority(name, 400 * HOUR));
        let mut overlap = Overlap::default();
        overlap.take(vec![one.clone()], at(0));
        overlap.take(vec![other.clone()], at(60));
        let text = overlap.to_pem();
        let resumed = |now| Overlap::resume(&text, at(now)).unwrap();
        assert_eq!(resumed(61).at(at(61)), [other.clone(), one.clone()]);
        let mut confirmed = resumed(120);
        confirmed.take(vec![other.clone()], at(120));
        assert_eq!(confirmed.to_pem(), text);
        assert_eq!(confirmed.at(at(60 + HOUR)), std::slice::from_ref(&other));
        // It was replaced while the process was away.
        let mut replaced = resumed(120);
        replaced.take(vec![third.clone()], at(120));
        assert_eq!(replaced.at(at(60 + HOUR)), [third.clone(), other]);
        assert_eq!(replaced.at(at(120 + HOUR)), [third]);
        // Long after, nothing of it counts; no line in the file gives more than an hour.
        assert_eq!(resumed(HOUR + 60).former().len(), 1);
        let edited = text.replace("2026-01-01", "2099-01-01");
        assert_eq!(Overlap::resume(&edited, at(0)).unwrap().at(at(HOUR)), []);
        assert!(Overlap::resume("-----BEGIN CERTIFICATE-----\njunk", at(0)).is_err());
        assert!(Overlap::resume("", at(0)).unwrap().at(at(0)).is_empty());
    }

    #[test]
    fn one_that_comes_back_is_no_former_one() {
        let (one, other) = (authority("one", 400 * HOUR), authority("other", 400 * HOUR));
        let mut overlap = Overlap::default();
        overlap.take(vec![one.clone()], at(0));
        overlap.take(vec![other.clone()], at(HOUR));
        overlap.take(vec![one.clone()], at(HOUR + 1));
        assert_eq!(overlap.at(at(HOUR + 2)), [one.clone(), other.clone()]);
        assert_eq!(overlap.former(), [(other, at(2 * HOUR + 1))]);
        assert_eq!(overlap.at(at(3 * HOUR)), [one]);
    }
}
