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

    /// The type that a prefix in `trustStores` names.
    pub fn from_prefix(text: &str) -> Option<Self> {
        [Self::Ca, Self::SigningAuthority, Self::Tsa].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for StoreType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// True for `[A-Za-z0-9_.-]+`, without the two names that mean folders.
pub fn is_store_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// The name of a key source: the resource that keys or certificates come from.
pub type KeySourceName = Arc<str>;

/// Which key sources make up which named store, as configured.
pub type StoreSettings = BTreeMap<(StoreType, String), Vec<KeySourceName>>;
