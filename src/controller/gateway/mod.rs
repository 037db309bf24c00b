//! What Gatekeeper must know of this provider, and this provider of Gatekeeper: the Provider objects, the
//! authority of the server certificate, the authority of Gatekeeper's client certificate, and whether the
//! webhooks wait long enough.
//!
//! ```text
//! Secret NAME-authority <──> file of the state folder ──> server::tls
//!        └──bundle──> Provider objects
//! webhook configuration ──caBundle──> file of the state folder ──> server::tls
//!        └──timeouts──> log, metrics
//! ```
//!
//! Files are the seam to the server, so that it needs no Kubernetes. Each task follows objects by name, and
//! decides in a pure function what to write given what is there.

mod authority;
mod authority_secret;
mod bundle_secret;
mod client_ca;
mod client_file;
mod follow;
mod overlap;
mod pem;
mod provider;
mod providers;
mod said;
mod timeouts;
mod waiting;
mod webhook;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::authority_secret::AuthoritySecret;
use self::waiting::Waiting;
use super::Connection;
use crate::config::{ClientAuthority, GatekeeperSettings, ProviderAuthority};
use crate::telemetry::Metrics;

pub use self::authority_secret::AuthorityStore;

/// How long [`Gateway::prepare`] waits for the API: a start that takes longer says so at `/readyz`.
const PREPARATION: Duration = Duration::from_secs(10);

/// The certificates that Gatekeeper must trust to reach this server, in PEM; `None` while unknown.
type Bundle = Option<Arc<str>>;

/// What the tasks need to know.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// What is Gatekeeper's.
    pub gatekeeper: GatekeeperSettings,
    /// The installation's name.
    pub name: Arc<str>,
    /// The file that the authorities of client certificates are written into.
    pub client_ca: Option<PathBuf>,
    /// How long a verification request may take here.
    pub verify_deadline: Duration,
    /// How long a mutation request may take here.
    pub mutate_deadline: Duration,
}

/// Everything between Gatekeeper and this provider that is kept in Kubernetes.
pub struct Gateway {
    connection: Connection,
    settings: GatewaySettings,
    metrics: Arc<Metrics>,
    waiting: Waiting,
    authority: Option<AuthoritySecret>,
    bundle: watch::Sender<Bundle>,
}

/// Tasks, which end when this is dropped.
#[derive(Debug)]
pub struct Gatekeeping(Vec<JoinHandle<()>>);

impl Drop for Gatekeeping {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Gateway {
    /// Nothing is asked yet. `store` is where the server keeps its own authority; `None` where it has none.
    pub fn new(
        connection: Connection,
        settings: GatewaySettings,
        store: Option<Arc<dyn AuthorityStore>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let waiting = Waiting::default();
        let (bundle, _) = watch::channel(None);
        let authority = store.filter(|_| settings.gatekeeper.ca == ProviderAuthority::Own).map(|store| {
            AuthoritySecret::new(&connection, &settings, store, waiting.clone(), bundle.clone())
        });
        Self { connection, settings, metrics, waiting, authority, bundle }
    }

    /// Agrees on the authority with the other replicas, so that the server begins with the one that all
    /// share. Where the API does not answer, the server begins with what it has, and is not ready.
    pub async fn prepare(&mut self) {
        if let Some(authority) = &mut self.authority {
            authority.agree_within(PREPARATION).await;
        }
    }

    /// Starts to follow everything. What is said by [`Waiting`] is no longer said once it was read. Whenever the
    /// file of client authorities is another, `clients_changed` is called: a client may come at once.
    pub fn start(
        mut self,
        clients_changed: impl Fn() + Send + Sync + 'static,
    ) -> (Gatekeeping, impl Fn() -> Option<String> + Send + Sync + 'static) {
        let mut tasks = Vec::new();
        if let Some(authority) = self.authority.take() {
            tasks.push(tokio::spawn(authority.run()));
        }
        if let ProviderAuthority::Secret(name) = &self.settings.gatekeeper.ca {
            let (connection, bundle) = (self.connection.clone(), self.bundle.clone());
            tasks.push(tokio::spawn(bundle_secret::run(connection, Arc::clone(name), bundle)));
        }
        for provider in &self.settings.gatekeeper.providers {
            let keeper = providers::Keeper::new(&self.connection, &self.settings, provider);
            let (bundle, metrics) = (self.bundle.subscribe(), Arc::clone(&self.metrics));
            tasks.push(tokio::spawn(keeper.run(bundle, metrics)));
        }
        let follower = || {
            let changed = Arc::new(clients_changed);
            client_ca::Follower::new(&self.connection, &self.settings, &self.waiting, changed)
        };
        tasks.extend(match &self.settings.gatekeeper.client_ca {
            ClientAuthority::Webhook => follower().map(|follower| tokio::spawn(follower.of_webhook())),
            ClientAuthority::Secret(name) => {
                follower().map(|follower| tokio::spawn(follower.of_secret(name.clone())))
            }
            // The file is somebody else's.
            ClientAuthority::File | ClientAuthority::Nobody => None,
        });
        let (connection, settings) = (self.connection.clone(), self.settings.clone());
        tasks.push(tokio::spawn(timeouts::run(connection, settings, Arc::clone(&self.metrics))));
        let waiting = self.waiting.clone();
        (Gatekeeping(tasks), move || waiting.text())
    }
}
