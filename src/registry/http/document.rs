//! Checks on what was asked for: size, digest, media type.

use serde::Deserialize;

use super::FetchError;
use super::answer::Answer;
use crate::oci::{Content, Descriptor, media_type};
use crate::reference::{Digest, DigestAlgorithm};

/// What manifests are asked for as.
pub(super) const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.artifact.manifest.v1+json";

const KNOWN_TYPES: [&str; 5] = [
    media_type::IMAGE_INDEX,
    media_type::IMAGE_MANIFEST,
    media_type::DOCKER_MANIFEST_LIST,
    media_type::DOCKER_MANIFEST,
    media_type::ARTIFACT_MANIFEST,
];

/// Hashes a manifest, compares with the digest that was asked for, and compares the type under which it
/// was served with the type that it gives itself (OCI Image Specification v1.1, "mediaType").
pub(super) fn manifest(answer: Answer, what: &str, expected: Option<&Digest>) -> Result<Content, FetchError> {
    let media_type = agreed_type(&answer, what);
    let algorithm = expected.map_or(DigestAlgorithm::Sha256, Digest::algorithm);
    let name = media_type.as_deref().unwrap_or_default().to_owned();
    let content = Content::hash(algorithm, name, answer.body);
    match expected {
        Some(expected) if expected != content.digest() => {
            Err(invalid(what, format!("the bytes hash to {}", content.digest())))
        }
        _ => media_type.map(|_| content),
    }
}

/// The type that the registry and the document give, where they agree and it is one of a manifest.
fn agreed_type(answer: &Answer, what: &str) -> Result<String, FetchError> {
    let media_type = match (answer.media_type(), own_type(&answer.body, what)?) {
        (Some(served), Some(written)) if served != written => {
            return Err(invalid(what, format!("served as {served}, its mediaType member says {written}")));
        }
        (Some(served), _) => served,
        (None, Some(written)) => written,
        (None, None) => return Err(invalid(what, "without a media type".to_owned())),
    };
    if KNOWN_TYPES.contains(&media_type.as_str()) {
        Ok(media_type)
    } else {
        Err(invalid(what, format!("its type {media_type} is none of a manifest")))
    }
}

/// Refuses a descriptor that claims nothing, or more than is read, before anything is asked for.
pub(super) fn declared_size(descriptor: &Descriptor, limit: u64, what: &str) -> Result<(), FetchError> {
    match descriptor.size {
        0 => Err(invalid(what, "its descriptor says that it is empty".to_owned())),
        size if size > limit => {
            Err(invalid(what, format!("its descriptor says {size} bytes, at most {limit} are read")))
        }
        _ => Ok(()),
    }
}

/// Compares length and digest with the descriptor.
pub(super) fn blob(answer: Answer, what: &str, descriptor: &Descriptor) -> Result<Content, FetchError> {
    let length = answer.body.len() as u64;
    if length != descriptor.size {
        return Err(invalid(what, format!("{length} bytes, its descriptor says {}", descriptor.size)));
    }
    Content::checked(&descriptor.digest, descriptor.media_type.clone(), answer.body)
        .map_err(|mismatch| invalid(what, format!("the bytes hash to {}", mismatch.found)))
}

pub(super) fn invalid(what: &str, detail: String) -> FetchError {
    FetchError::Invalid { what: what.to_owned(), detail: super::answer::printable(&detail) }
}

#[derive(Deserialize)]
struct OwnType {
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
}

fn own_type(bytes: &[u8], what: &str) -> Result<Option<String>, FetchError> {
    serde_json::from_slice::<OwnType>(bytes)
        .map(|own| own.media_type.filter(|media_type| !media_type.is_empty()))
        .map_err(|_| invalid(what, "this is no JSON document of a manifest".to_owned()))
}
