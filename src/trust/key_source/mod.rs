//! Where keys and certificates come from. A source gives a *set*, each with validity and provenance, and
//! the age of the set; it is refreshed off the request path and the last good set serves.

mod file;
mod inline;
mod material;
mod secret;
mod set;
mod snapshot;

#[cfg(test)]
mod tests;

pub use file::{FileSource, MAX_FILE_BYTES, MAX_FILES};
pub use inline::InlineSource;
pub use material::{MaterialError, PublicKey, read_material};
pub use secret::SecretSource;
pub use set::{Key, KeyMaterial, KeySet, KeyState};
pub use snapshot::{KeySets, KeySources, SourceState};

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::secret::{Beyond, SecretName};

/// What a key source holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyContent {
    /// Certificates: members of trust stores.
    #[default]
    Certificates,
    /// Public keys, for verifiers that trust keys.
    Keys,
}

/// A key source as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySourceSettings {
    /// Written into the resource: PEM.
    Inline {
        /// The PEM text.
        pem: String,
        /// What it holds.
        content: KeyContent,
    },
    /// A file or folder, re-read when it changes.
    File {
        /// The path.
        path: PathBuf,
        /// What it holds.
        content: KeyContent,
    },
    /// A Secret of the Kubernetes API, followed.
    Secret {
        /// Which one.
        name: SecretName,
        /// The key in it; `None`: every key that ends in `.crt`, `.pem` or `.pub`, or the only one.
        key: Option<String>,
        /// What it holds.
        content: KeyContent,
    },
    /// A source that cannot be used.
    Refused {
        /// Why.
        reason: String,
    },
}

impl KeySourceSettings {
    /// What it holds, where it can be used.
    pub fn content(&self) -> Option<KeyContent> {
        match self {
            Self::Inline { content, .. } | Self::File { content, .. } | Self::Secret { content, .. } => {
                Some(*content)
            }
            Self::Refused { .. } => None,
        }
    }
}

/// Something that keys or certificates can be had from.
pub trait KeySource: Send + Sync {
    /// Fetches the whole set as it is now. Bounded by the source in size, and in time by whoever calls.
    ///
    /// # Errors
    /// [`KeySourceError`]; where [`KeySourceError::is_removal`] holds, a set held before is void, else it
    /// goes on serving.
    fn refresh(&self, now: Timestamp) -> BoxFuture<'_, Result<KeySet, KeySourceError>>;

    /// How long a set is believed before it is fetched again; `None` for a set that never changes.
    fn refresh_interval(&self) -> Option<Duration>;
}

/// Why a source gives no set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySourceError {
    /// There is no such file or folder.
    #[error("{path} does not exist", path = .path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// The folder has no file with keys or certificates.
    #[error("{path} holds nothing", path = .path.display())]
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("{path} cannot be read: {why}", path = .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A file is larger than is read, or a folder holds more.
    #[error("{path} is too large: at most {limit} {unit} are read", path = .path.display())]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// What was read is no set of keys or certificates.
    #[error("{origin}: {error}")]
    Material {
        /// The file, or the words for an inline value.
        origin: String,
        /// What is wrong.
        error: MaterialError,
    },
    /// There is no such Secret.
    #[error("there is no Secret {0}")]
    NoSecret(SecretName),
    /// The Secret does not hold what is wanted.
    #[error("Secret {secret} has no key {wanted}")]
    NoSecretKey {
        /// Which Secret.
        secret: SecretName,
        /// What is missing.
        wanted: String,
    },
    /// The API does not let the Secret be read.
    #[error("Secret {0} may not be read: a Role in its namespace must let Hallmark get, list and watch it")]
    SecretForbidden(SecretName),
    /// The Kubernetes API was not heard on the Secret yet.
    #[error("Secret {0} was not read yet")]
    SecretUnread(SecretName),
    /// The Secret is beyond what is kept.
    #[error("Secret {secret} {beyond}")]
    SecretBeyond {
        /// Which Secret.
        secret: SecretName,
        /// Which bound it is beyond.
        beyond: Beyond,
    },
    /// The source is refused by configuration.
    #[error("{0}")]
    Refused(String),
}

impl KeySourceError {
    /// True where the keys are known to be gone. Removing them must take effect; failing to read them must
    /// not undo what is known.
    pub fn is_removal(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::Empty { .. }
            | Self::NoSecret(_)
            | Self::NoSecretKey { .. }
            // Nobody would hear of it if its keys were gone.
            | Self::SecretBeyond { beyond: Beyond::Number, .. }
            | Self::Refused(_) => true,
            Self::Unreadable { .. }
            | Self::TooLarge { .. }
            | Self::Material { .. }
            | Self::SecretForbidden(_)
            | Self::SecretBeyond { beyond: Beyond::Length { .. }, .. }
            | Self::SecretUnread(_) => false,
        }
    }
}
