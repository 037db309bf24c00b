//! Which kind and version a document claims to be, by its `apiVersion` and `kind`.

use super::field::{did_you_mean, nearest};
use super::kind::{EXECUTOR_GROUP, GROUP, Kind, Version};
use super::resource_key::ResourceKey;

/// The groups of Ratify v2: today's, and what it was called before.
const V2_GROUPS: &[&str] = &[EXECUTOR_GROUP, "config.ratify.dev"];

/// What may stand for `kind`, with the kind that it is and whether it is of a namespace.
const KINDS: &[(&str, Kind, bool)] = &[
    ("KeyManagementProvider", Kind::KeyManagementProvider, false),
    ("NamespacedKeyManagementProvider", Kind::KeyManagementProvider, true),
    ("CertificateStore", Kind::CertificateStore, true),
    ("Store", Kind::Store, false),
    ("NamespacedStore", Kind::Store, true),
    ("Verifier", Kind::Verifier, false),
    ("NamespacedVerifier", Kind::Verifier, true),
    ("Policy", Kind::Policy, false),
    ("NamespacedPolicy", Kind::Policy, true),
    ("Executor", Kind::Executor, false),
    ("NamespacedExecutor", Kind::Executor, true),
];

/// What `apiVersion` and `kind` claim.
pub(super) struct Claim {
    pub(super) kind: Kind,
    pub(super) namespaced: bool,
    pub(super) version: Version,
    /// The member at fault, what is wrong with it, and the remedy.
    pub(super) fault: Option<(&'static str, String, String)>,
}

impl Claim {
    /// What cannot be read may be anything: it counts as what decides most.
    pub(super) fn anything() -> Self {
        Self { kind: Kind::Policy, namespaced: false, version: Version::V1Beta1, fault: None }
    }

    /// What messages call the resource: by the kind that is written, where that is none of ours.
    pub(super) fn called(&self, written: &str, key: &ResourceKey) -> String {
        let is_known = written.is_empty() || KINDS.iter().any(|(name, _, _)| *name == written);
        match &key.namespace {
            _ if is_known => key.to_string(),
            Some(namespace) => format!("{written} {namespace}/{}", key.name),
            None => format!("{written} {}", key.name),
        }
    }
}

/// `None` for what is clearly another's. A misspelt claim is ours and refused: what it would have decided
/// must not be decided more loosely without it. What decides in ways not known here counts as a Policy.
pub(super) fn claim(api_version: &str, kind: &str) -> Option<Claim> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let names: Vec<&str> = KINDS.iter().map(|(name, _, _)| *name).collect();
    let is_v2 = V2_GROUPS.contains(&group);
    let exact = KINDS.iter().find(|(name, _, _)| *name == kind);
    let near = exact.or_else(|| {
        // Ratify meant to call the cluster's kinds ClusterPolicy and so on, and has samples of it.
        let near = nearest(kind.strip_prefix("Cluster").unwrap_or(kind), &names)?;
        KINDS.iter().find(|(name, _, _)| *name == near)
    });
    let decides = if is_v2 { Kind::Executor } else { Kind::Policy };
    let (_, meant, namespaced) = near.copied().unwrap_or(("", decides, kind.starts_with("Namespaced")));
    let claim = |version, fault| Some(Claim { kind: meant, namespaced, version, fault });
    let right = if meant == Kind::Executor { (EXECUTOR_GROUP, "v2alpha1") } else { (GROUP, "v1beta1") };
    let remedy = format!("write {}/{}", right.0, right.1);
    let group_fault = || ("apiVersion", format!("{group} is not a group of Hallmark"), remedy);
    if is_v2 {
        return claim(Version::V2, executor_fault(group, version, kind));
    }
    if group != GROUP {
        let misspelt =
            nearest(group, &[GROUP, EXECUTOR_GROUP]).is_some() || (group.is_empty() && exact.is_some());
        return if misspelt { claim(Version::V1Beta1, Some(group_fault())) } else { None };
    }
    if exact.is_none_or(|(_, kind, _)| *kind == Kind::Executor) {
        let remedy = did_you_mean(kind.strip_prefix("Cluster").unwrap_or(kind), &names);
        return claim(Version::V1Beta1, Some(("kind", format!("{kind} is not a kind of {GROUP}"), remedy)));
    }
    let first_version = !kind.ends_with("KeyManagementProvider");
    match version {
        "v1beta1" => claim(Version::V1Beta1, None),
        "v1alpha1" if first_version => claim(Version::V1Alpha1, None),
        _ => {
            let message = format!("{kind} has no version {version}");
            claim(Version::V1Beta1, Some(("apiVersion", message, format!("write {GROUP}/v1beta1"))))
        }
    }
}

/// What is wrong with the apiVersion and kind of something of Ratify v2.
fn executor_fault(group: &str, version: &str, kind: &str) -> Option<(&'static str, String, String)> {
    let names: Vec<&str> =
        KINDS.iter().filter(|(_, kind, _)| *kind == Kind::Executor).map(|(name, _, _)| *name).collect();
    let wanted = format!("write {EXECUTOR_GROUP}/v2alpha1");
    if !names.contains(&kind) {
        return Some(("kind", format!("{kind} is not a kind of {group}"), did_you_mean(kind, &names)));
    }
    if group != EXECUTOR_GROUP {
        return Some(("apiVersion", format!("{group} is called {EXECUTOR_GROUP} now"), wanted));
    }
    let known = ["v2alpha1", "v2beta1"].contains(&version);
    (!known).then(|| ("apiVersion", format!("{kind} has no version {version}"), wanted))
}
