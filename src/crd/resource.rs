//! What a document is: which resource of which kind, or none of ours.

use std::path::Path;
use std::sync::Arc;

use super::claim::{Claim, claim};
use super::document::Document;
use super::field::{Field, Notes};
use super::kind::{GROUP, Version};
use super::mandatory;
use super::node::{self, Node};
use super::resource_key::{DEFAULT_NAMESPACE, ResourceKey};
use super::yaml::YamlError;
use crate::engine::diagnostic::{Diagnostic, Severity};

/// What a resource is called that has no name.
const NO_NAME: &str = "(no name)";

/// A document that is one of our resources, or claims to be.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) key: ResourceKey,
    pub(super) version: Version,
    /// Whether it holds in every namespace.
    pub(super) mandatory: bool,
    /// The whole document, empty where it cannot be read.
    pub(super) node: Arc<Node>,
    pub(super) notes: Notes,
}

/// What a document turned out to be.
#[derive(Clone, Debug)]
pub(super) enum Identified {
    /// One of our resources; its notes may already refuse it.
    Resource(Resource),
    /// Nothing of ours.
    Foreign(Diagnostic),
}

/// Finds out what a document is. A `List` gives its items.
pub(super) fn identify(document: &Document) -> Vec<Identified> {
    match &document.content {
        Ok(node) if is_list(node) => {
            let items = node.get("items").and_then(Node::items).unwrap_or_default();
            items.iter().map(|item| identify_node(item, document.file.clone(), item.line)).collect()
        }
        Ok(node) => vec![identify_node(node, document.file.clone(), document.line)],
        Err(error) => vec![identify_unreadable(error, document)],
    }
}

/// True for what `kubectl get -o yaml` prints: `List`, or `VerifierList` and the like.
fn is_list(node: &Node) -> bool {
    node.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"))
        && node.get("items").is_some_and(|items| items.items().is_some())
}

fn identify_node(node: &Node, file: Option<Arc<Path>>, line: Option<u32>) -> Identified {
    let mut notes = Notes::new(String::new(), file, line);
    let text = |name: &str| node.get(name).and_then(Node::text).unwrap_or_default();
    let (api_version, kind_text) = (text("apiVersion"), text("kind"));
    let metadata =
        |name: &str| node.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Node::text);
    let name = metadata("name").filter(|name| !name.is_empty());
    let Some(claim) = claim(api_version, kind_text) else {
        return foreign(node, &notes, api_version, kind_text);
    };
    let namespace = metadata("namespace").filter(|namespace| !namespace.is_empty());
    let key = ResourceKey {
        kind: claim.kind,
        namespace: claim.namespaced.then(|| namespace.unwrap_or(DEFAULT_NAMESPACE).into()),
        name: name.unwrap_or(NO_NAME).into(),
    };
    notes.resource = claim.called(kind_text, &key);
    let root = Field::root(node, "", line);
    if let Some((field, message, remedy)) = claim.fault {
        notes.error(&root.member(field).unwrap_or_else(|| root.absent(field)), message, remedy);
    } else if name.is_none() {
        say_nameless(&root, &mut notes);
    } else {
        root.only(&["apiVersion", "kind", "metadata", "spec", "status"], &[], &mut notes);
        say_version(claim.version, kind_text, &root, &mut notes);
        say_namespace(&key, kind_text, namespace, &root, &mut notes);
        match root.member("spec") {
            Some(spec) => {
                spec.is_map(&mut notes);
            }
            None => notes.error(&root.absent("spec"), "is missing", "write spec: and what belongs below it"),
        }
    }
    let mandatory = mandatory::is_mandatory(&root, &key, &mut notes);
    let node = Arc::new(node.clone());
    Identified::Resource(Resource { key, version: claim.version, mandatory, node, notes })
}

fn say_nameless(root: &Field<'_>, notes: &mut Notes) {
    let written = root.member("metadata").and_then(|metadata| metadata.member("name"));
    match written.filter(|name| name.node.text().is_none()) {
        Some(name) => {
            name.text(notes);
        }
        None => notes.error(&root.absent("metadata.name"), "is missing", "give the resource a name"),
    }
}

/// Ratify has samples of namespaced kinds in a version that it does not serve for them.
fn say_version(version: Version, kind: &str, root: &Field<'_>, notes: &mut Notes) {
    if version == Version::V1Alpha1 && kind.starts_with("Namespaced") {
        let field = root.member("apiVersion").unwrap_or_else(|| root.absent("apiVersion"));
        let message = format!("{kind} is served by clusters only as v1beta1");
        notes.warning(&field, message, format!("write {GROUP}/v1beta1"));
    }
}

/// A namespace where none belongs, or none where one does: who reads the resource would be mistaken about
/// the images that it governs.
fn say_namespace(key: &ResourceKey, kind: &str, written: Option<&str>, root: &Field<'_>, notes: &mut Notes) {
    match (&key.namespace, written) {
        (None, Some(_)) => {
            let metadata = root.member("metadata").unwrap_or_else(|| root.absent("metadata"));
            let field = metadata.member("namespace").unwrap_or_else(|| metadata.absent("namespace"));
            let message = format!("has no effect: a {kind} belongs to the whole cluster");
            notes.warning(&field, message, format!("remove it, or write kind: Namespaced{kind}"));
        }
        (Some(taken), None) => {
            let field = root.member("metadata").unwrap_or_else(|| root.clone()).absent("namespace");
            notes.notice(
                &field,
                format!("is missing; {taken} is taken"),
                "write the namespace that is meant",
            );
        }
        _ => {}
    }
}

fn identify_unreadable(error: &YamlError, document: &Document) -> Identified {
    let mut notes = Notes::new(String::new(), document.file.clone(), error.line.or(document.line));
    let seen = &error.seen;
    let api_version = seen.api_version.as_deref().unwrap_or_default();
    let kind = seen.kind.as_deref().unwrap_or_default();
    let message = format!("cannot be read: {}", error.message);
    let remedy = error.remedy;
    // A kind that cannot be made out, in a text that names our group.
    let is_ours = seen.is_ours && (api_version.is_empty() || kind.is_empty() || kind.ends_with("List"));
    let Some(claim) = claim(api_version, kind).or_else(|| is_ours.then(Claim::anything)) else {
        return Identified::Foreign(notes.diagnostic(Severity::Error, (error.line, ""), message, remedy));
    };
    let namespace = seen.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    let key = ResourceKey {
        kind: claim.kind,
        namespace: claim.namespaced.then(|| namespace.into()),
        name: seen.name.as_deref().unwrap_or(NO_NAME).into(),
    };
    notes.resource = claim.called(kind, &key);
    notes.say(Severity::Error, (error.line, ""), message, remedy);
    let node = Arc::new(Node { line: document.line, value: node::Value::Null });
    // What cannot be read may be annotated.
    let mandatory = mandatory::may_be(&key);
    Identified::Resource(Resource { key, version: claim.version, mandatory, node, notes })
}

fn foreign(node: &Node, notes: &Notes, api_version: &str, kind: &str) -> Identified {
    let place = (notes.line, "");
    if !api_version.is_empty() && !kind.is_empty() {
        let message = format!("{api_version} {kind} is not read by Hallmark");
        return Identified::Foreign(notes.diagnostic(Severity::Notice, place, message, ""));
    }
    let is_kustomization = notes
        .file
        .as_ref()
        .and_then(|file| file.file_stem())
        .is_some_and(|stem| stem.eq_ignore_ascii_case("kustomization"));
    if is_kustomization {
        let (message, remedy) =
            ("is kustomize's and not read", "give the output of `kustomize build` instead");
        return Identified::Foreign(notes.diagnostic(Severity::Notice, place, message, remedy));
    }
    let is_command_line = ["store", "verifier", "executor"].iter().any(|name| node.get(name).is_some());
    let message = if is_command_line {
        "is a configuration of Ratify's command line, which is not read here"
    } else {
        "is no resource: apiVersion or kind is missing"
    };
    let remedy = format!("write resources, which begin with apiVersion: {GROUP}/v1beta1 and a kind");
    Identified::Foreign(notes.diagnostic(Severity::Error, place, message, remedy))
}
