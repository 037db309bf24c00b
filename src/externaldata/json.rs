//! Writing JSON into one buffer, without building values first.

use std::fmt;

use serde::{Serialize, Serializer};

/// The most bytes of one text that comes from outside: a reason, a name, a media type.
const MAX_TEXT_BYTES: usize = 768;

/// Appends a value. Values here are structs of strings, numbers and lists, which cannot fail to be
/// written; if one did, `null` keeps the document whole, and no template takes it for a verdict.
pub(super) fn append<T: Serialize + ?Sized>(buffer: &mut Vec<u8>, value: &T) {
    let start = buffer.len();
    if serde_json::to_writer(&mut *buffer, value).is_err() {
        buffer.truncate(start);
        buffer.extend_from_slice(b"null");
    }
}

/// Written as the text that it prints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Printed<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Printed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// `CODE: message`, or a list of such: written without being put together first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joined<'a>(pub(super) [&'a str; 3]);

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self([first, between, last]) = self;
        serializer.collect_str(&format_args!("{first}{between}{last}"))
    }
}

/// The text, shortened where it is long, never within a character.
pub(super) fn shortened(text: &str) -> &str {
    shortened_to(text, MAX_TEXT_BYTES)
}

/// The text within so many bytes, never cut within a character.
pub(super) fn shortened_to(text: &str, max_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(max_bytes)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_between_two_characters() {
        let text = "€".repeat(1000);
        let cut = shortened(&text);
        assert!(cut.len() <= MAX_TEXT_BYTES && cut.len() > MAX_TEXT_BYTES - 3);
        assert!(cut.chars().all(|character| character == '€'));
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn printed_and_joined_texts_are_escaped() {
        let mut buffer = Vec::new();
        append(&mut buffer, &(Printed("a\"b"), Joined(["C", ": ", "d\\e"])));
        assert_eq!(buffer, br#"["a\"b","C: d\\e"]"#);
    }
}
