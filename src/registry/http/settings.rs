//! How registries are read, validated elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::reference::RegistryHost;
use crate::transport::{ClientCertificate, ProxySettings, TrustedRoots};

/// How registries are read.
#[derive(Clone, Debug, Default)]
pub struct RegistrySettings {
    /// Plain HTTP for loopback and cluster-local hosts.
    pub plain_http: bool,
    /// What is different for single hosts.
    pub hosts: BTreeMap<RegistryHost, Arc<HostSettings>>,
    /// For hosts that are not among them.
    pub default_roots: TrustedRoots,
    /// The way out.
    pub proxy: ProxySettings,
    /// Bounds.
    pub limits: RegistryLimits,
}

/// What is different for one host. There is no way to skip the verification of its certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// Which certificates of the host are believed; `None` is the default of all hosts.
    pub roots: Option<TrustedRoots>,
    /// What is shown where the host asks for a certificate. Never shown to another host.
    pub certificate: Option<ClientCertificate>,
    /// Plain HTTP for this host, whatever its name.
    pub plain_http: bool,
    /// Where content is asked for before the host itself, in order.
    pub mirrors: Vec<MirrorSettings>,
    /// Token services, each `host` or `host:port`, that may see the credentials of this host.
    pub allowed_realm_hosts: Vec<String>,
}

/// A mirror of one registry. It needs its own entry in [`RegistrySettings::hosts`] where it has a private
/// CA, and its own credentials: those of the mirrored registry are not carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorSettings {
    /// `https://host[:port]`, or with a path that goes before every repository; `http` where the mirror's
    /// host is one that may be asked so.
    pub url: Url,
    /// May it say what a tag means? Else it is only asked for digests.
    pub resolves_tags: bool,
}

/// Bounds on reading registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryLimits {
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long asking for a token may take, whoever waits for it.
    pub token_timeout: Duration,
    /// How often a request is sent before a connection failure, 429 or 5xx is believed.
    pub attempts: u32,
}

impl Default for RegistryLimits {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(2), token_timeout: Duration::from_secs(10), attempts: 4 }
    }
}

impl RegistrySettings {
    /// What is different for `host`; nothing where it is not named.
    pub(super) fn host(&self, host: &RegistryHost) -> Arc<HostSettings> {
        self.hosts.get(host).cloned().unwrap_or_default()
    }

    /// May this host be asked over plain HTTP? Decided by its name alone.
    pub(super) fn allows_plain_http(&self, host: &RegistryHost) -> bool {
        self.host(host).plain_http || (self.plain_http && (host.is_loopback() || host.is_cluster_local()))
    }
}
