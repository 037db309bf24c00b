//! Makes one plan for the cluster and one for each namespace that has resources of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::converted::{Converted, Item};
use super::demands::{self, Mandatory};
use super::field::Notes;
use super::kind::Kind;
use super::linked_verifier::LinkedVerifier;
use super::resource_key::{Namespace, ResourceKey};
use super::rule::rule;
use super::rule_names::{missing_verifier, name_of};
use crate::engine::diagnostic::{Diagnostic, Severity};
use crate::engine::settings::{
    ExecutorSettings, NamespacedResources, PlanSettings, RuleSettings, StoreSettings,
};

/// What plans are made of.
pub(super) struct Planning<'a> {
    linked: &'a [LinkedVerifier],
    namespaced: NamespacedResources,
    cluster_rule: Option<RuleSettings>,
    mandatory: Vec<Mandatory>,
}

impl<'a> Planning<'a> {
    /// Settles what holds for the cluster and everywhere.
    pub(super) fn new(
        resources: &mut [Converted],
        linked: &'a [LinkedVerifier],
        namespaced: NamespacedResources,
    ) -> Self {
        let clusters: Vec<&LinkedVerifier> =
            linked.iter().filter(|verifier| verifier.key.namespace.is_none()).collect();
        let settings: Vec<_> = clusters.iter().map(|verifier| verifier.settings.clone()).collect();
        let cluster_rule = rule(&None, resources, &settings);
        let mandatory = demands::of(resources, &clusters, cluster_rule.as_ref());
        Self { linked, namespaced, cluster_rule, mandatory }
    }

    /// The plan for one scope.
    pub(super) fn plan(
        &self,
        scope: &Namespace,
        resources: &mut [Converted],
        general: &mut Vec<Diagnostic>,
    ) -> PlanSettings {
        let mut settings = PlanSettings { stores: self.stores(scope, resources), ..PlanSettings::default() };
        let own = self.verifiers(scope, resources);
        own.iter().for_each(|verifier| add(&mut settings, verifier));
        settings.rule = match scope {
            None => self.cluster_rule.clone().unwrap_or_default(),
            Some(_) => self.namespaces_rule(scope, resources, &settings),
        };
        // An image in the scope of an Executor never comes here. For the cluster its Policy is the rule.
        let holds_here = |mandatory: &Mandatory| match mandatory.kind {
            Kind::Executor => false,
            Kind::Policy => scope.is_some(),
            _ => true,
        };
        self.add_mandatory(&mut settings, holds_here);
        match scope {
            None => say_missing(&settings, resources, general),
            Some(namespace) => self.say_instead(namespace, resources),
        }
        settings
    }

    /// The verifiers whose words count for the rule of a scope.
    fn verifiers(&self, scope: &Namespace, resources: &[Converted]) -> Vec<&'a LinkedVerifier> {
        let sees = self.sees(scope, Kind::Verifier, resources);
        self.linked.iter().filter(|verifier| sees(&verifier.key.namespace)).collect()
    }

    fn stores(&self, scope: &Namespace, resources: &[Converted]) -> Vec<StoreSettings> {
        let sees = self.sees(scope, Kind::Store, resources);
        let visible = resources.iter().filter(|resource| sees(&resource.key.namespace));
        let stores = visible.filter_map(|resource| match &resource.item {
            Item::Store(store) => Some(store.clone()),
            _ => None,
        });
        stores.collect()
    }

    /// Whose resources of a kind are seen from a scope.
    fn sees(&self, scope: &Namespace, kind: Kind, resources: &[Converted]) -> impl Fn(&Namespace) -> bool {
        let replaces = self.namespaced == NamespacedResources::Replace
            && scope.is_some()
            && resources.iter().any(|one| one.key.kind == kind && one.key.namespace == *scope);
        let scope = scope.clone();
        move |namespace| (namespace.is_none() && !replaces) || *namespace == scope
    }

    /// A namespace's own rule, else the cluster's over what is seen there.
    fn namespaces_rule(
        &self,
        scope: &Namespace,
        resources: &mut [Converted],
        settings: &PlanSettings,
    ) -> RuleSettings {
        if let Some(own) = rule(scope, resources, &settings.verifiers) {
            return own;
        }
        let cluster = self.cluster_rule.clone().unwrap_or_default();
        match missing_verifier(&cluster, &settings.verifiers) {
            // Nothing is said of the cluster's Policy: that a namespace puts Verifiers aside is its doing.
            Some(missing) => RuleSettings::Refused {
                name: name_of(&cluster),
                reason: format!("there is no Verifier whose spec.name is {missing}"),
            },
            None => cluster,
        }
    }

    /// The Executors with what is mandatory beside them.
    pub(super) fn executors(&self, resources: &[Converted]) -> Vec<ExecutorSettings> {
        let executors = resources.iter().filter_map(|resource| match &resource.item {
            Item::Executor(draft) => Some((resource, draft)),
            _ => None,
        });
        let settings = executors.map(|(resource, draft)| {
            let name: Arc<str> = resource.key.to_string().into();
            let mut plan = draft.plan(&name);
            self.add_mandatory(&mut plan, |mandatory| mandatory.rule.resource != name);
            ExecutorSettings {
                resource: name,
                namespace: resource.key.namespace.clone(),
                scopes: draft.scopes.clone(),
                plan,
            }
        });
        settings.collect()
    }

    fn add_mandatory(&self, settings: &mut PlanSettings, holds_here: impl Fn(&Mandatory) -> bool) {
        let counted: BTreeSet<Arc<str>> =
            settings.verifiers.iter().map(|verifier| verifier.resource().clone()).collect();
        for mandatory in self.mandatory.iter().filter(|mandatory| holds_here(mandatory)) {
            settings.mandatory.push(mandatory.rule.clone());
            for verifier in &mandatory.verifiers {
                let is_known = |known: &Arc<str>| known == verifier.resource();
                if !settings.verifiers.iter().any(|known| is_known(known.resource())) {
                    add(settings, verifier);
                    settings.counted = Some(counted.clone());
                }
            }
        }
    }

    /// Says what of a namespace stands in the place of what is the cluster's.
    fn say_instead(&self, namespace: &Arc<str>, resources: &mut [Converted]) {
        let replaces = self.namespaced == NamespacedResources::Replace;
        for (kind, plural, says) in [
            (Kind::Verifier, "Verifiers", replaces),
            (Kind::Store, "Stores", replaces),
            (Kind::Policy, "Policy", true),
        ] {
            let has_clusters =
                resources.iter().any(|one| one.key.kind == kind && one.key.namespace.is_none());
            if !says || !has_clusters {
                continue;
            }
            let aside = match kind {
                Kind::Policy => "decides there in place of the cluster's Policy".to_owned(),
                _ => format!(
                    "puts the cluster's {plural} aside there, because kubernetes.namespaced_resources is replace"
                ),
            };
            let message = format!("{aside}; what is mandatory still holds");
            let is_own = |key: &ResourceKey| key.kind == kind && key.namespace.as_ref() == Some(namespace);
            for resource in resources.iter_mut().filter(|resource| is_own(&resource.key)) {
                resource.notes.say(Severity::Notice, (None, ""), message.clone(), "");
            }
        }
    }
}

fn add(settings: &mut PlanSettings, verifier: &LinkedVerifier) {
    settings.verifiers.push(verifier.settings.clone());
    settings.key_sources.extend(verifier.sources.clone());
}

/// Namespaces with a resource that decides something there. A CertificateStore alone decides nothing, and an
/// Executor has a plan of its own.
fn own_namespaces(resources: &[Converted]) -> BTreeSet<Arc<str>> {
    resources
        .iter()
        .filter(|resource| !matches!(resource.key.kind, Kind::CertificateStore | Kind::Executor))
        .filter_map(|resource| resource.key.namespace.clone())
        .collect()
}

/// The plans of all namespaces that have resources of their own.
pub(super) fn of_namespaces(
    planning: &Planning<'_>,
    resources: &mut [Converted],
    general: &mut Vec<Diagnostic>,
) -> BTreeMap<Arc<str>, PlanSettings> {
    let namespaces = own_namespaces(resources);
    let plan = |namespace: Arc<str>| {
        let settings = planning.plan(&Some(namespace.clone()), resources, general);
        (namespace, settings)
    };
    namespaces.into_iter().map(plan).collect()
}

fn say_missing(settings: &PlanSettings, resources: &[Converted], general: &mut Vec<Diagnostic>) {
    let any_of = |kind: Kind| resources.iter().any(|resource| resource.key.kind == kind);
    let notes = Notes::new(String::new(), None, None);
    let mut say =
        |severity, message, remedy| general.push(notes.diagnostic(severity, (None, ""), message, remedy));
    if any_of(Kind::Executor) && !any_of(Kind::Verifier) && !any_of(Kind::Policy) {
        let message = "only Executors decide: an image that is in none of their scopes is undecided";
        return say(Severity::Notice, message, "");
    }
    if !any_of(Kind::Verifier) {
        say(
            Severity::Warning,
            "there is no Verifier, so no image can be verified",
            "add a Verifier of name notation",
        );
    }
    if !any_of(Kind::Store) {
        say(Severity::Notice, "there is no Store: registries are read with docker's credentials, if any", "");
    }
    if matches!(settings.rule, RuleSettings::OneValidSignature) {
        let message = "there is no Policy: one valid signature of a configured Verifier suffices";
        say(Severity::Notice, message, "");
    }
}
