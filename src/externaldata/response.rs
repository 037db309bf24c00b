//! Writing a ProviderResponse into one buffer, item by item.

use serde::Serialize;

use super::API_VERSION;
use super::item::{Item, Moment};
use super::json::append;

/// What a response takes besides its items, where its `systemError` is short.
const FRAME_BYTES: usize = 512;

/// A response that is being written.
pub(super) struct ResponseWriter {
    buffer: Vec<u8>,
    items: usize,
}

impl ResponseWriter {
    /// A response whose items take about so many bytes.
    pub(super) fn new(idempotent: bool, bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(bytes + FRAME_BYTES);
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

    /// An item that was written before.
    pub(super) fn item(&mut self, item: &Item, moment: &Moment) {
        self.separate();
        item.write(&mut self.buffer, moment);
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

    fn separate(&mut self) {
        if self.items > 0 {
            self.buffer.push(b',');
        }
        self.items += 1;
    }

    fn begin(&mut self, key: &str) {
        self.separate();
        self.buffer.extend_from_slice(br#"{"key":"#);
        append(&mut self.buffer, key);
    }
}

/// The answer to a request about which nothing at all can be said, for verification or for mutation.
pub fn failure_response(idempotent: bool, system_error: &str) -> Vec<u8> {
    ResponseWriter::new(idempotent, 0).finish(&super::system_error::cut(system_error))
}
