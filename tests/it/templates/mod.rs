//! The ConstraintTemplates, run: their Rego on an interpreter in this process and on Gatekeeper's own `gator`,
//! against answers that Hallmark's encoder writes and against those of a hostile stand-in. What is written from
//! them or belongs beside them: definitions for Azure Policy, mutations, Provider objects, the Rego in documents.

mod answers;
mod azure;
mod cases;
mod gatekeeper;
mod gator;
mod guide;
mod hostile;
mod objects;
mod policy;
mod ratify;
mod source;

use std::path::PathBuf;

/// A file or folder of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    let path = repository(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A YAML document as JSON.
fn yaml(text: &str) -> serde_json::Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error} in\n{text}"))
}
