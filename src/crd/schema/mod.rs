//! The CustomResourceDefinitions of every kind that is read, as values: what `hallmark crds` prints and the
//! chart ships.
//!
//! Names, scopes and versions are Ratify's, so that objects stored under its definitions load unchanged.
//! Unknown fields of a `spec` are kept, not pruned: a misspelt one is to be refused in status. What Ratify's
//! definitions do not demand is checked only when an object is made, because the API server checks whole
//! objects at each write of their status: so no stored object is in the way of its own status.

mod definition;
mod document;
mod executor;
mod served;
mod status;
mod v1;

#[cfg(test)]
mod tests;

pub use definition::{DEFINITIONS, Definition, Scope};
pub use document::{file_name, yaml};
pub use served::{SCHEMA_ANNOTATION, needed_schema, outdated};
