//! Logs a refusal once for each change, and not once for each audit that asks again.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::line;
use crate::outcome::{Outcome, ReasonCode, Verdict};

/// How many keys are remembered. What was said about a key that is forgotten is said again.
const MAX_KEYS: u64 = 20_000;

/// The most characters of a key that are logged.
const MAX_KEY_CHARS: usize = 512;

/// Remembers what was last said about each key, for a bounded number of keys of a fixed size each.
#[derive(Debug)]
pub struct VerdictLog {
    said: Cache<u128, Said>,
    hashers: (RandomState, RandomState),
}

impl Default for VerdictLog {
    fn default() -> Self {
        Self { said: Cache::new(MAX_KEYS), hashers: (RandomState::new(), RandomState::new()) }
    }
}

/// What a line in the log says. Two undecided answers say the same whatever their codes: during an outage
/// those alternate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    verdict: Verdict,
    code: Option<ReasonCode>,
    stale: bool,
}

impl Said {
    fn of(outcome: &Outcome) -> Self {
        let verdict = outcome.verdict();
        let decided = verdict != Verdict::Inconclusive;
        Self { verdict, code: decided.then_some(outcome.reason.code), stale: outcome.stale }
    }
}

impl VerdictLog {
    /// Logs the outcome of `key` if it says something else than the one before it: refusals as warnings,
    /// an image that is admitted at last or again, and one that stands on an earlier proof, too. The first
    /// time that an image is admitted is logged at level `debug`.
    pub fn note(&self, key: &str, outcome: &Outcome, trace_id: impl fmt::Display) {
        if let Some(before) = self.change(key, Said::of(outcome)) {
            log(key, outcome, before.map(|said| said.verdict), &trace_id);
        }
    }

    /// `None` where nothing changed, else what was said before. Of those who say it at once, one is told.
    fn change(&self, key: &str, now: Said) -> Option<Option<Said>> {
        let key = self.hashed(key);
        if self.said.get(&key) == Some(now) {
            return None;
        }
        let mut changed = None;
        self.said.entry(key).and_compute_with(|entry| {
            let before = entry.map(moka::Entry::into_value);
            if before == Some(now) {
                return Op::Nop;
            }
            changed = Some(before);
            Op::Put(now)
        });
        changed
    }

    /// Keyed hashes that nobody outside can aim at: a key cannot silence another.
    fn hashed(&self, key: &str) -> u128 {
        let (one, other) = (self.hashers.0.hash_one(key), self.hashers.1.hash_one(key));
        (u128::from(one) << 64) | u128::from(other)
    }
}

fn log(key: &str, outcome: &Outcome, before: Option<Verdict>, trace_id: &dyn fmt::Display) {
    let image = &*line::within_chars(key, MAX_KEY_CHARS);
    let verdict = outcome.verdict();
    let digest = outcome.subject().map(|subject| subject.digest().to_string()).unwrap_or_default();
    let before = before.map_or("", Verdict::as_str);
    let (code, reason) = (outcome.reason.code.as_str(), outcome.reason.message.as_str());
    macro_rules! say {
        ($level:ident, $what:literal) => {
            tracing::$level!(
                image,
                verdict = verdict.as_str(),
                code,
                reason,
                digest,
                before,
                trace_id = %trace_id,
                $what
            )
        };
    }
    match (verdict.admits(), outcome.stale, before) {
        (false, _, _) => say!(warn, "refused"),
        (true, true, _) => say!(warn, "admitted on an earlier proof"),
        (true, false, "") => say!(debug, "admitted"),
        (true, false, _) => say!(info, "admitted"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::logged;
    use super::*;
    use crate::config::LogFormat;
    use crate::outcome::{PolicyIdentity, Reason};

    fn policy() -> PolicyIdentity {
        PolicyIdentity { name: "default".into(), id: "0".into() }
    }

    fn rejected(code: ReasonCode) -> Outcome {
        Outcome::rejected(None, Reason::new(code, "why", ""), Vec::new(), policy())
    }

    fn undecided(code: ReasonCode) -> Outcome {
        Outcome::inconclusive(None, Reason::new(code, "why", ""), Vec::new(), policy())
    }

    fn admitted() -> Outcome {
        Outcome::not_required(None, Reason::new(ReasonCode::SkippedByPolicy, "skip", ""), policy())
    }

    /// The lines of noting these outcomes about one image.
    fn lines(outcomes: &[Outcome]) -> Vec<serde_json::Value> {
        let text = logged(LogFormat::Json, "debug", || {
            let log = VerdictLog::default();
            outcomes.iter().for_each(|outcome| log.note("r.example/app:1", outcome, "trace-1"));
        });
        text.lines().map(|line| serde_json::from_str(line).expect("json")).collect()
    }

    #[test]
    fn a_refusal_is_logged_once_however_often_it_is_asked_for() {
        let lines = lines(&[
            rejected(ReasonCode::UntrustedSigner),
            rejected(ReasonCode::UntrustedSigner),
            rejected(ReasonCode::UntrustedSigner),
        ]);
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"refused".into()));
        assert_eq!(line["image"], "r.example/app:1");
        assert_eq!((&line["verdict"], &line["code"]), (&"rejected".into(), &"UNTRUSTED_SIGNER".into()));
        assert_eq!((&line["reason"], &line["trace_id"]), (&"why".into(), &"trace-1".into()));
    }

    #[test]
    fn each_change_is_logged_with_what_was_before() {
        let lines = lines(&[
            admitted(),
            rejected(ReasonCode::UntrustedSigner),
            rejected(ReasonCode::SignatureExpired),
            admitted(),
            admitted(),
        ]);
        let said: Vec<(&str, &str)> = lines
            .iter()
            .map(|line| (line["level"].as_str().expect("level"), line["before"].as_str().expect("before")))
            .collect();
        assert_eq!(
            said,
            [("DEBUG", ""), ("WARN", "notRequired"), ("WARN", "rejected"), ("INFO", "rejected")]
        );
    }

    #[test]
    fn an_outage_is_logged_once_though_its_codes_alternate() {
        let lines = lines(&[
            undecided(ReasonCode::DeadlineExceeded),
            undecided(ReasonCode::RegistryUnavailable),
            undecided(ReasonCode::DeadlineExceeded),
        ]);
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn standing_on_an_earlier_proof_is_a_change() {
        let mut stale = admitted();
        stale.stale = true;
        let lines = lines(&[admitted(), stale.clone(), stale, admitted()]);
        let said: Vec<&str> = lines.iter().filter_map(|line| line["message"].as_str()).collect();
        assert_eq!(said, ["admitted", "admitted on an earlier proof", "admitted"]);
    }

    #[test]
    fn images_do_not_speak_for_each_other_and_a_hostile_name_stays_on_its_line() {
        let text = logged(LogFormat::Text, "info", || {
            let log = VerdictLog::default();
            let outcome = rejected(ReasonCode::UntrustedSigner);
            log.note("one", &outcome, "t");
            log.note("two", &outcome, "t");
            log.note(
                &format!("x\n\u{1b}[31mWARN\u{202e}forged\u{2028}{}", "y".repeat(10_000)),
                &outcome,
                "t",
            );
        });
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{2028}']) && text.len() < 2_000, "{text}");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let log = VerdictLog::default();
        for number in 0..MAX_KEYS + 5_000 {
            let _ = log.change(&number.to_string(), Said::of(&admitted()));
        }
        log.said.run_pending_tasks();
        assert!(log.said.entry_count() <= MAX_KEYS, "{}", log.said.entry_count());
    }
}
