//! Settings that matter in a cluster: where resources are read, and what is Gatekeeper's.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::engine::settings::NamespacedResources;
use crate::secret::SecretName;

/// The file in the state folder that the authorities of Gatekeeper's client certificate are written into,
/// where they come from the cluster.
pub const GATEKEEPER_CA_FILE: &str = "gatekeeper-ca.pem";

/// Life in a Kubernetes cluster. How the API is reached is `$KUBECONFIG`'s business, or the Pod's service
/// account's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesSettings {
    /// The namespace that Hallmark is installed in; `None`: the one that the service account or kubeconfig
    /// names.
    pub namespace: Option<Arc<str>>,
    /// Name of the Lease, and of the Secret of the authority, which is this with `-authority`.
    pub name: Arc<str>,
    /// What a namespace's resources do to the cluster's.
    pub namespaced: NamespacedResources,
    /// What is Gatekeeper's.
    pub gatekeeper: GatekeeperSettings,
}

/// How Gatekeeper finds this provider, and is known to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatekeeperSettings {
    /// Provider objects to create and keep; empty: none is touched.
    pub providers: Vec<ProviderSettings>,
    /// Base of their URLs, such as `https://hallmark.hallmark-system:6001`; there where `providers` are.
    pub url: Option<Url>,
    /// The ClusterRole that owns them, so that uninstalling removes them.
    pub owner: Option<Arc<str>>,
    /// Whether Provider objects that somebody else made are taken over.
    pub adopt: bool,
    /// What goes into their `caBundle`.
    pub ca: ProviderAuthority,
    /// By what Gatekeeper's client certificate is checked.
    pub client_ca: ClientAuthority,
    /// Name of Gatekeeper's ValidatingWebhookConfiguration.
    pub webhook: Arc<str>,
    /// Name of Gatekeeper's MutatingWebhookConfiguration.
    pub mutating_webhook: Arc<str>,
}

/// A Provider object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Its name.
    pub name: Arc<str>,
    /// The path of its URL, such as `/verify`.
    pub path: Arc<str>,
    /// Its timeout, in whole seconds, as Gatekeeper has it.
    pub timeout: Duration,
}

/// Who vouches for the server certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderAuthority {
    /// The authority of Hallmark's own, kept in a Secret.
    Own,
    /// `ca.crt` of this Secret in Hallmark's namespace, such as one that cert-manager issued.
    Secret(Arc<str>),
}

/// Who vouches for Gatekeeper's client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuthority {
    /// The `caBundle` of Gatekeeper's ValidatingWebhookConfiguration, followed.
    Webhook,
    /// `ca.crt` of this Secret.
    Secret(SecretName),
    /// The file of the server's settings.
    File,
    /// Nobody: every client is let in.
    Nobody,
}
