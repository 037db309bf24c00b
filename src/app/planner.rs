//! Makes plans of a configuration that was read: joins it with keys, plugins and the way to the registries.

use std::sync::Arc;

use super::access::RegistryAccess;
use crate::crd::Configuration;
use crate::engine::settings::{ExecutorSettings, PlanSettings};
use crate::engine::{Plan, PlanParts, Plans, ScopedPlan};
use crate::registry::ArtifactStore;
use crate::trust::key_source::KeySets;
use crate::verifier::notation::InstalledPlugins;

/// Where artifacts are read.
#[derive(Clone, Debug)]
pub(super) enum StoreChoice {
    /// Registries, as the Stores say.
    Registries(Arc<RegistryAccess>),
    /// One store for everything, such as an image layout.
    Given(Arc<dyn ArtifactStore>),
}

/// Makes plans.
#[derive(Clone, Debug)]
pub(super) struct Planner {
    /// Where artifacts are read.
    pub(super) store: StoreChoice,
    /// Plugins that were asked what they are.
    pub(super) plugins: InstalledPlugins,
}

impl Planner {
    pub(super) fn plans(&self, configuration: &Configuration, keys: &KeySets) -> Plans {
        let namespaces = configuration.namespaces.iter();
        Plans {
            cluster: self.plan(&configuration.cluster, keys),
            namespaces: namespaces.map(|(name, plan)| (Arc::clone(name), self.plan(plan, keys))).collect(),
            scoped: configuration.executors.iter().map(|executor| self.scoped(executor, keys)).collect(),
        }
    }

    /// Another number whenever plans would read registries as somebody else than before.
    pub(super) fn access_revision(&self) -> u64 {
        match &self.store {
            StoreChoice::Registries(access) => access.revision(),
            StoreChoice::Given(_) => 0,
        }
    }

    fn scoped(&self, executor: &ExecutorSettings, keys: &KeySets) -> ScopedPlan {
        ScopedPlan {
            namespace: executor.namespace.clone(),
            scopes: executor.scopes.clone(),
            plan: self.plan(&executor.plan, keys),
        }
    }

    fn plan(&self, settings: &PlanSettings, keys: &KeySets) -> Plan {
        let store = match &self.store {
            StoreChoice::Registries(access) => access.store(&settings.stores),
            StoreChoice::Given(store) => Arc::clone(store),
        };
        let parts = PlanParts { key_sets: keys.clone(), plugins: self.plugins.clone(), store };
        Plan::build(settings.clone(), parts)
    }
}
