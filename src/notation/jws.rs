//! The JWS envelope: the flattened JSON serialization and nothing else (RFC 7515 §7.2.2, Notary Project
//! signature-envelope-jws.md).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::attributes::{
    AUTHENTIC_SIGNING_TIME, AttributeName, AttributeValue, EXPIRY, ProtectedHeaders, SIGNING_TIME,
};
use super::envelope::{Parts, SignedBytes, check_certificate_count};
use super::{EnvelopeError, json, time};

type Object = Map<String, Value>;

pub(super) fn read(bytes: &[u8]) -> Result<Parts, EnvelopeError> {
    let mut envelope = json::object("envelope", bytes)?;
    let payload_text = take_text(&mut envelope, "payload")?;
    let protected_text = take_text(&mut envelope, "protected")?;
    let signature = from_base64url("signature", &take_text(&mut envelope, "signature")?)?;
    let unprotected = match envelope.remove("header") {
        Some(Value::Object(header)) => header,
        _ => return Err(EnvelopeError::member("header", "is missing or no object")),
    };
    // RFC 7515 §4.1.11: it must be integrity protected.
    if unprotected.contains_key("crit") {
        return Err(EnvelopeError::member("crit", "stands in the unprotected header"));
    }
    if let Some(name) = envelope.keys().next() {
        return Err(EnvelopeError::member(name, "does not belong to a flattened JWS"));
    }
    let mut protected = json::object("protected header", &from_base64url("protected", &protected_text)?)?;
    // RFC 7515 §7.2.1: the two headers have no name in common.
    if let Some(name) = protected.keys().find(|name| unprotected.contains_key(*name)) {
        return Err(EnvelopeError::member(name, "occurs in both headers"));
    }
    let algorithm = take_text(&mut protected, "alg")?;
    Ok(Parts {
        algorithm: Algorithm::from_jws(&algorithm)
            .ok_or_else(|| EnvelopeError::Algorithm(format!("{algorithm:?}")))?,
        content_type: take_text(&mut protected, "cty")?,
        headers: protected_headers(protected)?,
        chain: chain(&unprotected)?,
        timestamp_token: timestamp_token(&unprotected)?,
        payload: from_base64url("payload", &payload_text)?,
        signed: SignedBytes::Jws { protected: protected_text, payload: payload_text },
        signature,
    })
}

fn protected_headers(mut protected: Object) -> Result<ProtectedHeaders, EnvelopeError> {
    let Some(Value::Array(critical)) = protected.remove("crit") else {
        return Err(EnvelopeError::member("crit", "is missing or no list"));
    };
    let name = |name| match name {
        Value::String(name) => Ok(AttributeName::Text(name)),
        _ => Err(EnvelopeError::member("crit", "holds a value that is no text")),
    };
    let critical = critical.into_iter().map(name).collect::<Result<_, _>>()?;
    let attributes = protected.into_iter().map(|(name, value)| {
        let value = attribute_value(&name, value);
        (AttributeName::Text(name), value)
    });
    Ok(ProtectedHeaders { critical, attributes: attributes.collect() })
}

fn attribute_value(name: &str, value: Value) -> AttributeValue {
    let is_time = matches!(name, SIGNING_TIME | AUTHENTIC_SIGNING_TIME | EXPIRY);
    match value {
        Value::String(text) if is_time => {
            time::from_rfc3339(&text).map_or(AttributeValue::Other, AttributeValue::Time)
        }
        Value::String(text) => AttributeValue::Text(text),
        Value::Number(number) => number.as_i64().map_or(AttributeValue::Other, AttributeValue::Integer),
        _ => AttributeValue::Other,
    }
}

fn chain(unprotected: &Object) -> Result<Vec<Vec<u8>>, EnvelopeError> {
    let Some(Value::Array(list)) = unprotected.get("x5c") else {
        return Err(EnvelopeError::member("x5c", "is missing or no list"));
    };
    check_certificate_count(list.len())?;
    let certificate = |entry: &Value| entry.as_str().and_then(|text| STANDARD.decode(text).ok());
    let chain = list.iter().map(certificate).collect::<Option<_>>();
    chain.ok_or_else(|| EnvelopeError::member("x5c", "holds a value that is no base64 text"))
}

/// RFC 7515 knows no such header; the name is the Notary Project's. Other unprotected headers are ignored.
fn timestamp_token(unprotected: &Object) -> Result<Option<Vec<u8>>, EnvelopeError> {
    let name = "io.cncf.notary.timestampSignature";
    let token = match unprotected.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(token)) => STANDARD.decode(token).ok(),
        Some(_) => None,
    };
    token.map(Some).ok_or_else(|| EnvelopeError::member(name, "is no base64 text"))
}

fn take_text(object: &mut Object, name: &'static str) -> Result<String, EnvelopeError> {
    match object.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(EnvelopeError::member(name, "is not a text")),
        None => Err(EnvelopeError::member(name, "is missing")),
    }
}

fn from_base64url(name: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
    let decoded = URL_SAFE_NO_PAD.decode(text);
    decoded.map_err(|_| EnvelopeError::member(name, "is not base64url without padding"))
}
