//! The item of a decided key, written once. Most questions are asked again and again, and what is answered
//! to them differs only in the request's id and time.

use jiff::Timestamp;
use uuid::Uuid;

use super::json::append;
use super::{MAX_ITEM_BYTES, MAX_SIGNATURES, Shape, verify_v1, verify_v2};
use crate::outcome::{Outcome, ReasonCode, Verdict};

/// An item as it is sent, but for what belongs to one answer.
#[derive(Clone, Debug)]
pub struct Item {
    before: Box<[u8]>,
    /// What follows the answer's own words; `None` in a shape that has none of them.
    after: Option<Box<[u8]>>,
}

impl Item {
    /// Writes the item of a key; `image` is the image inside of it. `None` where the outcome decides
    /// nothing, or where the key names no image: such keys have no value.
    pub fn of(key: &str, image: &str, outcome: &Outcome, shape: Shape) -> Option<Self> {
        let has_value =
            outcome.verdict() != Verdict::Inconclusive && outcome.reason.code != ReasonCode::InvalidReference;
        has_value.then(|| Self::fitting(key, image, outcome, shape))
    }

    /// What is kept of it, in bytes.
    pub fn bytes(&self) -> usize {
        self.before.len() + self.after.as_ref().map_or(0, |after| after.len())
    }

    /// An item that describes ever fewer signatures until it fits.
    fn fitting(key: &str, image: &str, outcome: &Outcome, shape: Shape) -> Self {
        let mut described = outcome.signatures.len().min(MAX_SIGNATURES);
        loop {
            let item = match shape {
                Shape::Canonical | Shape::RatifyV1 => Self {
                    before: begun(key, |buffer| verify_v1::begin(buffer, outcome)),
                    after: Some(ended(|buffer| verify_v1::end(buffer, image, outcome, described))),
                },
                Shape::RatifyV2 => {
                    let before = begun(key, |buffer| {
                        verify_v2::write(buffer, image, outcome, described);
                        buffer.push(b'}');
                    });
                    Self { before, after: None }
                }
            };
            if item.bytes() + Moment::MAX_BYTES <= MAX_ITEM_BYTES || described == 0 {
                return item;
            }
            described /= 2;
        }
    }

    /// Appends the item as part of an answer.
    pub(super) fn write(&self, buffer: &mut Vec<u8>, moment: &Moment) {
        buffer.extend_from_slice(&self.before);
        if let Some(after) = &self.after {
            buffer.extend_from_slice(moment.0.as_bytes());
            buffer.extend_from_slice(after);
        }
    }
}

fn begun(key: &str, value: impl FnOnce(&mut Vec<u8>)) -> Box<[u8]> {
    let mut buffer = Vec::with_capacity(512);
    buffer.extend_from_slice(br#"{"key":"#);
    append(&mut buffer, key);
    buffer.extend_from_slice(br#","value":"#);
    value(&mut buffer);
    buffer.into()
}

fn ended(value: impl FnOnce(&mut Vec<u8>)) -> Box<[u8]> {
    let mut buffer = Vec::with_capacity(2048);
    value(&mut buffer);
    buffer.push(b'}');
    buffer.into()
}

/// What an answer says of itself in each of its items: its id and its time.
pub(super) struct Moment(String);

impl Moment {
    /// The longest id and time, with what stands between them.
    pub(super) const MAX_BYTES: usize = 128;

    /// Neither holds a character that JSON escapes.
    pub(super) fn new(trace_id: Uuid, now: Timestamp) -> Self {
        Self(format!(r#"{trace_id}","timestamp":"{now}"#))
    }
}
