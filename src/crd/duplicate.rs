//! Two documents for one resource: the same content twice is said and used; two contents are a
//! contradiction, and the resource is refused.

use std::collections::BTreeMap;

use super::converted::{Converted, Item};
use super::executor::ExecutorDraft;
use super::resource_key::ResourceKey;
use super::rule_names::name_of;
use super::verifier::VerifierDraft;
use crate::engine::diagnostic::Severity;
use crate::engine::settings::RuleSettings;
use crate::trust::key_source::KeySourceSettings;

/// One resource for each key, in order of first appearance.
pub(super) fn settle(converted: Vec<Converted>) -> Vec<Converted> {
    let mut positions: BTreeMap<ResourceKey, usize> = BTreeMap::new();
    let mut settled: Vec<Converted> = Vec::new();
    for resource in converted {
        let first = positions.get(&resource.key).and_then(|position| settled.get_mut(*position));
        match first {
            Some(first) => join(first, resource),
            None => {
                positions.insert(resource.key.clone(), settled.len());
                settled.push(resource);
            }
        }
    }
    settled
}

fn join(first: &mut Converted, mut second: Converted) {
    let earlier = match (&first.notes.file, first.notes.line) {
        (Some(file), Some(line)) => format!("{}:{line}", file.display()),
        _ => "earlier".to_owned(),
    };
    if first.node == second.node {
        let message = format!("is written twice, first at {earlier}");
        second.notes.say(Severity::Warning, (None, ""), message, "remove one of the two");
    } else {
        let message = format!("contradicts the resource of the same name at {earlier}; neither is in force");
        second.notes.say(Severity::Error, (None, ""), message.clone(), "keep one of the two");
        match (&mut first.item, &second.item) {
            (Item::Verifier(first), Item::Verifier(second)) => {
                first.artifact_types.extend(second.artifact_types.clone());
            }
            (Item::Executor(first), Item::Executor(second)) => first.scopes.extend(second.scopes.clone()),
            _ => {}
        }
        first.mandatory |= second.mandatory;
        refuse(&mut first.item, "is written twice with different content".to_owned());
    }
    first.notes.said.append(&mut second.notes.said);
}

fn refuse(item: &mut Item, reason: String) {
    match item {
        Item::KeySource(settings) => *settings = KeySourceSettings::Refused { reason },
        Item::Store(store) => store.refused = Some(reason),
        Item::Verifier(VerifierDraft { body, .. }) => *body = Err(reason),
        Item::Executor(ExecutorDraft { body, .. }) => *body = Err(reason),
        Item::Policy(rule) => {
            *rule = RuleSettings::Refused { name: name_of(rule), reason };
        }
    }
}
