//! The answer to a mutation request: each image with the digest that its tag has now. Gatekeeper remembers
//! nothing of mutation, so what cannot be resolved is an item's error.

use super::KeyError;
use super::json::{Joined, Printed, shortened};
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
    let mut writer = ResponseWriter::new(true, 0);
    for answer in answers {
        match &answer.pinned {
            Ok(Ok(reference)) => write_pinned(&mut writer, answer.key, reference, keep_tag),
            Ok(Err(reason)) => {
                let words = Joined([reason.code.as_str(), ": ", shortened(&reason.message)]);
                writer.error(answer.key, &words);
            }
            Err(error) => writer.error(answer.key, &Printed(error)),
        }
    }
    writer.finish("")
}

fn write_pinned(writer: &mut ResponseWriter, key: &str, reference: &Reference, keep_tag: bool) {
    match reference.digest() {
        Some(digest) if !keep_tag => {
            writer.value(key, &Printed(format_args!("{}@{digest}", reference.repository())));
        }
        _ => writer.value(key, &Printed(reference)),
    }
}
