//! The grammar of a reference: `[host/]path[:tag][@digest]`.

use std::str::FromStr;

use super::{Digest, DigestError, Reference, RegistryHost, Repository, Tag};

/// The longest text that is looked at. A repository has at most 255 characters, a tag 128, a digest 135.
pub const MAX_REFERENCE_BYTES: usize = 1024;

const MAX_REPOSITORY: usize = 255;
const MAX_TAG: usize = 128;

/// Why a text is not an image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is nothing to parse.
    #[error("the reference is empty")]
    Empty,
    /// The text is longer than [`MAX_REFERENCE_BYTES`].
    #[error("the reference has {0} bytes, {MAX_REFERENCE_BYTES} at most are read")]
    TooLong(usize),
    /// The part before the first slash looks like a host and is none.
    #[error("{0:?} is not a registry host")]
    Host(String),
    /// A path component breaks `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, or the path is too long.
    #[error("{0:?} is not a repository path: lower-case letters, digits and single separators")]
    Repository(String),
    /// The tag breaks `[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}`.
    #[error("{0:?} is not a tag")]
    Tag(String),
    /// The part after `@` is no digest.
    #[error("the digest cannot be read: {0}")]
    Digest(#[from] DigestError),
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let rest = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
        if first && rest && text.len() <= MAX_TAG {
            Ok(Self(text.into()))
        } else {
            Err(ReferenceError::Tag(text.to_owned()))
        }
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    /// Parses `host/path`, or a Docker Hub short name.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        check_length(text)?;
        let (host, path) = match text.split_once('/') {
            Some((first, rest))
                if first.contains(['.', ':', '[']) || first.eq_ignore_ascii_case("localhost") =>
            {
                let host =
                    RegistryHost::parse(first).ok_or_else(|| ReferenceError::Host(first.to_owned()))?;
                (host, rest)
            }
            _ => {
                let hub = RegistryHost::parse("docker.io")
                    .ok_or_else(|| ReferenceError::Host("docker.io".to_owned()))?;
                (hub, text)
            }
        };
        let path = match path {
            short if host.as_str() == "docker.io" && !short.contains('/') => format!("library/{short}"),
            full => full.to_owned(),
        };
        if path.len() > MAX_REPOSITORY || !path.split('/').all(is_path_component) {
            return Err(ReferenceError::Repository(path));
        }
        Ok(Self { host, path: path.into() })
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl Reference {
    /// Parses a reference and fills in what runtimes fill in: Docker Hub as the host, `library/` before a
    /// single name there, and the tag `latest` where neither tag nor digest is written.
    ///
    /// # Errors
    /// [`ReferenceError`] says which part breaks the grammar.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        check_length(text)?;
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse::<Digest>()?)),
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') && !tag.ends_with(']') => {
                (name, Some(tag.parse::<Tag>()?))
            }
            _ => (name, None),
        };
        let repository = name.parse::<Repository>()?;
        let tag = match (&tag, &digest) {
            (None, None) => Some(Tag("latest".into())),
            _ => tag,
        };
        Ok(Self { repository, tag, digest })
    }
}

fn check_length(text: &str) -> Result<(), ReferenceError> {
    match text.len() {
        0 => Err(ReferenceError::Empty),
        length if length > MAX_REFERENCE_BYTES => Err(ReferenceError::TooLong(length)),
        _ => Ok(()),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let bytes = component.as_bytes();
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return false;
    }
    component.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(|separator| {
        matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
    })
}
