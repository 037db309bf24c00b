//! What conversion needs to know beside the documents.

use std::sync::Arc;

use jiff::Timestamp;

use super::resource_key::DEFAULT_NAMESPACE;
use crate::engine::settings::NamespacedResources;

/// Where documents come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Files: there are no Secrets.
    Files,
    /// The Kubernetes API.
    Cluster,
}

/// What conversion needs to know beside the documents.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// Where the documents come from.
    pub origin: Origin,
    /// The namespace that Hallmark runs in: a bare name of a CertificateStore is looked up there first.
    pub release_namespace: Arc<str>,
    /// Verification plugins that signatures may name, from the process settings.
    pub plugins: Vec<String>,
    /// For warnings about certificates that have expired.
    pub now: Timestamp,
    /// What a namespace's resources do to the cluster's.
    pub namespaced: NamespacedResources,
}

impl ConvertOptions {
    /// Documents from files, outside of any cluster.
    pub fn files(now: Timestamp) -> Self {
        Self {
            origin: Origin::Files,
            release_namespace: DEFAULT_NAMESPACE.into(),
            plugins: Vec::new(),
            now,
            namespaced: NamespacedResources::Unite,
        }
    }
}
