//! Reading a ProviderRequest.

use std::collections::HashSet;

use serde::Deserialize;

use super::API_VERSION;

/// Versions under which requests are taken; Gatekeeper's own older one has the same fields.
const VERSIONS: [&str; 2] = [API_VERSION, "externaldata.gatekeeper.sh/v1alpha1"];
const KIND: &str = "ProviderRequest";

/// How much of a request is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Keys, repeated ones included.
    pub keys: usize,
}

/// A request that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRequest {
    /// The distinct keys, in the order in which they were first named.
    pub keys: Vec<String>,
}

/// Why a body is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is no JSON, or not of a request's form.
    #[error("the body is no ProviderRequest: {detail}")]
    Malformed {
        /// What is wrong, and where.
        detail: String,
    },
    /// It is a document of another kind or version.
    #[error("the body is {kind:?} of {api_version:?}, where {KIND} of {API_VERSION} is expected")]
    OtherKind {
        /// Its version, shortened.
        api_version: String,
        /// Its kind, shortened.
        kind: String,
    },
    /// It has too many keys.
    #[error("the request has {count} keys, where {limit} are taken")]
    TooManyKeys {
        /// How many it has.
        count: usize,
        /// How many are taken.
        limit: usize,
    },
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "apiVersion", default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    request: Option<Keys>,
}

#[derive(Deserialize)]
struct Keys {
    /// Gatekeeper leaves an empty list out.
    #[serde(default)]
    keys: Option<Vec<String>>,
}

/// Reads a body, which the caller has bounded. Members that are not known are passed over: a newer
/// Gatekeeper may send them.
///
/// # Errors
/// [`RequestError`]: nothing can be answered about any key.
pub fn decode(body: &[u8], limits: RequestLimits) -> Result<ProviderRequest, RequestError> {
    let document: Document = serde_json::from_slice(body)
        .map_err(|error| RequestError::Malformed { detail: error.to_string() })?;
    if document.kind != KIND || !VERSIONS.contains(&document.api_version.as_str()) {
        return Err(RequestError::OtherKind {
            api_version: short(&document.api_version),
            kind: short(&document.kind),
        });
    }
    let mut keys = document.request.and_then(|request| request.keys).unwrap_or_default();
    if keys.len() > limits.keys {
        return Err(RequestError::TooManyKeys { count: keys.len(), limit: limits.keys });
    }
    if keys.len() > 1 {
        let mut seen = HashSet::with_capacity(keys.len());
        keys.retain(|key| seen.insert(key.clone()));
    }
    Ok(ProviderRequest { keys })
}

fn short(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    text.chars().take(MAX_CHARS).collect()
}
