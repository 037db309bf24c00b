//! Why the server cannot run.

use std::io;
use std::net::SocketAddr;

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address cannot be had.
    #[error(
        "{address} cannot be listened on: {source} (another process may have it; see --listen and --health-listen)"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("the server ended: {source}")]
    Ended {
        /// Why.
        source: io::Error,
    },
}
