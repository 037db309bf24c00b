//! Bytes together with the digest that was computed over them here.

use bytes::Bytes;

use super::Descriptor;
use crate::reference::{Digest, DigestAlgorithm};

/// Bytes that were hashed in this process. There is no other way to make one, so a value that carries a
/// `Content`'s digest is bound to bytes and not to what a registry said of them.
#[derive(Clone, Debug)]
pub struct Content {
    digest: Digest,
    media_type: String,
    bytes: Bytes,
}

/// The bytes hash to another digest than the one asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content hashes to {found}, {expected} was asked for")]
pub struct DigestMismatch {
    /// The digest that was asked for.
    pub expected: Digest,
    /// The digest of the bytes.
    pub found: Digest,
}

impl Content {
    /// Hashes `bytes`, of which nothing is expected yet.
    pub fn hash(algorithm: DigestAlgorithm, media_type: impl Into<String>, bytes: Bytes) -> Self {
        Self { digest: Digest::of(algorithm, &bytes), media_type: media_type.into(), bytes }
    }

    /// Hashes `bytes` and compares with the digest that was asked for.
    ///
    /// # Errors
    /// [`DigestMismatch`] with both digests.
    pub fn checked(
        expected: &Digest,
        media_type: impl Into<String>,
        bytes: Bytes,
    ) -> Result<Self, DigestMismatch> {
        let content = Self::hash(expected.algorithm(), media_type, bytes);
        if content.digest == *expected {
            Ok(content)
        } else {
            Err(DigestMismatch { expected: expected.clone(), found: content.digest })
        }
    }

    /// The digest of [`Content::bytes`].
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The media type under which the bytes were found.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The descriptor of these bytes: digest and size computed here.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.digest.clone(),
            size: self.bytes.len() as u64,
            artifact_type: None,
            annotations: std::collections::BTreeMap::new(),
        }
    }
}
