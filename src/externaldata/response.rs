//! Writing a ProviderResponse into one buffer, item by item.

use serde::Serialize;

use super::json::append;
use super::{API_VERSION, MAX_ITEM_BYTES};

/// A response that is being written.
pub(super) struct ResponseWriter {
    buffer: Vec<u8>,
    items: usize,
}

impl ResponseWriter {
    pub(super) fn new(idempotent: bool) -> Self {
        let mut buffer = Vec::with_capacity(2048);
        buffer.extend_from_slice(br#"{"apiVersion":""#);
        buffer.extend_from_slice(API_VERSION.as_bytes());
        buffer.extend_from_slice(br#"","kind":"ProviderResponse","response":{"idempotent":"#);
        buffer.extend_from_slice(if idempotent { b"true" } else { b"false" });
        buffer.extend_from_slice(br#","items":["#);
        Self { buffer, items: 0 }
    }

    /// An item with a value that is small by its nature.
    pub(super) fn value<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.begin(key);
        self.buffer.extend_from_slice(br#","value":"#);
        append(&mut self.buffer, value);
        self.buffer.push(b'}');
    }

    /// An item whose value is made ever smaller until it fits: `value` makes it with at most so many
    /// details, from `most` down to none.
    pub(super) fn fitting<T: Serialize>(&mut self, key: &str, most: usize, value: impl Fn(usize) -> T) {
        let start = self.buffer.len();
        let mut details = most;
        loop {
            self.value(key, &value(details));
            if self.buffer.len() - start <= MAX_ITEM_BYTES || details == 0 {
                return;
            }
            self.buffer.truncate(start);
            self.items -= 1;
            details /= 2;
        }
    }

    /// An item with an error and no value.
    pub(super) fn error<T: Serialize + ?Sized>(&mut self, key: &str, error: &T) {
        self.begin(key);
        self.buffer.extend_from_slice(br#","error":"#);
        append(&mut self.buffer, error);
        self.buffer.push(b'}');
    }

    pub(super) fn finish(mut self, system_error: &str) -> Vec<u8> {
        self.buffer.extend_from_slice(br#"],"systemError":"#);
        append(&mut self.buffer, system_error);
        self.buffer.extend_from_slice(b"}}");
        self.buffer
    }

    fn begin(&mut self, key: &str) {
        if self.items > 0 {
            self.buffer.push(b',');
        }
        self.items += 1;
        self.buffer.extend_from_slice(br#"{"key":"#);
        append(&mut self.buffer, key);
    }
}

/// The answer to a request about which nothing at all can be said, for verification or for mutation.
pub fn failure_response(idempotent: bool, system_error: &str) -> Vec<u8> {
    ResponseWriter::new(idempotent).finish(&super::system_error::cut(system_error))
}
