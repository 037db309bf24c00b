//! `systemError`: which keys are undecided and why, within a bound.

use std::fmt::Write as _;

use crate::line;
use crate::outcome::ReasonCode;

/// The most bytes that a `systemError` has.
pub const MAX_SYSTEM_ERROR_BYTES: usize = 1024;

/// What is kept free for ` +N more`.
const ROOM_FOR_COUNT: usize = 32;
/// The most of one key that is named.
const MAX_KEY_CHARS: usize = 300;

/// Collects undecided keys as `CODE image; CODE image; … +N more`.
#[derive(Debug, Default)]
pub(super) struct SystemError {
    text: String,
    left_out: usize,
}

impl SystemError {
    pub(super) fn add(&mut self, code: ReasonCode, key: &str) {
        if self.left_out > 0 {
            self.left_out += 1;
            return;
        }
        let entry = format!("{code} {}", line::within_chars(key, MAX_KEY_CHARS));
        let separator = if self.text.is_empty() { "" } else { "; " };
        let room = MAX_SYSTEM_ERROR_BYTES - ROOM_FOR_COUNT;
        if self.text.len() + separator.len() + entry.len() > room {
            self.left_out += 1;
            return;
        }
        self.text.push_str(separator);
        self.text.push_str(&entry);
    }

    pub(super) fn finish(mut self) -> String {
        if self.left_out > 0 {
            // Writing to a String cannot fail.
            let _ = write!(self.text, "; … +{} more", self.left_out);
        }
        self.text
    }
}

/// A text that may repeat foreign words, on one line and within the bound.
pub(super) fn cut(text: &str) -> String {
    line::within_bytes(text, MAX_SYSTEM_ERROR_BYTES).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undecided_keys_are_named_until_the_bound_and_counted_beyond() {
        let mut error = SystemError::default();
        error.add(ReasonCode::RegistryUnavailable, "a");
        error.add(ReasonCode::DeadlineExceeded, "b\n\u{202e}c");
        assert_eq!(error.finish(), "REGISTRY_UNAVAILABLE a; DEADLINE_EXCEEDED b c");
        let mut error = SystemError::default();
        for number in 0..1000 {
            error.add(ReasonCode::Overloaded, &format!("registry.example/team/app{number}"));
        }
        let text = error.finish();
        assert!(text.len() <= MAX_SYSTEM_ERROR_BYTES, "{}", text.len());
        let named = text.matches("OVERLOADED").count();
        assert!(named > 10 && text.ends_with(&format!("; … +{} more", 1000 - named)), "{text}");
    }

    #[test]
    fn one_key_of_any_length_stays_within_the_bound() {
        let mut error = SystemError::default();
        error.add(ReasonCode::Overloaded, &"€".repeat(10_000));
        error.add(ReasonCode::Overloaded, "b");
        assert!(error.finish().len() <= MAX_SYSTEM_ERROR_BYTES);
        assert!(cut(&"€".repeat(10_000)).len() <= MAX_SYSTEM_ERROR_BYTES);
    }
}
