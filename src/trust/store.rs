//! Trust stores: named sets of certificates, by type. Notary Project specification v1.1,
//! trust-store-trust-policy.md.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::trust::key_source::KeySets;
use crate::x509::Certificate;

#[cfg(test)]
mod tests;

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

    /// True for a certificate that may be an anchor of such a store: an authority or a certificate that
    /// vouches for itself; for timestamps, only a root that is both.
    pub fn admits(self, certificate: &Certificate) -> bool {
        match self {
            Self::Ca | Self::SigningAuthority => certificate.may_anchor(),
            Self::Tsa => certificate.is_ca() && certificate.is_self_signed(),
        }
    }

    /// What [`Self::admits`] asks for, in words.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Ca | Self::SigningAuthority => "an authority or self-signed",
            Self::Tsa => "a self-signed root authority",
        }
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

/// The anchors of one named store.
#[derive(Clone, Debug)]
pub struct TrustStore {
    anchors: Arc<[Certificate]>,
    missing: Option<Arc<str>>,
    content: [u8; 32],
}

/// Why a store cannot be used. Only decisions that need the store fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustStoreError {
    /// No store of this type and name is configured.
    #[error("there is no trust store {kind}:{name}")]
    NotConfigured {
        /// Its type.
        kind: StoreType,
        /// Its name.
        name: String,
    },
    /// A certificate may not be an anchor of such a store.
    #[error("certificate {position} ({subject}) is not {}", .kind.wanted())]
    NotAnAnchor {
        /// The store's type.
        kind: StoreType,
        /// Which certificate, counted from 1.
        position: usize,
        /// Its subject.
        subject: String,
    },
    /// The store holds no certificate that may be an anchor.
    #[error("trust store {kind}:{name} holds no certificate that is {}", .kind.wanted())]
    Empty {
        /// Its type.
        kind: StoreType,
        /// Its name.
        name: String,
    },
    /// The key sources could not be read, and nothing of them is held: it is not known who is trusted.
    #[error("trust store {kind}:{name} could not be read: {why}")]
    Unavailable {
        /// Its type.
        kind: StoreType,
        /// Its name.
        name: String,
        /// What the key source says.
        why: String,
    },
}

impl TrustStoreError {
    /// True where it could not be found out who is trusted; otherwise nobody is.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl TrustStore {
    /// A store of exactly these certificates.
    ///
    /// # Errors
    /// [`TrustStoreError::NotAnAnchor`] for the first that may not be in a store of this type, as the
    /// Notary Project's own tools do.
    pub fn strict(kind: StoreType, certificates: Vec<Certificate>) -> Result<Self, TrustStoreError> {
        for (index, certificate) in certificates.iter().enumerate() {
            if !kind.admits(certificate) {
                let subject = certificate.subject();
                return Err(TrustStoreError::NotAnAnchor { kind, position: index + 1, subject });
            }
        }
        if certificates.is_empty() {
            return Err(TrustStoreError::Empty { kind, name: String::new() });
        }
        Ok(Self::of(certificates, None))
    }

    /// A store of those among the certificates that may be anchors. Chains are often kept whole, and a
    /// leaf among them is no reason to trust nobody.
    fn lenient(kind: StoreType, certificates: Vec<Certificate>, missing: Option<Arc<str>>) -> Self {
        Self::of(certificates.into_iter().filter(|certificate| kind.admits(certificate)).collect(), missing)
    }

    fn of(mut certificates: Vec<Certificate>, missing: Option<Arc<str>>) -> Self {
        certificates.sort_by_key(Certificate::fingerprint);
        certificates.dedup_by_key(|certificate| certificate.fingerprint());
        let fingerprints: Vec<[u8; 32]> = certificates.iter().map(Certificate::fingerprint).collect();
        let mut hasher = openssl::sha::Sha256::new();
        hasher.update(&[u8::from(missing.is_some())]);
        hasher.update(fingerprints.as_flattened());
        Self { anchors: certificates.into(), missing, content: hasher.finish() }
    }

    /// The certificates that chains may end in or pass through, by fingerprint.
    pub fn anchors(&self) -> &[Certificate] {
        &self.anchors
    }

    /// Why some of the store's certificates are not known. Where a chain matches no anchor and this is set,
    /// the signer may still be trusted: it could not be found out.
    pub fn missing(&self) -> Option<&Arc<str>> {
        self.missing.as_ref()
    }

    /// SHA-256 over what the store trusts: part of what identifies the settings effective for an image.
    pub fn content(&self) -> [u8; 32] {
        self.content
    }
}

/// The named stores of one verifier.
#[derive(Clone, Debug, Default)]
pub struct TrustStores {
    stores: BTreeMap<(StoreType, String), Result<TrustStore, TrustStoreError>>,
}

impl TrustStores {
    /// Builds every configured store from what the key sources gave last. A store that cannot be built
    /// fails only the decisions that need it.
    pub fn build(settings: &StoreSettings, keys: &KeySets) -> Self {
        let stores =
            settings.iter().map(|(id, sources)| (id.clone(), build_one(id, sources, keys))).collect();
        Self { stores }
    }

    /// Stores given as certificates, each checked strictly.
    pub fn strict(stores: impl IntoIterator<Item = ((StoreType, String), Vec<Certificate>)>) -> Self {
        let stores = stores.into_iter().map(|(id, certificates)| {
            let store = TrustStore::strict(id.0, certificates);
            (id, store)
        });
        Self { stores: stores.collect() }
    }

    /// The store of this type and name.
    ///
    /// # Errors
    /// [`TrustStoreError`]: it is not configured, holds nothing, or could not be read.
    pub fn get(&self, kind: StoreType, name: &str) -> Result<&TrustStore, TrustStoreError> {
        match self.stores.get(&(kind, name.to_owned())) {
            Some(Ok(store)) => Ok(store),
            Some(Err(error)) => Err(error.clone()),
            None => Err(TrustStoreError::NotConfigured { kind, name: name.to_owned() }),
        }
    }

    /// Every store with what it holds or why it does not.
    pub fn iter(
        &self,
    ) -> impl Iterator<Item = (&(StoreType, String), Result<&TrustStore, &TrustStoreError>)> {
        self.stores.iter().map(|(id, store)| (id, store.as_ref()))
    }

    /// SHA-256 over the named stores of `wanted`: names, types and what each trusts. Two equal hashes trust
    /// the same, on every replica.
    pub fn content<'a>(&self, wanted: impl IntoIterator<Item = &'a (StoreType, String)>) -> [u8; 32] {
        let mut ids: Vec<_> = wanted.into_iter().collect();
        ids.sort();
        ids.dedup();
        let mut hasher = openssl::sha::Sha256::new();
        for (kind, name) in ids {
            hasher.update(kind.as_str().as_bytes());
            hasher.update(b":");
            hasher.update(name.as_bytes());
            hasher.update(b"\0");
            match self.get(*kind, name) {
                Ok(store) => hasher.update(&store.content()),
                Err(error) => hasher.update(&openssl::sha::sha256(error.to_string().as_bytes())),
            }
        }
        hasher.finish()
    }
}

fn build_one(
    (kind, name): &(StoreType, String),
    sources: &[KeySourceName],
    keys: &KeySets,
) -> Result<TrustStore, TrustStoreError> {
    let mut certificates = Vec::new();
    let mut failures = Vec::new();
    for source in sources {
        let state = keys.get(source);
        match state.and_then(|state| state.set.as_ref()) {
            Some(set) => certificates.extend(set.enabled().filter_map(|key| key.certificate().cloned())),
            None => {
                let why = state.and_then(|state| state.failure.as_ref());
                let why = why.map_or_else(|| "it was not read yet".to_owned(), ToString::to_string);
                failures.push(format!("{source}: {why}"));
            }
        }
    }
    let missing = (!failures.is_empty()).then(|| failures.join("; "));
    let store = TrustStore::lenient(*kind, certificates, missing.as_deref().map(Into::into));
    match (store.anchors.is_empty(), missing) {
        (false, _) => Ok(store),
        (true, Some(why)) => Err(TrustStoreError::Unavailable { kind: *kind, name: name.clone(), why }),
        (true, None) => Err(TrustStoreError::Empty { kind: *kind, name: name.clone() }),
    }
}
