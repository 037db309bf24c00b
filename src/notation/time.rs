//! Times as they are written in envelopes: RFC 3339 texts and seconds since 1970.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Reads an RFC 3339 time with upper-case letters, any fraction and any offset, from 1970 to 9999. Leap
/// seconds are refused.
pub(super) fn from_rfc3339(text: &str) -> Option<Timestamp> {
    let (date_time, rest) = text.split_at_checked(19)?;
    if !has_shape(date_time, b"dddd-dd-ddTdd:dd:dd") || date_time.ends_with("60") {
        return None;
    }
    let digits =
        rest.strip_prefix('.').map_or(0, |fraction| fraction.bytes().take_while(u8::is_ascii_digit).count());
    let zone = if digits > 0 { rest.get(digits + 1..)? } else { rest };
    let offset = offset(zone)?;
    let date_time: DateTime = date_time.parse().ok()?;
    let seconds = offset.to_timestamp(date_time).map_or_else(|_| beyond(date_time), Some)?.as_second();
    let nanoseconds = if digits > 0 { nanoseconds(rest.get(1..=digits)?)? } else { 0 };
    in_range(Timestamp::new(seconds, nanoseconds).unwrap_or(Timestamp::MAX))
}

/// Reads seconds since 1970, to the year 9999.
pub(super) fn from_seconds(seconds: i64) -> Option<Timestamp> {
    if (0..=LAST_SECOND).contains(&seconds) {
        Some(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
    } else {
        None
    }
}

/// Reads seconds since 1970 with a fraction, to the year 9999.
pub(super) fn from_fractional_seconds(seconds: f64) -> Option<Timestamp> {
    let whole = Duration::try_from_secs_f64(seconds).ok()?;
    let time = from_seconds(i64::try_from(whole.as_secs()).ok()?)?;
    Some(time.checked_add(SignedDuration::from_nanos(whole.subsec_nanos().into())).unwrap_or(Timestamp::MAX))
}

/// The last hours of 9999, which [`Timestamp`] does not hold, are its maximum.
fn beyond(date_time: DateTime) -> Option<Timestamp> {
    (date_time.year() == 9999).then_some(Timestamp::MAX)
}

fn in_range(time: Timestamp) -> Option<Timestamp> {
    (time >= Timestamp::UNIX_EPOCH).then_some(time)
}

fn offset(zone: &str) -> Option<Offset> {
    if zone == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, clock) = zone.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = clock.split_once(':').filter(|_| has_shape(clock, b"dd:dd"))?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// Digits past the ninth are dropped.
fn nanoseconds(digits: &str) -> Option<i32> {
    let nine: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
    nine.parse().ok()
}

/// True if `text` has digits where `shape` has `d`, and else the same characters.
fn has_shape(text: &str, shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            _ => byte == *wanted,
        })
}

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fractions_and_offsets_are_read() {
        let second = |text: &str| from_rfc3339(text).map(Timestamp::as_second);
        assert_eq!(second("2023-03-14T16:10:02+08:00"), Some(1_678_781_402));
        assert_eq!(second("2023-03-14T00:10:02-08:00"), Some(1_678_781_402));
        assert_eq!(second("2023-03-14T08:10:02Z"), Some(1_678_781_402));
        assert_eq!(
            from_rfc3339("1970-01-01T00:00:00.25Z").map(|time| time.as_nanosecond()),
            Some(250_000_000)
        );
        assert_eq!(second("9999-12-31T23:59:59Z"), Some(Timestamp::MAX.as_second()));
        assert_eq!(second("9999-12-31T23:59:59.9999999999Z"), Some(Timestamp::MAX.as_second()));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "2023-03-14",
            "2023-03-14T08:10:02",
            "2023-03-14t08:10:02Z",
            "2023-03-14T08:10:02z",
            "2023-03-14 08:10:02Z",
            "2023-03-14T08:10Z",
            "2023-03-14T08:10:60Z",
            "2023-02-30T08:10:02Z",
            "2023-03-14T24:10:02Z",
            "2023-03-14T08:10:02.Z",
            "2023-03-14T08:10:02,5Z",
            "2023-03-14T08:10:02+0800",
            "2023-03-14T08:10:02+24:00",
            "2023-03-14T08:10:02Z ",
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "+02023-03-14T08:10:02Z",
            "2023-03-14T08:10:02Z[UTC]",
            "2023-03-1é08:10:02Z",
        ] {
            assert_eq!(from_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_outside_1970_to_9999_are_refused() {
        assert_eq!(from_seconds(-1), None);
        assert_eq!(from_seconds(i64::MAX), None);
        assert_eq!(from_seconds(LAST_SECOND), Some(Timestamp::MAX));
        assert_eq!(from_seconds(0), Some(Timestamp::UNIX_EPOCH));
        assert_eq!(from_fractional_seconds(0.5).map(|time| time.as_millisecond()), Some(500));
        for seconds in [f64::NAN, f64::INFINITY, -1.0, 1e300, 253_402_300_800.0] {
            assert_eq!(from_fractional_seconds(seconds), None);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = from_rfc3339(&text);
        }

        #[test]
        fn a_printed_time_reads_back(seconds in 0..253_000_000_000i64) {
            let time = Timestamp::from_second(seconds).expect("time");
            prop_assert_eq!(from_rfc3339(&time.to_string()), Some(time));
        }
    }
}
