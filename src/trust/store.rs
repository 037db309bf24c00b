//! Trust stores: named sets of certificates, by type.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The trust store types of the Notary Project specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StoreType {
    /// Anchors for signatures of scheme `notary.x509`.
    Ca,
    /// Anchors for signatures of scheme `notary.x509.signingAuthority`.
    SigningAuthority,
    /// Anchors for timestamp authorities.
    Tsa,
}

impl StoreType {
    /// The prefix in `trustStores`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::SigningAuthority => "signingAuthority",
            Self::Tsa => "tsa",
        }
    }
}

impl fmt::Display for StoreType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a key source: the resource that keys or certificates come from.
pub type KeySourceName = Arc<str>;

/// Which key sources make up which named store, as configured.
pub type StoreSettings = BTreeMap<(StoreType, String), Vec<KeySourceName>>;
