//! The embedded samples: an OCI image layout in memory, found by tag, by digest and by subject.
//!
//! What `tests/fixtures/demo/make.sh` writes is well-formed; anything that is not is left out here.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::oci::{Content, Descriptor, Index, Manifest, media_type};
use crate::reference::{Digest, DigestAlgorithm};

const FILES: &[(&str, &[u8])] = &include!("../../../tests/fixtures/demo/files.rs");
/// The annotation that names a tag (OCI Image Specification v1.1, annotations.md).
const REF_NAME: &str = "org.opencontainers.image.ref.name";
const OCTETS: &str = "application/octet-stream";

/// The samples of one repository.
#[derive(Debug)]
pub(super) struct Images {
    contents: BTreeMap<Digest, Content>,
    tags: BTreeMap<String, Digest>,
    /// Signature manifests with their artifact type, by what they are attached to.
    referrers: BTreeMap<Digest, Vec<Descriptor>>,
}

impl Images {
    /// Those that this program carries.
    pub(super) fn embedded() -> Self {
        Self::read(FILES)
    }

    fn read(files: &[(&str, &'static [u8])]) -> Self {
        let mut images =
            Self { contents: BTreeMap::new(), tags: BTreeMap::new(), referrers: BTreeMap::new() };
        for (_, bytes) in files.iter().filter(|(path, _)| path.starts_with("blobs/")) {
            let content = Content::hash(DigestAlgorithm::Sha256, OCTETS, Bytes::from_static(bytes));
            images.contents.insert(content.digest().clone(), content);
        }
        let index = files.iter().find(|(path, _)| *path == "index.json").map_or(&[][..], |(_, bytes)| bytes);
        let index =
            Content::hash(DigestAlgorithm::Sha256, media_type::IMAGE_INDEX, Bytes::from_static(index));
        for entry in Index::parse(&index).map(|index| index.entries).unwrap_or_default() {
            images.add(entry);
        }
        images
    }

    fn add(&mut self, entry: Descriptor) {
        let Some(bytes) = self.contents.get(&entry.digest).map(|content| content.bytes().clone()) else {
            return;
        };
        let content = Content::hash(DigestAlgorithm::Sha256, entry.media_type.clone(), bytes);
        if let Some(tag) = entry.annotations.get(REF_NAME) {
            self.tags.insert(tag.clone(), entry.digest.clone());
        }
        if let Ok(manifest) = Manifest::parse(&content)
            && let Some(subject) = manifest.subject
        {
            let artifact_type = manifest.artifact_type.or(manifest.config.map(|config| config.media_type));
            let annotations = manifest.annotations;
            let referrer = Descriptor { artifact_type, annotations, ..entry };
            self.referrers.entry(subject.digest).or_default().push(referrer);
        }
        self.contents.insert(content.digest().clone(), content);
    }

    /// The tags, sorted.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.keys().map(String::as_str)
    }

    /// The digest that a tag names.
    pub(super) fn tagged(&self, tag: &str) -> Option<&Digest> {
        self.tags.get(tag)
    }

    /// A manifest: what the layout's index lists.
    pub(super) fn manifest(&self, digest: &Digest) -> Option<&Content> {
        self.contents.get(digest).filter(|content| content.media_type() != OCTETS)
    }

    /// Whatever has this digest.
    pub(super) fn blob(&self, digest: &Digest) -> Option<&Content> {
        self.contents.get(digest)
    }

    /// What is attached to a manifest.
    pub(super) fn referrers(&self, subject: &Digest) -> &[Descriptor] {
        self.referrers.get(subject).map_or(&[], Vec::as_slice)
    }
}
