//! Items that were sent, kept for the next time that the same is asked and the same decision stands.

use std::sync::{Arc, Weak};

use moka::sync::Cache;

use crate::externaldata::{Item, Shape};
use crate::outcome::Outcome;

/// What all items together may take.
const MAX_BYTES: u64 = 16 << 20;
/// What an entry takes besides its key and its items.
const ENTRY_BYTES: usize = 256;

/// Items by key.
#[derive(Debug)]
pub(super) struct RepeatedItems(Cache<Arc<str>, Entry>);

#[derive(Clone, Debug, Default)]
struct Entry {
    /// The decision that the items tell: dead once the engine has another one.
    outcome: Weak<Outcome>,
    ratify_v1: Option<Arc<Item>>,
    ratify_v2: Option<Arc<Item>>,
}

/// An item, and whether its key's last answer told the same decision.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) item: Option<Arc<Item>>,
    pub(super) is_repeated: bool,
}

impl Default for RepeatedItems {
    fn default() -> Self {
        let weigh = |key: &Arc<str>, entry: &Entry| {
            let items = [&entry.ratify_v1, &entry.ratify_v2].into_iter().flatten();
            let bytes = ENTRY_BYTES + key.len() + items.map(|item| item.bytes()).sum::<usize>();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(MAX_BYTES).weigher(weigh).build())
    }
}

impl RepeatedItems {
    /// The item of a key whose outcome is known now, written if it was not before.
    pub(super) fn item(&self, key: &str, image: &str, outcome: &Arc<Outcome>, shape: Shape) -> Found {
        let kept = self.0.get(key);
        let is_repeated =
            kept.as_ref().is_some_and(|kept| std::ptr::eq(kept.outcome.as_ptr(), Arc::as_ptr(outcome)));
        let mut entry = kept.filter(|_| is_repeated).unwrap_or_default();
        if let Some(item) = entry.of(shape) {
            return Found { item: Some(Arc::clone(item)), is_repeated };
        }
        let Some(item) = Item::of(key, image, outcome, shape).map(Arc::new) else {
            // What is said next is no repetition of what was said before this.
            self.0.invalidate(key);
            return Found { item: None, is_repeated: false };
        };
        entry.outcome = Arc::downgrade(outcome);
        *entry.of(shape) = Some(Arc::clone(&item));
        self.0.insert(key.into(), entry);
        Found { item: Some(item), is_repeated }
    }
}

impl Entry {
    fn of(&mut self, shape: Shape) -> &mut Option<Arc<Item>> {
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
        items.item("r.example/app:1", "r.example/app:1", outcome, shape)
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
