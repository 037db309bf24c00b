//! Reading a request's body within a size, a time, and what all bodies together may hold.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use crate::telemetry::RequestResult;

/// Why there is no body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// It is too large.
    #[error("REQUEST_TOO_LARGE: the body has more than {limit} bytes")]
    TooLarge { limit: usize },
    /// It did not come in time.
    #[error("REQUEST_TIMEOUT: the body did not come within the deadline of the request")]
    TooSlow,
    /// It broke off, or is not encoded as its head says.
    #[error("BAD_REQUEST: the body cannot be read: {detail}")]
    Broken { detail: String },
    /// Too much is held for others.
    #[error("OVERLOADED: the bodies of other requests fill the memory that is kept for bodies")]
    NoRoom,
}

impl BodyError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken { .. } => StatusCode::BAD_REQUEST,
            Self::NoRoom => StatusCode::OK,
        }
    }

    pub(super) fn result(&self) -> RequestResult {
        match self {
            Self::TooLarge { .. } => RequestResult::TooLarge,
            Self::TooSlow => RequestResult::TimedOut,
            Self::Broken { .. } => RequestResult::Unreadable,
            Self::NoRoom => RequestResult::Overloaded,
        }
    }
}

/// What all bodies together may hold, so that many slow ones cannot fill the memory.
#[derive(Debug)]
pub(super) struct BodyRoom {
    held: AtomicUsize,
    limit: usize,
}

/// What one body holds of it, until it is dropped.
#[derive(Debug)]
pub(super) struct Held<'a> {
    room: &'a BodyRoom,
    bytes: usize,
}

impl BodyRoom {
    pub(super) fn new(limit: usize) -> Self {
        Self { held: AtomicUsize::new(0), limit }
    }

    pub(super) fn enter(&self) -> Held<'_> {
        Held { room: self, bytes: 0 }
    }
}

impl Held<'_> {
    fn grow(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.bytes += bytes;
        let before = self.room.held.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.room.limit { Err(BodyError::NoRoom) } else { Ok(()) }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads a whole body. `declared` is what the head says of its length.
pub(super) async fn read(
    payload: Payload,
    declared: Option<u64>,
    limit: usize,
    deadline: Instant,
    held: &mut Held<'_>,
) -> Result<Bytes, BodyError> {
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit });
    }
    timeout_at(deadline, collect(payload, limit, held)).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn collect(mut payload: Payload, limit: usize, held: &mut Held<'_>) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| BodyError::Broken { detail: error.to_string() })?;
        if first.len() + all.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        held.grow(chunk.len())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_fill_the_room_are_refused_and_what_they_held_is_given_back() {
        let room = BodyRoom::new(10);
        let mut one = room.enter();
        assert_eq!(one.grow(6), Ok(()));
        let mut other = room.enter();
        assert_eq!(other.grow(6), Err(BodyError::NoRoom));
        drop(other);
        assert_eq!(one.grow(4), Ok(()));
        drop(one);
        assert_eq!(room.held.load(Ordering::Relaxed), 0);
    }
}
