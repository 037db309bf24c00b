//! Reading a body of at most so many bytes.

use bytes::{Bytes, BytesMut};

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than the limit. Nothing beyond the limit was kept.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// The connection broke.
    #[error("the body broke off: {}", super::client::words(.0))]
    Broken(#[source] reqwest::Error),
}

/// Reads a body, counting as it arrives: neither a false `Content-Length` nor an endless body costs more
/// than `limit` bytes. It has no deadline of its own; wrap it in the caller's.
///
/// # Errors
/// [`BodyError`].
pub async fn read_bounded(mut response: reqwest::Response, limit: u64) -> Result<Bytes, BodyError> {
    let too_long = || BodyError::TooLong { limit };
    let declared = response.content_length();
    if declared.is_some_and(|length| length > limit) {
        return Err(too_long());
    }
    let limit_here = usize::try_from(limit).unwrap_or(usize::MAX);
    let hint = declared.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = BytesMut::with_capacity(hint.min(FIRST_ALLOCATION));
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if chunk.len() > limit_here.saturating_sub(body.len()) {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// What a declared length may allocate before any byte has arrived.
const FIRST_ALLOCATION: usize = 64 * 1024;
