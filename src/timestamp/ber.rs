//! Timestamp authorities may answer in BER. This rewrites BER as DER, so that everything after it reads DER
//! only: shortest lengths, definite lengths, strings in one piece. What BER may hide beyond that (the order
//! of a SET, a string in pieces under an IMPLICIT tag) stays as it is, and then fails where it matters.

use der::Length;

/// Why bytes are no BER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BerError {
    /// A value ends after its container does.
    #[error("a value is cut short")]
    Truncated,
    /// Something follows the one value.
    #[error("{bytes} bytes follow")]
    TrailingBytes {
        /// How many.
        bytes: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A form that nothing needs: tags above 30, lengths beyond 32 bits, an indefinite primitive.
    #[error("an unsupported form")]
    Unsupported,
}

/// Deepest nesting.
pub const MAX_DEPTH: usize = 32;

/// Rewrites one BER value as DER. The result is never longer than `ber` by more than its headers, and `der`
/// already in that form comes back unchanged.
pub(super) fn to_der(ber: &[u8]) -> Result<Vec<u8>, BerError> {
    let mut rest = ber;
    let der = value(&mut rest, 0)?;
    match rest.len() {
        0 => Ok(der),
        bytes => Err(BerError::TrailingBytes { bytes }),
    }
}

fn value(rest: &mut &[u8], depth: usize) -> Result<Vec<u8>, BerError> {
    if depth > MAX_DEPTH {
        return Err(BerError::TooDeep);
    }
    let tag = byte(rest)?;
    if tag & TAG_NUMBER == TAG_NUMBER {
        return Err(BerError::Unsupported);
    }
    let content = match length(rest)? {
        Some(length) => {
            let (mut content, after) = rest.split_at_checked(length).ok_or(BerError::Truncated)?;
            *rest = after;
            if tag & CONSTRUCTED == 0 {
                return tlv(tag, content);
            }
            let mut parts = Vec::new();
            while !content.is_empty() {
                parts.push(value(&mut content, depth + 1)?);
            }
            parts
        }
        None if tag & CONSTRUCTED == 0 => return Err(BerError::Unsupported),
        None => until_end(rest, depth)?,
    };
    if tag == OCTETS | CONSTRUCTED { joined(&content) } else { tlv(tag, &content.concat()) }
}

fn until_end(rest: &mut &[u8], depth: usize) -> Result<Vec<Vec<u8>>, BerError> {
    let mut parts = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(END_OF_CONTENTS) {
            *rest = after;
            return Ok(parts);
        }
        parts.push(value(rest, depth + 1)?);
    }
}

/// An OCTET STRING in pieces, each already one TLV.
fn joined(pieces: &[Vec<u8>]) -> Result<Vec<u8>, BerError> {
    let mut content = Vec::new();
    for piece in pieces {
        let mut rest = piece.as_slice();
        if byte(&mut rest)? != OCTETS {
            return Err(BerError::Unsupported);
        }
        length(&mut rest)?;
        content.extend_from_slice(rest);
    }
    tlv(OCTETS, &content)
}

fn tlv(tag: u8, content: &[u8]) -> Result<Vec<u8>, BerError> {
    let length = Length::try_from(content.len()).map_err(|_| BerError::Unsupported)?;
    let mut der = vec![tag];
    der::Encode::encode_to_vec(&length, &mut der).map_err(|_| BerError::Unsupported)?;
    der.extend_from_slice(content);
    Ok(der)
}

fn byte(rest: &mut &[u8]) -> Result<u8, BerError> {
    let (first, after) = rest.split_first().ok_or(BerError::Truncated)?;
    *rest = after;
    Ok(*first)
}

/// A length; `None` is the indefinite form.
fn length(rest: &mut &[u8]) -> Result<Option<usize>, BerError> {
    let first = byte(rest)?;
    let count = usize::from(first & !LONG_FORM);
    if first & LONG_FORM == 0 {
        return Ok(Some(count));
    }
    if count == 0 {
        return Ok(None);
    }
    let (digits, after) = rest.split_at_checked(count).ok_or(BerError::Truncated)?;
    *rest = after;
    let significant = digits.iter().position(|digit| *digit != 0).unwrap_or(count);
    if count - significant > size_of::<u32>() {
        return Err(BerError::Unsupported);
    }
    Ok(Some(digits.iter().fold(0, |value, digit| value << 8 | usize::from(*digit))))
}

const CONSTRUCTED: u8 = 0x20;
const TAG_NUMBER: u8 = 0x1f;
const LONG_FORM: u8 = 0x80;
const OCTETS: u8 = 0x04;
const END_OF_CONTENTS: &[u8] = &[0, 0];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn der_comes_back_unchanged() {
        let der = [0x30, 0x08, 0x02, 0x01, 0x05, 0x04, 0x03, 1, 2, 3];
        assert_eq!(to_der(&der).unwrap(), der);
    }

    #[test]
    fn indefinite_lengths_and_strings_in_pieces_are_rewritten() {
        let ber = [0x30, 0x80, 0x24, 0x80, 0x04, 0x01, 1, 0x04, 0x81, 0x02, 2, 3, 0, 0, 0, 0];
        assert_eq!(to_der(&ber).unwrap(), [0x30, 0x05, 0x04, 0x03, 1, 2, 3]);
    }

    #[test]
    fn what_is_cut_short_or_followed_is_refused() {
        assert_eq!(to_der(&[0x30, 0x05, 0x04]), Err(BerError::Truncated));
        assert_eq!(to_der(&[0x30, 0x80, 0x05, 0x00]), Err(BerError::Truncated));
        assert_eq!(to_der(&[0x05, 0x00, 0x00]), Err(BerError::TrailingBytes { bytes: 1 }));
        assert_eq!(to_der(&[]), Err(BerError::Truncated));
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert_eq!(to_der(&[0x30, 0x80].repeat(5000)), Err(BerError::TooDeep));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_its_output_is_stable(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(der) = to_der(&bytes) {
                prop_assert_eq!(to_der(&der).unwrap(), der);
            }
        }
    }
}
