//! TLS of the endpoint over real connections: who is let in, what is shown, and how both change.

mod clients;
mod folder;
mod pki;
mod rotation;
mod self_made;
mod wire;

use std::path::Path;

use hallmark::server::tls::{Announcement, CertificateSource, TlsSettings};
use pki::{Authority, Pair};
use tempfile::TempDir;

/// A folder with a server's pair, and the authority that clients believe.
struct Server {
    folder: TempDir,
    authority: Authority,
}

impl Server {
    fn new() -> Self {
        let server = Self { folder: tempfile::tempdir().unwrap(), authority: Authority::new("servers") };
        write_pair(server.folder.path(), &server.authority.issue(&["localhost"]));
        server
    }

    fn settings(&self) -> TlsSettings {
        folder_settings(self.folder.path())
    }

    /// Settings that demand certificates of the authorities in `clients.crt` of the folder.
    fn demanding(&self, bundle: &str, names: &[&str]) -> TlsSettings {
        let path = self.folder.path().join("clients.crt");
        std::fs::write(&path, bundle).unwrap();
        let client_san = names.iter().map(|name| (*name).to_owned()).collect();
        TlsSettings { client_ca: Some(path), client_san, ..self.settings() }
    }

    fn write_clients(&self, bundle: &str) {
        std::fs::write(self.folder.path().join("clients.crt"), bundle).unwrap();
    }
}

fn folder_settings(folder: &Path) -> TlsSettings {
    let certificate = CertificateSource::Folder(folder.to_owned());
    TlsSettings { certificate, client_ca: None, client_san: Vec::new(), announcement: Announcement::made() }
}

fn write_pair(folder: &Path, pair: &Pair) {
    std::fs::write(folder.join("tls.crt"), &pair.chain).unwrap();
    std::fs::write(folder.join("tls.key"), &pair.key).unwrap();
}
