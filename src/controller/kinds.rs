//! The kinds that are watched: every one that is defined, as the API calls it.

use kube::core::{ApiResource, GroupVersionKind};

pub(super) use crate::crd::schema::{DEFINITIONS as KINDS, Definition as WatchedKind};

/// What the client needs to know of a kind, and of the version that the API serves it in.
pub(super) fn resource(watched: &WatchedKind, version: &str) -> ApiResource {
    let kind = GroupVersionKind::gvk(watched.group, version, watched.kind);
    ApiResource::from_gvk_with_plural(&kind, watched.plural)
}

/// The rule of a ClusterRole without which a kind cannot be watched.
pub(super) fn rule(watched: &WatchedKind) -> String {
    let WatchedKind { group, plural, .. } = watched;
    format!("{{apiGroups: [{group}], resources: [{plural}], verbs: [get, list, watch]}}")
}
