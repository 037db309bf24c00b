//! The provider as a whole: everything shared is made here, once, and every task is started and ended here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::access::RegistryAccess;
use super::follow::{Follower, INTERVAL, Reading};
use super::planner::{Planner, StoreChoice};
use super::{gateway, shared};
use crate::config::{KubernetesSettings, Settings};
use crate::controller::gateway::Gatekeeping;
use crate::controller::{Cluster, Connection, Judged, SecretWatches, Tasks};
use crate::engine::diagnostic::{Diagnostic, Severity};
use crate::engine::{Clock, Engine, EngineParts};
use crate::secret::{SecretName, SecretState, Secrets};
use crate::server::tls::{TlsSettings, TlsState};
use crate::server::{self, ServerParts, WaitingFor};
use crate::telemetry::{ConfigurationState, KeySourceState, Metrics};
use crate::trust::key_source::{KeySets, SourceState};
use crate::trust::store::KeySourceName;

/// A running provider.
pub struct Provider {
    server: server::Running,
    tls: Arc<TlsState>,
    tasks: Vec<JoinHandle<()>>,
    controller: Option<Tasks>,
    _gatekeeping: Option<Gatekeeping>,
}

impl Provider {
    /// Starts everything: it listens when this returns, and is ready once the configuration was read.
    ///
    /// # Errors
    /// What cannot be used: an address, a certificate, a setting.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let clock = shared::system_clock();
        let secrets = Secrets::default();
        let access = Arc::new(RegistryAccess::new(&settings.registry, secrets.clone()));
        let engine = Engine::new(EngineParts {
            settings: settings.engine.clone(),
            clock: Arc::clone(&clock),
            revocation: shared::revocation(&settings, Arc::new(shared::revocation_fetcher(&settings)?)),
            runtime: Handle::current(),
        });
        let metrics = Arc::new(Metrics::new(engine.clone()));
        metrics.set_signature_cap(settings.engine.unique_signatures);
        let mut tls = TlsSettings::from(&settings.server);
        let (cluster, gateway) = match &settings.kubernetes {
            Some(kubernetes) => {
                let connection = connected(kubernetes).await?;
                let gateway =
                    gateway::prepared(&connection, kubernetes, &settings.server, &metrics, &mut tls).await?;
                (Some(Cluster::new(connection, Arc::clone(&kubernetes.name))), Some(gateway))
            }
            None => (None, None),
        };
        let tls = TlsState::start(tls, Arc::clone(&clock))?;
        let mut follower =
            Follower::new(settings.config.clone(), settings.plugins.allow.clone(), secrets.clone());
        if let (Some(cluster), Some(kubernetes)) = (&cluster, &settings.kubernetes) {
            follower = follower.with_cluster(cluster.clone(), kubernetes.namespaced);
        }
        let judged = watch::Sender::new(None);
        let controller = cluster.as_ref().map(|cluster| cluster.start(judged.subscribe(), secrets.clone()));
        let following = Following {
            cluster: cluster.as_ref().map(|cluster| InCluster {
                cluster: cluster.clone(),
                watches: cluster.secret_watches(secrets.clone()),
                secrets,
                judged,
                failures: BTreeMap::new(),
                patience: SECRETS_PATIENCE,
            }),
            follower,
            tls: Arc::clone(&tls),
            planner: Planner {
                store: StoreChoice::Registries(Arc::clone(&access)),
                plugins: shared::installed_plugins(&settings.plugins).await,
            },
            engine: engine.clone(),
            metrics: Arc::clone(&metrics),
            clock,
            generation: 0,
        };
        let watching = Arc::clone(&tls);
        let tasks = vec![tokio::spawn(following.run()), tokio::spawn(async move { watching.watch().await })];
        let looks = Arc::clone(&tls);
        let look_at_files = move || {
            let looks = Arc::clone(&looks);
            tokio::task::spawn_blocking(move || looks.poll_once());
        };
        let (gatekeeping, unread) = gateway.map(|gateway| gateway.start(look_at_files)).unzip();
        let gatekeeper_waits_for: WaitingFor = Arc::new(move || unread.as_ref().and_then(|unread| unread()));
        let waiting_for: WaitingFor =
            Arc::new(move || cluster.as_ref().and_then(|cluster| cluster.waiting_for(Timestamp::now())));
        let tls_state = Arc::clone(&tls);
        let parts = ServerParts {
            settings: settings.server,
            engine,
            metrics,
            tls: tls_state,
            waiting_for,
            gatekeeper_waits_for,
        };
        let server = server::start(parts).context("starting the endpoint")?;
        drop(tokio::task::spawn_blocking(move || access.prepare()));
        Ok(Self { server, tls, tasks, controller, _gatekeeping: gatekeeping })
    }

    /// Where Gatekeeper's requests are answered.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where health, readiness and metrics are answered.
    pub fn health_address(&self) -> SocketAddr {
        self.server.health_address()
    }

    /// The certificates of the provider's own authority, in PEM, where it has made one.
    pub fn ca_bundle(&self) -> Option<String> {
        self.tls.ca_bundle()
    }

    /// Takes no new requests, finishes those in flight within the drain time, and ends.
    ///
    /// # Errors
    /// What went wrong while stopping.
    pub async fn stop(self) -> anyhow::Result<()> {
        let stopped = self.server.stop().await;
        for task in &self.tasks {
            task.abort();
        }
        if let Some(controller) = self.controller {
            controller.stop().await;
        }
        stopped.context("stopping the endpoint")
    }
}

/// The way to the cluster that the process lives in; nothing is read of it yet.
async fn connected(settings: &KubernetesSettings) -> anyhow::Result<Connection> {
    let connection =
        Connection::prepare(settings).await.context("preparing the way to the Kubernetes API")?;
    tracing::info!(address = %connection.address, namespace = %connection.namespace, "resources are read from Kubernetes");
    Ok(connection)
}

/// Keeps the engine's plans, the metrics and the log in step with the files.
struct Following {
    follower: Follower,
    planner: Planner,
    tls: Arc<TlsState>,
    engine: Engine,
    metrics: Arc<Metrics>,
    clock: Clock,
    /// How often a plan was put in force.
    generation: u64,
    /// There where resources are read from a cluster.
    cluster: Option<InCluster>,
}

/// How many looks the first plan waits for Secrets that resources name.
const SECRETS_PATIENCE: u32 = 10;

/// What is kept in step with the cluster.
struct InCluster {
    cluster: Cluster,
    secrets: Secrets,
    watches: SecretWatches,
    judged: watch::Sender<Option<Judged>>,
    /// Key sources that fail, to tell when that changes.
    failures: BTreeMap<String, String>,
    patience: u32,
}

impl InCluster {
    /// Follows the Secrets that are named now. True while the first plan should wait for them: images would
    /// be undecided that are decided a moment later.
    fn follow_secrets(&mut self, reading: &Reading) -> bool {
        let configuration = &reading.configuration;
        let (by_cluster, by_namespaces) =
            (&configuration.named_by_cluster, &configuration.named_by_namespaces);
        self.watches.follow(by_cluster, by_namespaces);
        let unread = |name: &SecretName| self.secrets.get(name) == SecretState::Unknown;
        let mut named = by_cluster.secrets.iter().chain(&by_namespaces.secrets);
        let waits = self.patience > 0 && named.any(unread);
        self.patience = self.patience.saturating_sub(u32::from(reading.complete));
        waits
    }

    /// Tells what is to be said of resources, where that may be something else than before.
    fn tell(&mut self, follower: &Follower, changed: bool) {
        let keys = &follower.reading().keys;
        let failures = keys.iter().filter_map(|(name, state)| Some((name, state.failure.as_ref()?)));
        let failures = failures.map(|(name, failure)| (name.to_string(), failure.to_string())).collect();
        if changed || self.failures != failures {
            self.failures = failures;
            self.judged.send_replace(follower.judged());
        }
    }
}

impl Following {
    async fn run(mut self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = BTreeSet::new();
        let mut postponed = false;
        let mut access = self.planner.access_revision();
        loop {
            ticks.tick().await;
            let mut changed = self.follower.look((self.clock)()).await;
            let revision = self.planner.access_revision();
            changed |= std::mem::replace(&mut access, revision) != revision;
            if let Some(cluster) = &mut self.cluster {
                let waits = cluster.follow_secrets(self.follower.reading()) && self.generation == 0;
                self.metrics.set_cluster(cluster.cluster.state((self.clock)()));
                changed |= postponed;
                postponed = changed && waits;
                // A Secret that nobody has looked at yet is no news.
                if !postponed {
                    cluster.tell(&self.follower, changed);
                }
            }
            if changed && !postponed {
                self.take(&mut said);
            }
            self.tell_of_keys();
            if let Some(not_after) = self.tls.not_after() {
                self.metrics.set_certificate_expiry(not_after);
            }
        }
    }

    fn take(&mut self, said: &mut BTreeSet<String>) {
        let reading = self.follower.reading();
        let diagnostics = &reading.configuration.diagnostics;
        let now_said: BTreeSet<String> = diagnostics.iter().map(ToString::to_string).collect();
        for diagnostic in diagnostics.iter().filter(|diagnostic| !said.contains(&diagnostic.to_string())) {
            log(diagnostic);
        }
        *said = now_said;
        let count = |severity| diagnostics.iter().filter(|said| said.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        if reading.complete {
            self.generation += 1;
            self.engine.put_in_force(self.planner.plans(&reading.configuration, &reading.keys));
            tracing::info!(
                verifiers = reading.configuration.cluster.verifiers.len(),
                namespaces = reading.configuration.namespaces.len(),
                errors,
                warnings,
                "configuration in force"
            );
        } else {
            tracing::error!(
                errors,
                "the configuration cannot be read in whole, so nothing is in force and every image is undecided"
            );
        }
        self.metrics.set_configuration(ConfigurationState {
            last_success: reading.complete.then(|| (self.clock)()),
            errors,
            warnings,
            generation: self.generation,
        });
    }

    /// Metrics of sources, whether or not something changed: of the cluster's first, because there are
    /// bounds, and namespaces may have any number.
    fn tell_of_keys(&self) {
        let told = told_sources(&self.follower.reading().keys);
        self.metrics.keep_key_sources(&told.iter().map(|(name, _)| &***name).collect());
        for (name, state) in told {
            self.metrics.set_key_source(name, key_source_state(state));
        }
    }
}

/// The most key sources that have metrics.
const MAX_TOLD_SOURCES: usize = 500;

/// What the names of key sources of namespaces begin with.
const NAMESPACED_SOURCES: [&str; 2] = ["Namespaced", "CertificateStore "];

fn told_sources(keys: &KeySets) -> Vec<(&KeySourceName, &SourceState)> {
    let mut told: Vec<_> = keys.iter().collect();
    told.sort_by_key(|(name, _)| NAMESPACED_SOURCES.iter().any(|kind| name.starts_with(kind)));
    told.truncate(MAX_TOLD_SOURCES);
    told
}

fn key_source_state(state: &SourceState) -> KeySourceState {
    let set = state.set.as_ref();
    let ends = set.into_iter().flat_map(|set| set.enabled()).filter_map(|key| key.validity());
    KeySourceState {
        keys: set.map_or(0, |set| set.enabled().count()),
        earliest_expiry: ends.map(|(_, until)| until).min(),
        last_success: set.map(|set| set.loaded_at()),
        failed: state.failure.is_some(),
    }
}

fn log(diagnostic: &Diagnostic) {
    let text = diagnostic.to_string();
    match diagnostic.severity {
        Severity::Error => tracing::error!("{text}"),
        Severity::Warning => tracing::warn!("{text}"),
        Severity::Notice => tracing::info!("{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_sources_of_tenants_leave_the_clusters_their_metrics() {
        let many = (0..1000).map(|number| format!("CertificateStore team/{number:04}"));
        let names = many.chain(["KeyManagementProvider z".to_owned()]);
        let keys = KeySets::of(names.map(|name| (name.into(), SourceState::default())).collect());
        let told = told_sources(&keys);
        assert_eq!(told.len(), MAX_TOLD_SOURCES);
        assert_eq!(told.first().map(|(name, _)| &***name), Some("KeyManagementProvider z"));
    }
}
