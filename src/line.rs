//! Foreign text on one line, as it may be shown: in a log, a status, an answer. Whoever wrote it chooses
//! neither where the line ends nor what the rest of it looks like.

use std::borrow::Cow;

/// What a text that is cut ends in.
const CUT: char = '…';

/// The text on one line of at most so many characters. What hides something and every run of white space become
/// one space; the edges have none. It is copied only where something changes.
pub fn within_chars<'t>(text: impl Into<Cow<'t, str>>, max: usize) -> Cow<'t, str> {
    within(text.into(), max, |_| 1)
}

/// The same, of at most so many bytes: three or more.
pub fn within_bytes<'t>(text: impl Into<Cow<'t, str>>, max: usize) -> Cow<'t, str> {
    within(text.into(), max, char::len_utf8)
}

fn within(text: Cow<'_, str>, max: usize, size: fn(char) -> usize) -> Cow<'_, str> {
    // No text has more characters than bytes.
    if text.len() <= max && is_plain(&text) { text } else { line(&text, max, size).into() }
}

fn line(text: &str, max: usize, size: fn(char) -> usize) -> String {
    let words = text.split(separates).filter(|word| !word.is_empty()).enumerate();
    let characters = words.flat_map(|(at, word)| (at > 0).then_some(' ').into_iter().chain(word.chars()));
    let mut line = String::with_capacity(text.len().min(max));
    let (mut used, mut room_until) = (0, 0);
    for character in characters {
        used += size(character);
        if used > max {
            line.truncate(room_until);
            line.push(CUT);
            return line;
        }
        line.push(character);
        if used + size(CUT) <= max {
            room_until = line.len();
        }
    }
    line
}

fn is_plain(text: &str) -> bool {
    let has_odd = text.contains(|character| character != ' ' && separates(character));
    !has_odd && !text.contains("  ") && !text.starts_with(' ') && !text.ends_with(' ')
}

/// True for white space, and for what ends a line, turns the direction of writing, or has no width (Unicode's
/// categories Cc and Cf, as far as texts have them).
fn separates(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_hides_and_runs_of_white_space_become_one_space() {
        for (text, line) in [
            ("plain text", "plain text"),
            (" at\tthe \r\n edges\u{85}", "at the edges"),
            ("error\u{2028}forged\u{2029}line", "error forged line"),
            ("a\u{202e}b\u{2066}c\u{61c}d\u{200f}e", "a b c d e"),
            ("a\u{200b}b\u{feff}c\u{ad}d\u{e0041}e\u{2060}\u{200d}f", "a b c d e f"),
            ("\u{1b}[31mred\0", "[31mred"),
            ("\n", ""),
            ("é €", "é €"),
        ] {
            assert_eq!(within_chars(text, 100), line);
            assert_eq!(within_bytes(text, 100), line);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(within_chars("€€€€", 4), "€€€€");
        assert_eq!(within_chars("€€€€€", 4), "€€€…");
        assert_eq!(within_bytes("abcdef", 6), "abcdef");
        assert_eq!(within_bytes("abcdefg", 6), "abc…");
        assert_eq!(within_bytes("€€€", 8), "€…");
        assert_eq!(within_chars(format!("a{}b", " ".repeat(1000)), 3), "a b");
    }

    #[test]
    fn a_plain_text_is_not_copied() {
        assert!(matches!(within_chars("plain text", 10), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn it_is_one_line_within_the_bound_and_stays_as_it_is(text in any::<String>(), max in 3_usize..40) {
            for (line, size) in [
                (within_chars(&text, max), text.chars().count()),
                (within_bytes(&text, max), text.len()),
            ] {
                prop_assert!(is_plain(&line), "{line:?}");
                prop_assert!(line.chars().count() <= max);
                prop_assert!(size > max || !line.ends_with(CUT) || text.contains(CUT));
                prop_assert_eq!(within_chars(&*line, max), &*line);
            }
            prop_assert!(within_bytes(&text, max).len() <= max);
        }
    }
}
