//! The CustomResourceDefinitions of every kind that is read, as values: what `hallmark crds` prints and the
//! chart ships.
//!
//! Names, scopes and versions are Ratify's, so that objects stored under its definitions load unchanged.
//! Unknown fields of a `spec` are kept, not pruned: a misspelt one is to be refused in status. What is
//! checked at `kubectl apply` is checked below `spec`, where the API server leaves alone what an update does
//! not touch (from Kubernetes 1.30 on), or only when an object is made; so no stored object is in the way of
//! its own status.

mod definition;
mod document;
mod executor;
mod served;
mod status;
mod v1;

#[cfg(test)]
mod tests;

pub use definition::{Definition, Scope, definitions};
pub use document::{file_name, yaml};
pub use served::{SCHEMA_ANNOTATION, needed_schema, outdated};
