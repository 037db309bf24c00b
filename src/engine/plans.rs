//! Which plan decides: the cluster's, or that of the namespace that a question names.
//!
//! How a question is written on the wire is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::Plan;

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
}

impl Plans {
    /// The plan that decides for a namespace.
    pub fn of(&self, namespace: Option<&str>) -> &Plan {
        namespace.and_then(|namespace| self.namespaces.get(namespace)).unwrap_or(&self.cluster)
    }
}

impl From<Plan> for Plans {
    /// One plan for everybody.
    fn from(cluster: Plan) -> Self {
        Self { cluster, namespaces: BTreeMap::new() }
    }
}
