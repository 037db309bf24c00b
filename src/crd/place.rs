//! Where key sources are written, for what is said about them later, when they are read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::converted::{Converted, Item};
use super::executor::ExecutorDraft;
use crate::trust::key_source::KeySourceSettings;
use crate::trust::store::KeySourceName;

/// Where something is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The resource, as people call it.
    pub resource: String,
    /// Its file, where it came from one.
    pub file: Option<Arc<Path>>,
    /// The line of the file.
    pub line: Option<u32>,
    /// The field.
    pub field: String,
}

/// What the folder of a Verifier's `verificationCerts` is called as a key source.
pub(super) fn directory(verifier: &str, path: &Path) -> KeySourceName {
    format!("Verifier {verifier} {}", path.display()).into()
}

/// The place of every key source that is read from somewhere.
pub(super) fn of(resources: &[Converted]) -> BTreeMap<KeySourceName, Place> {
    let mut places = BTreeMap::new();
    for resource in resources {
        let place = |field: String| Place {
            resource: resource.notes.resource.clone(),
            file: resource.notes.file.clone(),
            line: resource.node.line_at(&field).or(resource.notes.line),
            field,
        };
        match &resource.item {
            Item::KeySource(KeySourceSettings::File { .. }) => {
                places.insert(resource.key.to_string().into(), place("spec.parameters.path".to_owned()));
            }
            Item::KeySource(KeySourceSettings::Secret { .. }) => {
                places.insert(resource.key.to_string().into(), place("spec.parameters.name".to_owned()));
            }
            Item::Verifier(draft) => {
                let paths = draft.body.iter().flat_map(|body| body.directories.iter().enumerate());
                for (index, path) in paths {
                    let field = format!("spec.parameters.verificationCerts[{index}]");
                    places.insert(directory(&draft.resource, path), place(field));
                }
            }
            Item::Executor(ExecutorDraft { body: Ok(plan), .. }) => {
                for (name, settings) in &plan.key_sources {
                    if !matches!(settings, KeySourceSettings::Inline { .. }) {
                        places.insert(name.clone(), place("spec.verifiers".to_owned()));
                    }
                }
            }
            _ => {}
        }
    }
    places
}
