//! What the endpoint's TLS is made of.

use std::path::PathBuf;

/// What the endpoint's TLS is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// Where the server certificate comes from.
    pub certificate: CertificateSource,
    /// A file with the certificates of the authorities that vouch for clients, in PEM. With it a client
    /// certificate is demanded; without it everybody is let in.
    pub client_ca: Option<PathBuf>,
    /// DNS names of which a client certificate must have one as subject alternative name. Compared whole
    /// and without regard to case: a wildcard in the certificate stands for itself. Empty: any name will do.
    pub client_san: Vec<String>,
}

/// Where the server certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// `tls.crt` and `tls.key` of a folder, as a mounted Secret has them. While it holds no usable pair the
    /// process is not ready and keeps looking.
    Folder(PathBuf),
    /// An authority of the process's own.
    SelfMade {
        /// Where the authority is kept. One that exists is used again.
        state_dir: PathBuf,
        /// DNS names and IP addresses of the server certificate, beside `localhost`, the loopback addresses
        /// and the host's name.
        san: Vec<String>,
    },
}
