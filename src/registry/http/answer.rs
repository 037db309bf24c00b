//! What came back, and what its status means.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use url::Url;

use super::FetchError;
use crate::line;

/// A complete answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Which URL answered, after redirects.
    pub(super) url: Url,
}

impl Answer {
    /// A header's value; `None` where it is absent or no text.
    pub(super) fn header(&self, name: &'static str) -> Option<&str> {
        self.headers.get(HeaderName::from_static(name)).and_then(|value| value.to_str().ok())
    }

    /// The media type, lower-cased, without parameters.
    pub(super) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        let essence = value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase();
        (!essence.is_empty()).then_some(essence)
    }

    /// Does the error body hold this code?
    pub(super) fn has_error_code(&self, code: &str) -> bool {
        errors(&self.body).iter().any(|error| error.code == code)
    }

    /// The status and the registry's own words, shortened and made printable.
    pub(super) fn words(&self) -> String {
        let said: Vec<String> = errors(&self.body)
            .iter()
            .take(MAX_ERRORS)
            .map(|error| match (error.code.as_str(), error.message.as_str()) {
                (code, "") => code.to_owned(),
                ("", message) => message.to_owned(),
                (code, message) => format!("{code}: {message}"),
            })
            .collect();
        let status = match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        };
        if said.is_empty() { status } else { printable(&format!("{status}; {}", said.join("; "))) }
    }

    /// What `Retry-After` asks for, in seconds or as a date (RFC 9110 §10.2.3).
    pub(super) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
        Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
    }
}

/// True for what may be different a moment later: 408, 425, 429 and the gateway and server errors.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Sorts an answer that is no success into not there, not allowed, could not find out, and wrong.
pub(super) fn failure(answer: &Answer, what: &str) -> FetchError {
    let (what, detail) = (what.to_owned(), answer.words());
    match answer.status.as_u16() {
        404 | 410 => FetchError::NotFound { what, detail },
        401 | 403 | 407 | 451 => FetchError::Denied { what, detail },
        408 | 425 | 429 | 500..=599 => FetchError::Unavailable { what, detail },
        _ => FetchError::Invalid { what, detail },
    }
}

/// A registry's words as they may be shown.
pub(super) fn printable(text: &str) -> String {
    line::within_chars(text, MAX_CHARS).into_owned()
}

#[derive(Deserialize)]
struct ErrorBody {
    errors: Vec<RegistryError>,
}

#[derive(Deserialize)]
struct RegistryError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

fn errors(body: &[u8]) -> Vec<RegistryError> {
    serde_json::from_slice::<ErrorBody>(body).map(|body| body.errors).unwrap_or_default()
}

const MAX_ERRORS: usize = 3;

/// The most characters of a registry's words.
const MAX_CHARS: usize = 240;
