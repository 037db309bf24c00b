//! Which plan decides: the cluster's, or that of the namespace that a question names.
//!
//! How a question is written on the wire is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::Plan;
use super::scope::Scope;
use crate::reference::Repository;

/// What is asked about: an image, as seen from a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question<'a> {
    /// The namespace whose configuration decides; `None` is the cluster's.
    pub namespace: Option<&'a str>,
    /// The image reference as written.
    pub image: &'a str,
}

impl<'a> Question<'a> {
    /// A question that the cluster's configuration decides.
    pub fn cluster(image: &'a str) -> Self {
        Self { namespace: None, image }
    }
}

/// The plans of one configuration: swapped as a whole.
#[derive(Debug)]
pub struct Plans {
    /// Decides wherever a namespace has no plan of its own.
    pub cluster: Plan,
    /// The plans of namespaces that have resources of their own.
    pub namespaces: BTreeMap<Arc<str>, Plan>,
    /// Plans for the images of some repositories, which go before both.
    pub scoped: Vec<ScopedPlan>,
}

/// A plan for the images of some repositories.
#[derive(Debug)]
pub struct ScopedPlan {
    /// The namespace that it decides for; `None` is every one, after those of the namespace.
    pub namespace: Option<Arc<str>>,
    /// The repositories.
    pub scopes: Vec<Scope>,
    /// The plan.
    pub plan: Plan,
}

impl Plans {
    /// The plan that decides about a repository's images for a namespace: the narrowest of the namespace's
    /// own for some repositories, else the narrowest of the cluster's, else that of the namespace or of the
    /// cluster.
    pub fn of(&self, namespace: Option<&str>, repository: &Repository) -> &Plan {
        let own = namespace.and_then(|namespace| self.narrowest(Some(namespace), repository));
        if let Some(plan) = own.or_else(|| self.narrowest(None, repository)) {
            return plan;
        }
        namespace.and_then(|namespace| self.namespaces.get(namespace)).unwrap_or(&self.cluster)
    }

    fn narrowest(&self, namespace: Option<&str>, repository: &Repository) -> Option<&Plan> {
        let own = self.scoped.iter().filter(|scoped| scoped.namespace.as_deref() == namespace);
        let covering =
            own.filter_map(|scoped| Some((Scope::narrowest(&scoped.scopes, repository)?, &scoped.plan)));
        covering.max_by_key(|(narrowness, _)| *narrowness).map(|(_, plan)| plan)
    }
}

impl From<Plan> for Plans {
    /// One plan for everybody.
    fn from(cluster: Plan) -> Self {
        Self { cluster, namespaces: BTreeMap::new(), scoped: Vec::new() }
    }
}
