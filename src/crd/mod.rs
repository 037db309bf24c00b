//! Ratify's custom resources as documents: KeyManagementProvider, CertificateStore, Store, Verifier, Policy
//! and their namespaced forms, group `config.ratify.deislabs.io`, and the Executors of Ratify v2. The same
//! documents come from files and from the Kubernetes API; both become [`PlanSettings`] and a list of
//! [`Diagnostic`]s.
//!
//! Each document is converted on its own, so a malformed one never blocks the others; a refused one still
//! stands in the settings as refused, so that it never loosens a decision.
//!
//! [`PlanSettings`]: crate::engine::settings::PlanSettings
//! [`Diagnostic`]: crate::engine::diagnostic::Diagnostic

mod claim;
mod configuration;
mod convert_options;
mod converted;
mod cosign;
mod demands;
mod document;
mod duplicate;
mod executor;
mod executor_context;
mod executor_link;
mod executor_scopes;
mod executor_store;
mod executor_verifier;
mod field;
mod inline;
mod k8_secrets;
mod key_source;
mod kind;
mod link;
mod linked_verifier;
mod lookup;
mod mandatory;
mod merge;
pub mod node;
mod notation;
mod place;
mod plan;
mod policy;
mod resource;
mod resource_key;
mod rule;
mod rule_names;
pub mod schema;
mod secret_name;
pub mod source;
mod store;
mod verifier;
pub mod yaml;

#[cfg(test)]
mod executor_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod mandatory_tests;
#[cfg(test)]
mod merge_tests;
#[cfg(test)]
mod secret_tests;
#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod yaml_tests;

pub use configuration::{Configuration, ResourceState};
pub use convert_options::{ConvertOptions, Origin};
pub use document::Document;
pub use kind::{EXECUTOR_GROUP, GROUP, Kind, Version};
pub use merge::LastGood;
pub use place::Place;
pub use resource_key::{DEFAULT_NAMESPACE, ResourceKey};

/// What a set of documents means, without regard to any before it.
pub fn convert(documents: &[Document], options: &ConvertOptions) -> Configuration {
    LastGood::new().follow(documents, &[], options)
}
