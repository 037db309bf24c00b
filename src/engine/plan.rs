//! The plan: an immutable snapshot of what a configuration means, with everything built that building
//! can fail. It is swapped as a whole and read once per request.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::rule::{Holds, Inputs, Rule, Standing, Voter};
use super::settings::PlanSettings;
use crate::outcome::{PolicyIdentity, Reason, ReasonCode};
use crate::reference::Repository;
use crate::registry::ArtifactStore;
use crate::trust::key_source::KeySets;
use crate::trust::policy::{self, Level, Statement};
use crate::trust::store::TrustStores;
use crate::verifier::VerifierSettings;
use crate::verifier::notation::{InstalledPlugins, NotationVerifier};

/// Repositories whose effective settings are kept ready.
const MAX_REPOSITORIES: u64 = 20_000;

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
    rule: Rule,
    verifiers: Vec<PlannedVerifier>,
    /// Why no image can be read, where the Stores are refused.
    store_refusal: Option<String>,
    referrers_ttl: Option<Duration>,
    store: Arc<dyn ArtifactStore>,
    effective: Cache<Repository, Arc<Effective>>,
}

#[derive(Clone, Debug)]
enum PlannedVerifier {
    Notation(Arc<NotationVerifier>),
    Refused { voter: Voter, reason: String },
}

/// What applies to the images of one repository.
pub struct Effective {
    /// The name and hash of what applies.
    pub policy: PolicyIdentity,
    /// Where artifacts are read.
    pub store: Arc<dyn ArtifactStore>,
    /// The repository, and as whom it is read: what is remembered is kept apart by it.
    pub scope: Arc<str>,
    /// For how long a list of referrers is believed, where a Store says.
    pub referrers_ttl: Option<Duration>,
    /// What must hold.
    pub rule: Rule,
    /// The verifiers as the rule sees them.
    pub voters: Vec<Voter>,
    /// The verifiers that judge, each with its statement.
    pub judges: Vec<Judge>,
    /// What is known without looking at the image.
    pub beforehand: Beforehand,
    /// The artifact types to list; empty lists all.
    pub artifact_types: Vec<String>,
    /// Why a verifier cannot run, for the reason of what it leaves undecided.
    pub refusal: Option<Reason>,
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

/// What is known about an image before anything is asked of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beforehand {
    /// It must be looked at.
    Nothing,
    /// Every policy that applies asks for nothing.
    NotRequired,
    /// No trust policy covers it.
    NotCovered,
    /// Nothing can be concluded, whatever is found.
    Undecidable(Reason),
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
        Self {
            rule: Rule::new(settings.rule),
            verifiers,
            store_refusal,
            referrers_ttl: settings.stores.iter().filter_map(|store| store.referrers_ttl).min(),
            store: parts.store,
            effective: Cache::new(MAX_REPOSITORIES),
        }
    }

    /// What applies to the images of `repository`.
    pub fn effective(&self, repository: &Repository) -> Arc<Effective> {
        self.effective.get_with_by_ref(repository, || Arc::new(self.effective_uncached(repository)))
    }

    /// Where artifacts are read.
    pub fn store(&self) -> &Arc<dyn ArtifactStore> {
        &self.store
    }

    fn effective_uncached(&self, repository: &Repository) -> Effective {
        let scope = repository.to_string();
        let (mut voters, mut judges, mut refusal) = (Vec::new(), Vec::new(), None);
        for verifier in &self.verifiers {
            match verifier {
                PlannedVerifier::Refused { voter, reason } => {
                    refusal.get_or_insert_with(|| {
                        refused(&format!("the verifier {} cannot run: {reason}", voter.name))
                    });
                    voters.push(voter.clone());
                }
                PlannedVerifier::Notation(verifier) => {
                    let judge = Judge::select(verifier, &scope);
                    voters.push(voter_of(verifier, judge.as_ref()));
                    judges.extend(judge.filter(|judge| !judge.is_skip()));
                }
            }
        }
        let artifact_types = listed_types(&voters);
        let mut effective = Effective {
            policy: PolicyIdentity { name: self.rule.name(), id: "".into() },
            store: Arc::clone(&self.store),
            scope: format!("{scope} as {}", self.store.access_scope(repository)).into(),
            referrers_ttl: self.referrers_ttl,
            rule: self.rule.clone(),
            beforehand: Beforehand::Nothing,
            voters,
            judges,
            artifact_types,
            refusal,
        };
        effective.beforehand = self.beforehand(&effective);
        effective.policy.id = effective.fingerprint(self.store_refusal.as_deref()).into();
        effective
    }

    fn beforehand(&self, effective: &Effective) -> Beforehand {
        let undecidable =
            self.rule.refusal().map(|why| format!("the Policy {} is refused: {why}", self.rule.name()));
        if let Some(problem) = undecidable {
            return Beforehand::Undecidable(refused(&problem));
        }
        if effective.voters.is_empty() {
            return Beforehand::Undecidable(refused("no Verifier is configured"));
        }
        if effective.evaluate_beforehand() == Holds::Yes {
            return Beforehand::NotRequired;
        }
        if effective.voters.iter().all(|voter| voter.standing == Standing::NotApplicable) {
            return Beforehand::NotCovered;
        }
        match &self.store_refusal {
            Some(problem) => Beforehand::Undecidable(refused(problem)),
            None => Beforehand::Nothing,
        }
    }
}

impl Effective {
    /// Whether the rule holds with nothing but what `skip` gives.
    fn evaluate_beforehand(&self) -> Holds {
        let anything = BTreeSet::from([None]);
        self.rule.evaluate(&Inputs {
            voters: &self.voters,
            judged: &[],
            seen: &BTreeSet::new(),
            pending: &anything,
        })
    }

    /// A hash over everything that can change a decision about this repository's images, and over nothing
    /// else: an unrelated edit leaves it as it is, and every replica computes the same.
    fn fingerprint(&self, store_refusal: Option<&str>) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(text, "{:?}\n{:?}\n{store_refusal:?}\n", self.rule, self.voters);
        for judge in &self.judges {
            let settings = &judge.verifier.settings;
            let _ = writeln!(
                text,
                "{:?}",
                (judge.statement(), &settings.required_metadata, &judge.verifier.plugins)
            );
            if let Some(statement) = judge.statement() {
                let content = judge.verifier.stores.content(&statement.trust_stores);
                let _ = writeln!(text, "{}", hex::encode(content));
            }
        }
        let hash = openssl::sha::sha256(text.as_bytes());
        hex::encode(hash.get(..16).unwrap_or(&hash))
    }
}

impl Judge {
    fn select(verifier: &Arc<NotationVerifier>, scope: &str) -> Option<Self> {
        let statements = &verifier.settings.statements;
        let chosen = policy::select(statements, scope)?;
        let statement = statements.iter().position(|statement| std::ptr::eq(statement, chosen))?;
        let voter = Voter {
            name: verifier.settings.name.clone(),
            artifact_types: verifier.settings.artifact_types.clone(),
            standing: Standing::Judges,
        };
        Some(Self { verifier: Arc::clone(verifier), statement, voter })
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
    Voter {
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
            VerifierSettings::Refused { name, artifact_types, reason, .. } => Self::Refused {
                voter: Voter {
                    name: name.clone(),
                    artifact_types: artifact_types.clone(),
                    standing: Standing::Refused,
                },
                reason: reason.clone(),
            },
        }
    }
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

fn refused(problem: &str) -> Reason {
    Reason::new(
        ReasonCode::ConfigInvalid,
        problem,
        "run `hallmark config check` and correct the configuration",
    )
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("rule", &self.rule)
            .field("verifiers", &self.verifiers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effective")
            .field("policy", &self.policy)
            .field("voters", &self.voters)
            .finish_non_exhaustive()
    }
}
