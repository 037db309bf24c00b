//! What a search came to, and the reason that explains it best.

use std::sync::Arc;

use jiff::Timestamp;

use super::answer;
use super::effective::EffectiveSettings;
use super::memory::Listed;
use super::rule::Holds;
use crate::outcome::{Reason, SignatureReport, SignatureResult};
use crate::verifier::notation::{Judgement, SignatureFacts};

/// What a search came to.
pub(super) struct Found {
    /// Whether the rule holds.
    pub(super) holds: Holds,
    /// Whether it would hold if there were nothing but what was looked at.
    pub(super) holds_alone: Holds,
    /// Whether a candidate that no list gave could undo that it holds.
    pub(super) could_be_vetoed: bool,
    /// What does not hold of what was looked at.
    pub(super) unmet: Option<Unmet>,
    /// Every candidate that a list gave.
    pub(super) listed: Arc<[Listed]>,
    pub(super) reports: Vec<SignatureReport>,
    pub(super) proofs: Vec<Arc<SignatureFacts>>,
    pub(super) holds_until: Option<Timestamp>,
    pub(super) prove_again_at: Option<Timestamp>,
    /// Something that a proof rests on is due for a new look, which failed.
    pub(super) stale: bool,
    /// Candidates beyond the limit were left untried.
    pub(super) too_many: bool,
    /// Some candidate was not looked at.
    pub(super) unexamined: bool,
    /// There are candidates that no list gave.
    pub(super) cut_short: bool,
    /// Some candidate of a claimed type exists.
    pub(super) any_candidate: bool,
}

/// A demand that does not hold.
pub(super) struct Unmet {
    /// Who demands it.
    pub(super) called: String,
    /// Whether the namespace that asks has no say in it.
    pub(super) is_mandatory: bool,
    /// How many words on signatures counted for it.
    pub(super) count: usize,
    /// The first reason for which one of them was no good one.
    pub(super) first: Option<Reason>,
}

impl Found {
    /// What the judgements say; nothing yet of the rule.
    pub(super) fn of(judgements: Vec<Judgement>, proofs: Vec<Arc<SignatureFacts>>) -> Self {
        let valid = || judgements.iter().filter(|j| j.report.result == SignatureResult::Valid);
        let stale = valid().any(|judgement| judgement.due_since.is_some());
        let holds_until = valid().filter_map(|judgement| judgement.holds_until).min();
        let prove_again_at = valid().filter_map(|judgement| judgement.prove_again_at).min();
        let mut reports: Vec<SignatureReport> = judgements.into_iter().map(|j| j.report).collect();
        reports.sort_by_key(|report| match report.result {
            SignatureResult::Valid => 0,
            SignatureResult::Undecided => 1,
            SignatureResult::Refuted => 2,
        });
        Self {
            holds: Holds::Unknown,
            holds_alone: Holds::Unknown,
            could_be_vetoed: false,
            unmet: None,
            listed: Arc::new([]),
            reports,
            proofs,
            holds_until,
            prove_again_at,
            stale,
            too_many: false,
            unexamined: false,
            cut_short: false,
            any_candidate: false,
        }
    }

    /// True where it could not be found out whether the rule holds. That there are more candidates than
    /// are tried is no such thing: it is known, and refused.
    pub(super) fn is_undecided(&self) -> bool {
        self.holds == Holds::Unknown && (self.holds_alone == Holds::Unknown || !self.too_many)
    }

    /// Why the rule is undecided.
    pub(super) fn undecided_reason(&self, settings: &EffectiveSettings) -> Reason {
        let reason = self.first_reason(SignatureResult::Undecided).cloned();
        reason
            .or_else(|| settings.refusal.clone())
            .or_else(|| self.cut_short.then(answer::listing_cut_short))
            .unwrap_or_else(|| answer::internal("the rule could not be settled"))
    }

    /// Why the rule does not hold, though there are candidates.
    pub(super) fn rejection(&self, settings: &EffectiveSettings, limit: usize) -> Reason {
        if self.too_many {
            return answer::too_many_signatures(limit);
        }
        let Some(unmet) = &self.unmet else {
            return answer::rule_not_satisfied(
                self.reports.len(),
                &format!("policy {}", settings.policy.name),
                None,
            );
        };
        match (&unmet.first, unmet.count) {
            (Some(reason), 1) if unmet.is_mandatory => answer::not_for(&unmet.called, reason),
            (Some(reason), 1) => reason.clone(),
            (first, count) => answer::rule_not_satisfied(count, &unmet.called, first.as_ref()),
        }
    }

    fn first_reason(&self, result: SignatureResult) -> Option<&Reason> {
        let mut reports = self.reports.iter().filter(|report| report.result == result);
        reports.find_map(|report| report.reason.as_ref())
    }
}
