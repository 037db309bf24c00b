//! Reading a ProviderRequest: strictly in what must be there, within limits, without copying keys.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::API_VERSION;
use super::system_error::cut;

const KIND: &str = "ProviderRequest";
/// The most of a foreign word that an error repeats, in bytes.
const MAX_WORD_BYTES: usize = 80;

/// How much of a request is taken. The length of a single key is judged where keys are read, because it costs
/// only that key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Bytes of the body.
    pub body_bytes: usize,
    /// Keys, repeated ones included.
    pub keys: usize,
}

/// A request that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRequest<'a> {
    /// The distinct keys, in the order in which they were first named.
    pub keys: Vec<Cow<'a, str>>,
}

/// Why a body is no request that is answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is no JSON, or not of a request's form.
    #[error("BAD_REQUEST: the body is no ProviderRequest: {detail}")]
    Malformed {
        /// What is wrong, and where.
        detail: String,
    },
    /// It is a document of another kind or version.
    #[error("BAD_REQUEST: the body is a {kind:?} of {api_version:?}, not a {KIND} of {API_VERSION}")]
    OtherKind {
        /// Its version, shortened.
        api_version: String,
        /// Its kind, shortened.
        kind: String,
    },
    /// It has too many bytes.
    #[error("REQUEST_TOO_LARGE: the body has more than {limit} bytes")]
    TooLarge {
        /// How many are taken.
        limit: usize,
    },
    /// It has too many keys.
    #[error("REQUEST_TOO_LARGE: the request has {count} keys, and {limit} are taken")]
    TooManyKeys {
        /// How many it has.
        count: usize,
        /// How many are taken.
        limit: usize,
    },
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "apiVersion", borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    request: &'a RawValue,
}

#[derive(Deserialize)]
struct Request<'a> {
    /// Gatekeeper leaves an empty list out.
    #[serde(borrow, default)]
    keys: Option<&'a RawValue>,
}

/// Reads a body. Members that are not known are passed over: a newer Gatekeeper may send them.
///
/// # Errors
/// [`RequestError`]: nothing can be answered about any key.
pub fn decode<'a>(body: &'a [u8], limits: &RequestLimits) -> Result<ProviderRequest<'a>, RequestError> {
    if body.len() > limits.body_bytes {
        return Err(RequestError::TooLarge { limit: limits.body_bytes });
    }
    // Serde would take a list of the members in their order, too.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(RequestError::Malformed { detail: "it is no JSON object".to_owned() });
    }
    let document: Document<'a> = serde_json::from_slice(body).map_err(malformed)?;
    if document.kind != KIND || document.api_version != API_VERSION {
        let short = |text: &str| super::json::shortened_to(text, MAX_WORD_BYTES).to_owned();
        return Err(RequestError::OtherKind {
            api_version: short(&document.api_version),
            kind: short(&document.kind),
        });
    }
    if !document.request.get().starts_with('{') {
        return Err(RequestError::Malformed { detail: "its `request` is no JSON object".to_owned() });
    }
    let request: Request<'a> = serde_json::from_str(document.request.get()).map_err(malformed)?;
    let Some(list) = request.keys else { return Ok(ProviderRequest { keys: Vec::new() }) };
    let list = KeyList { limit: limits.keys }.read(list).map_err(malformed)?;
    if list.count > limits.keys {
        return Err(RequestError::TooManyKeys { count: list.count, limit: limits.keys });
    }
    Ok(ProviderRequest { keys: distinct(list.keys) })
}

/// What serde says may repeat the body.
fn malformed(error: serde_json::Error) -> RequestError {
    RequestError::Malformed { detail: cut(&error.to_string()) }
}

fn distinct(mut keys: Vec<Cow<'_, str>>) -> Vec<Cow<'_, str>> {
    if keys.len() < 2 {
        return keys;
    }
    let mut seen = HashSet::with_capacity(keys.len());
    let first: Vec<bool> = keys.iter().map(|key| seen.insert(&**key)).collect();
    let mut first = first.into_iter();
    keys.retain(|_| first.next().unwrap_or(true));
    keys
}

/// Reads so many keys and counts the others.
struct KeyList {
    limit: usize,
}

struct ReadKeys<'a> {
    keys: Vec<Cow<'a, str>>,
    count: usize,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl KeyList {
    fn read<'a>(self, list: &'a RawValue) -> Result<ReadKeys<'a>, serde_json::Error> {
        self.deserialize(&mut serde_json::Deserializer::from_str(list.get()))
    }
}

impl<'de> DeserializeSeed<'de> for KeyList {
    type Value = ReadKeys<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for KeyList {
    type Value = ReadKeys<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut read = ReadKeys { keys: Vec::new(), count: 0 };
        while read.count < self.limit {
            let Some(Key(key)) = list.next_element()? else { return Ok(read) };
            read.keys.push(key);
            read.count += 1;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            read.count += 1;
        }
        Ok(read)
    }
}
