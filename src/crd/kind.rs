//! The kinds of resources, their API groups and versions.

/// The API group of Ratify's resources.
pub const GROUP: &str = "config.ratify.deislabs.io";

/// The API group of Ratify v2's Executors.
pub const EXECUTOR_GROUP: &str = "config.ratify.sh";

/// The kinds, each with its namespaced form where Ratify has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Where keys or certificates come from.
    KeyManagementProvider,
    /// The older form of it, always namespaced.
    CertificateStore,
    /// How registries are read.
    Store,
    /// What checks one kind of evidence.
    Verifier,
    /// What must hold.
    Policy,
    /// All of this in one resource, for some repositories.
    Executor,
}

impl Kind {
    /// The name of the cluster's form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyManagementProvider => "KeyManagementProvider",
            Self::CertificateStore => "CertificateStore",
            Self::Store => "Store",
            Self::Verifier => "Verifier",
            Self::Policy => "Policy",
            Self::Executor => "Executor",
        }
    }
}

/// The served versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `v1alpha1`
    V1Alpha1,
    /// `v1beta1`
    V1Beta1,
    /// `v2alpha1` and `v2beta1`, of Executors alone: one form under two names.
    V2,
}
