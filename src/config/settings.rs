//! The settings as the rest of the program reads them: validated, with files already read.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::cluster::KubernetesSettings;
use crate::engine::EngineSettings;
use crate::reference::RegistryHost;
use crate::registry::http::{HostSettings, RegistryLimits};
use crate::transport::{ProxySettings, TrustedRoots};
use crate::trust::revocation::CheckerSettings;

/// Every process setting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Files and folders of resources: what to trust.
    pub config: Vec<PathBuf>,
    /// The endpoint.
    pub server: ServerSettings,
    /// Bounds and lifetimes of the decision.
    pub engine: EngineSettings,
    /// How registries are read.
    pub registry: RegistryProcessSettings,
    /// How revocation is asked for.
    pub revocation: RevocationSettings,
    /// Verification plugins.
    pub plugins: PluginSettings,
    /// Logs.
    pub log: LogSettings,
    /// Life in a Kubernetes cluster; `None` outside of one.
    pub kubernetes: Option<KubernetesSettings>,
    /// What is in force and probably not what was meant, a line each; to be logged at the start.
    pub warnings: Vec<String>,
}

/// The HTTPS endpoint and the health port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where Gatekeeper asks.
    pub listen: SocketAddr,
    /// Where health, readiness and metrics are asked, over plain HTTP.
    pub health_listen: SocketAddr,
    /// The folder of `tls.crt` and `tls.key`; without it the server makes its own.
    pub cert_dir: Option<PathBuf>,
    /// The CA bundle that client certificates must chain to; without it none is asked for. In a cluster it may
    /// be the file that what the cluster says of Gatekeeper is written into.
    pub client_ca: Option<PathBuf>,
    /// DNS names of which a client certificate must have one; empty: any.
    pub client_san: Vec<String>,
    /// Where the server keeps the CA and certificate that it makes.
    pub state_dir: PathBuf,
    /// Further names and addresses of the certificate that it makes.
    pub tls_san: Vec<String>,
    /// How long a verification request may take.
    pub verify_deadline: Duration,
    /// How long a mutation request may take.
    pub mutate_deadline: Duration,
    /// The longest request body that is read.
    pub max_body_bytes: usize,
    /// The most keys of one request.
    pub max_keys: usize,
    /// The longest key.
    pub max_key_bytes: usize,
    /// Requests that are answered at the same time; one more is told that the server is overloaded.
    pub max_in_flight: usize,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long a stop waits for what is in flight.
    pub drain_timeout: Duration,
    /// What mutation answers.
    pub mutation_format: MutationFormat,
}

impl Default for ServerSettings {
    /// The documented defaults; the state folder is the one of a container.
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::UNSPECIFIED, 6001).into(),
            health_listen: (Ipv4Addr::UNSPECIFIED, 9099).into(),
            cert_dir: None,
            client_ca: None,
            client_san: Vec::new(),
            state_dir: PathBuf::from("/var/lib/hallmark"),
            tls_san: Vec::new(),
            verify_deadline: Duration::from_millis(2500),
            mutate_deadline: Duration::from_millis(800),
            max_body_bytes: 1 << 20,
            max_keys: 500,
            max_key_bytes: 2048,
            max_in_flight: 256,
            keep_alive: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(20),
            mutation_format: MutationFormat::TagAndDigest,
        }
    }
}

/// What mutation answers for `repo:tag`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MutationFormat {
    /// `repo:tag@sha256:…`.
    #[default]
    TagAndDigest,
    /// `repo@sha256:…`, as Ratify does.
    Digest,
}

/// How registries are read, whatever the configuration in force.
#[derive(Clone, Debug)]
pub struct RegistryProcessSettings {
    /// What is different for single hosts, certificates already read.
    pub hosts: BTreeMap<RegistryHost, Arc<HostSettings>>,
    /// Which certificates of other hosts are believed.
    pub roots: TrustedRoots,
    /// The way out, for everything that is asked of the network.
    pub proxy: ProxySettings,
    /// Bounds.
    pub limits: RegistryLimits,
    /// Requests to one host at the same time.
    pub concurrency: usize,
}

/// How revocation is asked for.
#[derive(Clone, Debug)]
pub struct RevocationSettings {
    /// Bounds and lifetimes.
    pub checker: CheckerSettings,
    /// May responders have private addresses?
    pub private_addresses: bool,
}

/// Verification plugins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginSettings {
    /// Where their executables are; without it none is run.
    pub folder: Option<PathBuf>,
    /// The names of those that may be run.
    pub allow: Vec<String>,
}

/// Logs, written to standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged: a level, or a list such as `info,hallmark::registry=debug`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    #[default]
    Text,
}
