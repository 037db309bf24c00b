//! What the watches have shown so far: objects by name, and which kinds were read in whole. Plain state
//! without tasks or I/O; whoever watches tells it, whoever decides reads it.

mod observed;
mod shelf;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kube::core::DynamicObject;

pub(super) use self::observed::Observed;
use self::observed::observed;
use self::shelf::Shelf;
use super::kinds::{KINDS, WatchedKind};
use crate::crd::Document;

/// What an object is called, among all kinds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectName {
    /// Its place in [`KINDS`].
    pub kind: usize,
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
}

impl ObjectName {
    fn of(kind: usize, object: &DynamicObject) -> Option<Self> {
        let name = object.metadata.name.as_deref()?.into();
        let namespaced = KINDS.get(kind)?.is_namespaced();
        let namespace = object.metadata.namespace.as_deref().filter(|_| namespaced).map(Arc::from);
        Some(Self { kind, namespace, name })
    }

    pub(super) fn watched(&self) -> Option<&'static WatchedKind> {
        KINDS.get(self.kind)
    }
}

impl fmt::Display for ObjectName {
    /// As `crd::ResourceKey`: `Verifier notation`, `NamespacedVerifier team-a/notation`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.watched().map_or("", |watched| watched.kind);
        match &self.namespace {
            Some(namespace) => write!(f, "{kind} {namespace}/{}", self.name),
            None => write!(f, "{kind} {}", self.name),
        }
    }
}

/// How far one kind was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Progress {
    /// It was never read in whole.
    #[default]
    Unread,
    /// It was, and is followed.
    Read,
    /// The API says that there is no such kind. With objects held it must say so twice.
    NotInstalled { times: u32 },
}

/// Everything that the watches have shown.
#[derive(Debug)]
pub(super) struct Index {
    /// By kind, as [`KINDS`] has them.
    kinds: Vec<Known>,
    /// Changes with whatever a decision depends on.
    generation: u64,
    /// Changes with everything, statuses too.
    touched: u64,
}

/// What is known of one kind.
#[derive(Debug, Default)]
struct Known {
    progress: Progress,
    objects: Shelf,
    /// What a list that is being read has shown so far.
    arriving: Option<Shelf>,
}

/// A reading of the index.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub documents: Vec<Document>,
    /// The `metadata.generation` of each object that was read.
    pub generations: BTreeMap<ObjectName, i64>,
}

impl Default for Index {
    fn default() -> Self {
        Self { kinds: KINDS.iter().map(|_| Known::default()).collect(), generation: 0, touched: 0 }
    }
}

impl Index {
    /// A list of this kind begins. Until it is complete, what was known holds.
    pub(super) fn begin(&mut self, kind: usize) {
        if let Some(known) = self.kinds.get_mut(kind) {
            known.arriving = Some(Shelf::default());
        }
    }

    /// An object of the list.
    pub(super) fn arrive(&mut self, kind: usize, object: &DynamicObject) {
        let name = ObjectName::of(kind, object);
        let arriving = self.kinds.get_mut(kind).and_then(|known| known.arriving.as_mut());
        if let (Some(name), Some(arriving)) = (name, arriving) {
            arriving.take(&name);
            let observed = observed(&name, object, arriving.room(&name));
            arriving.put(name, observed);
        }
    }

    /// The list is complete: what was not in it is gone.
    pub(super) fn finish(&mut self, kind: usize) {
        let Some(known) = self.kinds.get_mut(kind) else { return };
        let Some(arrived) = known.arriving.take() else { return };
        let differs = !known.objects.means_the_same_as(&arrived);
        known.objects = arrived;
        let is_first = std::mem::replace(&mut known.progress, Progress::Read) == Progress::Unread;
        self.change(differs || is_first);
    }

    /// An object is new or changed.
    pub(super) fn apply(&mut self, kind: usize, object: &DynamicObject) {
        let (Some(name), Some(known)) = (ObjectName::of(kind, object), self.kinds.get_mut(kind)) else {
            return;
        };
        let held = known.objects.take(&name);
        let observed = observed(&name, object, known.objects.room(&name));
        let differs = held.is_none_or(|held| !held.means_the_same_as(&observed));
        known.objects.put(name, observed);
        self.change(differs);
    }

    /// An object is gone.
    pub(super) fn delete(&mut self, kind: usize, object: &DynamicObject) {
        let known = self.kinds.get_mut(kind);
        let held =
            ObjectName::of(kind, object).zip(known).and_then(|(name, known)| known.objects.take(&name));
        self.change(held.is_some());
    }

    /// The API says that this kind does not exist. Objects that are held go when it says so again. True where
    /// this is news.
    pub(super) fn not_installed(&mut self, kind: usize) -> bool {
        let Some(known) = self.kinds.get_mut(kind) else { return false };
        known.arriving = None;
        let times = match known.progress {
            Progress::NotInstalled { times } => times.saturating_add(1),
            _ => 1,
        };
        let go = times > 1 && !known.objects.is_empty();
        if go {
            known.objects = Shelf::default();
        }
        let progress = Progress::NotInstalled { times };
        let is_first = std::mem::replace(&mut known.progress, progress) == Progress::Unread;
        // It is said every few seconds for as long as it is so.
        if go || is_first {
            self.change(true);
        }
        times == 1
    }

    /// True once every kind was read in whole, or is known not to exist.
    pub(super) fn is_complete(&self) -> bool {
        self.unread() == 0
    }

    /// Kinds that were not read in whole yet.
    pub(super) fn unread(&self) -> usize {
        self.kinds.iter().filter(|known| known.progress == Progress::Unread).count()
    }

    /// Another number whenever a decision may come out differently.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Another number whenever anything is otherwise than before.
    pub(super) fn touched(&self) -> u64 {
        self.touched
    }

    /// What every object says, in order of names.
    pub(super) fn snapshot(&self) -> Snapshot {
        let objects = || self.kinds.iter().flat_map(|known| known.objects.iter());
        Snapshot {
            documents: objects().map(|(name, observed)| observed.document(name)).collect(),
            generations: objects().map(|(name, seen)| (name.clone(), seen.generation)).collect(),
        }
    }

    /// The object as last seen.
    pub(super) fn get(&self, name: &ObjectName) -> Option<&Observed> {
        self.kinds.get(name.kind)?.objects.get(name)
    }

    fn change(&mut self, differs: bool) {
        self.touched += 1;
        self.generation += u64::from(differs);
    }
}
