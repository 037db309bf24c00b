//! Why TLS cannot start.

use std::io;
use std::path::PathBuf;

use super::authority::{HeldError, IssueError};
use super::files::FileError;
use super::pair::PairError;

/// Why TLS cannot start. What goes wrong later is logged, and what is in force stays.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Names are wanted of clients that are not asked for a certificate.
    #[error("names are wanted of client certificates ({}), and none is demanded; set --client-ca, too", .names.join(", "))]
    NamesWithoutAuthority {
        /// The wanted names.
        names: Vec<String>,
    },
    /// A name for the server certificate is none.
    #[error("--tls-san {name:?} is neither a DNS name nor an IP address")]
    Name {
        /// The name as written.
        name: String,
    },
    /// The state folder cannot be used.
    #[error(
        "{path} cannot be {doing}: {source}; give --state-dir a folder that this process's user may write, or \
         a certificate by --cert-dir",
        path = .path.display()
    )]
    StateFolder {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as a participle.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the state folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file with the authority is not what was written.
    #[error(
        "{path} is damaged: {error}. Restore it from a backup; or remove it and ca.crt beside it: then a new \
         authority is made, and every client needs its ca.crt",
        path = .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: HeldError,
    },
    /// There is a bundle, and the authority that it is for is gone.
    #[error(
        "{bundle} is there and {path} is not. Restore it from a backup; or remove {bundle}: then a new \
         authority is made, and every client needs its ca.crt",
        path = .path.display(),
        bundle = .bundle.display()
    )]
    Lost {
        /// The file with the authority.
        path: PathBuf,
        /// The bundle.
        bundle: PathBuf,
    },
    /// No certificate could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A certificate of the process's own cannot be shown.
    #[error("the certificate that was made cannot be used: {0}")]
    Pair(#[from] PairError),
    /// The TLS library refuses the settings.
    #[error("TLS cannot be set up: {0}")]
    Library(#[source] rustls::Error),
}
