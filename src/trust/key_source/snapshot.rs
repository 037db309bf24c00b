//! Every configured source, and what each gave last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{FileSource, InlineSource, KeySet, KeySource, KeySourceError, KeySourceSettings, SecretSource};
use crate::secret::Secrets;
use crate::trust::store::KeySourceName;

/// What is known of one source.
#[derive(Clone, Debug, Default)]
pub struct SourceState {
    /// The last good set.
    pub set: Option<Arc<KeySet>>,
    /// Why the last refresh failed, if it did. A set beside it still serves.
    pub failure: Option<KeySourceError>,
    /// When it was last asked.
    pub checked_at: Option<Timestamp>,
    /// The set is of what the source was before it was configured otherwise: it serves until the source, as it
    /// is now, has given one.
    pub of_former: bool,
}

impl SourceState {
    /// True where it was asked and gives no keys.
    pub fn gives_none(&self) -> bool {
        self.set.is_none() && self.failure.is_some()
    }
}

/// What every source gave last: an immutable snapshot that plans are built from.
#[derive(Clone, Debug, Default)]
pub struct KeySets {
    states: BTreeMap<KeySourceName, SourceState>,
}

impl KeySets {
    /// A snapshot of these sets.
    pub fn of(states: BTreeMap<KeySourceName, SourceState>) -> Self {
        Self { states }
    }

    /// What is known of a source.
    pub fn get(&self, name: &str) -> Option<&SourceState> {
        self.states.get(name)
    }

    /// Every source with what is known of it.
    pub fn iter(&self) -> impl Iterator<Item = (&KeySourceName, &SourceState)> {
        self.states.iter()
    }

    /// The same, with the sources named in `changed` due at once. What they held goes on serving until the
    /// new source gives a set: one that holds none is a bad replacement.
    #[must_use]
    pub fn with_due(mut self, changed: &BTreeSet<KeySourceName>) -> Self {
        for (name, state) in &mut self.states {
            if changed.contains(name) {
                state.checked_at = None;
                state.of_former = state.set.is_some();
            }
        }
        self
    }

    /// True where both trust the same: each source holds equal content, or nothing in both.
    pub fn same_content(&self, other: &Self) -> bool {
        let content = |state: &SourceState| state.set.as_ref().map(|set| set.content());
        self.states.len() == other.states.len()
            && self.states.iter().zip(&other.states).all(|((name, state), (other_name, other_state))| {
                name == other_name && content(state) == content(other_state)
            })
    }
}

/// Every source of a plan.
#[derive(Clone, Default)]
pub struct KeySources {
    sources: BTreeMap<KeySourceName, Arc<dyn KeySource>>,
    /// Sources that configuration refuses.
    refused: BTreeMap<KeySourceName, String>,
}

impl KeySources {
    /// Builds the configured sources; those that are Secrets look in `secrets`. Nothing is read yet.
    pub fn build(settings: &BTreeMap<KeySourceName, KeySourceSettings>, secrets: &Secrets) -> Self {
        let mut built = Self::default();
        for (name, settings) in settings {
            let source: Arc<dyn KeySource> = match settings.clone() {
                KeySourceSettings::Inline { pem, content } => Arc::new(InlineSource::new(pem, content)),
                KeySourceSettings::File { path, content } => Arc::new(FileSource::new(path, content)),
                KeySourceSettings::Secret { name, key, content } => {
                    Arc::new(SecretSource::new(secrets.clone(), name, key, content))
                }
                KeySourceSettings::Refused { reason } => {
                    built.refused.insert(name.clone(), reason);
                    continue;
                }
            };
            built.sources.insert(name.clone(), source);
        }
        built
    }

    /// True where some source can change.
    pub fn can_change(&self) -> bool {
        self.sources.values().any(|source| source.refresh_interval().is_some())
    }

    /// Asks every source whose set is missing or due, all at once. What could not be refreshed keeps its
    /// last good set, unless its keys are known to be gone; sources that are no longer configured are
    /// forgotten. Call it again within the shortest [`KeySource::refresh_interval`].
    pub async fn refresh(&self, previous: &KeySets, now: Timestamp) -> KeySets {
        let asked = self.sources.iter().map(|(name, source)| async move {
            let held = previous.get(name);
            let state = match held {
                Some(state) if !is_due(state, source.as_ref(), now) => state.clone(),
                _ => next_state(held, source.refresh(now).await, now),
            };
            (name.clone(), state)
        });
        let mut states: BTreeMap<_, _> = join_all(asked).await.into_iter().collect();
        for (name, reason) in &self.refused {
            let failure = Some(KeySourceError::Refused(reason.clone()));
            states.insert(
                name.clone(),
                SourceState { failure, checked_at: Some(now), ..SourceState::default() },
            );
        }
        KeySets { states }
    }
}

fn is_due(state: &SourceState, source: &dyn KeySource, now: Timestamp) -> bool {
    // A clock that was put back must not keep a key that is gone.
    let Some(checked_at) = state.checked_at.filter(|checked_at| *checked_at <= now) else { return true };
    match source.refresh_interval() {
        Some(interval) => {
            now.duration_since(checked_at) >= interval.try_into().unwrap_or(jiff::SignedDuration::MAX)
        }
        None => state.set.is_none(),
    }
}

fn next_state(
    held: Option<&SourceState>,
    answer: Result<KeySet, KeySourceError>,
    now: Timestamp,
) -> SourceState {
    let checked_at = Some(now);
    match answer {
        Ok(set) => SourceState { set: Some(Arc::new(set)), checked_at, ..SourceState::default() },
        Err(failure) => {
            let of_former = held.is_some_and(|state| state.of_former);
            let set = held.and_then(|state| state.set.clone()).filter(|_| of_former || !failure.is_removal());
            SourceState { set, failure: Some(failure), checked_at, of_former }
        }
    }
}
