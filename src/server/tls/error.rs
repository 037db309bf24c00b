//! Why TLS cannot start.

/// Why TLS cannot start. What goes wrong later is logged, and what is in force stays.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The TLS library refuses the settings.
    #[error("TLS cannot be set up: {0}")]
    Library(#[source] rustls::Error),
}
