//! Which Executor decides about what: scopes that two of them claim, and scopes that overlap.

use std::collections::{BTreeMap, BTreeSet};

use super::converted::{Converted, Item};
use super::kind::{GROUP, Kind};
use super::resource_key::Namespace;
use crate::engine::diagnostic::Severity;
use crate::engine::scope::Scope;

/// The most Executors that are named where they claim one scope.
const MAX_NAMED: usize = 5;

/// Positions of the Executors of each scope.
type Claims = BTreeMap<Scope, Vec<usize>>;

/// Refuses Executors that claim the same scope, because nobody can say which of them is meant, and says where
/// one decides in the place of another.
pub(super) fn settle(resources: &mut [Converted]) {
    let mut claims: BTreeMap<Namespace, Claims> = BTreeMap::new();
    for (position, resource) in resources.iter().enumerate() {
        let Item::Executor(draft) = &resource.item else { continue };
        let of_namespace = claims.entry(resource.key.namespace.clone()).or_default();
        for scope in draft.scopes.iter().filter(|scope| **scope != Scope::Everything) {
            of_namespace.entry(scope.clone()).or_default().push(position);
        }
    }
    if claims.is_empty() {
        return;
    }
    let contested: Vec<(Scope, Vec<usize>)> = claims
        .values()
        .flatten()
        .filter(|(_, positions)| positions.len() > 1)
        .map(|(scope, positions)| (scope.clone(), positions.clone()))
        .collect();
    for (scope, positions) in contested {
        refuse(resources, &scope, &positions);
    }
    for (position, other) in overlaps(&claims) {
        say_overlap(resources, position, other);
    }
    say_beside_others(resources);
}

fn refuse(resources: &mut [Converted], scope: &Scope, positions: &[usize]) {
    let named = positions.iter().take(MAX_NAMED).filter_map(|position| resources.get(*position));
    let names: Vec<String> = named.map(|resource| resource.key.to_string()).collect();
    let more = match positions.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = names.join(" and ");
    let message = format!("{scope} is claimed by {names}{more}, and none of them is in force");
    for position in positions {
        let Some(resource) = resources.get_mut(*position) else { continue };
        let place = (resource.node.line_at("spec.scopes"), "spec.scopes");
        resource.notes.say(Severity::Error, place, message.clone(), "leave it in one of them");
        if let Item::Executor(draft) = &mut resource.item {
            draft.body = Err(format!("spec.scopes: {message}"));
        }
    }
}

/// Pairs of the Executor that decides and the one that does not: a narrower scope goes before a wider one,
/// and those of a namespace before the cluster's.
fn overlaps(claims: &BTreeMap<Namespace, Claims>) -> BTreeSet<(usize, usize)> {
    let mut pairs = BTreeSet::new();
    for of_namespace in claims.values() {
        for (scope, narrower) in of_namespace {
            let wider = scope.wider().into_iter().filter_map(|wider| of_namespace.get(&wider));
            pairs.extend(every_pair(narrower, wider.flatten()));
        }
    }
    let Some(clusters) = claims.get(&None) else { return pairs };
    for (_, own) in claims.iter().filter(|(namespace, _)| namespace.is_some()) {
        for (scope, positions) in clusters {
            let over = scope.wider().into_iter().chain([scope.clone()]);
            for namespaced in over.filter_map(|scope| own.get(&scope)) {
                pairs.extend(every_pair(namespaced, positions.iter()));
            }
        }
        for (scope, positions) in own {
            let over = scope.wider().into_iter().filter_map(|scope| clusters.get(&scope));
            pairs.extend(every_pair(positions, over.flatten()));
        }
    }
    pairs
}

fn every_pair<'a>(
    deciding: &'a [usize],
    others: impl Iterator<Item = &'a usize>,
) -> impl Iterator<Item = (usize, usize)> {
    let others: Vec<usize> = others.copied().collect();
    let pairs =
        deciding.iter().flat_map(move |one| others.clone().into_iter().map(move |other| (*one, other)));
    pairs.filter(|(one, other)| one != other)
}

fn say_overlap(resources: &mut [Converted], position: usize, other: usize) {
    let Some(aside) = resources.get(other) else { return };
    let mandatory = if aside.mandatory { "; that one is mandatory and holds too" } else { "" };
    let message = format!("decides in the place of {} where their scopes overlap{mandatory}", aside.key);
    if let Some(resource) = resources.get_mut(position) {
        let place = (resource.node.line_at("spec.scopes"), "spec.scopes");
        resource.notes.say(Severity::Notice, place, message, "");
    }
}

/// Whoever knows only one of the two ways would look for the reason in the wrong place.
fn say_beside_others(resources: &mut [Converted]) {
    let decides = |one: &Converted| matches!(one.key.kind, Kind::Verifier | Kind::Policy);
    let deciding: Vec<Namespace> =
        resources.iter().filter(|one| decides(one)).map(|one| one.key.namespace.clone()).collect();
    for resource in resources.iter_mut().filter(|resource| resource.key.kind == Kind::Executor) {
        let own = &resource.key.namespace;
        if deciding.iter().any(|namespace| namespace.is_none() || namespace == own) {
            let message = format!(
                "decides about its scopes in the place of Verifiers and Policies of {GROUP}; what is mandatory still holds"
            );
            resource.notes.say(Severity::Notice, (None, ""), message, "");
        }
    }
}
