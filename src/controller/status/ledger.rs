//! Which statuses are to be written: those that say something else than the object has. What an API with an
//! older schema drops is remembered, so that it is not written again and again.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::index::ObjectName;
use super::super::kinds::WatchedKind;
use super::render::says_all;
use super::wanted::Wanted;

/// How long a status that somebody else has changed stays as it is: two writers who take turns are slow.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// What was written, by object.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<ObjectName, Entry>);

#[derive(Debug)]
struct Entry {
    wanted: Wanted,
    /// What the object had before; a watch may show it for a while yet.
    before: Option<Arc<Value>>,
    /// What the API made of it.
    after: Option<Value>,
    at: Timestamp,
}

/// What is to be done about one status.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// It says what it is to say.
    Nothing,
    /// This is to be written.
    Write(Value),
    /// Somebody else has changed what was written a moment ago.
    Later,
}

impl Ledger {
    /// What is to be done now.
    pub(super) fn due(
        &self,
        name: &ObjectName,
        watched: &WatchedKind,
        wanted: &Wanted,
        present: Option<&Arc<Value>>,
        now: Timestamp,
    ) -> Next {
        let shown = present.map(|present| &**present);
        let status = wanted.rendered(watched, shown, now);
        if says_all(shown, &status) {
            return Next::Nothing;
        }
        let Some(entry) = self.0.get(name).filter(|entry| entry.wanted == *wanted) else {
            return Next::Write(status);
        };
        if shown == entry.before.as_deref() || shown == entry.after.as_ref() {
            return Next::Nothing;
        }
        let waits = entry.at <= now && now.duration_since(entry.at) < PATIENCE;
        if waits { Next::Later } else { Next::Write(status) }
    }

    /// Takes what the API answered to a write.
    pub(super) fn wrote(
        &mut self,
        name: ObjectName,
        wanted: Wanted,
        before: Option<Arc<Value>>,
        after: Option<Value>,
        at: Timestamp,
    ) {
        self.0.insert(name, Entry { wanted, before, after, at });
    }

    /// Forgets what was written to one object of a kind, so that it is tried anew.
    pub(super) fn forget_one(&mut self, kind: usize) {
        if let Some(name) = self.0.keys().find(|name| name.kind == kind).cloned() {
            self.0.remove(&name);
        }
    }

    /// Forgets what was written to all objects of a kind.
    pub(super) fn forget_kind(&mut self, kind: usize) {
        self.0.retain(|name, _| name.kind != kind);
    }

    /// Forgets objects that are gone.
    pub(super) fn keep(&mut self, is_there: impl Fn(&ObjectName) -> bool) {
        self.0.retain(|name, _| is_there(name));
    }
}
