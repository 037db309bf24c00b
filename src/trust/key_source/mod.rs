//! Where keys and certificates come from. A source gives a *set*, each with validity and provenance, and
//! the age of the set; it is refreshed off the request path and the last good set serves.

use std::path::PathBuf;

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
    /// A source that cannot be used.
    Refused {
        /// Why.
        reason: String,
    },
}
