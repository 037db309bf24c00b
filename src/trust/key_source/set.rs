//! A set of keys or certificates, and how old it is.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::material::PublicKey;
use crate::x509::Certificate;

/// Whether the source lets a key be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// It may be used.
    Enabled,
    /// The source has switched it off: it stays listed, and nothing is trusted by it.
    Disabled,
}

/// A key, or a certificate with its key.
#[derive(Clone, Debug)]
pub enum KeyMaterial {
    /// A certificate.
    Certificate(Certificate),
    /// A key alone.
    PublicKey(PublicKey),
}

/// One member of a set.
#[derive(Clone, Debug)]
pub struct Key {
    /// What the source calls it; SHA-256 of its DER where the source has no names.
    pub id: Arc<str>,
    /// The version, where the source has versions.
    pub version: Option<Arc<str>>,
    /// Whether it may be used.
    pub state: KeyState,
    /// The key or certificate.
    pub material: KeyMaterial,
    /// Where it came from, for people: a file, or the words `inline value`.
    pub provenance: Arc<str>,
}

impl Key {
    /// The certificate, where it is one.
    pub fn certificate(&self) -> Option<&Certificate> {
        match &self.material {
            KeyMaterial::Certificate(certificate) => Some(certificate),
            KeyMaterial::PublicKey(_) => None,
        }
    }

    /// From when to when it may be used; `None` for a bare key, which says nothing of it.
    pub fn validity(&self) -> Option<(Timestamp, Timestamp)> {
        self.certificate().map(|certificate| (certificate.not_before(), certificate.not_after()))
    }

    fn der(&self) -> &[u8] {
        match &self.material {
            KeyMaterial::Certificate(certificate) => certificate.der(),
            KeyMaterial::PublicKey(key) => key.spki_der(),
        }
    }
}

/// What a source gave, as a whole.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Arc<[Key]>,
    content: [u8; 32],
    loaded_at: Timestamp,
}

impl KeySet {
    /// A set that was complete at `loaded_at`.
    pub fn new(keys: Vec<Key>, loaded_at: Timestamp) -> Self {
        let mut hashes: Vec<[u8; 32]> = keys
            .iter()
            .filter(|key| key.state == KeyState::Enabled)
            .map(|key| openssl::sha::sha256(key.der()))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        Self { keys: keys.into(), content: openssl::sha::sha256(hashes.as_flattened()), loaded_at }
    }

    /// Every member, switched-off ones included.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The members that may be used.
    pub fn enabled(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(|key| key.state == KeyState::Enabled)
    }

    /// SHA-256 over what may be used, whatever its order: two sets of equal content trust the same.
    pub fn content(&self) -> [u8; 32] {
        self.content
    }

    /// When it was fetched.
    pub fn loaded_at(&self) -> Timestamp {
        self.loaded_at
    }

    /// The same keys, seen again `loaded_at`.
    #[must_use]
    pub fn seen_again(&self, loaded_at: Timestamp) -> Self {
        Self { loaded_at, ..self.clone() }
    }

    /// How long ago it was fetched.
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.loaded_at)
    }
}
