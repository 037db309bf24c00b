//! Which hosts may see a credential.

use url::Url;

use super::BoundCredential;
use crate::reference::RegistryHost;

/// The hosts that may see a credential: the registry that it is for, and token services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostBinding {
    registry: RegistryHost,
    realm_hosts: Vec<String>,
    plain_http: bool,
}

impl HostBinding {
    /// Binds to a registry and to the token service that is known to be its own.
    pub fn to(registry: RegistryHost) -> Self {
        let realm_hosts = KNOWN_REALMS
            .iter()
            .filter(|(host, _)| *host == registry.as_str())
            .map(|(_, realm)| (*realm).to_owned())
            .collect();
        Self { registry, realm_hosts, plain_http: false }
    }

    /// Adds hosts of token services, each `host` or `host:port`, by an operator's word.
    #[must_use]
    pub fn with_realm_hosts(mut self, hosts: &[String]) -> Self {
        self.realm_hosts.extend(hosts.iter().map(|host| host.to_ascii_lowercase()));
        self
    }

    /// Allows the registry's own authority to be asked over plain HTTP.
    #[must_use]
    pub fn with_plain_http(mut self, allowed: bool) -> Self {
        self.plain_http = allowed;
        self
    }

    /// The registry that the credential is for.
    pub fn registry(&self) -> &RegistryHost {
        &self.registry
    }

    fn covers(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return false;
        };
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        match url.scheme() {
            "https" => {
                self.is_registry(host) || self.realm_hosts.iter().any(|realm| names(realm, host, port))
            }
            "http" => self.plain_http && self.is_registry(host) && self.port(80) == port,
            _ => false,
        }
    }

    fn is_registry(&self, host: &str) -> bool {
        let name = self.registry.name();
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        bare == name || (name == "docker.io" && DOCKER_HUB.contains(&bare))
    }

    fn port(&self, default: u16) -> u16 {
        self.registry.port().unwrap_or(default)
    }
}

/// May this credential be sent to this URL? Over HTTPS to the registry's host and to the token services it
/// is bound to; over plain HTTP only to the registry's own host and port, where that is allowed.
pub fn may(credential: &BoundCredential, url: &Url) -> bool {
    credential.binding.covers(url)
}

fn names(realm: &str, host: &str, port: u16) -> bool {
    match RegistryHost::parse(realm) {
        Some(realm) => realm.name() == host && realm.port().unwrap_or(443) == port,
        None => false,
    }
}

const DOCKER_HUB: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// Registries whose token service lives on another host.
const KNOWN_REALMS: [(&str, &str); 2] =
    [("docker.io", "auth.docker.io"), ("registry.gitlab.com", "gitlab.com")];
