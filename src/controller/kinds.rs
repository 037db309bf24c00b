//! The kinds that are watched, as the API calls them.

use kube::core::{ApiResource, GroupVersionKind};

use crate::crd::GROUP;

/// The API group of Ratify v2.
const V2_GROUP: &str = "config.ratify.sh";

/// A kind that is watched.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WatchedKind {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub namespaced: bool,
}

const fn v1(kind: &'static str, plural: &'static str, namespaced: bool) -> WatchedKind {
    WatchedKind { group: GROUP, version: "v1beta1", kind, plural, namespaced }
}

const fn v2(kind: &'static str, plural: &'static str, namespaced: bool) -> WatchedKind {
    WatchedKind { group: V2_GROUP, version: "v2alpha1", kind, plural, namespaced }
}

/// Every kind that is watched.
pub(super) const KINDS: &[WatchedKind] = &[
    v1("KeyManagementProvider", "keymanagementproviders", false),
    v1("NamespacedKeyManagementProvider", "namespacedkeymanagementproviders", true),
    v1("CertificateStore", "certificatestores", true),
    v1("Store", "stores", false),
    v1("NamespacedStore", "namespacedstores", true),
    v1("Verifier", "verifiers", false),
    v1("NamespacedVerifier", "namespacedverifiers", true),
    v1("Policy", "policies", false),
    v1("NamespacedPolicy", "namespacedpolicies", true),
    v2("Executor", "executors", false),
    v2("NamespacedExecutor", "namespacedexecutors", true),
];

impl WatchedKind {
    /// What the client needs to know.
    pub(super) fn resource(&self) -> ApiResource {
        let kind = GroupVersionKind::gvk(self.group, self.version, self.kind);
        ApiResource::from_gvk_with_plural(&kind, self.plural)
    }

    /// `config.ratify.deislabs.io/v1beta1`
    pub(super) fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Whether it gives keys or certificates, so that its status has Ratify's keys for that.
    pub(super) fn is_key_source(&self) -> bool {
        self.plural.ends_with("keymanagementproviders") || self.plural == "certificatestores"
    }

    /// Whether its status has the keys of Ratify v2.
    pub(super) fn is_v2(&self) -> bool {
        self.group == V2_GROUP
    }

    /// The rule of a ClusterRole without which it cannot be watched.
    pub(super) fn rule(&self) -> String {
        format!("{{apiGroups: [{}], resources: [{}], verbs: [get, list, watch]}}", self.group, self.plural)
    }
}
