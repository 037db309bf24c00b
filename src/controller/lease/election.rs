//! Who leads: a state machine over what the Lease says and how long nothing changed in it. Times are
//! measured here, as durations since some beginning; clocks of other replicas do not matter.

use std::time::Duration;

/// How long a Lease holds that is not renewed.
pub(super) const LEASE_DURATION: Duration = Duration::from_secs(15);

/// How often it is looked at, and renewed by the one that holds it.
pub(super) const INTERVAL: Duration = Duration::from_secs(5);

/// What a Lease says that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Empty: nobody.
    pub holder: String,
    /// Changes with each renewal.
    pub version: String,
    /// How long the holder says that it holds.
    pub duration: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is no Lease: make one that this replica holds.
    Create,
    /// Nobody holds it any more: take it.
    Take,
    /// Renew what this replica holds.
    Renew,
    /// Somebody else holds it.
    Wait,
}

/// One replica's view.
#[derive(Debug)]
pub(super) struct Election {
    identity: String,
    seen: Option<(Record, Duration)>,
    held_until: Option<Duration>,
}

impl Election {
    pub(super) fn new(identity: String) -> Self {
        Self { identity, seen: None, held_until: None }
    }

    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Takes what the Lease says `now`.
    pub(super) fn look(&mut self, lease: Option<Record>, now: Duration) -> Step {
        let Some(record) = lease else {
            self.seen = None;
            return Step::Create;
        };
        if record.holder == self.identity {
            return Step::Renew;
        }
        // Whoever else it is, it is not this replica.
        self.held_until = None;
        if record.holder.is_empty() {
            return Step::Take;
        }
        match &self.seen {
            Some((seen, since)) if *seen == record => {
                let expired = now.saturating_sub(*since) >= record.duration;
                if expired { Step::Take } else { Step::Wait }
            }
            _ => {
                self.seen = Some((record, now));
                Step::Wait
            }
        }
    }

    /// The Lease was written, by a request that began at `began`.
    pub(super) fn written(&mut self, began: Duration) {
        self.held_until = Some(began + LEASE_DURATION);
    }

    /// Somebody else was faster.
    pub(super) fn lost(&mut self) {
        self.held_until = None;
    }

    /// Whether this replica leads. It ends by itself before anybody else may take over.
    pub(super) fn leads(&self, now: Duration) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn held(holder: &str, version: &str) -> Option<Record> {
        Some(Record { holder: holder.to_owned(), version: version.to_owned(), duration: LEASE_DURATION })
    }

    #[test]
    fn the_first_makes_it_holds_it_and_renews_it() {
        let mut one = Election::new("one".to_owned());
        assert_eq!(one.look(None, at(0)), Step::Create);
        assert!(!one.leads(at(0)));
        one.written(at(0));
        assert!(one.leads(at(14)));
        assert_eq!(one.look(held("one", "1"), at(5)), Step::Renew);
        one.written(at(5));
        assert!(one.leads(at(19)));
        assert!(!one.leads(at(20)), "without renewal it ends by itself");
    }

    #[test]
    fn another_takes_over_when_nothing_changed_for_as_long_as_the_lease_holds() {
        let mut other = Election::new("other".to_owned());
        assert_eq!(other.look(held("one", "1"), at(100)), Step::Wait);
        assert_eq!(other.look(held("one", "1"), at(114)), Step::Wait);
        assert_eq!(other.look(held("one", "2"), at(115)), Step::Wait, "it was renewed");
        assert_eq!(other.look(held("one", "2"), at(129)), Step::Wait);
        assert_eq!(other.look(held("one", "2"), at(130)), Step::Take);
    }

    #[test]
    fn what_was_given_up_is_taken_at_once() {
        let mut other = Election::new("other".to_owned());
        assert_eq!(other.look(held("one", "1"), at(0)), Step::Wait);
        assert_eq!(other.look(held("", "2"), at(1)), Step::Take);
    }

    #[test]
    fn the_one_that_was_replaced_or_was_too_slow_leads_no_more() {
        let mut one = Election::new("one".to_owned());
        one.written(at(0));
        assert_eq!(one.look(held("other", "5"), at(1)), Step::Wait);
        assert!(!one.leads(at(1)));
        one.written(at(2));
        one.lost();
        assert!(!one.leads(at(2)));
    }
}
