//! Joins the cluster's side of certificates to the server's: files of the state folder are between them.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;

use crate::config::{GatekeeperSettings, KubernetesSettings, ProviderAuthority, ServerSettings};
use crate::controller::Connection;
use crate::controller::gateway::{AuthorityStore, Gateway, GatewaySettings};
use crate::server::tls::{Announcement, AuthorityFile, TlsSettings};
use crate::telemetry::Metrics;

/// Prepares what is between Gatekeeper and this provider; to be called before TLS starts, which then begins
/// with the authority that all replicas share; `tls` is told whether clients know of it.
///
/// # Errors
/// The state folder cannot be used.
pub(super) async fn prepared(
    connection: &Connection,
    kubernetes: &KubernetesSettings,
    server: &ServerSettings,
    metrics: &Arc<Metrics>,
    tls: &mut TlsSettings,
) -> anyhow::Result<Gateway> {
    let store: Option<Arc<dyn AuthorityStore>> = match server.cert_dir {
        None => {
            tls.announcement = announcement(&kubernetes.gatekeeper);
            let file = AuthorityFile::open(server.state_dir.clone())?;
            Some(Arc::new(Store { file, announcement: tls.announcement.clone() }))
        }
        Some(_) => None,
    };
    let settings = GatewaySettings {
        gatekeeper: kubernetes.gatekeeper.clone(),
        name: Arc::clone(&kubernetes.name),
        client_ca: server.client_ca.clone(),
        verify_deadline: server.verify_deadline,
        mutate_deadline: server.mutate_deadline,
    };
    let mut gateway = Gateway::new(connection.clone(), settings, store, Arc::clone(metrics));
    gateway.prepare().await;
    Ok(gateway)
}

/// Clients are told by Provider objects; where there are none to write, whoever needs the bundle takes it from the
/// state folder.
fn announcement(gatekeeper: &GatekeeperSettings) -> Announcement {
    let is_told = gatekeeper.ca == ProviderAuthority::Own && !gatekeeper.providers.is_empty();
    if is_told { Announcement::pending() } else { Announcement::made() }
}

struct Store {
    file: AuthorityFile,
    announcement: Announcement,
}

impl AuthorityStore for Store {
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        self.file.read().map_err(|error| error.to_string())
    }

    fn replace(&self, was: Option<&[u8]>, with: &[u8]) -> Result<bool, String> {
        self.file.replace(was, with).map_err(|error| error.to_string())
    }

    fn make(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        AuthorityFile::make(Timestamp::now()).map_err(|error| error.to_string())
    }

    fn announce(&self) {
        self.announcement.make();
    }

    fn bundle(&self, authority: &[u8]) -> Result<String, String> {
        AuthorityFile::bundle(authority).map_err(|error| error.to_string())
    }
}
