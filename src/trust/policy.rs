//! Notary Project trust policies: documents, statements, levels and the choice of the statement.
//!
//! Notary Project specification v1.1, trust-store-trust-policy.md. The document must be valid as a whole
//! before any of it is used.

mod document;
mod error;
mod identity;
mod scope;

#[cfg(test)]
mod tests;

pub use document::{Document, DocumentKind, MAX_DOCUMENT_BYTES, MAX_ENTRIES, UnknownMembers};
pub use error::{PolicyError, PolicyErrors, Problem};
pub use scope::{EVERYWHERE, is_registry_scope, select, select_blob};

use std::sync::Arc;

use crate::outcome::Check;
use crate::trust::store::StoreType;

/// What the policy does when a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The signature is refuted.
    Enforce,
    /// The failure is recorded and the signature may still count.
    Log,
    /// The check is not made.
    Skip,
}

/// The named levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Every check is enforced.
    Strict,
    /// Integrity and authenticity are enforced, the others logged.
    Permissive,
    /// Integrity is enforced, the others logged.
    Audit,
    /// Nothing is checked.
    Skip,
}

/// When a timestamp countersignature is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VerifyTimestamp {
    /// Whenever a `tsa` store is listed.
    #[default]
    Always,
    /// Only where a certificate of the chain has expired.
    AfterCertExpiry,
}

/// Level, overrides and timestamp mode of one statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignatureVerification {
    /// The named level.
    pub level: Level,
    /// Checks whose action differs from the level's.
    pub overrides: Vec<(Check, Action)>,
    /// When a timestamp is looked at.
    pub verify_timestamp: VerifyTimestamp,
}

impl SignatureVerification {
    /// What happens when `check` fails.
    pub fn action(&self, check: Check) -> Action {
        if let Some((_, action)) = self.overrides.iter().find(|(overridden, _)| *overridden == check) {
            return *action;
        }
        match (self.level, check) {
            (Level::Skip, _) => Action::Skip,
            (Level::Permissive, Check::AuthenticTimestamp | Check::Expiry | Check::Revocation)
            | (
                Level::Audit,
                Check::Authenticity | Check::AuthenticTimestamp | Check::Expiry | Check::Revocation,
            ) => Action::Log,
            _ => Action::Enforce,
        }
    }
}

/// One statement of a trust policy document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// Unique name inside the document.
    pub name: Arc<str>,
    /// Repositories that it applies to, or `*` alone. Empty in blob documents.
    pub registry_scopes: Vec<String>,
    /// How strict it is.
    pub verification: SignatureVerification,
    /// Trust stores, by type and name.
    pub trust_stores: Vec<(StoreType, String)>,
    /// Trusted identities, as written: `*`, `x509.subject:…`, or a prefix that only a plugin knows.
    pub trusted_identities: Vec<String>,
    /// Blob documents only: applies where no statement is named.
    pub global: bool,
}
