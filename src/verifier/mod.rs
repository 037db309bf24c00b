//! Verifiers join a signature format, trust and bytes. A closed enum and one match: a new kind is a new
//! variant, and the compiler lists what is missing.

pub mod notation;
pub mod plugin;

use std::sync::Arc;

use crate::trust::policy::Statement;
use crate::trust::store::StoreSettings;

/// A verifier as configured.
#[derive(Clone, Debug)]
pub enum VerifierSettings {
    /// Notary Project signatures.
    Notation(NotationSettings),
    /// A verifier that cannot run: refused, dangling or not supported. It claims its artifact types.
    Refused {
        /// Name of the resource.
        resource: Arc<str>,
        /// `spec.name`.
        name: Arc<str>,
        /// The artifact types it claims; `*` claims all.
        artifact_types: Vec<String>,
        /// Why it cannot run.
        reason: String,
    },
}

impl VerifierSettings {
    /// `spec.name`, as it appears in answers.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Notation(settings) => &settings.name,
            Self::Refused { name, .. } => name,
        }
    }

    /// Name of the resource, which no other verifier has.
    pub fn resource(&self) -> &Arc<str> {
        match self {
            Self::Notation(settings) => &settings.resource,
            Self::Refused { resource, .. } => resource,
        }
    }

    /// The artifact types it claims; `*` claims all.
    pub fn artifact_types(&self) -> &[String] {
        match self {
            Self::Notation(settings) => &settings.artifact_types,
            Self::Refused { artifact_types, .. } => artifact_types,
        }
    }
}

/// A verifier of Notary Project signatures as configured.
#[derive(Clone, Debug)]
pub struct NotationSettings {
    /// Name of the resource.
    pub resource: Arc<str>,
    /// `spec.name`, as it appears in answers.
    pub name: Arc<str>,
    /// The artifact types it claims; `*` claims all.
    pub artifact_types: Vec<String>,
    /// The trust policy document's statements, validated as a whole.
    pub statements: Vec<Statement>,
    /// Which key sources make up which trust store.
    pub trust_stores: StoreSettings,
    /// Metadata that the signed payload must hold.
    pub required_metadata: Vec<(String, String)>,
    /// Plugins that signatures may name, from the process settings' allow-list.
    pub plugins: Vec<String>,
}
