//! Counting, printing and the exit status.

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::case::{Acceptance, Case};

/// What Hallmark said about a case.
#[derive(Debug)]
pub enum Answer {
    /// A verdict, in the words of the case's kind.
    Verdict {
        verdict: String,
        /// The first enforced check that failed, where that is known.
        failed_at: Option<String>,
        /// The checks that failed and were only logged.
        logged_failures: Vec<String>,
        /// Why, for the reader of a difference.
        why: String,
    },
    /// The kind of case is not supported yet.
    Unsupported(String),
}

impl Answer {
    pub fn verdict(verdict: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Verdict {
            verdict: verdict.into(),
            failed_at: None,
            logged_failures: Vec::new(),
            why: why.into(),
        }
    }
}

/// The tally of a run.
#[derive(Debug, Default)]
pub struct Report {
    passed: usize,
    failed: usize,
    skipped: BTreeMap<String, usize>,
    differ: usize,
}

impl Report {
    /// Compares one answer with what the case expects, and prints a difference.
    pub fn add(&mut self, case: &Case, answer: anyhow::Result<Answer>) {
        let answer = answer.unwrap_or_else(|error| Answer::verdict("error", format!("{error:#}")));
        let (verdict, failed_at, logged, why) = match answer {
            Answer::Unsupported(kind) => {
                *self.skipped.entry(kind).or_default() += 1;
                return;
            }
            Answer::Verdict { verdict, failed_at, logged_failures, why } => {
                (verdict, failed_at, logged_failures, why)
            }
        };
        if verdict != case.expected {
            match case.acceptance {
                Acceptance::Must => self.failed += 1,
                Acceptance::Should => self.differ += 1,
            }
            let word = if case.acceptance == Acceptance::Must { "FAILED" } else { "differs" };
            println!("{word} {}: expected {}, got {verdict} ({why}) [{}]", case.id, case.expected, case.why);
            return;
        }
        self.passed += 1;
        self.compare_details(case, failed_at.as_deref().unwrap_or_default(), logged, &why);
    }

    fn compare_details(&mut self, case: &Case, failed_at: &str, mut logged: Vec<String>, why: &str) {
        if let Some(expected) = &case.failed_at
            && expected != failed_at
        {
            self.differ += 1;
            println!("differs {}: expected failed_at {expected:?}, got {failed_at:?} ({why})", case.id);
        }
        if let Some(expected) = &case.logged_failures {
            let mut expected = expected.clone();
            expected.sort();
            logged.sort();
            if expected != logged {
                self.differ += 1;
                println!("differs {}: expected logged_failures {expected:?}, got {logged:?}", case.id);
            }
        }
    }

    /// Prints the tally, the plain line last.
    pub fn finish(self) -> ExitCode {
        for (kind, count) in &self.skipped {
            println!("skipped {count} cases of kind {kind:?}: not supported yet");
        }
        println!("{} differ", self.differ);
        let skipped: usize = self.skipped.values().sum();
        println!("{} passed, {} failed, {skipped} skipped", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
