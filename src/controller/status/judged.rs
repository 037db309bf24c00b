//! A reading of the configuration, sorted by the resource that each part is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::index::ObjectName;
use crate::crd::{Configuration, ResourceState};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::settings::{CredentialSettings, PlanSettings, StoreSettings};
use crate::secret::{SecretName, ServiceAccountName};
use crate::trust::key_source::{KeySets, SourceState};
use crate::verifier::VerifierSettings;

/// What was made of the cluster's resources.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    pub(super) configuration: Arc<Configuration>,
    pub(super) keys: KeySets,
    pub(super) generations: Arc<BTreeMap<ObjectName, i64>>,
}

impl Judged {
    /// What `configuration` made of what was read last from `cluster`, with the keys that were fetched.
    pub fn new(configuration: Arc<Configuration>, keys: KeySets, read: &super::super::Read) -> Self {
        Self { configuration, keys, generations: Arc::clone(&read.generations) }
    }

    /// The same, sorted by resource.
    pub(super) fn sorted(&self) -> Sorted<'_> {
        let mut sorted = Sorted::default();
        for said in &self.configuration.diagnostics {
            sorted.about.entry(&said.resource).or_default().push(said);
        }
        for (key, state) in &self.configuration.resources {
            sorted.states.insert(key.to_string(), *state);
        }
        for (name, state) in self.keys.iter() {
            let place = self.configuration.places.get(name);
            let resource = place.map_or(&**name, |place| place.resource.as_str());
            sorted.sources.entry(resource).or_default().push(state);
        }
        let namespaces = self.configuration.namespaces.values();
        for plan in std::iter::once(&self.configuration.cluster).chain(namespaces) {
            let called = |store: &StoreSettings| {
                let prefix = if store.name.contains('/') { "Namespaced" } else { "" };
                format!("{prefix}Store {}", store.name)
            };
            sorted.add_stores(plan, called);
            sorted.add_verifiers(plan, &self.keys);
        }
        for executor in &self.configuration.executors {
            sorted.add_stores(&executor.plan, |_| executor.resource.to_string());
        }
        sorted
    }
}

/// What is known, by resource.
#[derive(Debug, Default)]
pub(super) struct Sorted<'j> {
    pub about: BTreeMap<&'j str, Vec<&'j Diagnostic>>,
    pub states: BTreeMap<String, ResourceState>,
    pub sources: BTreeMap<&'j str, Vec<&'j SourceState>>,
    /// What each store of a resource names for credentials.
    pub credentials: BTreeMap<String, BTreeMap<&'j str, Credentials<'j>>>,
    /// The key sources of each Verifier that give no keys.
    pub without_keys: BTreeMap<String, BTreeSet<&'j str>>,
}

/// What a Store names for credentials.
#[derive(Debug)]
pub(super) struct Credentials<'j> {
    pub secrets: &'j [SecretName],
    pub service_account: Option<&'j ServiceAccountName>,
    pub account_required: bool,
}

impl<'j> Sorted<'j> {
    fn add_stores(&mut self, plan: &'j PlanSettings, resource: impl Fn(&StoreSettings) -> String) {
        for store in plan.stores.iter().filter(|store| store.refused.is_none()) {
            if let CredentialSettings::KubernetesSecrets { secrets, service_account, account_required } =
                &store.credentials
            {
                let service_account = service_account.as_ref();
                let named = Credentials { secrets, service_account, account_required: *account_required };
                self.credentials.entry(resource(store)).or_default().insert(&store.name, named);
            }
        }
    }

    fn add_verifiers(&mut self, plan: &'j PlanSettings, keys: &KeySets) {
        for verifier in &plan.verifiers {
            let VerifierSettings::Notation(settings) = verifier else { continue };
            let prefix = if settings.resource.contains('/') { "Namespaced" } else { "" };
            let resource = format!("{prefix}Verifier {}", settings.resource);
            // A folder of its own is said of it with the reason.
            let others =
                settings.trust_stores.values().flatten().filter(|name| !name.starts_with("Verifier "));
            let without = others.filter(|name| keys.get(name).is_some_and(SourceState::gives_none));
            self.without_keys.entry(resource).or_default().extend(without.map(|name| &**name));
        }
    }
}
