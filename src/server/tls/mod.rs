//! TLS of the endpoint: which certificate is shown, which client certificates are let in, and how both
//! change while the process runs.
//!
//! TLS 1.3 only, with aws-lc-rs. The server certificate comes from a folder or from an authority of the
//! process's own. The listener is bound once: what it holds swaps inside, by the content of files, so that
//! a connection that is up goes on and the next handshake meets the newest. It deliberately does not
//! listen, and knows no HTTP.
//!
//! No session is ever resumed: a resumed session would skip the client certificate, and so outlive a
//! change of the authorities. It costs little: Gatekeeper keeps its connections, and a whole handshake with
//! a client certificate is about 0.4 ms.

mod announcement;
mod authority;
mod client;
mod client_ca;
mod error;
mod files;
mod folder;
mod handshake;
mod names;
mod once;
mod pair;
mod settings;
mod state;

pub use announcement::Announcement;
pub use authority::{AuthorityFile, HeldError, IssueError};
pub use error::TlsError;
pub use files::FileError;
pub use pair::PairError;
pub use settings::{CertificateSource, TlsSettings};
pub use state::TlsState;

use std::sync::Arc;

use jiff::Timestamp;

/// Where the time comes from. Certificates are judged and renewed by it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How long clients are given to learn of an authority before a certificate of it replaces one that is good, in
/// seconds: Gatekeeper reads it from Provider objects, and whoever writes those hears of it when this server does.
const LEARNING: i64 = 3;

#[cfg(test)]
mod tests;
