//! The settings as the `config` crate deserialises them: every value is of its kind already, nothing is
//! compared with anything else yet. Field names are the steps of the table's paths.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    #[serde(default)]
    pub config: Vec<PathBuf>,
    pub listen: SocketAddr,
    pub health_listen: SocketAddr,
    pub cert_dir: Option<PathBuf>,
    pub client_ca: Option<PathBuf>,
    #[serde(default)]
    pub client_san: Vec<String>,
    pub state_dir: Option<PathBuf>,
    #[serde(default)]
    pub tls_san: Vec<String>,
    pub mutation_format: RawMutationFormat,
    pub proxy: String,
    #[serde(default)]
    pub no_proxy: Vec<String>,
    pub log: RawLog,
    pub timeouts: RawTimeouts,
    pub limits: RawLimits,
    pub cache: RawCache,
    pub registry: RawRegistry,
    pub revocation: RawRevocation,
    #[serde(default)]
    pub plugin: RawPlugin,
    pub kubernetes: RawKubernetes,
    pub gatekeeper: RawGatekeeper,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawMutationFormat {
    TagAndDigest,
    Digest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    pub format: RawLogFormat,
    pub level: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawLogFormat {
    Text,
    Json,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTimeouts {
    pub verify: Nanoseconds,
    pub mutate: Nanoseconds,
    pub load: Nanoseconds,
    pub keep_alive: Nanoseconds,
    pub drain: Nanoseconds,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub unique_signatures: usize,
    pub overflow: RawOverflow,
    pub signatures_per_image: usize,
    pub concurrent_loads: usize,
    pub requests_in_flight: usize,
    pub body_bytes: usize,
    pub keys: usize,
    pub key_bytes: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawOverflow {
    Evict,
    Refuse,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCache {
    pub content_bytes: u64,
    pub signature_bytes: u64,
    pub other_facts_bytes: u64,
    pub decision_bytes: u64,
    pub tags: u64,
    pub tag_ttl: Nanoseconds,
    pub referrers_ttl: Nanoseconds,
    pub verified_ttl: Nanoseconds,
    pub negative_ttl: Nanoseconds,
    pub inconclusive_ttl: Nanoseconds,
    pub stale_max_age: Nanoseconds,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRegistry {
    pub ca_file: Option<PathBuf>,
    pub system_roots: bool,
    #[serde(default)]
    pub plain_http_hosts: Vec<String>,
    #[serde(default)]
    pub hosts: BTreeMap<String, RawHost>,
    pub requests_per_host: usize,
    pub connect_timeout: Nanoseconds,
    pub token_timeout: Nanoseconds,
    pub attempts: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawHost {
    pub ca_file: Option<PathBuf>,
    pub client_certificate_file: Option<PathBuf>,
    pub client_key_file: Option<PathBuf>,
    pub plain_http: bool,
    pub mirrors: Vec<RawMirror>,
    pub allowed_realm_hosts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMirror {
    pub url: String,
    #[serde(default)]
    pub resolves_tags: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRevocation {
    pub private_addresses: bool,
    pub list_bytes: u64,
    pub answer_bytes: u64,
    pub max_age: Nanoseconds,
    pub retry_after: Nanoseconds,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPlugin {
    pub folder: Option<PathBuf>,
    pub allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKubernetes {
    pub enabled: bool,
    pub namespace: Option<String>,
    pub name: String,
    pub namespaced_resources: RawNamespaced,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawNamespaced {
    Unite,
    Replace,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGatekeeper {
    pub url: Option<String>,
    #[serde(default)]
    pub providers: Vec<RawProvider>,
    pub owner: Option<String>,
    pub adopt: bool,
    pub ca: RawProviderAuthority,
    pub ca_secret: Option<String>,
    pub client_ca: RawClientAuthority,
    pub client_ca_secret: Option<String>,
    pub webhook: String,
    pub mutating_webhook: String,
}

/// Fields are absent only where the setting is refused.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProvider {
    pub name: String,
    pub path: String,
    pub timeout_seconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawProviderAuthority {
    Own,
    Secret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawClientAuthority {
    Webhook,
    Secret,
    File,
    None,
}

/// A duration, as `kind` hands it over.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Nanoseconds(u64);

impl From<Nanoseconds> for Duration {
    fn from(nanoseconds: Nanoseconds) -> Self {
        Self::from_nanos(nanoseconds.0)
    }
}
