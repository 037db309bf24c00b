//! The scopes of an Executor or of one of its stores.

use std::collections::BTreeSet;

use super::field::{Field, Notes};
use crate::engine::scope::Scope;

/// The most scopes of one Executor.
const MAX_SCOPES: usize = 256;

/// The scopes of an Executor or of one of its stores. What cannot be read may mean anything.
pub(super) fn scopes(spec: &Field<'_>, notes: &mut Notes) -> Vec<Scope> {
    let Some(field) = spec.member("scopes") else {
        if spec.misspelt("scopes").is_none() {
            notes.error(&spec.absent("scopes"), "is missing", "list repositories, registries or *.DOMAIN");
        }
        return vec![Scope::Everything];
    };
    let items = field.items(notes).unwrap_or_default();
    if items.is_empty() || items.len() > MAX_SCOPES {
        notes.error(&field, format!("has {} entries; 1 to {MAX_SCOPES} are allowed", items.len()), "");
        return vec![Scope::Everything];
    }
    let mut scopes = BTreeSet::new();
    for item in &items {
        let parsed = item.text(notes).map(str::parse::<Scope>);
        match parsed {
            Some(Ok(scope)) => {
                if let Some(name) = single_word(&scope) {
                    let message = format!("is the registry {name}, and no image of Docker Hub");
                    notes.warning(item, message, format!("if that is meant, write docker.io/library/{name}"));
                }
                if !scopes.insert(scope) {
                    notes.warning(item, "is written twice", "remove one of the two");
                }
            }
            Some(Err(error)) => {
                notes.error(item, error.to_string(), "list repositories, registries or *.DOMAIN");
                scopes.insert(Scope::Everything);
            }
            None => _ = scopes.insert(Scope::Everything),
        }
    }
    scopes.into_iter().collect()
}

/// A name without a dot or port, as inside a cluster: `nginx` is more often meant as an image.
fn single_word(scope: &Scope) -> Option<&str> {
    let Scope::Registry(host) = scope else { return None };
    let name = host.as_str();
    (name != "localhost" && !name.contains(['.', ':'])).then_some(name)
}
