//! Items that were sent, kept for the next time that the same is asked and the same decision stands.

use std::sync::{Arc, Weak};

use moka::sync::Cache;

use crate::engine::{Answer, Recollection};
use crate::externaldata::{Item, Shape};
use crate::outcome::Outcome;

/// What all items together may take.
const MAX_BYTES: u64 = 16 << 20;
/// What an entry takes besides its key and its items.
const ENTRY_BYTES: usize = 256;

/// Items by key.
#[derive(Debug)]
pub(super) struct RepeatedItems(Cache<Arc<str>, Arc<Entry>>);

#[derive(Clone, Debug, Default)]
struct Entry {
    /// The decision that the items tell: dead once the engine has another one.
    outcome: Weak<Outcome>,
    /// By what the engine gives that decision again.
    recollection: Option<Recollection>,
    ratify_v1: Option<Arc<Item>>,
    ratify_v2: Option<Arc<Item>>,
}

/// A decision and its item, both as they were given before.
#[derive(Debug)]
pub(super) struct Recalled {
    pub(super) outcome: Arc<Outcome>,
    pub(super) item: Arc<Item>,
}

/// An item, and whether its key's last answer told the same decision.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) item: Option<Arc<Item>>,
    pub(super) is_repeated: bool,
}

impl Default for RepeatedItems {
    fn default() -> Self {
        let weigh = |key: &Arc<str>, entry: &Arc<Entry>| {
            let items = [&entry.ratify_v1, &entry.ratify_v2].into_iter().flatten();
            let bytes = ENTRY_BYTES + key.len() + items.map(|item| item.bytes()).sum::<usize>();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(MAX_BYTES).weigher(weigh).build())
    }
}

impl RepeatedItems {
    /// What was answered about a key before, where the engine recalls that very decision.
    pub(super) fn recall(
        &self,
        key: &str,
        shape: Shape,
        recall: impl FnOnce(&Recollection) -> Option<Arc<Outcome>>,
    ) -> Option<Recalled> {
        let entry = self.0.get(key)?;
        let (item, recollection) = (entry.of(shape)?, entry.recollection.as_ref()?);
        let outcome = recall(recollection)?;
        Some(Recalled { outcome, item: Arc::clone(item) })
    }

    /// The item of a key that was asked about, written if it was not before.
    pub(super) fn item(&self, key: &str, image: &str, answer: &Answer, shape: Shape) -> Found {
        let outcome = &answer.outcome;
        let kept = self.0.get(key).filter(|kept| std::ptr::eq(kept.outcome.as_ptr(), Arc::as_ptr(outcome)));
        let is_repeated = kept.is_some();
        let mut entry = kept.map(|kept| Entry::clone(&kept)).unwrap_or_default();
        let known = entry.of(shape).cloned();
        if known.is_some() && answer.recollection.is_none() {
            return Found { item: known, is_repeated };
        }
        let Some(item) = known.or_else(|| Item::of(key, image, outcome, shape).map(Arc::new)) else {
            // What is said next is no repetition of what was said before this.
            self.0.invalidate(key);
            return Found { item: None, is_repeated: false };
        };
        entry.outcome = Arc::downgrade(outcome);
        entry.recollection = answer.recollection.clone();
        *entry.of_mut(shape) = Some(Arc::clone(&item));
        self.0.insert(key.into(), Arc::new(entry));
        Found { item: Some(item), is_repeated }
    }
}

impl Entry {
    fn of(&self, shape: Shape) -> Option<&Arc<Item>> {
        match shape {
            Shape::Canonical | Shape::RatifyV1 => self.ratify_v1.as_ref(),
            Shape::RatifyV2 => self.ratify_v2.as_ref(),
        }
    }

    fn of_mut(&mut self, shape: Shape) -> &mut Option<Arc<Item>> {
        match shape {
            Shape::Canonical | Shape::RatifyV1 => &mut self.ratify_v1,
            Shape::RatifyV2 => &mut self.ratify_v2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{PolicyIdentity, Reason, ReasonCode};

    fn rejected() -> Arc<Outcome> {
        let reason = Reason::new(ReasonCode::UntrustedSigner, "why", "");
        Arc::new(Outcome::rejected(None, reason, Vec::new(), PolicyIdentity::none()))
    }

    fn undecided() -> Arc<Outcome> {
        let reason = Reason::new(ReasonCode::DeadlineExceeded, "late", "");
        Arc::new(Outcome::inconclusive(None, reason, Vec::new(), PolicyIdentity::none()))
    }

    fn ask(items: &RepeatedItems, outcome: &Arc<Outcome>, shape: Shape) -> Found {
        items.item("r.example/app:1", "r.example/app:1", &Answer::remembered(Arc::clone(outcome)), shape)
    }

    #[test]
    fn an_item_is_written_once_for_a_decision_and_a_shape() {
        let (items, outcome) = (RepeatedItems::default(), rejected());
        let first = ask(&items, &outcome, Shape::Canonical);
        assert!(!first.is_repeated);
        for shape in [Shape::Canonical, Shape::RatifyV1] {
            let again = ask(&items, &outcome, shape);
            assert!(again.is_repeated);
            assert!(Arc::ptr_eq(&again.item.expect("item"), first.item.as_ref().expect("item")));
        }
        let other_shape = ask(&items, &outcome, Shape::RatifyV2);
        assert!(other_shape.is_repeated);
        assert!(!Arc::ptr_eq(&other_shape.item.expect("item"), first.item.as_ref().expect("item")));
    }

    #[test]
    fn another_decision_of_the_same_words_is_written_anew() {
        let (items, outcome) = (RepeatedItems::default(), rejected());
        let first = ask(&items, &outcome, Shape::Canonical).item.expect("item");
        let second = ask(&items, &rejected(), Shape::Canonical);
        assert!(!second.is_repeated && !Arc::ptr_eq(&second.item.expect("item"), &first));
    }

    #[test]
    fn after_an_undecided_answer_nothing_is_a_repetition() {
        let (items, outcome) = (RepeatedItems::default(), rejected());
        let _ = ask(&items, &outcome, Shape::Canonical);
        let between = ask(&items, &undecided(), Shape::Canonical);
        assert!(between.item.is_none() && !between.is_repeated);
        assert!(!ask(&items, &outcome, Shape::Canonical).is_repeated);
    }
}
