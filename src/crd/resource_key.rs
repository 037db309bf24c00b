//! What a resource is called, and where it belongs.

use std::fmt;
use std::sync::Arc;

use super::kind::Kind;

/// Where a namespaced document of a file belongs that names no namespace.
pub const DEFAULT_NAMESPACE: &str = "default";

/// A namespace; `None` for the cluster.
pub(super) type Namespace = Option<Arc<str>>;

/// What a resource is called: unique among the resources in force.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKey {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; `None` for the cluster's resources.
    pub namespace: Option<Arc<str>>,
    /// Its `metadata.name`.
    pub name: Arc<str>,
}

impl ResourceKey {
    /// `notation` for the cluster's, `team-a/notation` for a namespace's.
    pub(super) fn qualified(&self) -> Arc<str> {
        match &self.namespace {
            None => self.name.clone(),
            Some(namespace) => format!("{namespace}/{}", self.name).into(),
        }
    }
}

impl fmt::Display for ResourceKey {
    /// `Verifier notation`, `NamespacedVerifier team-a/notation`, `CertificateStore default/certs`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            None => write!(f, "{} {}", self.kind.as_str(), self.name),
            Some(namespace) => {
                let prefix = if self.kind == Kind::CertificateStore { "" } else { "Namespaced" };
                write!(f, "{prefix}{} {namespace}/{}", self.kind.as_str(), self.name)
            }
        }
    }
}
