//! What the watches have shown so far: objects by name, and which kinds were read in whole. Plain state
//! without tasks or I/O; whoever watches tells it, whoever decides reads it.

mod observed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kube::core::DynamicObject;

pub(super) use self::observed::Observed;
use self::observed::{MAX_TOTAL_BYTES, observed};
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

/// What is known of one kind.
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
    objects: BTreeMap<ObjectName, Observed>,
    /// What a list that is being read has shown so far, by kind.
    arriving: BTreeMap<usize, Arriving>,
    progress: Vec<Progress>,
    /// What is held of all objects.
    bytes: usize,
    /// Changes with whatever a decision depends on.
    generation: u64,
    /// Changes with everything, statuses too.
    touched: u64,
}

/// A list that is being read.
#[derive(Debug)]
struct Arriving {
    objects: BTreeMap<ObjectName, Observed>,
    /// How many bytes are left for it.
    room: usize,
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
        Self {
            objects: BTreeMap::new(),
            arriving: BTreeMap::new(),
            progress: vec![Progress::Unread; KINDS.len()],
            bytes: 0,
            generation: 0,
            touched: 0,
        }
    }
}

impl Index {
    /// A list of this kind begins. Until it is complete, what was known holds.
    pub(super) fn begin(&mut self, kind: usize) {
        let others = self.objects.iter().filter(|(name, _)| name.kind != kind);
        let others: usize = others.map(|(_, observed)| observed.bytes()).sum();
        let room = MAX_TOTAL_BYTES.saturating_sub(others);
        self.arriving.insert(kind, Arriving { objects: BTreeMap::new(), room });
    }

    /// An object of the list.
    pub(super) fn arrive(&mut self, kind: usize, object: &DynamicObject) {
        let (Some(name), Some(arriving)) = (ObjectName::of(kind, object), self.arriving.get_mut(&kind))
        else {
            return;
        };
        let observed = observed(&name, object, arriving.room);
        arriving.room -= observed.bytes();
        arriving.objects.insert(name, observed);
    }

    /// The list is complete: what was not in it is gone.
    pub(super) fn finish(&mut self, kind: usize) {
        let Some(Arriving { objects: arrived, .. }) = self.arriving.remove(&kind) else { return };
        let held: BTreeMap<_, _> = self.objects.extract_if(.., |name, _| name.kind == kind).collect();
        let differs = held.len() != arrived.len()
            || held
                .iter()
                .zip(&arrived)
                .any(|(held, arrived)| held.0 != arrived.0 || !held.1.means_the_same_as(arrived.1));
        self.objects.extend(arrived);
        self.bytes = self.objects.values().map(Observed::bytes).sum();
        let is_first = self.proceed(kind, Progress::Read);
        self.change(differs || is_first);
    }

    /// An object is new or changed.
    pub(super) fn apply(&mut self, kind: usize, object: &DynamicObject) {
        let Some(name) = ObjectName::of(kind, object) else { return };
        let held = self.remove(&name);
        let observed = observed(&name, object, MAX_TOTAL_BYTES.saturating_sub(self.bytes));
        self.bytes += observed.bytes();
        let differs = held.is_none_or(|held| !held.means_the_same_as(&observed));
        self.objects.insert(name, observed);
        self.change(differs);
    }

    /// An object is gone.
    pub(super) fn delete(&mut self, kind: usize, object: &DynamicObject) {
        let held = ObjectName::of(kind, object).and_then(|name| self.remove(&name));
        self.change(held.is_some());
    }

    /// The API says that this kind does not exist. Objects that are held go when it says so again. True where
    /// this is news.
    pub(super) fn not_installed(&mut self, kind: usize) -> bool {
        self.arriving.remove(&kind);
        let times = match self.progress.get(kind) {
            Some(Progress::NotInstalled { times }) => times.saturating_add(1),
            _ => 1,
        };
        let held = self.objects.keys().any(|name| name.kind == kind);
        if held && times > 1 {
            self.objects.retain(|name, _| name.kind != kind);
            self.bytes = self.objects.values().map(Observed::bytes).sum();
        }
        let was_complete = self.is_complete();
        self.proceed(kind, Progress::NotInstalled { times });
        self.change((held && times > 1) || was_complete != self.is_complete());
        times == 1
    }

    /// True once every kind was read in whole, or is known not to exist.
    pub(super) fn is_complete(&self) -> bool {
        self.progress.iter().all(|progress| *progress != Progress::Unread)
    }

    /// Kinds that were not read in whole yet.
    pub(super) fn unread(&self) -> usize {
        self.progress.iter().filter(|progress| **progress == Progress::Unread).count()
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
        Snapshot {
            documents: self.objects.iter().map(|(name, observed)| observed.document(name)).collect(),
            generations: self.objects.iter().map(|(name, seen)| (name.clone(), seen.generation)).collect(),
        }
    }

    /// The object as last seen.
    pub(super) fn get(&self, name: &ObjectName) -> Option<&Observed> {
        self.objects.get(name)
    }

    fn remove(&mut self, name: &ObjectName) -> Option<Observed> {
        let removed = self.objects.remove(name)?;
        self.bytes -= removed.bytes();
        Some(removed)
    }

    /// True where the kind was not read before.
    fn proceed(&mut self, kind: usize, to: Progress) -> bool {
        let Some(progress) = self.progress.get_mut(kind) else { return false };
        std::mem::replace(progress, to) == Progress::Unread
    }

    fn change(&mut self, differs: bool) {
        self.touched += 1;
        self.generation += u64::from(differs);
    }
}
