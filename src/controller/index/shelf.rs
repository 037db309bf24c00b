//! The objects of one kind, and the room that they take. Each kind has a room of its own, and each namespace
//! its share of it, so that nobody can take the room of what is another's, in whichever order lists come.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ObjectName, Observed};

/// What is held of the cluster's objects of one kind, by weight.
pub(super) const CLUSTER_ROOM: usize = 4 << 20;

/// What is held of all namespaces' objects of one kind, by weight.
pub(super) const NAMESPACES_ROOM: usize = 6 << 20;

/// What is held of one namespace's objects of one kind, by weight.
pub(super) const NAMESPACE_ROOM: usize = 1 << 20;

/// The objects of one kind.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    objects: BTreeMap<ObjectName, Observed>,
    weight: usize,
    of_namespaces: BTreeMap<Arc<str>, usize>,
}

/// What is left for an object, and what is said where that is too little.
pub(super) struct Room {
    pub(super) left: usize,
    pub(super) full: String,
}

impl Shelf {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ObjectName, &Observed)> {
        self.objects.iter()
    }

    pub(super) fn get(&self, name: &ObjectName) -> Option<&Observed> {
        self.objects.get(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The room for an object that is not held.
    pub(super) fn room(&self, name: &ObjectName) -> Room {
        let Some(namespace) = &name.namespace else {
            let full = format!("all of its kind together take more than {CLUSTER_ROOM} bytes");
            return Room { left: CLUSTER_ROOM.saturating_sub(self.weight), full };
        };
        let own = self.of_namespaces.get(namespace).copied().unwrap_or_default();
        let own = NAMESPACE_ROOM.saturating_sub(own);
        let all = NAMESPACES_ROOM.saturating_sub(self.weight);
        let full = if own <= all {
            format!("all of its kind in namespace {namespace} together take more than {NAMESPACE_ROOM} bytes")
        } else {
            format!("all of its kind together take more than {NAMESPACES_ROOM} bytes")
        };
        Room { left: own.min(all), full }
    }

    /// Puts an object that is not held.
    pub(super) fn put(&mut self, name: ObjectName, observed: Observed) {
        self.weight += observed.weight();
        if let Some(namespace) = &name.namespace {
            *self.of_namespaces.entry(Arc::clone(namespace)).or_default() += observed.weight();
        }
        self.objects.insert(name, observed);
    }

    /// Takes an object away.
    pub(super) fn take(&mut self, name: &ObjectName) -> Option<Observed> {
        let taken = self.objects.remove(name)?;
        self.weight -= taken.weight();
        if let Some(namespace) = &name.namespace
            && let Some(own) = self.of_namespaces.get_mut(namespace)
        {
            *own -= taken.weight();
            if *own == 0 {
                self.of_namespaces.remove(namespace);
            }
        }
        Some(taken)
    }

    /// True where a decision cannot tell one from the other.
    pub(super) fn means_the_same_as(&self, other: &Self) -> bool {
        let mut pairs = self.objects.iter().zip(&other.objects);
        self.objects.len() == other.objects.len()
            && pairs.all(|(one, other)| one.0 == other.0 && one.1.means_the_same_as(other.1))
    }
}
