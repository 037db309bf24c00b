//! Reading a ProviderRequest: strictly in what must be there, within limits, without copying keys.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::API_VERSION;
use super::system_error::cut;

/// The most keys that are taken whatever the limits say.
pub const MAX_KEYS: usize = 10_000;

const KIND: &str = "ProviderRequest";
/// The most of a foreign word that an error repeats, in bytes.
const MAX_WORD_BYTES: usize = 80;

/// How much of a request is taken. The length of a single key is judged where keys are read, because it costs
/// only that key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Bytes of the body.
    pub body_bytes: usize,
    /// Keys, repeated ones included; never more than [`MAX_KEYS`].
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
    request: Object<Request<'a>>,
}

#[derive(Deserialize)]
struct Request<'a> {
    /// Gatekeeper leaves an empty list out.
    #[serde(borrow, default)]
    keys: Option<KeyList<'a>>,
}

/// Reads a body. Members that are not known are passed over: a newer Gatekeeper may send them.
///
/// # Errors
/// [`RequestError`]: nothing can be answered about any key.
pub fn decode<'a>(body: &'a [u8], limits: &RequestLimits) -> Result<ProviderRequest<'a>, RequestError> {
    if body.len() > limits.body_bytes {
        return Err(RequestError::TooLarge { limit: limits.body_bytes });
    }
    // Where even this is not so, what serde says of it is of no help.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(RequestError::Malformed { detail: "it is no JSON object".to_owned() });
    }
    let Object(document) = serde_json::from_slice::<Object<Document<'a>>>(body).map_err(malformed)?;
    if document.kind != KIND || document.api_version != API_VERSION {
        let short = |text: &str| super::json::shortened_to(text, MAX_WORD_BYTES).to_owned();
        return Err(RequestError::OtherKind {
            api_version: short(&document.api_version),
            kind: short(&document.kind),
        });
    }
    let Object(request) = document.request;
    let list = request.keys.unwrap_or_default();
    let limit = limits.keys.min(MAX_KEYS);
    if list.count > limit {
        return Err(RequestError::TooManyKeys { count: list.count, limit });
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

/// A JSON object. Serde's own structs are also read from lists of their members.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

/// As many keys as are ever taken, and how many there are.
#[derive(Default)]
struct KeyList<'a> {
    keys: Vec<Cow<'a, str>>,
    count: usize,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for KeyList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(KeyListVisitor)
    }
}

struct KeyListVisitor;

impl<'de> Visitor<'de> for KeyListVisitor {
    type Value = KeyList<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut read = KeyList::default();
        while read.count < MAX_KEYS {
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
