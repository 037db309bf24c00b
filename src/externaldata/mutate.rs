//! The answer to a mutation request: each image with the digest that its tag has now. Gatekeeper remembers
//! nothing of mutation, so what cannot be resolved is an item's error.

use super::KeyError;
use super::response::ResponseWriter;
use crate::outcome::Reason;
use crate::reference::Reference;

/// One key with what it became.
#[derive(Clone, Debug)]
pub struct MutationAnswer<'a> {
    /// The key, as it was asked.
    pub key: &'a str,
    /// The pinned image, or why there is none.
    pub pinned: Result<Result<Reference, Reason>, KeyError>,
}

/// Writes the answer. With `keep_tag` a pinned image is `repository:tag@digest`, else `repository@digest`.
pub fn mutate_response(answers: &[MutationAnswer<'_>], keep_tag: bool) -> Vec<u8> {
    let mut writer = ResponseWriter::new(true);
    for answer in answers {
        match &answer.pinned {
            Ok(Ok(reference)) => writer.value(answer.key, &pinned(reference, keep_tag)),
            Ok(Err(reason)) => writer.error(answer.key, &format!("{}: {}", reason.code, reason.message)),
            Err(error) => writer.error(answer.key, &error.to_string()),
        }
    }
    writer.finish("")
}

fn pinned(reference: &Reference, keep_tag: bool) -> String {
    match reference.digest() {
        Some(digest) if !keep_tag => format!("{}@{digest}", reference.repository()),
        _ => reference.to_string(),
    }
}
