//! The distinguished name of a trusted identity, `x509.subject:` in a trust policy (Notary Project
//! trust-store-trust-policy.md v1.1, "Trusted Identities Constraints").

use super::attributes;
use crate::x509::Certificate;

/// A distinguished name as trust policies write it: each attribute type once, with country, state and
/// organisation. It matches a certificate that has all of its attributes, whatever else it has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DistinguishedName {
    /// Sorted by type.
    attributes: Vec<(String, String)>,
}

/// Why a text is no distinguished name of a trusted identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DistinguishedNameError {
    /// Longer than any real name.
    #[error("it has {length} bytes, at most {limit} are read")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// `=#` begins an encoded value, which is not read.
    #[error("it holds \"=#\": encoded values are not supported")]
    EncodedValue,
    /// Something between two separators is no `TYPE=VALUE`.
    #[error("{0:?} is not of the form TYPE=VALUE")]
    NotAnAttribute(String),
    /// An unescaped `+` joins two attributes.
    #[error("it holds an unescaped \"+\": attributes cannot be joined")]
    MultipleValues,
    /// A backslash is followed by neither a special character nor two hexadecimal digits.
    #[error("it holds a backslash that escapes nothing")]
    BadEscape,
    /// Escaped bytes are not UTF-8, or hold NUL.
    #[error("the value of {kind} is not a text")]
    NotText {
        /// The attribute type.
        kind: String,
    },
    /// An attribute has no value.
    #[error("{kind} has no value")]
    EmptyValue {
        /// The attribute type.
        kind: String,
    },
    /// An attribute type occurs twice.
    #[error("{kind} occurs more than once")]
    Repeated {
        /// The attribute type.
        kind: String,
    },
    /// A mandatory attribute is missing.
    #[error("{kind} is missing: C, ST and O are required")]
    Missing {
        /// The attribute type.
        kind: &'static str,
    },
}

impl DistinguishedName {
    /// Reads what stands behind `x509.subject:`, at most 4 KiB. Attributes are separated by `,` or `;`, types
    /// are case-sensitive, `S` means `ST`, and RFC 4514 escapes are understood.
    ///
    /// # Errors
    /// [`DistinguishedNameError`]: what makes it ambiguous, empty or too wide.
    pub fn parse(text: &str) -> Result<Self, DistinguishedNameError> {
        if text.len() > MAX_LENGTH {
            return Err(DistinguishedNameError::TooLong { length: text.len(), limit: MAX_LENGTH });
        }
        if text.contains("=#") {
            return Err(DistinguishedNameError::EncodedValue);
        }
        let parts = split(text)?;
        let mut attributes = parts.iter().map(|part| attribute(part)).collect::<Result<Vec<_>, _>>()?;
        attributes.sort();
        if let Some([(kind, _), _]) = attributes.array_windows().find(|[one, two]| one.0 == two.0) {
            return Err(DistinguishedNameError::Repeated { kind: kind.clone() });
        }
        for kind in REQUIRED {
            if !attributes.iter().any(|(present, _)| present == kind) {
                return Err(DistinguishedNameError::Missing { kind });
            }
        }
        Ok(Self { attributes })
    }

    /// True if the certificate's subject has every attribute of this name, with the same value. An attribute
    /// that the subject has twice matches nothing: which of the two was meant cannot be told.
    pub fn matches(&self, certificate: &Certificate) -> bool {
        let subject = attributes(certificate.subject_der());
        self.attributes.iter().all(|(kind, value)| {
            let mut same = subject.iter().filter(|attribute| attribute.kind == *kind);
            let first = same.next().and_then(|attribute| attribute.value.as_ref());
            first == Some(value) && same.next().is_none()
        })
    }

    /// True if every certificate that `other` matches is matched by this name too.
    pub fn covers(&self, other: &Self) -> bool {
        self.attributes.iter().all(|attribute| other.attributes.contains(attribute))
    }

    /// True if one of the two names covers the other: one document cannot hold both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }
}

/// Splits at unescaped separators.
fn split(text: &str) -> Result<Vec<&str>, DistinguishedNameError> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut escaped = false;
    let mut start = 0;
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '+' => return Err(DistinguishedNameError::MultipleValues),
            ',' | ';' => {
                let (part, after) = rest.split_at_checked(index - start).unwrap_or((rest, ""));
                parts.push(part);
                rest = after.get(1..).unwrap_or_default();
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(rest);
    Ok(parts)
}

fn attribute(part: &str) -> Result<(String, String), DistinguishedNameError> {
    let not_an_attribute = || DistinguishedNameError::NotAnAttribute(part.to_owned());
    let (kind, value) = part.split_once('=').ok_or_else(not_an_attribute)?;
    let kind = kind.trim_matches(' ');
    if kind.is_empty() || kind.contains('\\') {
        return Err(not_an_attribute());
    }
    let kind = if kind == "S" { "ST" } else { kind }.to_owned();
    let bytes = unescape(trim(value))?;
    let Some(value) = String::from_utf8(bytes).ok().filter(|value| !value.contains('\0')) else {
        return Err(DistinguishedNameError::NotText { kind });
    };
    if value.is_empty() { Err(DistinguishedNameError::EmptyValue { kind }) } else { Ok((kind, value)) }
}

/// Without the spaces around it that are not escaped.
fn trim(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let trimmed = value.trim_end_matches(' ');
    let backslashes = trimmed.bytes().rev().take_while(|byte| *byte == b'\\').count();
    if backslashes % 2 == 0 { trimmed } else { value.get(..trimmed.len() + 1).unwrap_or(trimmed) }
}

fn unescape(value: &str) -> Result<Vec<u8>, DistinguishedNameError> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let first = rest.next().ok_or(DistinguishedNameError::BadEscape)?;
        if b" \"#+,;<=>\\".contains(&first) {
            bytes.push(first);
            continue;
        }
        let digits =
            [Some(first), rest.next()].map(|digit| char::from(digit.unwrap_or_default()).to_digit(16));
        match digits {
            [Some(high), Some(low)] => bytes.extend(u8::try_from(high * 16 + low)),
            _ => return Err(DistinguishedNameError::BadEscape),
        }
    }
    Ok(bytes)
}

const REQUIRED: [&str; 3] = ["C", "ST", "O"];

/// Bytes of one identity.
const MAX_LENGTH: usize = 4096;
