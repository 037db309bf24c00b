//! Joins resources: looks up the names that they give each other, and makes one plan for the cluster and
//! one for each namespace that has resources of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::configuration::{Configuration, ResourceState};
use super::convert_options::ConvertOptions;
use super::converted::{Converted, Item};
use super::field::Notes;
use super::kind::Kind;
use super::linked_verifier::LinkedVerifier;
use super::lookup::{Found, KeySources};
use super::notation::{NotationDraft, SourceName};
use super::plan::{self, Planning};
use super::resource_key::{Namespace, ResourceKey};
use super::verifier::VerifierDraft;
use super::{duplicate, executor_link, inline, place};
use crate::engine::diagnostic::{Diagnostic, Severity};
use crate::engine::settings::PlanSettings;
use crate::secret::NamedSecrets;
use crate::trust::key_source::{KeyContent, KeySourceSettings};
use crate::trust::store::{KeySourceName, StoreSettings as TrustStoreSettings, StoreType};
use crate::verifier::{NotationSettings, VerifierSettings};

/// The most Verifiers of one namespace: each judges each signature of each image there.
const MAX_OF_NAMESPACE: usize = 64;

/// What joined resources mean.
pub(super) struct Linked {
    pub(super) configuration: Configuration,
    /// Resources that are not in force, whatever the reason.
    pub(super) refused: BTreeSet<ResourceKey>,
    /// Key sources that are well written and of no use to a Verifier that names them.
    pub(super) blamed: Vec<Blame>,
}

/// A key source, whose holdings are of no use to a Verifier that names it.
pub(super) struct Blame {
    pub(super) source: ResourceKey,
    pub(super) by: ResourceKey,
    pub(super) trouble: String,
}

/// Looks up the names that resources give each other, and says what dangles or is unused.
pub(super) fn link(converted: Vec<Converted>, options: &ConvertOptions) -> Linked {
    let mut resources = duplicate::settle(converted);
    executor_link::settle(&mut resources);
    let places = place::of(&resources);
    let sources = KeySources::of(&resources, options);
    let mut seen = Seen::default();
    let linked = link_verifiers(&mut resources, &sources, &mut seen, options);
    say_unused(&mut resources, &seen.used);
    let mut general = Vec::new();
    let planning = Planning::new(&mut resources, &linked, options.namespaced);
    let cluster = planning.plan(&None, &mut resources, &mut general);
    let namespaces = plan::of_namespaces(&planning, &mut resources, &mut general);
    let executors = planning.executors(&resources);
    let refused: BTreeSet<_> = resources
        .iter()
        .filter(|resource| resource.refusal().is_some())
        .map(|resource| resource.key.clone())
        .collect();
    let state = |key| if refused.contains(key) { ResourceState::Refused } else { ResourceState::InForce };
    let states = resources.iter().map(|resource| (resource.key.clone(), state(&resource.key))).collect();
    let mut diagnostics: Vec<_> = resources.into_iter().flat_map(|resource| resource.notes.said).collect();
    diagnostics.append(&mut general);
    sort(&mut diagnostics);
    let mut configuration = Configuration {
        cluster,
        namespaces,
        executors,
        places,
        diagnostics,
        resources: states,
        ..Configuration::default()
    };
    let of_executors = |of_cluster: bool| {
        let executors = configuration.executors.iter();
        executors.filter(move |one| one.namespace.is_none() == of_cluster).map(|one| &one.plan)
    };
    let by_cluster = named(std::iter::once(&configuration.cluster).chain(of_executors(true)));
    let mut by_namespaces = named(configuration.namespaces.values().chain(of_executors(false)));
    // A plan of a namespace has the cluster's Stores too.
    by_namespaces.secrets.retain(|name| !by_cluster.secrets.contains(name));
    by_namespaces.service_accounts.retain(|name| !by_cluster.service_accounts.contains(name));
    (configuration.named_by_cluster, configuration.named_by_namespaces) = (by_cluster, by_namespaces);
    Linked { configuration, refused, blamed: seen.blamed }
}

fn named<'p>(plans: impl Iterator<Item = &'p PlanSettings>) -> NamedSecrets {
    let mut named = NamedSecrets::default();
    for plan in plans {
        named.secrets.extend(plan.secrets());
        named.service_accounts.extend(plan.service_accounts());
    }
    named
}

/// By file and line, what matters most first where those are equal. What is said twice is said once.
pub(super) fn sort(diagnostics: &mut Vec<Diagnostic>) {
    let mut said = BTreeSet::new();
    diagnostics.retain(|diagnostic| said.insert(diagnostic.to_string()));
    diagnostics.sort_by(|a, b| {
        let place = |d: &Diagnostic| (d.file.clone(), d.line, d.severity);
        place(a).cmp(&place(b))
    });
}

/// What was seen of key sources while names were looked up.
#[derive(Default)]
struct Seen {
    used: BTreeSet<ResourceKey>,
    blamed: Vec<Blame>,
}

fn link_verifiers(
    resources: &mut [Converted],
    sources: &KeySources,
    seen: &mut Seen,
    options: &ConvertOptions,
) -> Vec<LinkedVerifier> {
    let mut linked = Vec::new();
    let mut of_namespaces: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let is_demand = |one: &Converted| one.mandatory && one.key.kind == Kind::Policy;
    let has_baseline = resources.iter().any(is_demand);
    for resource in resources.iter_mut() {
        let Item::Verifier(draft) = &resource.item else { continue };
        let namespace = resource.key.namespace.clone();
        let guarded = namespace.is_none() && (has_baseline || resource.mandatory);
        if let Some(namespace) = &namespace {
            let count = of_namespaces.entry(Arc::clone(namespace)).or_default();
            *count += 1;
            if *count > MAX_OF_NAMESPACE {
                let message = format!("namespace {namespace} has more than {MAX_OF_NAMESPACE} Verifiers");
                resource.notes.say(
                    Severity::Error,
                    (None, ""),
                    message,
                    "write several trust policies into one",
                );
            }
        }
        let by = &resource.key;
        let linker = Linker { by, namespace, guarded, sources, seen, notes: &mut resource.notes };
        let (settings, sources) = linker.link(draft, options);
        let (key, mandatory) = (resource.key.clone(), resource.mandatory);
        linked.push(LinkedVerifier { key, mandatory, settings, sources });
    }
    linked
}

/// Looks up what one Verifier names.
struct Linker<'a> {
    by: &'a ResourceKey,
    namespace: Namespace,
    /// Its words count for what is mandatory.
    guarded: bool,
    sources: &'a KeySources,
    seen: &'a mut Seen,
    notes: &'a mut Notes,
}

impl Linker<'_> {
    fn link(
        mut self,
        draft: &VerifierDraft,
        options: &ConvertOptions,
    ) -> (VerifierSettings, BTreeMap<KeySourceName, KeySourceSettings>) {
        let mut sources = BTreeMap::new();
        let settings = match &draft.body {
            Err(reason) => refused(draft, reason.clone()),
            Ok(notation) => {
                let trust_stores = self.trust_stores(draft, notation, &mut sources);
                match self.notes.refusal() {
                    Some(reason) => refused(draft, reason),
                    None => VerifierSettings::Notation(NotationSettings {
                        resource: draft.resource.clone(),
                        name: draft.name.clone(),
                        artifact_types: draft.artifact_types.clone(),
                        statements: notation.statements.clone(),
                        trust_stores,
                        required_metadata: notation.required_metadata.clone(),
                        plugins: options.plugins.clone(),
                    }),
                }
            }
        };
        if matches!(settings, VerifierSettings::Refused { .. }) {
            sources.clear();
        }
        (settings, sources)
    }

    fn trust_stores(
        &mut self,
        draft: &VerifierDraft,
        notation: &NotationDraft,
        sources: &mut BTreeMap<KeySourceName, KeySourceSettings>,
    ) -> TrustStoreSettings {
        let mut stores = TrustStoreSettings::new();
        for (id, store) in &notation.stores {
            let names: Vec<_> =
                store.sources.iter().filter_map(|name| self.source(id.0, name, sources)).collect();
            stores.insert(id.clone(), names);
        }
        let mut is_needed = false;
        for (index, statement) in notation.statements.iter().enumerate() {
            for id in &statement.trust_stores {
                if stores.contains_key(id) {
                    continue;
                }
                is_needed = true;
                let line = notation.statement_lines.get(index).copied().flatten();
                let members = self.directories(draft, notation, id, line, sources);
                stores.insert(id.clone(), members);
            }
        }
        if !is_needed && !notation.directories.is_empty() {
            let message = "is used by no statement: every trust store is defined in verificationCertStores";
            let place = (notation.directories_line, "spec.parameters.verificationCerts");
            self.notes.say(Severity::Warning, place, message, "remove it");
        }
        stores
    }

    /// The key source of a name, with the words that say what is the matter where there is none.
    fn source(
        &mut self,
        kind: StoreType,
        name: &SourceName,
        sources: &mut BTreeMap<KeySourceName, KeySourceSettings>,
    ) -> Option<KeySourceName> {
        let place = (name.line, name.path.as_str());
        let (key, settings) = match self.sources.find(&name.text, self.namespace.as_deref()) {
            Found::One { key, settings, remark } => {
                if let Some(remark) = remark {
                    self.notes.say(Severity::Notice, place, remark, "");
                }
                (key, settings)
            }
            Found::None => {
                let message = format!("there is no KeyManagementProvider or CertificateStore {}", name.text);
                let remedy = self.sources.near(&name.text, self.namespace.as_deref());
                self.notes.say(Severity::Error, place, message, remedy);
                return None;
            }
            Found::Forbidden => {
                let message = format!("{} belongs to another namespace", name.text);
                let remedy = "name a key source of this namespace or of the cluster";
                self.notes.say(Severity::Error, place, message, remedy);
                return None;
            }
        };
        self.seen.used.insert(key.clone());
        if self.guarded && self.sources.is_of_tenant(&key) {
            let message = format!(
                "{key} is of another namespace: who may write there would decide whom what is mandatory trusts"
            );
            let remedy = "name a KeyManagementProvider of the cluster";
            self.notes.say(Severity::Error, place, message, remedy);
            return None;
        }
        let trouble = match settings {
            KeySourceSettings::Refused { reason } => Some(format!("{key} is not in force: {reason}")),
            usable => {
                let trouble = match usable.content() {
                    Some(KeyContent::Keys) => {
                        Some("it holds keys, and a trust store holds certificates".to_owned())
                    }
                    _ => match &*self.sources.anchors(&key, usable, kind) {
                        Ok(others) => {
                            inline::say_others(others, place, self.notes);
                            None
                        }
                        Err(trouble) => Some(trouble.clone()),
                    },
                };
                trouble.map(|trouble| {
                    let blame = Blame { source: key.clone(), by: self.by.clone(), trouble: trouble.clone() };
                    self.seen.blamed.push(blame);
                    format!("{key}: {trouble}")
                })
            }
        };
        if let Some(trouble) = trouble {
            self.notes.say(
                Severity::Error,
                place,
                trouble,
                "correct it, and this Verifier is in force again",
            );
            return None;
        }
        let id: KeySourceName = key.to_string().into();
        sources.insert(id.clone(), settings.clone());
        Some(id)
    }

    /// The folders of `verificationCerts` stand in for a store that is named and not defined.
    fn directories(
        &mut self,
        draft: &VerifierDraft,
        notation: &NotationDraft,
        (kind, name): &(StoreType, String),
        line: Option<u32>,
        sources: &mut BTreeMap<KeySourceName, KeySourceSettings>,
    ) -> Vec<KeySourceName> {
        if notation.directories.is_empty() {
            let message = format!("trust store {kind}:{name} is not defined");
            let elsewhere = notation.stores.keys().find(|(other, defined)| other != kind && defined == name);
            let below = format!("below spec.parameters.verificationCertStores.{kind}");
            let remedy = match elsewhere {
                Some((other, _)) => format!("{name} is defined as {other}: write it {below}"),
                None => format!("define {name} {below}"),
            };
            self.notes.say(Severity::Error, (line, "spec.parameters.trustPolicyDoc"), message, remedy);
            return Vec::new();
        }
        let mut names = Vec::new();
        for path in &notation.directories {
            let id = place::directory(&draft.resource, path);
            let settings = KeySourceSettings::File { path: path.clone(), content: KeyContent::Certificates };
            sources.insert(id.clone(), settings);
            names.push(id);
        }
        names
    }
}

fn refused(draft: &VerifierDraft, reason: String) -> VerifierSettings {
    VerifierSettings::Refused {
        resource: draft.resource.clone(),
        name: draft.name.clone(),
        artifact_types: draft.artifact_types.clone(),
        reason,
    }
}

/// A Verifier that cannot be read may name any of them: then nothing is called unused.
fn say_unused(resources: &mut [Converted], used: &BTreeSet<ResourceKey>) {
    let is_unread =
        |resource: &Converted| matches!(&resource.item, Item::Verifier(draft) if draft.body.is_err());
    if resources.iter().any(is_unread) {
        return;
    }
    for resource in resources {
        if matches!(resource.item, Item::KeySource(_)) && !used.contains(&resource.key) {
            let place = (None, "");
            resource.notes.say(Severity::Warning, place, "is named by no Verifier", "name it, or remove it");
        }
    }
}
