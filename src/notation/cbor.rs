//! A look at raw CBOR before anything is decoded: definite lengths, bounded nesting and counts, readable
//! texts, no label twice, no countersignature (RFC 8949 §5.6, RFC 9052 §3). Decoders accept more than a
//! signature may hold.

/// Levels of tags, lists and maps.
const MAX_DEPTH: usize = 16;

/// Entries of one list or map.
const MAX_ENTRIES: u64 = 64;

/// Why bytes are refused.
pub(super) type Problem = &'static str;

/// The protected header's bytes of a `COSE_Sign1` message (tag 18) that fills all of `bytes`, after the
/// message and both headers were looked through.
pub(super) fn protected_header(bytes: &[u8]) -> Result<&[u8], Problem> {
    let mut scan = Scan { rest: bytes };
    scan.item(MAX_DEPTH)?;
    scan.end()?;
    let mut scan = Scan { rest: bytes };
    if scan.head()? != (Major::Tag, COSE_SIGN1) {
        return Err("it is not tagged as COSE_Sign1");
    }
    if scan.head()? != (Major::List, 4) {
        return Err("it is not a list of four");
    }
    let (Major::Bytes, length) = scan.head()? else { return Err("its protected header is no byte string") };
    let protected = scan.take(length)?;
    scan.header()?;
    if !protected.is_empty() {
        let mut inner = Scan { rest: protected };
        inner.item(MAX_DEPTH)?;
        inner.end()?;
        Scan { rest: protected }.header()?;
    }
    Ok(protected)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    List,
    Map,
    Tag,
    Simple,
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn item(&mut self, depth: usize) -> Result<(), Problem> {
        let depth = depth.checked_sub(1).ok_or("it is nested too deeply")?;
        match self.head()? {
            (Major::Unsigned | Major::Negative | Major::Simple, _) => Ok(()),
            (Major::Bytes, length) => self.take(length).map(|_| ()),
            (Major::Text, length) => self.text(length),
            (Major::Tag, EPOCH_TIME) => self.number(),
            (Major::Tag, _) => self.item(depth),
            (Major::List, count) => (0..bounded(count)?).try_for_each(|_| self.item(depth)),
            (Major::Map, count) => self.map(bounded(count)?, depth),
        }
    }

    fn map(&mut self, count: u64, depth: usize) -> Result<(), Problem> {
        let mut labels: Vec<&[u8]> = Vec::new();
        for _ in 0..count {
            let before = self.rest;
            self.item(depth)?;
            let label = before.get(..before.len() - self.rest.len()).unwrap_or(before);
            if labels.contains(&label) {
                return Err("a label occurs more than once");
            }
            labels.push(label);
            self.item(depth)?;
        }
        Ok(())
    }

    /// The labels of a header. A countersignature has headers of its own, inside byte strings that nothing here
    /// looks into: a decoder would follow them until its stack ends.
    fn header(&mut self) -> Result<(), Problem> {
        let (Major::Map, count) = self.head()? else { return Err("a header is no map") };
        for _ in 0..bounded(count)? {
            match self.head()? {
                (Major::Unsigned, COUNTERSIGNATURE) => return Err("it holds a countersignature"),
                (Major::Unsigned | Major::Negative, _) => {}
                (Major::Text, length) => self.text(length)?,
                _ => return Err("a label is neither a number nor a text"),
            }
            self.item(MAX_DEPTH)?;
        }
        Ok(())
    }

    fn text(&mut self, length: u64) -> Result<(), Problem> {
        match str::from_utf8(self.take(length)?) {
            Ok(text) if !text.contains('\0') => Ok(()),
            Ok(_) => Err("a text holds NUL"),
            Err(_) => Err("a text is not UTF-8"),
        }
    }

    /// What a time may be: a bignum would be read as the number that it stands for.
    fn number(&mut self) -> Result<(), Problem> {
        match self.head()? {
            (Major::Unsigned | Major::Negative | Major::Simple, _) => Ok(()),
            _ => Err("a time is no number"),
        }
    }

    fn end(&self) -> Result<(), Problem> {
        if self.rest.is_empty() { Ok(()) } else { Err("bytes follow it") }
    }

    /// An item's first bytes: its major type and its argument.
    fn head(&mut self) -> Result<(Major, u64), Problem> {
        let initial = self.take(1)?.first().copied().unwrap_or_default();
        let argument = match initial & 0x1f {
            short @ 0..=23 => u64::from(short),
            width @ 24..=27 => {
                let bytes = self.take(1 << (width - 24))?;
                bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
            }
            31 => return Err("it holds an item of indefinite length"),
            _ => return Err("it holds a malformed item"),
        };
        // RFC 8949 §3.3: a simple value below 32 has one form, and that is one byte.
        if initial == TWO_BYTE_SIMPLE && argument < 32 {
            return Err("it holds a malformed item");
        }
        let major = match initial >> 5 {
            0 => Major::Unsigned,
            1 => Major::Negative,
            2 => Major::Bytes,
            3 => Major::Text,
            4 => Major::List,
            5 => Major::Map,
            6 => Major::Tag,
            _ => Major::Simple,
        };
        Ok((major, argument))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Problem> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("it is cut off")?;
        self.rest = rest;
        Ok(taken)
    }
}

fn bounded(count: u64) -> Result<u64, Problem> {
    if count <= MAX_ENTRIES { Ok(count) } else { Err("a list or map has too many entries") }
}

/// RFC 9052 §2.
const COSE_SIGN1: u64 = 18;

/// Major type 7 with its value in a further byte.
const TWO_BYTE_SIMPLE: u8 = 0xf8;

/// RFC 8949 §3.4.2.
const EPOCH_TIME: u64 = 1;

/// RFC 8152 §3.1, table 2.
const COUNTERSIGNATURE: u64 = 7;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_gives_its_protected_header() {
        let message = [0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x41, 0x00, 0x41, 0x00];
        assert_eq!(protected_header(&message), Ok([0xa1, 0x01, 0x26].as_slice()));
        let wide_tag = [&[0xd8, 0x12], &message[1..]].concat();
        assert!(protected_header(&wide_tag).is_ok());
    }

    #[test]
    fn messages_that_a_lax_decoder_would_take_are_refused() {
        let cases: &[(&[u8], Problem)] = &[
            (&[0x84, 0x40, 0xa0, 0x40, 0x40], "it is not tagged as COSE_Sign1"),
            (&[0xd1, 0x84, 0x40, 0xa0, 0x40, 0x40], "it is not tagged as COSE_Sign1"),
            (&[0xd2, 0x83, 0x40, 0xa0, 0x40], "it is not a list of four"),
            (&[0xd2, 0x84, 0x40, 0xa0, 0x40, 0x40, 0x00], "bytes follow it"),
            (&[0xd2, 0x9f, 0x40, 0xa0, 0x40, 0x40, 0xff], "it holds an item of indefinite length"),
            (
                &[0xd2, 0x84, 0x43, 0xbf, 0x01, 0xff, 0xa0, 0x40, 0x40],
                "it holds an item of indefinite length",
            ),
            (&[0xd2, 0x84, 0x40, 0xa2, 0x01, 0x01, 0x01, 0x02, 0x40, 0x40], "a label occurs more than once"),
            (
                &[0xd2, 0x84, 0x45, 0xa2, 0x01, 0x01, 0x01, 0x02, 0xa0, 0x40, 0x40],
                "a label occurs more than once",
            ),
            (&[0xd2, 0x84, 0x42, 0xa0, 0x00, 0xa0, 0x40, 0x40], "bytes follow it"),
            (&[0xd2, 0x84, 0x40, 0xa1, 0x61, 0x00, 0x01, 0x40, 0x40], "a text holds NUL"),
            (&[0xd2, 0x84, 0x40, 0xa1, 0x61, 0xff, 0x01, 0x40, 0x40], "a text is not UTF-8"),
            (
                &[0xd2, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                "a list or map has too many entries",
            ),
            (&[0xd2, 0x84, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "it is cut off"),
            (&[0xd2, 0x84, 0x5c], "it holds a malformed item"),
            (&[0xd2, 0x84, 0x40, 0xa1, 0x01, 0xf8, 0x14, 0x40, 0x40], "it holds a malformed item"),
            (&[0xd2, 0x84, 0x40, 0xa1, 0x01, 0xc1, 0xc2, 0x41, 0x69, 0x40, 0x40], "a time is no number"),
            (&[0xd2, 0x84, 0x40, 0xa1, 0x01, 0xc1, 0x61, 0x69, 0x40, 0x40], "a time is no number"),
            (&[], "it is cut off"),
        ];
        for (bytes, problem) in cases {
            assert_eq!(protected_header(bytes), Err(*problem), "{bytes:02x?}");
        }
    }

    /// A header whose countersignature has a header whose countersignature has a header, and so on.
    fn countersigned(levels: usize) -> Vec<u8> {
        let mut header = Vec::new();
        for _ in 0..levels {
            let length = u32::try_from(header.len()).unwrap().to_be_bytes();
            header = [&[0xa1, 0x07, 0x83, 0x5a], length.as_slice(), &header, &[0xa0, 0x40]].concat();
        }
        header
    }

    #[test]
    fn countersignatures_are_refused_because_their_headers_nest_without_end() {
        let bomb = countersigned(2_000);
        let length = u32::try_from(bomb.len()).unwrap().to_be_bytes();
        let protected = [&[0xd2, 0x84, 0x5a], length.as_slice(), &bomb, &[0xa0, 0x40, 0x40]].concat();
        let unprotected = [&[0xd2, 0x84, 0x40], bomb.as_slice(), &[0x40, 0x40]].concat();
        for message in [protected, unprotected] {
            let read = crate::notation::UnverifiedEnvelope::parse("application/cose", message.into());
            assert!(read.expect_err("refused").to_string().contains("countersignature"));
        }
    }

    #[test]
    fn labels_are_plain_numbers_or_texts_however_wide_they_are_written() {
        let with_label = |label: &[u8]| {
            protected_header(&[&[0xd2, 0x84, 0x40, 0xa1], label, &[0x40, 0x40, 0x40]].concat()).err()
        };
        for seven in [[0x07].as_slice(), &[0x18, 0x07], &[0x1b, 0, 0, 0, 0, 0, 0, 0, 7]] {
            assert_eq!(with_label(seven), Some("it holds a countersignature"));
        }
        for other in [[0x27].as_slice(), &[0x08], &[0x61, b'7']] {
            assert_eq!(with_label(other), None);
        }
        // A bignum of seven, which decoders read as the number.
        for foreign in [[0xc2, 0x41, 0x07].as_slice(), &[0x41, 0x07], &[0x80], &[0xf6]] {
            assert_eq!(with_label(foreign), Some("a label is neither a number nor a text"));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(protected_header(&vec![0x81; 1_000_000]), Err("it is nested too deeply"));
        assert_eq!(protected_header(&vec![0xd2; 1_000_000]), Err("it is nested too deeply"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = protected_header(&bytes);
            let _ = protected_header(&[&[0xd2, 0x84], bytes.as_slice()].concat());
        }
    }
}
