//! What a set of documents means: the plans, and what became of each resource.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::place::Place;
use super::resource_key::ResourceKey;
use crate::engine::diagnostic::Diagnostic;
use crate::engine::settings::{ExecutorSettings, PlanSettings};
use crate::secret::NamedSecrets;
use crate::trust::store::KeySourceName;

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
