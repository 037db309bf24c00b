//! Where keys and certificates come from. A source gives a *set*, each with validity and provenance, and
//! the age of the set; it is refreshed off the request path and the last good set serves.

use std::path::PathBuf;

/// A key source as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySourceSettings {
    /// Certificates written into the resource: PEM.
    Inline {
        /// The PEM text.
        pem: String,
    },
    /// Certificates in a file or folder, re-read when it changes.
    File {
        /// The path.
        path: PathBuf,
    },
    /// A source that cannot be used.
    Refused {
        /// Why.
        reason: String,
    },
}
