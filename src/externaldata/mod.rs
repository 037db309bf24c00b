//! Gatekeeper's external-data documents: bytes in, bytes out. It reads a ProviderRequest strictly and within
//! limits, and writes a ProviderResponse in the shape that the caller's path promises. It decides nothing
//! and knows no HTTP.

mod item;
mod json;
mod key;
mod mutate;
mod request;
mod response;
mod signature;
mod system_error;
#[cfg(test)]
mod tests;
mod verify_v1;
mod verify_v2;

pub use item::Item;
pub use key::{KeyError, parse_key, parse_mutation_key};
pub use mutate::{MutationAnswer, mutate_response};
pub use request::{MAX_KEYS, ProviderRequest, RequestError, RequestLimits, decode};
pub use response::failure_response;
pub use system_error::MAX_SYSTEM_ERROR_BYTES;

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::outcome::{Outcome, ReasonCode, Verdict};
use item::Moment;
use json::{Joined, Printed, shortened};
use response::ResponseWriter;
use system_error::SystemError;

/// The version that Gatekeeper's requests have, and that answers give.
pub const API_VERSION: &str = "externaldata.gatekeeper.sh/v1beta1";

/// The largest item that is written, in bytes.
pub const MAX_ITEM_BYTES: usize = 16 * 1024;

/// The most signatures that an item describes.
pub const MAX_SIGNATURES: usize = 20;

/// The form of the values that a path answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `/verify`: Ratify v1's fields and Hallmark's own.
    Canonical,
    /// `/ratify/gatekeeper/v1/verify`: the same.
    RatifyV1,
    /// `/ratify/gatekeeper/v2/verify`: Ratify v2's fields.
    RatifyV2,
}

/// What belongs to a whole answer.
#[derive(Clone, Copy, Debug)]
pub struct AnswerContext {
    /// The request's id in the log.
    pub trace_id: Uuid,
    /// When the answer is given.
    pub now: Timestamp,
}

/// One key with what was found out about it.
#[derive(Clone, Debug)]
pub struct VerificationAnswer<'a> {
    /// The key, as it was asked.
    pub key: &'a str,
    /// The image inside the key.
    pub image: &'a str,
    /// What was found out, or why the key names no image.
    pub outcome: Result<Arc<Outcome>, KeyError>,
    /// Its item, where that was written before: for the same key, outcome and shape.
    pub item: Option<Arc<Item>>,
}

/// Writes the answer to a verification request.
///
/// A decided key gets an item. An undecided one gets none and is named in `systemError`, because Gatekeeper
/// remembers items, errors included, and forgets a bare `systemError`.
pub fn verify_response(answers: &[VerificationAnswer<'_>], shape: Shape, context: AnswerContext) -> Vec<u8> {
    let known = answers.iter().filter_map(|answer| answer.item.as_ref());
    let bytes = known.map(|item| item.bytes() + Moment::MAX_BYTES).sum();
    let mut writer = ResponseWriter::new(false, bytes);
    let mut undecided = SystemError::default();
    let moment = Moment::new(context.trace_id, context.now);
    for answer in answers {
        match &answer.outcome {
            Err(error) => writer.error(answer.key, &Printed(error)),
            Ok(outcome) if outcome.reason.code == ReasonCode::InvalidReference => {
                let reason = &outcome.reason;
                let words = Joined([reason.code.as_str(), ": ", shortened(&reason.message)]);
                writer.error(answer.key, &words);
            }
            Ok(outcome) if outcome.verdict() == Verdict::Inconclusive => {
                undecided.add(outcome.reason.code, answer.key);
            }
            Ok(outcome) => match &answer.item {
                Some(item) => writer.item(item, &moment),
                None => {
                    if let Some(item) = Item::of(answer.key, answer.image, outcome, shape) {
                        writer.item(&item, &moment);
                    }
                }
            },
        }
    }
    writer.finish(&undecided.finish())
}
