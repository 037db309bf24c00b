//! Reading DER field by field, borrowing from the input: what revocation lists, OCSP answers and timestamp
//! tokens share. Not for certificates, and nothing here allocates or decides.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, ErrorKind, Reader, Result, SliceReader, Tag, TagNumber, Tagged};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The fields of one constructed value, read in order. Every error leaves the input refused.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a>(SliceReader<'a>);

impl<'a> Fields<'a> {
    /// Reads the content of a constructed value, header already taken off.
    pub(crate) fn of(content: &'a [u8]) -> Result<Self> {
        SliceReader::new(content).map(Self)
    }

    /// Reads `der` as exactly one SEQUENCE: bytes after it are refused.
    pub(crate) fn document(der: &'a [u8]) -> Result<Self> {
        let mut outer = Self::of(der)?;
        let fields = outer.sequence()?;
        outer.finish()?;
        Ok(fields)
    }

    /// The next value, whatever it is.
    pub(crate) fn any(&mut self) -> Result<AnyRef<'a>> {
        AnyRef::decode(&mut self.0)
    }

    /// The next value with its header, as it was written.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8]> {
        self.0.tlv_bytes()
    }

    /// The content of the next value, which must have `tag`.
    pub(crate) fn expect(&mut self, tag: Tag) -> Result<&'a [u8]> {
        let value = self.any()?;
        value.tag().assert_eq(tag)?;
        Ok(value.value())
    }

    /// The content of the next value if it has `tag`; otherwise nothing is read.
    pub(crate) fn optional(&mut self, tag: Tag) -> Result<Option<&'a [u8]>> {
        if self.next_is(tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// Whether the next value has `tag`.
    pub(crate) fn next_is(&self, tag: Tag) -> bool {
        !self.is_empty() && self.0.peek_tag().is_ok_and(|next| next == tag)
    }

    /// The next value, a SEQUENCE.
    pub(crate) fn sequence(&mut self) -> Result<Self> {
        Self::of(self.expect(Tag::Sequence)?)
    }

    /// The next value, an OBJECT IDENTIFIER.
    pub(crate) fn oid(&mut self) -> Result<ObjectIdentifier> {
        ObjectIdentifier::from_bytes(self.expect(Tag::ObjectIdentifier)?)
            .map_err(|_| Tag::ObjectIdentifier.value_error())
    }

    /// The content of the next value, an INTEGER in its shortest form.
    pub(crate) fn integer(&mut self) -> Result<&'a [u8]> {
        let content = self.expect(Tag::Integer)?;
        match content {
            [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(Tag::Integer.non_canonical_error()),
            content => Ok(content),
        }
    }

    /// The bytes of the next value, a BIT STRING of whole bytes.
    pub(crate) fn bit_string(&mut self) -> Result<&'a [u8]> {
        match self.expect(Tag::BitString)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(Tag::BitString.value_error()),
        }
    }

    /// The next value, a UTCTime or GeneralizedTime as certificates and lists write them.
    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        let value = self.any()?;
        let time = match value.tag() {
            Tag::UtcTime => utc_time(value.value()),
            Tag::GeneralizedTime => generalized_time(value.value()),
            tag => return Err(tag.unexpected_error(None)),
        };
        time.ok_or_else(|| value.tag().value_error())
    }

    /// The next value as a time, if it is one.
    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>> {
        if self.next_is(Tag::UtcTime) || self.next_is(Tag::GeneralizedTime) {
            self.time().map(Some)
        } else {
            Ok(None)
        }
    }

    /// The next value, an AlgorithmIdentifier.
    pub(crate) fn algorithm(&mut self) -> Result<Algorithm<'a>> {
        Algorithm::read(self.sequence()?)
    }

    /// Whether everything is read.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_finished()
    }

    /// Refuses unread fields.
    pub(crate) fn finish(self) -> Result<()> {
        self.0.finish(())
    }
}

/// The context-specific tag `[number]` of a constructed value: EXPLICIT, or IMPLICIT of a SEQUENCE or SET.
pub(crate) const fn constructed(number: u8) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber::new(number) }
}

/// The context-specific tag `[number]` of a primitive value: IMPLICIT.
pub(crate) const fn primitive(number: u8) -> Tag {
    Tag::ContextSpecific { constructed: false, number: TagNumber::new(number) }
}

/// An AlgorithmIdentifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithm<'a> {
    /// Which algorithm.
    pub(crate) oid: ObjectIdentifier,
    /// Its parameters, as far as there are any.
    pub(crate) parameters: Option<AnyRef<'a>>,
}

impl<'a> Algorithm<'a> {
    /// Reads the fields of an AlgorithmIdentifier.
    pub(crate) fn read(mut fields: Fields<'a>) -> Result<Self> {
        let oid = fields.oid()?;
        let parameters = if fields.is_empty() { None } else { Some(fields.any()?) };
        fields.finish()?;
        Ok(Self { oid, parameters })
    }
}

/// One extension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    /// Which extension.
    pub(crate) oid: ObjectIdentifier,
    /// Whether whoever does not understand it must refuse what it belongs to.
    pub(crate) critical: bool,
    /// The DER of its value.
    pub(crate) value: &'a [u8],
}

/// Reads a list of extensions one by one; `fields` are those of the Extensions SEQUENCE.
#[derive(Clone, Debug)]
pub(crate) struct Extensions<'a>(Fields<'a>);

impl<'a> Extensions<'a> {
    /// Reads the content of an Extensions SEQUENCE.
    pub(crate) fn of(content: &'a [u8]) -> Result<Self> {
        Fields::of(content).map(Self)
    }

    /// Reads an Extensions SEQUENCE inside an EXPLICIT tag whose content is `content`.
    pub(crate) fn explicit(content: &'a [u8]) -> Result<Self> {
        Fields::document(content).map(Self)
    }

    fn read(&mut self) -> Result<Extension<'a>> {
        let mut fields = self.0.sequence()?;
        let oid = fields.oid()?;
        let critical = match fields.optional(Tag::Boolean)? {
            None => false,
            Some(content) => !matches!(content, [0]),
        };
        let value = fields.expect(Tag::OctetString)?;
        fields.finish()?;
        Ok(Extension { oid, critical, value })
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Result<Extension<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let extension = self.read();
        if extension.is_err() {
            self.0 = Fields::of(&[]).ok()?;
        }
        Some(extension)
    }
}

/// A non-negative INTEGER's content as a number, if it is one that small.
pub(crate) fn unsigned(content: &[u8]) -> Option<u64> {
    let magnitude = magnitude(content)?;
    if magnitude.len() > size_of::<u64>() {
        return None;
    }
    Some(magnitude.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// The bytes of a non-negative INTEGER without leading zeros, so that two compare by length, then bytewise.
pub(crate) fn magnitude(content: &[u8]) -> Option<&[u8]> {
    match content {
        [] | [0x80..=0xff, ..] => None,
        [0, rest @ ..] => Some(rest),
        content => Some(content),
    }
}

/// Refuses a structure that is well-formed and still not what it should be.
pub(crate) fn refuse(tag: Tag) -> der::Error {
    ErrorKind::Value { tag }.into()
}

fn utc_time(text: &[u8]) -> Option<Timestamp> {
    let [digits @ .., b'Z'] = text else { return None };
    let (year, rest) = number(digits, 2)?;
    let year = if year < 50 { 2000 + year } else { 1900 + year };
    civil(year, rest, 0)
}

/// A GeneralizedTime in UTC; a fraction of a second has at most nine digits.
pub(crate) fn generalized_time(text: &[u8]) -> Option<Timestamp> {
    let [body @ .., b'Z'] = text else { return None };
    let (year, rest) = number(body, 4)?;
    match rest.iter().position(|byte| *byte == b'.') {
        None => civil(year, rest, 0),
        Some(at) => {
            let (whole, fraction) = rest.split_at_checked(at)?;
            civil(year, whole, nanoseconds(fraction.get(1..)?)?)
        }
    }
}

fn nanoseconds(digits: &[u8]) -> Option<i32> {
    const DIGITS: usize = 9;
    let (value, rest) = number(digits, digits.len())?;
    if digits.is_empty() || digits.len() > DIGITS || !rest.is_empty() {
        return None;
    }
    let scale = u32::try_from(DIGITS - digits.len()).ok()?;
    value.checked_mul(10_i32.checked_pow(scale)?)
}

fn civil(year: i32, digits: &[u8], nanosecond: i32) -> Option<Timestamp> {
    let (month, digits) = small(digits)?;
    let (day, digits) = small(digits)?;
    let (hour, digits) = small(digits)?;
    let (minute, digits) = small(digits)?;
    let (second, digits) = small(digits)?;
    if !digits.is_empty() {
        return None;
    }
    let civil =
        DateTime::new(i16::try_from(year).ok()?, month, day, hour, minute, second, nanosecond).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn small(digits: &[u8]) -> Option<(i8, &[u8])> {
    let (value, rest) = number(digits, 2)?;
    Some((i8::try_from(value).ok()?, rest))
}

fn number(digits: &[u8], count: usize) -> Option<(i32, &[u8])> {
    let (head, rest) = digits.split_at_checked(count)?;
    let value = head.iter().try_fold(0_i32, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| i32::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generalized_time_may_have_a_fraction() {
        let time = generalized_time(b"20250121103005.25Z").unwrap();
        assert_eq!(time.to_string(), "2025-01-21T10:30:05.25Z");
    }

    #[test]
    fn times_that_are_not_utc_or_do_not_exist_are_refused() {
        for text in [
            "20250121103005",
            "20250121103005+0100",
            "2025012110300Z",
            "20250230000000Z",
            "20250121103060Z",
            "20250121103005.Z",
            "20250121103005.1234567890Z",
            "2025012110300 Z",
            "Z",
            "",
        ] {
            assert_eq!(generalized_time(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn utc_times_pivot_at_1950() {
        assert_eq!(utc_time(b"491231235959Z").unwrap().to_string(), "2049-12-31T23:59:59Z");
        assert_eq!(utc_time(b"500101000000Z").unwrap().to_string(), "1950-01-01T00:00:00Z");
    }

    #[test]
    fn bytes_after_a_document_are_refused() {
        assert!(Fields::document(&[0x30, 0x00]).is_ok());
        assert!(Fields::document(&[0x30, 0x00, 0x00]).is_err());
    }

    #[test]
    fn numbers_compare_by_magnitude() {
        assert_eq!(unsigned(&[0x00, 0xff]), Some(255));
        assert_eq!(unsigned(&[0xff]), None);
        assert_eq!(unsigned(&[1; 9]), None);
    }
}
