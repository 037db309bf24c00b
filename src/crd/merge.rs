//! A bad change never replaces a good resource: while a resource's new version is not in force, or its file
//! cannot be read, its last good version serves. A deletion always takes effect. A state machine without
//! I/O or clock; it remembers only what is in force.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::configuration::{Configuration, ResourceState};
use super::convert_options::ConvertOptions;
use super::converted::{Converted, convert_each};
use super::document::Document;
use super::link::{Blame, Linked, link, sort};
use super::resource_key::ResourceKey;
use crate::engine::diagnostic::{Diagnostic, Severity};

/// The last good version of each resource.
#[derive(Clone, Debug, Default)]
pub struct LastGood {
    good: BTreeMap<ResourceKey, Converted>,
}

/// What is to be used of one reading, and what is said about what is not.
struct Chosen {
    resources: Vec<Converted>,
    said: Vec<Diagnostic>,
    /// Resources whose last good version was taken.
    stood_in: BTreeSet<ResourceKey>,
}

impl LastGood {
    /// Nothing is known yet: the first bad version of a resource has nothing to stand in for it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what is read now, and gives what it means. `unreadable` are files and folders that are there
    /// and cannot be read in whole: what came from them before is kept.
    pub fn follow(
        &mut self,
        documents: &[Document],
        unreadable: &[Arc<Path>],
        options: &ConvertOptions,
    ) -> Configuration {
        let (read, foreign) = convert_each(documents, options);
        let mut chosen = self.choose(read, unreadable);
        let mut linked = link(chosen.resources.clone(), options);
        if self.replace_dangling(&mut chosen, &linked) {
            linked = link(chosen.resources.clone(), options);
        }
        self.remember(&chosen, &linked);
        let mut configuration = linked.configuration;
        for key in &chosen.stood_in {
            configuration.resources.insert(key.clone(), ResourceState::LastGoodServes);
        }
        configuration.diagnostics.extend(chosen.said);
        configuration.diagnostics.extend(foreign);
        sort(&mut configuration.diagnostics);
        configuration
    }

    /// What was read, with the last good version in place of each resource that is bad on its own account.
    fn choose(&self, read: Vec<Converted>, unreadable: &[Arc<Path>]) -> Chosen {
        let contradicted = contradicted(&read);
        let present: BTreeSet<_> = read.iter().map(|resource| resource.key.clone()).collect();
        let mut chosen = Chosen { resources: Vec::new(), said: Vec::new(), stood_in: BTreeSet::new() };
        for resource in read {
            if self.replaces_unnamed(&resource, &present) {
                chosen.said.extend(resource.notes.said);
                continue;
            }
            let is_bad = resource.refusal().is_some() || contradicted.contains(&resource.key);
            match self.good.get(&resource.key).filter(|_| is_bad) {
                Some(good) => chosen.stand_in(good, resource),
                None => chosen.resources.push(resource),
            }
        }
        for (key, good) in self.good.iter().filter(|(key, _)| !present.contains(*key)) {
            let origin = good.file().filter(|file| unreadable.iter().any(|path| file.starts_with(path)));
            if let Some(file) = origin {
                let message =
                    format!("{key} serves as last read: {} cannot be read in whole", file.display());
                chosen.said.push(good.notes.diagnostic(Severity::Warning, (None, ""), message, ""));
                chosen.stood_in.insert(key.clone());
                chosen.resources.push(good.clone());
            }
        }
        chosen
    }

    /// True for a document whose text cannot be read where a resource of the same file is missing now: it is
    /// taken for that resource, which serves as last read.
    fn replaces_unnamed(&self, resource: &Converted, present: &BTreeSet<ResourceKey>) -> bool {
        let is_unreadable = resource.node.is_null() && !self.good.contains_key(&resource.key);
        let missing = |(key, good): (&ResourceKey, &Converted)| {
            good.file() == resource.file() && !present.contains(key)
        };
        is_unreadable && resource.file().is_some() && self.good.iter().any(missing)
    }

    /// Takes the last good version of resources that are well written and name something that is missing, and
    /// of key sources that are of no use any more to a Verifier which did not change.
    fn replace_dangling(&self, chosen: &mut Chosen, linked: &Linked) -> bool {
        let differs = |resource: &Converted| {
            self.good.get(&resource.key).is_some_and(|good| good.node != resource.node)
        };
        let unchanged: BTreeSet<_> =
            chosen.resources.iter().filter(|one| !differs(one)).map(|one| &one.key).collect();
        let at_fault: BTreeMap<_, &Blame> = linked
            .blamed
            .iter()
            // A tenant's Verifier holds nothing back that the cluster changes.
            .filter(|blame| blame.by.namespace.is_none() || blame.by.namespace == blame.source.namespace)
            .filter(|blame| unchanged.contains(&blame.by) && self.good.contains_key(&blame.by))
            .map(|blame| (&blame.source, blame))
            .collect();
        let blame = |key: &ResourceKey| at_fault.get(key).copied();
        let dangles = |resource: &Converted| {
            let useless = linked.refused.contains(&resource.key) || blame(&resource.key).is_some();
            differs(resource) && useless && !chosen.stood_in.contains(&resource.key)
        };
        let mut dangle = chosen.resources.iter().map(dangles).collect::<Vec<_>>().into_iter();
        let (dangling, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut chosen.resources).into_iter().partition(|_| dangle.next() == Some(true));
        chosen.resources = rest;
        let replaced = !dangling.is_empty();
        for resource in dangling {
            let words = linked.configuration.diagnostics.iter();
            chosen.said.extend(words.filter(|said| said.resource == resource.notes.resource).cloned());
            if let Some(Blame { by, trouble, .. }) = blame(&resource.key) {
                let message = format!("{trouble}, and {by} needs it");
                chosen.said.push(resource.notes.diagnostic(
                    Severity::Error,
                    (None, ""),
                    message,
                    "correct it",
                ));
            }
            if let Some(good) = self.good.get(&resource.key) {
                chosen.stand_in(good, resource);
            }
        }
        replaced
    }

    fn remember(&mut self, chosen: &Chosen, linked: &Linked) {
        let mut good = BTreeMap::new();
        for resource in &chosen.resources {
            let key = &resource.key;
            let in_force = (!linked.refused.contains(key)).then(|| {
                let mut resource = resource.clone();
                // Its lines are those of a text that may be gone when it stands in.
                resource.notes.said.clear();
                resource
            });
            if let Some(kept) = in_force.or_else(|| self.good.get(key).cloned()) {
                good.insert(key.clone(), kept);
            }
        }
        self.good = good;
    }
}

impl Chosen {
    fn stand_in(&mut self, good: &Converted, mut bad: Converted) {
        self.said.append(&mut bad.notes.said);
        if self.stood_in.insert(bad.key.clone()) {
            let message = "its last good version serves until this is corrected";
            self.said.push(bad.notes.diagnostic(Severity::Warning, (None, ""), message, ""));
            self.resources.push(good.clone());
        }
    }
}

/// Resources that are written more than once with different content.
fn contradicted(read: &[Converted]) -> BTreeSet<ResourceKey> {
    let mut first: BTreeMap<&ResourceKey, &Converted> = BTreeMap::new();
    let mut contradicted = BTreeSet::new();
    for resource in read {
        let earlier = *first.entry(&resource.key).or_insert(resource);
        if !Arc::ptr_eq(&earlier.node, &resource.node) && earlier.node != resource.node {
            contradicted.insert(resource.key.clone());
        }
    }
    contradicted
}
