//! When an authority is replaced, and how. Clients must trust a new authority before it signs: it is first
//! announced in the bundle, signs a year later, and the old one stays in the bundle until it ends. Pure.

use jiff::Timestamp;

use crate::x509::Certificate;

use super::DAY;
use super::held::Authorities;
use super::issue::{IssueError, Issuer, later};

/// How long a new authority is announced before it signs, in seconds.
pub(in super::super) const OVERLAP: i64 = 365 * DAY;

/// How long before an authority's end the next one signs even if it was not announced for long, in seconds:
/// by then nobody who does not trust it yet could be served much longer.
const LAST_CALL: i64 = 7 * DAY;

/// What the next look at the authorities would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Make the next authority and put it in the bundle.
    Announce,
    /// Let the next authority sign.
    Switch,
    /// Take authorities out of the bundle that have ended.
    Forget,
}

impl Authorities {
    /// The step that is due.
    pub(super) fn due(&self, now: Timestamp) -> Option<Step> {
        match &self.next {
            None if now >= two_thirds(&self.issuing.certificate) => Some(Step::Announce),
            Some(_) if self.switches_at().is_some_and(|time| now >= time) => Some(Step::Switch),
            _ => self.retired.iter().any(|one| one.not_after() < now).then_some(Step::Forget),
        }
    }

    /// When the next authority will sign, if one is announced.
    pub(super) fn switches_at(&self) -> Option<Timestamp> {
        let announced = self.next.as_ref()?.certificate.not_before();
        Some(later(announced, OVERLAP).min(later(self.issuing.certificate.not_after(), -LAST_CALL)))
    }

    /// Takes a step.
    ///
    /// # Errors
    /// [`IssueError`] where the next authority cannot be made; nothing has changed then.
    pub(super) fn take(&mut self, step: Step, now: Timestamp) -> Result<(), IssueError> {
        match step {
            Step::Announce => self.next = Some(Issuer::new(now)?),
            Step::Switch => {
                if let Some(next) = self.next.take() {
                    let old = std::mem::replace(&mut self.issuing, next);
                    self.retired.push(old.certificate);
                }
            }
            Step::Forget => self.retired.retain(|one| one.not_after() >= now),
        }
        Ok(())
    }
}

/// When two thirds of a certificate's validity are over: time to renew it.
pub(super) fn two_thirds(certificate: &Certificate) -> Timestamp {
    let (from, to) = (certificate.not_before(), certificate.not_after());
    let life = to.as_second().saturating_sub(from.as_second());
    later(from, life - life / 3)
}
