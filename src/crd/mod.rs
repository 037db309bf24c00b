//! Ratify's custom resources as documents: KeyManagementProvider, CertificateStore, Store, Verifier, Policy
//! and their namespaced forms, group `config.ratify.deislabs.io`, and the Executors of Ratify v2. The same documents come from files and
//! from the Kubernetes API; both become [`PlanSettings`] and a list of [`Diagnostic`]s.
//!
//! Each document is converted on its own, so a malformed one never blocks the others; a refused one still
//! stands in the settings as refused, so that it never loosens a decision.

mod claim;
mod cosign;
mod demands;
mod duplicate;
mod executor;
mod executor_link;
mod executor_store;
mod executor_verifier;
mod field;
mod inline;
mod k8_secrets;
mod key_source;
mod link;
mod lookup;
mod mandatory;
mod merge;
pub mod node;
mod notation;
mod place;
mod plan;
mod policy;
mod resource;
mod rule;
pub mod schema;
mod secret_name;
pub mod source;
mod store;
mod verifier;
pub mod yaml;

#[cfg(test)]
mod executor_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod mandatory_tests;
#[cfg(test)]
mod merge_tests;
#[cfg(test)]
mod secret_tests;
#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod yaml_tests;

pub use merge::LastGood;
pub use place::Place;
pub use resource::{DEFAULT_NAMESPACE, Document, EXECUTOR_GROUP, GROUP, Kind, ResourceKey, Version};

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use self::executor::ExecutorDraft;
use self::node::Node;
use self::resource::{Identified, Resource};
use self::verifier::VerifierDraft;
use crate::engine::diagnostic::Diagnostic;
use crate::engine::settings::{
    ExecutorSettings, NamespacedResources, PlanSettings, RuleSettings, StoreSettings,
};
use crate::secret::NamedSecrets;
use crate::trust::key_source::KeySourceSettings;
use crate::trust::store::KeySourceName;

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

/// What became of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceState {
    /// It is in force as it was read.
    InForce,
    /// It is not, and its last good version is.
    LastGoodServes,
    /// It is not, and nothing stands in for it.
    Refused,
}

/// What a set of documents means.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// For images that are asked for without a namespace.
    pub cluster: PlanSettings,
    /// For images asked for with a namespace that has resources of its own: the cluster's united with the
    /// namespace's, under the namespace's rule where it has one.
    pub namespaces: BTreeMap<Arc<str>, PlanSettings>,
    /// Executors, which decide about their repositories in the place of the above.
    pub executors: Vec<ExecutorSettings>,
    /// Where the key sources are written that are read from somewhere.
    pub places: BTreeMap<KeySourceName, Place>,
    /// Everything that should be said, sorted by file and line.
    pub diagnostics: Vec<Diagnostic>,
    /// What became of every resource that was read.
    pub resources: BTreeMap<ResourceKey, ResourceState>,
    /// What resources of the cluster name.
    pub named_by_cluster: NamedSecrets,
    /// What resources of namespaces name besides.
    pub named_by_namespaces: NamedSecrets,
}

impl Configuration {
    /// Every plan that is made of it.
    pub fn plans(&self) -> impl Iterator<Item = &PlanSettings> {
        let executors = self.executors.iter().map(|executor| &executor.plan);
        std::iter::once(&self.cluster).chain(self.namespaces.values()).chain(executors)
    }
}

/// One resource, converted without regard to the others.
#[derive(Clone, Debug)]
struct Converted {
    key: ResourceKey,
    /// Whether it holds in every namespace.
    mandatory: bool,
    /// The document, to tell a repeated one from a contradiction.
    node: Arc<Node>,
    notes: field::Notes,
    item: Item,
}

#[derive(Clone, Debug)]
enum Item {
    KeySource(KeySourceSettings),
    Store(StoreSettings),
    Verifier(VerifierDraft),
    Policy(RuleSettings),
    Executor(ExecutorDraft),
}

impl Converted {
    /// The file that it came from.
    fn file(&self) -> Option<&Arc<std::path::Path>> {
        self.notes.file.as_ref()
    }

    /// Why it is not in force, if it is not.
    fn refusal(&self) -> Option<String> {
        self.notes.refusal()
    }
}

/// Converts each document on its own. The second part is what is said about documents that are no
/// resources of Hallmark.
fn convert_each(documents: &[Document], options: &ConvertOptions) -> (Vec<Converted>, Vec<Diagnostic>) {
    let mut converted = Vec::new();
    let mut foreign = Vec::new();
    for identified in documents.iter().flat_map(resource::identify) {
        match identified {
            Identified::Resource(resource) => converted.push(convert_one(resource, options)),
            Identified::Foreign(diagnostic) => foreign.push(diagnostic),
        }
    }
    (converted, foreign)
}

fn convert_one(mut resource: Resource, options: &ConvertOptions) -> Converted {
    let item = match resource.key.kind {
        Kind::KeyManagementProvider | Kind::CertificateStore => {
            Item::KeySource(key_source::convert(&mut resource, options))
        }
        Kind::Store => Item::Store(store::convert(&mut resource, options)),
        Kind::Verifier => Item::Verifier(verifier::convert(&mut resource)),
        Kind::Policy => Item::Policy(policy::convert(&mut resource)),
        Kind::Executor => Item::Executor(executor::convert(&mut resource, options)),
    };
    let mandatory = resource.mandatory;
    Converted { key: resource.key, mandatory, node: resource.node, notes: resource.notes, item }
}

/// What a set of documents means, without regard to any before it.
pub fn convert(documents: &[Document], options: &ConvertOptions) -> Configuration {
    LastGood::new().follow(documents, &[], options)
}
