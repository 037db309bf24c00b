//! Distinguished names: a certificate's Name read attribute by attribute, its RFC 4514 text, and the
//! identities that trust policies write.
//!
//! Values are compared as decoded texts, byte for byte: no case, space or Unicode folding.

mod identity;

#[cfg(test)]
mod tests;

pub use identity::{DistinguishedName, DistinguishedNameError};

use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, FromDer, Tag, ToDer};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The RFC 4514 text of a DER Name: the last attribute first, unknown types as object identifiers with
/// hexadecimal values, everything that could break a line escaped. A Name that is malformed gives its
/// hexadecimal form.
pub fn to_rfc4514(name: &[u8]) -> String {
    let Ok((_, parsed)) = X509Name::from_der(name) else {
        return format!("#{}", hex::encode(name));
    };
    let names: Vec<_> = parsed.iter_rdn().collect();
    let parts = names.iter().rev().map(|rdn| rdn.iter().map(print).collect::<Vec<_>>().join("+"));
    parts.collect::<Vec<_>>().join(",")
}

/// One attribute of a Name: its type as policies write it, and its text where it has one.
struct Attribute {
    kind: String,
    value: Option<String>,
}

/// The attributes of a DER Name in order; none of a malformed one.
fn attributes(name: &[u8]) -> Vec<Attribute> {
    let Ok((_, parsed)) = X509Name::from_der(name) else { return Vec::new() };
    let attribute = |attribute: &AttributeTypeAndValue<'_>| {
        let oid = attribute.attr_type().to_id_string();
        Attribute { kind: short_name(SHORT_NAMES, &oid).unwrap_or(oid), value: text(attribute.attr_value()) }
    };
    parsed.iter_attributes().map(attribute).collect()
}

fn print(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let name = short_name(SHORT_NAMES, &oid).or_else(|| short_name(PRINTED_NAMES, &oid));
    match (name, text(attribute.attr_value())) {
        (Some(name), Some(value)) => format!("{name}={}", escape(&value)),
        (name, _) => {
            let der = attribute.attr_value().to_der_vec().unwrap_or_default();
            format!("{}=#{}", name.unwrap_or(oid), hex::encode(der))
        }
    }
}

fn short_name(names: &[(&str, &str)], oid: &str) -> Option<String> {
    names.iter().find(|(known, _)| *known == oid).map(|(_, name)| (*name).to_owned())
}

/// The text of an attribute value; none where the type is no string or its bytes are not of the type.
fn text(value: &Any<'_>) -> Option<String> {
    let bytes = value.data;
    match value.tag() {
        Tag::Utf8String => String::from_utf8(bytes.to_vec()).ok(),
        Tag::PrintableString | Tag::NumericString | Tag::Ia5String => {
            bytes.is_ascii().then(|| String::from_utf8(bytes.to_vec()).ok())?
        }
        // Nobody follows T.61: what is written there is Latin-1.
        Tag::T61String => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => utf16(bytes),
        Tag::UniversalString => utf32(bytes),
        _ => None,
    }
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
    if rest.is_empty() { char::decode_utf16(units).collect::<Result<_, _>>().ok() } else { None }
}

fn utf32(bytes: &[u8]) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<4>();
    let characters = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit)));
    if rest.is_empty() { characters.collect() } else { None }
}

/// Escapes as RFC 4514 §2.4 asks, and control characters too.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        let at_edge = (character == ' ' && (index == 0 || index == last)) || (character == '#' && index == 0);
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => escaped.extend(['\\', character]),
            _ if at_edge => escaped.extend(['\\', character]),
            _ if character.is_control() || is_directional(character) => hex_escape(&mut escaped, character),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Characters that change the order in which a terminal shows the others.
fn is_directional(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn hex_escape(escaped: &mut String, character: char) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a String does not fail.
        let _ = write!(escaped, "\\{byte:02x}");
    }
}

/// Attribute types that policies may name by a short name.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.17", "POSTALCODE"),
];

/// Attribute types that are printed by name as well.
const PRINTED_NAMES: &[(&str, &str)] = &[
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];
