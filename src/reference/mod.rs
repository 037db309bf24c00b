//! Image references and their parts: registry host, repository, tag and digest.
//!
//! Parsing follows the grammar of the OCI Distribution Specification v1.1 and the defaulting rules that
//! container runtimes share for Docker Hub (`nginx` is `docker.io/library/nginx`). A reference that
//! names neither tag nor digest means the tag `latest`. The host is lower-cased before anything compares
//! it; nothing here touches the network.

mod digest;
mod host;
mod parse;

#[cfg(test)]
mod tests;

pub use digest::{Digest, DigestAlgorithm, DigestError};
pub use host::RegistryHost;
pub use parse::{MAX_REFERENCE_BYTES, ReferenceError};

use std::fmt;
use std::sync::Arc;

/// A repository: a registry host and a path below it, as in `registry.example:5000/team/app`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    host: RegistryHost,
    path: Arc<str>,
}

impl Repository {
    /// The registry that holds the repository.
    pub fn host(&self) -> &RegistryHost {
        &self.host
    }

    /// The path below the host, `library/nginx` for Docker Hub's `nginx`.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

/// A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Arc<str>);

impl Tag {
    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A parsed image reference. It always carries a tag or a digest; where both are written, the digest
/// selects the content and the tag is only remembered for printing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl Reference {
    /// The repository that the image lives in.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag as written, or `latest` where neither tag nor digest was.
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest as written.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same image pinned to `digest`, keeping the tag.
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { repository: self.repository.clone(), tag: self.tag.clone(), digest: Some(digest) }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}
