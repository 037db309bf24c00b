//! Reading a request's body within a size and a time.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;

/// How long a body may take to come. Gatekeeper sends it with the head.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why there is no body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// It is too large.
    #[error("the body has more than {limit} bytes")]
    TooLarge { limit: usize },
    /// It did not come in time.
    #[error("the body did not come within {} s", PATIENCE.as_secs())]
    TooSlow,
    /// It broke off, or is not encoded as its head says.
    #[error("the body cannot be read: {detail}")]
    Broken { detail: String },
}

impl BodyError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken { .. } => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a whole body. `declared` is what the head says of its length.
pub(super) async fn read(payload: Payload, declared: Option<u64>, limit: usize) -> Result<Bytes, BodyError> {
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit });
    }
    tokio::time::timeout(PATIENCE, collect(payload, limit)).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn collect(mut payload: Payload, limit: usize) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| BodyError::Broken { detail: error.to_string() })?;
        if first.len() + all.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        // Nearly every body is one chunk, which needs no copy.
        if first.is_empty() && all.is_empty() {
            first = chunk;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
                first = Bytes::new();
            }
            all.extend_from_slice(&chunk);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}
