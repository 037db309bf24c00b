//! An OCI image layout folder as an artifact store (OCI Image Specification v1.1, image-layout.md).
//!
//! The folder stands in for a repository of any name: tags are `org.opencontainers.image.ref.name`
//! annotations of its index, and referrers are found by reading the manifests that the index lists.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;

use super::{ArtifactStore, FetchContext, FetchError, Reach, Referrers};
use crate::oci::{Content, Descriptor, Index, Manifest, media_type};
use crate::reference::{Digest, DigestAlgorithm, Repository, Tag};

/// The annotation that names a tag.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
const MAX_DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;
/// Manifests of the index that are read to find referrers.
const MAX_SCANNED: usize = 1024;
/// Indexes within the index are followed so deep: the tag schema of a registry that was copied is one of them.
const MAX_LEVELS: usize = 4;

/// An image layout folder.
#[derive(Clone, Debug)]
pub struct OciLayout {
    folder: PathBuf,
}

/// Why a folder is no image layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The marker file cannot be read.
    #[error("{path} is no image layout: its file oci-layout cannot be read ({source})")]
    Marker {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The marker file says another version than 1.0.0.
    #[error("{path} is an image layout of another version than 1.0.0")]
    Version {
        /// The folder.
        path: PathBuf,
    },
}

impl OciLayout {
    /// Opens the folder; what is in it is read when it is asked for.
    ///
    /// # Errors
    /// [`LayoutError`] where the folder has no `oci-layout` file of version 1.0.0.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let folder = folder.into();
        let marker = std::fs::read(folder.join("oci-layout"))
            .map_err(|source| LayoutError::Marker { path: folder.clone(), source })?;
        let version = serde_json::from_slice::<Marker>(&marker).map(|marker| marker.image_layout_version);
        if version.is_ok_and(|version| version == "1.0.0") {
            Ok(Self { folder })
        } else {
            Err(LayoutError::Version { path: folder })
        }
    }

    async fn index(&self) -> Result<Index, FetchError> {
        let bytes = read_bounded(&self.folder.join("index.json"), MAX_DOCUMENT_BYTES).await?;
        let content = Content::hash(DigestAlgorithm::Sha256, media_type::IMAGE_INDEX, bytes);
        Index::parse(&content).map_err(|error| invalid(&self.folder.join("index.json"), &error.to_string()))
    }

    /// Digests have only hexadecimal digits, so no path leads out of the folder.
    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.folder.join("blobs").join(digest.algorithm().name()).join(hex::encode(digest.as_bytes()))
    }

    async fn content(&self, digest: &Digest, media_type: &str, limit: u64) -> Result<Content, FetchError> {
        let path = self.blob_path(digest);
        let bytes = read_bounded(&path, limit).await?;
        Content::checked(digest, media_type, bytes).map_err(|error| invalid(&path, &error.to_string()))
    }

    /// A manifest by digest. Where the index lists it, its media type is known; otherwise the document
    /// itself says.
    async fn manifest_content(&self, digest: &Digest) -> Result<Content, FetchError> {
        let listed = self.index().await?.entries.into_iter().find(|entry| entry.digest == *digest);
        let content = self.content(digest, "", MAX_DOCUMENT_BYTES).await?;
        let media_type = listed.map(|entry| entry.media_type).or_else(|| written_media_type(&content));
        let media_type = media_type.unwrap_or_else(|| media_type::IMAGE_MANIFEST.to_owned());
        Ok(Content::hash(digest.algorithm(), media_type, content.bytes().clone()))
    }

    async fn tagged(&self, tag: &Tag) -> Result<Digest, FetchError> {
        let what = format!("tag {tag} in {}", self.folder.display());
        let named =
            |entry: &Descriptor| entry.annotations.get(REF_NAME).is_some_and(|name| name == tag.as_str());
        let mut found = self.index().await?.entries.into_iter().filter(named).map(|entry| entry.digest);
        let Some(digest) = found.next() else {
            return Err(FetchError::NotFound {
                what,
                detail: "no entry of index.json has that name".to_owned(),
            });
        };
        // Tools differ in which of them they take.
        if found.any(|other| other != digest) {
            return Err(FetchError::Invalid {
                what,
                detail: "two entries of index.json have that name".to_owned(),
            });
        }
        Ok(digest)
    }

    async fn list_referrers(
        &self,
        subject: &Digest,
        artifact_types: &[String],
    ) -> Result<Referrers, FetchError> {
        let (entries, truncated) = self.manifests().await?;
        let mut found = Vec::new();
        for entry in entries {
            if let Some(referrer) = self.referrer(entry, subject).await {
                let wanted =
                    referrer.artifact_type.as_ref().is_some_and(|kind| artifact_types.contains(kind));
                if artifact_types.is_empty() || wanted {
                    found.push(referrer);
                }
            }
        }
        Ok(Referrers { entries: found, supported: true, truncated, by_mirror: false })
    }

    /// Every manifest of the index and of the indexes within it, each digest once, and whether there are more
    /// than are read. An index that cannot be read holds nothing.
    async fn manifests(&self) -> Result<(Vec<Descriptor>, bool), FetchError> {
        let mut waiting: VecDeque<_> =
            self.index().await?.entries.into_iter().map(|entry| (entry, 1)).collect();
        let (mut seen, mut manifests, mut truncated) = (HashSet::new(), Vec::new(), false);
        while let Some((entry, level)) = waiting.pop_front() {
            if !seen.insert(entry.digest.clone()) {
                continue;
            }
            if seen.len() > MAX_SCANNED || level > MAX_LEVELS {
                truncated = true;
                continue;
            }
            if !media_type::is_index(&entry.media_type) {
                manifests.push(entry);
                continue;
            }
            let content = self.content(&entry.digest, &entry.media_type, MAX_DOCUMENT_BYTES).await;
            if let Some(index) = content.ok().and_then(|content| Index::parse(&content).ok()) {
                waiting.extend(index.entries.into_iter().map(|entry| (entry, level + 1)));
            }
        }
        Ok((manifests, truncated))
    }

    /// The entry with its artifact type, where its manifest refers to `subject`. A manifest that cannot be
    /// read refers to nothing: one bad entry costs only itself.
    async fn referrer(&self, entry: Descriptor, subject: &Digest) -> Option<Descriptor> {
        let content = self.content(&entry.digest, &entry.media_type, MAX_DOCUMENT_BYTES).await.ok()?;
        let manifest = Manifest::parse(&content).ok()?;
        if manifest.subject?.digest != *subject {
            return None;
        }
        let artifact_type =
            manifest.artifact_type.or_else(|| manifest.config.map(|config| config.media_type));
        Some(Descriptor { artifact_type, ..entry })
    }
}

impl ArtifactStore for OciLayout {
    fn manifest_by_tag<'a>(
        &'a self,
        _repository: &'a Repository,
        tag: &'a Tag,
        _context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>> {
        Box::pin(async move {
            let digest = self.tagged(tag).await?;
            self.manifest_content(&digest).await
        })
    }

    fn head_tag<'a>(
        &'a self,
        _repository: &'a Repository,
        tag: &'a Tag,
        _context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Option<Digest>, FetchError>> {
        Box::pin(async move { self.tagged(tag).await.map(Some) })
    }

    fn manifest<'a>(
        &'a self,
        _repository: &'a Repository,
        digest: &'a Digest,
        _context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>> {
        Box::pin(self.manifest_content(digest))
    }

    fn blob<'a>(
        &'a self,
        _repository: &'a Repository,
        descriptor: &'a Descriptor,
        limit: u64,
        _context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>> {
        Box::pin(async move {
            let path = self.blob_path(&descriptor.digest);
            if descriptor.size > limit {
                return Err(invalid(
                    &path,
                    &format!("{} bytes are declared, {limit} are read", descriptor.size),
                ));
            }
            let content = self.content(&descriptor.digest, &descriptor.media_type, descriptor.size).await?;
            match content.bytes().len() as u64 == descriptor.size {
                true => Ok(content),
                false => Err(invalid(&path, "it has fewer bytes than declared")),
            }
        })
    }

    fn referrers<'a>(
        &'a self,
        _repository: &'a Repository,
        subject: &'a Digest,
        artifact_types: &'a [String],
        _reach: Reach,
        _context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Referrers, FetchError>> {
        Box::pin(self.list_referrers(subject, artifact_types))
    }

    /// A layout has one way of listing.
    fn referrers_by_tag<'a>(
        &'a self,
        _repository: &'a Repository,
        _subject: &'a Digest,
        _artifact_types: &'a [String],
        _reach: Reach,
        _context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Referrers, FetchError>> {
        Box::pin(async { Ok(Referrers { supported: true, ..Referrers::default() }) })
    }

    fn access_scope(&self, _repository: &Repository) -> Arc<str> {
        self.folder.display().to_string().into()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    media_type: String,
}

fn written_media_type(content: &Content) -> Option<String> {
    serde_json::from_slice::<Written>(content.bytes()).ok().map(|document| document.media_type)
}

async fn read_bounded(path: &Path, limit: u64) -> Result<Bytes, FetchError> {
    let file = match open(path).await {
        Ok(Some(file)) => file,
        Ok(None) => return Err(invalid(path, "it is no file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(FetchError::NotFound {
                what: path.display().to_string(),
                detail: "no such file".to_owned(),
            });
        }
        Err(error) => return Err(unavailable(path, &error)),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).await.map_err(|error| unavailable(path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(invalid(path, &format!("it has more than {limit} bytes")));
    }
    Ok(bytes.into())
}

/// The file; `None` for what is none. Opening a pipe would wait for whoever writes into it.
async fn open(path: &Path) -> std::io::Result<Option<tokio::fs::File>> {
    if tokio::fs::metadata(path).await?.is_file() {
        tokio::fs::File::open(path).await.map(Some)
    } else {
        Ok(None)
    }
}

fn unavailable(path: &Path, error: &std::io::Error) -> FetchError {
    FetchError::Unavailable { what: path.display().to_string(), detail: error.to_string() }
}

fn invalid(path: &Path, detail: &str) -> FetchError {
    FetchError::Invalid { what: path.display().to_string(), detail: detail.to_owned() }
}
