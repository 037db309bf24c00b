//! The plan: an immutable snapshot of what a configuration means, with everything built that building
//! can fail. It is swapped as a whole and read once per request.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use super::answer;
use super::demand::{Demand, Demands};
use super::effective::{Effective, EffectiveSettings};
use super::fingerprint::Fingerprint;
use super::rule::{Rule, Standing, Voter};
use super::scope::Scope;
use super::settings::{PlanSettings, StoreSettings};
use crate::outcome::{PolicyIdentity, Reason};
use crate::reference::Repository;
use crate::registry::ArtifactStore;
use crate::trust::key_source::KeySets;
use crate::trust::policy::{self, Level, Statement};
use crate::trust::store::TrustStores;
use crate::verifier::VerifierSettings;
use crate::verifier::notation::{InstalledPlugins, NotationVerifier};

/// Repositories for which it is kept ready what applies to them. Another one costs microseconds.
const MAX_REPOSITORIES: u64 = 4096;

/// What a plan is built with, besides its settings.
#[derive(Clone, Debug)]
pub struct PlanParts {
    /// The keys and certificates that the sources hold.
    pub key_sets: KeySets,
    /// The plugins that may be used.
    pub plugins: InstalledPlugins,
    /// Where artifacts are read.
    pub store: Arc<dyn ArtifactStore>,
}

/// An immutable snapshot of one configuration.
pub struct Plan {
    /// What is demanded, the first by whoever asks, each with the repositories that it is demanded of.
    demands: Vec<(Demand, Option<Vec<Scope>>)>,
    verifiers: Vec<PlannedVerifier>,
    /// Why no image can be read, where the Stores are refused.
    store_refusal: Option<String>,
    referrers_ttl: Option<Duration>,
    store: Arc<dyn ArtifactStore>,
    source: Arc<str>,
    /// Names further authorities, whose word may differ from that of the others.
    authorities: String,
    /// By what applies to a repository; as many as are in use.
    settings: Mutex<HashMap<Applying, Arc<EffectiveSettings>>>,
    effective: Cache<Repository, Effective>,
}

/// What applies to a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Applying {
    /// Which demands.
    demands: Vec<bool>,
    /// The position of the statement that each verifier applies.
    statements: Vec<Option<usize>>,
}

#[derive(Clone, Debug)]
enum PlannedVerifier {
    Notation(Arc<NotationVerifier>),
    Refused { voter: Voter, reason: String },
}

/// A verifier that judges the images of a repository.
#[derive(Clone, Debug)]
pub struct Judge {
    /// The verifier.
    pub verifier: Arc<NotationVerifier>,
    /// Index of its statement.
    statement: usize,
    /// The artifact types it claims.
    pub voter: Voter,
}

impl Judge {
    /// The statement that applies.
    pub fn statement(&self) -> Option<&Statement> {
        self.verifier.settings.statements.get(self.statement)
    }
}

impl Plan {
    /// Builds a plan. Nothing here fails as a whole: what cannot be built is refused, and decisions that
    /// need it are Inconclusive.
    pub fn build(settings: PlanSettings, parts: PlanParts) -> Self {
        let store_refusal = settings.stores.iter().find_map(|store| {
            let refused = store.refused.as_ref()?;
            Some(format!("the Store {} is refused: {refused}", store.name))
        });
        let verifiers =
            settings.verifiers.iter().map(|verifier| PlannedVerifier::new(verifier, &parts)).collect();
        let own = Demand::new(Rule::new(settings.rule), settings.counted, None);
        let mandatory = settings.mandatory.into_iter().map(|mandatory| {
            let (counted, resource) = (Some(mandatory.counted), Some(mandatory.resource));
            (Demand::new(Rule::new(mandatory.rule), counted, resource), mandatory.scopes)
        });
        let mut source = Fingerprint::new();
        source.stores(&settings.stores);
        Self {
            demands: std::iter::once((own, None)).chain(mandatory).collect(),
            verifiers,
            store_refusal,
            referrers_ttl: settings.stores.iter().filter_map(|store| store.referrers_ttl).min(),
            store: parts.store,
            source: source.finish().into(),
            authorities: authorities(&settings.stores),
            settings: Mutex::default(),
            effective: Cache::new(MAX_REPOSITORIES),
        }
    }

    /// What applies to the images of `repository`.
    pub fn effective(&self, repository: &Repository) -> Effective {
        if let Some(effective) = self.effective.get(repository) {
            return effective;
        }
        let name = repository.to_string();
        let effective = Effective {
            scope: format!("{name} as {}{}", self.store.access_scope(repository), self.authorities).into(),
            settings: self.settings_of(repository, &name),
        };
        self.effective.insert(repository.clone(), effective.clone());
        effective
    }

    /// Where artifacts are read.
    pub fn store(&self) -> &Arc<dyn ArtifactStore> {
        &self.store
    }

    fn settings_of(&self, repository: &Repository, name: &str) -> Arc<EffectiveSettings> {
        let covers = |scopes: &Option<Vec<Scope>>| {
            scopes.as_ref().is_none_or(|scopes| Scope::narrowest(scopes, repository).is_some())
        };
        let applying = Applying {
            demands: self.demands.iter().map(|(_, scopes)| covers(scopes)).collect(),
            statements: self.verifiers.iter().map(|verifier| verifier.statement_of(name)).collect(),
        };
        let mut known = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(settings) = known.get(&applying) {
            return Arc::clone(settings);
        }
        let settings = Arc::new(self.settings_under(&applying));
        known.insert(applying, Arc::clone(&settings));
        settings
    }

    fn settings_under(&self, applying: &Applying) -> EffectiveSettings {
        let demands = self.demands.iter().zip(&applying.demands);
        let demands: Vec<&Demand> =
            demands.filter_map(|((demand, _), applies)| applies.then_some(demand)).collect();
        let (mut voters, mut judges, mut refusal): (_, _, Option<Reason>) = (Vec::new(), Vec::new(), None);
        for (verifier, statement) in self.verifiers.iter().zip(&applying.statements) {
            if !demands.iter().any(|demand| demand.counts(verifier.resource())) {
                continue;
            }
            match verifier {
                PlannedVerifier::Refused { voter, reason } => {
                    refusal.get_or_insert_with(|| {
                        answer::config_invalid(&format!("the verifier {} cannot run: {reason}", voter.name))
                    });
                    voters.push(voter.clone());
                }
                PlannedVerifier::Notation(verifier) => {
                    let judge = statement.map(|statement| Judge::of(verifier, statement));
                    voters.push(voter_of(verifier, judge.as_ref()));
                    judges.extend(judge.filter(|judge| !judge.is_skip()));
                }
            }
        }
        let demands = Demands::new(demands.into_iter().map(|demand| demand.over(&voters)).collect());
        let mut settings = EffectiveSettings {
            policy: PolicyIdentity { name: demands.name(), id: "".into() },
            store: Arc::clone(&self.store),
            source: Arc::clone(&self.source),
            referrers_ttl: self.referrers_ttl,
            demands,
            artifact_types: listed_types(&voters),
            beforehand: None,
            voters,
            judges,
            refusal,
        };
        settings.policy.id = settings.fingerprint(self.store_refusal.as_deref()).into();
        settings.beforehand = settings.known_beforehand(self.store_refusal.as_deref()).map(Arc::new);
        settings
    }
}

impl Judge {
    fn of(verifier: &Arc<NotationVerifier>, statement: usize) -> Self {
        let voter = voter(verifier, Standing::Judges);
        Self { verifier: Arc::clone(verifier), statement, voter }
    }

    fn is_skip(&self) -> bool {
        self.statement().is_some_and(|statement| statement.verification.level == Level::Skip)
    }
}

fn voter_of(verifier: &NotationVerifier, judge: Option<&Judge>) -> Voter {
    let standing = match judge {
        None => Standing::NotApplicable,
        Some(judge) if judge.is_skip() => Standing::Satisfied,
        Some(_) => Standing::Judges,
    };
    voter(verifier, standing)
}

fn voter(verifier: &NotationVerifier, standing: Standing) -> Voter {
    Voter {
        resource: verifier.settings.resource.clone(),
        name: verifier.settings.name.clone(),
        artifact_types: verifier.settings.artifact_types.clone(),
        standing,
    }
}

impl PlannedVerifier {
    fn new(settings: &VerifierSettings, parts: &PlanParts) -> Self {
        match settings {
            VerifierSettings::Notation(settings) => Self::Notation(Arc::new(NotationVerifier {
                stores: TrustStores::build(&settings.trust_stores, &parts.key_sets),
                plugins: allowed(&parts.plugins, &settings.plugins),
                settings: Arc::new(settings.clone()),
            })),
            VerifierSettings::Refused { resource, name, artifact_types, reason } => Self::Refused {
                voter: Voter {
                    resource: resource.clone(),
                    name: name.clone(),
                    artifact_types: artifact_types.clone(),
                    standing: Standing::Refused,
                },
                reason: reason.clone(),
            },
        }
    }

    fn resource(&self) -> &str {
        match self {
            Self::Notation(verifier) => &verifier.settings.resource,
            Self::Refused { voter, .. } => &voter.resource,
        }
    }

    /// The position of the statement that covers a repository.
    fn statement_of(&self, repository: &str) -> Option<usize> {
        let Self::Notation(verifier) = self else {
            return None;
        };
        let statements = &verifier.settings.statements;
        let chosen = policy::select(statements, repository)?;
        statements.iter().position(|statement| std::ptr::eq(statement, chosen))
    }
}

/// What is read from a registry that only some believe is kept apart.
fn authorities(stores: &[StoreSettings]) -> String {
    let mut pems: Vec<&str> = stores.iter().filter_map(|store| store.ca_pem.as_deref()).collect();
    pems.sort_unstable();
    if pems.is_empty() {
        return String::new();
    }
    let mut fingerprint = Fingerprint::new();
    pems.iter().for_each(|pem| fingerprint.text(pem));
    format!(" under {}", fingerprint.finish())
}

/// The installed plugins that a verifier may use.
fn allowed(installed: &InstalledPlugins, names: &[String]) -> InstalledPlugins {
    installed
        .iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, plugin)| (name.clone(), plugin.clone()))
        .collect()
}

/// The types that some verifier claims, or none where one claims all.
fn listed_types(voters: &[Voter]) -> Vec<String> {
    let types: BTreeSet<&String> = voters.iter().flat_map(|voter| &voter.artifact_types).collect();
    if types.iter().any(|claimed| *claimed == "*") {
        return Vec::new();
    }
    types.into_iter().cloned().collect()
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("demands", &self.demands)
            .field("verifiers", &self.verifiers)
            .finish_non_exhaustive()
    }
}
