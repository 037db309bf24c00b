//! What a configuration means, before anything is built from it. Boundary documents (`crd`) convert
//! into this; [`super::Plan`](crate::engine) is built from it. Nothing here does I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::scope::Scope;
use crate::outcome::Evidence;
use crate::registry::auth::StaticCredentials;
use crate::secret::{SecretName, ServiceAccountName};
use crate::trust::key_source::KeySourceSettings;
use crate::trust::store::KeySourceName;
use crate::verifier::VerifierSettings;

/// Everything that decides about the images of one scope (the cluster, or later a namespace).
#[derive(Clone, Debug, Default)]
pub struct PlanSettings {
    /// Where keys and certificates come from, by the name that verifiers use.
    pub key_sources: BTreeMap<KeySourceName, KeySourceSettings>,
    /// Verifiers, refused ones included: they still claim their artifact types.
    pub verifiers: Vec<VerifierSettings>,
    /// Registry settings contributed by every Store.
    pub stores: Vec<StoreSettings>,
    /// What must hold.
    pub rule: RuleSettings,
    /// The resources whose verifiers' words count for `rule`; `None` counts all.
    pub counted: Option<BTreeSet<Arc<str>>>,
    /// What must hold besides, whatever `rule` says.
    pub mandatory: Vec<MandatoryRule>,
}

/// A rule that only whoever decides for the cluster can remove.
#[derive(Clone, Debug)]
pub struct MandatoryRule {
    /// The resource that demands it, as in `Policy ratify-policy`.
    pub resource: Arc<str>,
    /// What must hold.
    pub rule: RuleSettings,
    /// The resources whose verifiers' words count, and nobody else's.
    pub counted: BTreeSet<Arc<str>>,
    /// The repositories of whose images it is demanded; `None` is all.
    pub scopes: Option<Vec<Scope>>,
}

impl PlanSettings {
    /// The Secrets that it names, those of refused Stores left out.
    pub fn secrets(&self) -> Vec<SecretName> {
        let keys = self.key_sources.values().filter_map(|source| match source {
            KeySourceSettings::Secret { name, .. } => Some(name),
            _ => None,
        });
        let credentials = self.credentials().filter_map(|credentials| match credentials {
            CredentialSettings::KubernetesSecrets { secrets, .. } => Some(secrets),
            _ => None,
        });
        keys.chain(credentials.flatten()).cloned().collect()
    }

    /// The service accounts whose pull secrets it wants, those of refused Stores left out.
    pub fn service_accounts(&self) -> Vec<ServiceAccountName> {
        let wanted = self.credentials().filter_map(|credentials| match credentials {
            CredentialSettings::KubernetesSecrets { service_account, .. } => service_account.clone(),
            _ => None,
        });
        wanted.collect()
    }

    fn credentials(&self) -> impl Iterator<Item = &CredentialSettings> {
        self.stores.iter().filter(|store| store.refused.is_none()).map(|store| &store.credentials)
    }
}

/// Decides about the images of some repositories, in the place of everything else.
#[derive(Clone, Debug)]
pub struct ExecutorSettings {
    /// The resource, as in `Executor e`.
    pub resource: Arc<str>,
    /// The namespace that it decides for; `None` is every one, after those of the namespace.
    pub namespace: Option<Arc<str>>,
    /// The repositories.
    pub scopes: Vec<Scope>,
    /// What decides about them.
    pub plan: PlanSettings,
}

/// What a namespace's resources do to the cluster's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamespacedResources {
    /// They are added to them.
    #[default]
    Unite,
    /// As in Ratify: the first Verifier of a namespace puts all of the cluster's aside there, and likewise
    /// Stores and the Policy.
    Replace,
}

/// What one Store resource contributes.
#[derive(Clone, Debug, Default)]
pub struct StoreSettings {
    /// Name of the resource.
    pub name: Arc<str>,
    /// Plain HTTP for loopback and cluster-local hosts (and hosts named in the process settings).
    pub plain_http: bool,
    /// Where credentials come from.
    pub credentials: CredentialSettings,
    /// Also look for signatures under cosign's tags.
    pub cosign_tags: bool,
    /// Authorities of registries that are believed besides those of the process settings, in PEM.
    pub ca_pem: Option<Arc<str>>,
    /// How long a list of referrers is believed while no decision stands; `None` is the default.
    pub referrers_ttl: Option<Duration>,
    /// Why the Store cannot be used, if it cannot: every image then is Inconclusive.
    pub refused: Option<String>,
}

/// Where registry credentials come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CredentialSettings {
    /// A docker `config.json`: at the given path, or where docker looks for it.
    DockerConfig(Option<std::path::PathBuf>),
    /// Secrets of the Kubernetes API, as `docker login` makes them.
    KubernetesSecrets {
        /// Secrets named one by one; they come first.
        secrets: Vec<SecretName>,
        /// A service account, whose pull secrets come after them.
        service_account: Option<ServiceAccountName>,
        /// Whether the account must be there and be readable: it was named, or nothing else was.
        account_required: bool,
    },
    /// Written into the configuration.
    Static(Arc<StaticCredentials>),
    /// No credentials.
    #[default]
    Anonymous,
}

/// The rule as configured.
#[derive(Clone, Debug, Default)]
pub enum RuleSettings {
    /// No Policy resource: one valid signature of a configured verifier suffices.
    #[default]
    OneValidSignature,
    /// Ratify's config-policy.
    ByArtifactType {
        /// Name of the Policy resource.
        name: Arc<str>,
        /// Listed artifact types: each must be satisfied.
        listed: BTreeMap<String, Quantifier>,
        /// For types that are seen and not listed.
        default: Quantifier,
        /// How much evidence is looked at.
        evidence: Evidence,
    },
    /// A tree of thresholds over named verifiers.
    Threshold {
        /// Name of the Policy resource.
        name: Arc<str>,
        /// The root.
        root: ThresholdRule,
        /// How much evidence is looked at.
        evidence: Evidence,
    },
    /// A refused Policy: everything it would have governed is Inconclusive.
    Refused {
        /// Name of the Policy resource.
        name: Arc<str>,
        /// Why.
        reason: String,
    },
}

/// How many of one artifact type's candidates must be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// At least one.
    Any,
    /// At least one, and every candidate.
    All,
}

/// One node of a threshold tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ThresholdRule {
    /// At least `threshold` of `rules` hold.
    AtLeast {
        /// How many.
        threshold: usize,
        /// Of which.
        rules: Vec<ThresholdRule>,
    },
    /// At least `count` valid signatures of the named verifier.
    Signatures {
        /// `spec.name` of the Verifier.
        verifier: Arc<str>,
        /// How many.
        count: usize,
    },
}
