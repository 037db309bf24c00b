//! What the endpoint's TLS is made of.

use std::path::PathBuf;

use crate::config::ServerSettings;

use super::Announcement;

/// What the endpoint's TLS is made of.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// Where the server certificate comes from.
    pub certificate: CertificateSource,
    /// A file with the certificates of the authorities that vouch for clients, in PEM. With it a client
    /// certificate is demanded; without it everybody is let in.
    pub client_ca: Option<PathBuf>,
    /// DNS names of which a client certificate must have one as subject alternative name. Compared whole
    /// and without regard to case: a wildcard in the certificate stands for itself. Empty: any name will do.
    pub client_san: Vec<String>,
    /// Whether clients were told of the process's own authority.
    pub announcement: Announcement,
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

impl From<&ServerSettings> for TlsSettings {
    fn from(settings: &ServerSettings) -> Self {
        let self_made = || CertificateSource::SelfMade {
            state_dir: settings.state_dir.clone(),
            san: settings.tls_san.clone(),
        };
        Self {
            certificate: settings.cert_dir.clone().map_or_else(self_made, CertificateSource::Folder),
            client_ca: settings.client_ca.clone(),
            client_san: settings.client_san.clone(),
            announcement: Announcement::made(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_self_made_unless_a_folder_is_given() {
        let mut settings = ServerSettings { tls_san: vec!["a.example".into()], ..Default::default() };
        let (state_dir, san) = (settings.state_dir.clone(), vec!["a.example".into()]);
        assert_eq!(TlsSettings::from(&settings).certificate, CertificateSource::SelfMade { state_dir, san });
        settings.cert_dir = Some("/certs".into());
        assert_eq!(TlsSettings::from(&settings).certificate, CertificateSource::Folder("/certs".into()));
    }
}
