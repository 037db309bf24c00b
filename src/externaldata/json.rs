//! Writing JSON into one buffer.

use serde::Serialize;

/// Appends a value. Values here are structs of strings, numbers and lists, which cannot fail to be
/// written; if one did, `null` keeps the document whole, and no template takes it for a verdict.
pub(super) fn append<T: Serialize + ?Sized>(buffer: &mut Vec<u8>, value: &T) {
    let start = buffer.len();
    if serde_json::to_writer(&mut *buffer, value).is_err() {
        buffer.truncate(start);
        buffer.extend_from_slice(b"null");
    }
}
