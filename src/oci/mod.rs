//! OCI content: descriptors, image manifests and indexes, and bytes whose digest was computed here.
//!
//! The documents are read by hand rather than through `oci-spec`'s structs, because one malformed entry
//! of an index must cost only itself. Unknown members are ignored, as the specification asks.
//! OCI Image Specification v1.1, descriptor.md, manifest.md, image-index.md.

mod content;
mod document;

#[cfg(test)]
mod tests;

pub use content::{Content, DigestMismatch};
pub use document::{DocumentError, Index, Manifest};

use std::collections::BTreeMap;

use crate::reference::Digest;

/// Media types that decide how bytes are read.
pub mod media_type {
    /// OCI image manifest.
    pub const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI image index.
    pub const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// OCI artifact manifest of the v1.1 release candidates: read, never written.
    pub const ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
    /// Docker image manifest, version 2 schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker manifest list.
    pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// The two bytes `{}`.
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

    /// True for the two list forms, which say nothing about one platform's manifest.
    pub fn is_index(media_type: &str) -> bool {
        matches!(media_type, IMAGE_INDEX | DOCKER_MANIFEST_LIST)
    }
}

/// A descriptor: what some bytes are, how many and what they hash to. It is a claim until a
/// [`Content`] with its digest exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type of the content, as written.
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Size of the content in bytes.
    pub size: u64,
    /// Artifact type, where one is written.
    pub artifact_type: Option<String>,
    /// Annotations; unsigned unless the descriptor itself is inside a signed payload.
    pub annotations: BTreeMap<String, String>,
}
