//! The COSE envelope: one tagged COSE_Sign1 message (RFC 9052 §4.2, Notary Project
//! signature-envelope-cose.md).

use coset::cbor::value::Value;
use coset::iana::EnumI64 as _;
use coset::iana::HeaderParameter;
use coset::{
    CoseSign1, Header, Label, RegisteredLabel, RegisteredLabelWithPrivate, TaggedCborSerializable as _,
};

use super::algorithm::Algorithm;
use super::attributes::{AttributeName, AttributeValue, ProtectedHeaders};
use super::envelope::{Parts, SignedBytes, check_certificate_count};
use super::{EnvelopeError, cbor, time};

pub(super) fn read(bytes: &[u8]) -> Result<Parts, EnvelopeError> {
    let protected_bytes =
        cbor::protected_header(bytes).map_err(|problem| EnvelopeError::Cbor(problem.into()))?;
    let message =
        CoseSign1::from_tagged_slice(bytes).map_err(|error| EnvelopeError::Cbor(error.to_string()))?;
    // What is hashed must be what was received, not what the decoder would write.
    if message.protected.original_data.as_deref() != Some(protected_bytes) {
        return Err(EnvelopeError::Cbor("its protected header is not kept as received".to_owned()));
    }
    let signed = SignedBytes::Cose(message.tbs_data(&[]));
    let protected = message.protected.header;
    if !message.unprotected.crit.is_empty() {
        return Err(EnvelopeError::member("crit", "stands in the unprotected header"));
    }
    if let Some(label) = shared_label(&protected, &message.unprotected) {
        return Err(EnvelopeError::member(label, "occurs in both headers"));
    }
    Ok(Parts {
        algorithm: algorithm(&protected)?,
        content_type: content_type(&protected)?,
        chain: chain(&protected, &message.unprotected)?,
        timestamp_token: timestamp_token(&message.unprotected),
        headers: protected_headers(protected),
        payload: message.payload.ok_or_else(|| EnvelopeError::member("payload", "is detached"))?,
        signed,
        signature: message.signature,
    })
}

fn algorithm(protected: &Header) -> Result<Algorithm, EnvelopeError> {
    match &protected.alg {
        Some(RegisteredLabelWithPrivate::Assigned(identifier)) => Algorithm::from_cose(*identifier)
            .ok_or_else(|| EnvelopeError::Algorithm(identifier.to_i64().to_string())),
        Some(RegisteredLabelWithPrivate::PrivateUse(number)) => {
            Err(EnvelopeError::Algorithm(number.to_string()))
        }
        Some(RegisteredLabelWithPrivate::Text(text)) => Err(EnvelopeError::Algorithm(format!("{text:?}"))),
        None => Err(EnvelopeError::member("alg", "is missing")),
    }
}

fn content_type(protected: &Header) -> Result<String, EnvelopeError> {
    match &protected.content_type {
        Some(RegisteredLabel::Text(text)) => Ok(text.clone()),
        Some(RegisteredLabel::Assigned(_)) => Err(EnvelopeError::member("content type", "is not a text")),
        None => Err(EnvelopeError::member("content type", "is missing")),
    }
}

fn protected_headers(protected: Header) -> ProtectedHeaders {
    let critical = protected.crit.into_iter().map(|label| match label {
        RegisteredLabelWithPrivate::Assigned(parameter) => AttributeName::Integer(parameter.to_i64()),
        RegisteredLabelWithPrivate::PrivateUse(number) => AttributeName::Integer(number),
        RegisteredLabelWithPrivate::Text(text) => AttributeName::Text(text),
    });
    let attributes = protected.rest.into_iter().filter(|(label, _)| *label != X5_CHAIN);
    let attributes = attributes.map(|(label, value)| match label {
        Label::Int(number) => (AttributeName::Integer(number), attribute_value(value)),
        Label::Text(text) => (AttributeName::Text(text), attribute_value(value)),
    });
    ProtectedHeaders { critical: critical.collect(), attributes: attributes.collect() }
}

fn attribute_value(value: Value) -> AttributeValue {
    match value {
        Value::Text(text) => AttributeValue::Text(text),
        Value::Integer(number) => {
            i64::try_from(i128::from(number)).map_or(AttributeValue::Other, AttributeValue::Integer)
        }
        Value::Tag(EPOCH_TIME, number) => {
            epoch_time(&number).map_or(AttributeValue::Other, AttributeValue::Time)
        }
        _ => AttributeValue::Other,
    }
}

fn epoch_time(number: &Value) -> Option<jiff::Timestamp> {
    match number {
        Value::Integer(seconds) => time::from_seconds(i64::try_from(i128::from(*seconds)).ok()?),
        Value::Float(seconds) => time::from_fractional_seconds(*seconds),
        _ => None,
    }
}

/// A label that occurs in both headers, which leaves open what counts (RFC 9052 §3).
fn shared_label(protected: &Header, unprotected: &Header) -> Option<String> {
    let named = [
        ("alg", protected.alg.is_some() && unprotected.alg.is_some()),
        ("content type", protected.content_type.is_some() && unprotected.content_type.is_some()),
        ("kid", !protected.key_id.is_empty() && !unprotected.key_id.is_empty()),
    ];
    let other = || protected.rest.iter().find(|(label, _)| find(unprotected, label).is_some());
    match named.iter().find(|(_, both)| *both) {
        Some((name, _)) => Some((*name).to_owned()),
        None => other().map(|(label, _)| match label {
            Label::Int(number) => number.to_string(),
            Label::Text(text) => text.clone(),
        }),
    }
}

/// The chain stands in one of the two headers.
fn chain(protected: &Header, unprotected: &Header) -> Result<Vec<Vec<u8>>, EnvelopeError> {
    let list = match (find(protected, &X5_CHAIN), find(unprotected, &X5_CHAIN)) {
        (Some(Value::Array(list)), None) | (None, Some(Value::Array(list))) => list,
        _ => return Err(EnvelopeError::member("x5chain", "is missing or no list")),
    };
    check_certificate_count(list.len())?;
    let chain = list.iter().map(|entry| entry.as_bytes().cloned()).collect::<Option<_>>();
    chain.ok_or_else(|| EnvelopeError::member("x5chain", "holds a value that is no byte string"))
}

/// Of another type it counts as absent; whether one is needed is decided elsewhere.
fn timestamp_token(unprotected: &Header) -> Option<Vec<u8>> {
    let label = Label::Text("io.cncf.notary.timestampSignature".to_owned());
    find(unprotected, &label)?.as_bytes().cloned()
}

fn find<'a>(header: &'a Header, wanted: &Label) -> Option<&'a Value> {
    header.rest.iter().find(|(label, _)| label == wanted).map(|(_, value)| value)
}

/// RFC 9360 §2.
const X5_CHAIN: Label = Label::Int(HeaderParameter::X5Chain as i64);

/// RFC 8949 §3.4.2.
const EPOCH_TIME: u64 = 1;
