//! A Verifier whose names were looked up.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::resource_key::ResourceKey;
use crate::trust::key_source::KeySourceSettings;
use crate::trust::store::KeySourceName;
use crate::verifier::VerifierSettings;

/// A Verifier whose names were looked up.
#[derive(Clone)]
pub(super) struct LinkedVerifier {
    pub(super) key: ResourceKey,
    pub(super) mandatory: bool,
    pub(super) settings: VerifierSettings,
    pub(super) sources: BTreeMap<KeySourceName, KeySourceSettings>,
}

impl LinkedVerifier {
    /// Its resource, which no other verifier has.
    pub(super) fn resource(&self) -> &Arc<str> {
        self.settings.resource()
    }
}
