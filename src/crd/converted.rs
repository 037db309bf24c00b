//! One resource, converted without regard to the others.

use std::path::Path;
use std::sync::Arc;

use super::convert_options::ConvertOptions;
use super::document::Document;
use super::executor::{self, ExecutorDraft};
use super::field::Notes;
use super::kind::Kind;
use super::node::Node;
use super::resource::{self, Identified, Resource};
use super::resource_key::ResourceKey;
use super::verifier::{self, VerifierDraft};
use super::{key_source, policy, store};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::settings::{RuleSettings, StoreSettings};
use crate::trust::key_source::KeySourceSettings;

/// One resource, converted without regard to the others.
#[derive(Clone, Debug)]
pub(super) struct Converted {
    pub(super) key: ResourceKey,
    /// Whether it holds in every namespace.
    pub(super) mandatory: bool,
    /// The document, to tell a repeated one from a contradiction.
    pub(super) node: Arc<Node>,
    pub(super) notes: Notes,
    pub(super) item: Item,
}

/// What it was converted to, by its kind.
#[derive(Clone, Debug)]
pub(super) enum Item {
    KeySource(KeySourceSettings),
    Store(StoreSettings),
    Verifier(VerifierDraft),
    Policy(RuleSettings),
    Executor(ExecutorDraft),
}

impl Converted {
    /// The file that it came from.
    pub(super) fn file(&self) -> Option<&Arc<Path>> {
        self.notes.file.as_ref()
    }

    /// Why it is not in force, if it is not.
    pub(super) fn refusal(&self) -> Option<String> {
        self.notes.refusal()
    }
}

/// Converts each document on its own. The second part is what is said about documents that are no
/// resources of Hallmark.
pub(super) fn convert_each(
    documents: &[Document],
    options: &ConvertOptions,
) -> (Vec<Converted>, Vec<Diagnostic>) {
    let mut converted = Vec::new();
    let mut foreign = Vec::new();
    for identified in documents.iter().flat_map(resource::identify) {
        match identified {
            Identified::Resource(resource) => converted.push(convert_one(resource, options)),
            Identified::Foreign(diagnostic) => foreign.push(diagnostic),
        }
    }
    (converted, foreign)
}

fn convert_one(mut resource: Resource, options: &ConvertOptions) -> Converted {
    let item = match resource.key.kind {
        Kind::KeyManagementProvider | Kind::CertificateStore => {
            Item::KeySource(key_source::convert(&mut resource, options))
        }
        Kind::Store => Item::Store(store::convert(&mut resource, options)),
        Kind::Verifier => Item::Verifier(verifier::convert(&mut resource)),
        Kind::Policy => Item::Policy(policy::convert(&mut resource)),
        Kind::Executor => Item::Executor(executor::convert(&mut resource, options)),
    };
    let mandatory = resource.mandatory;
    Converted { key: resource.key, mandatory, node: resource.node, notes: resource.notes, item }
}
