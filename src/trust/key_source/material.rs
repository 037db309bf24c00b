//! Bytes to keys or certificates.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use openssl::pkey::{PKey, Public};

use super::KeyContent;
use super::set::{Key, KeyMaterial, KeyState};
use crate::x509::{BundleError, certificates_from_pem_or_der};

/// The most keys of one set.
const MAX_KEYS: usize = 1000;

/// A public key: its SubjectPublicKeyInfo. Clones share one key.
#[derive(Clone)]
pub struct PublicKey {
    spki: Arc<[u8]>,
    key: PKey<Public>,
}

impl PublicKey {
    /// The DER form of the SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The key.
    pub fn key(&self) -> &PKey<Public> {
        &self.key
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex::encode(openssl::sha::sha256(&self.spki)))
    }
}

/// Why bytes are no set of keys or certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// The bytes hold a private key, which belongs nowhere near a verifier.
    #[error("it holds a private key; treat that key as exposed, and give only the certificate or public key")]
    PrivateKey,
    /// It is no set of certificates.
    #[error(transparent)]
    Certificates(#[from] BundleError),
    /// There is no PEM block with a public key.
    #[error("it holds no public key in PEM form")]
    NoKey,
    /// A PEM block is no public key.
    #[error("PEM block {position} is no public key")]
    Key {
        /// Which one, counted from 1.
        position: usize,
    },
    /// More keys than are read.
    #[error("it holds more than {MAX_KEYS} keys")]
    TooManyKeys,
}

impl MaterialError {
    /// The PEM block at fault, counted from 1, where one is.
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Certificates(BundleError::Pem { position } | BundleError::Certificate { position, .. })
            | Self::Key { position } => Some(*position),
            _ => None,
        }
    }
}

/// Reads keys or certificates. `provenance` says where the bytes came from.
///
/// # Errors
/// [`MaterialError`]: one entry that cannot be read spoils the set, because a set that loads in part is one
/// that nobody asked for.
pub fn read_material(bytes: &[u8], content: KeyContent, provenance: &str) -> Result<Vec<Key>, MaterialError> {
    const PRIVATE: &[u8] = b"PRIVATE KEY-----";
    if bytes.windows(PRIVATE.len()).any(|window| window == PRIVATE) {
        return Err(MaterialError::PrivateKey);
    }
    match content {
        KeyContent::Certificates => Ok(certificates_from_pem_or_der(bytes)?
            .into_iter()
            .map(|certificate| Key {
                id: hex::encode(certificate.fingerprint()).into(),
                version: None,
                state: KeyState::Enabled,
                material: KeyMaterial::Certificate(certificate),
                provenance: provenance.into(),
            })
            .collect()),
        KeyContent::Keys => public_keys(bytes, provenance),
    }
}

fn public_keys(bytes: &[u8], provenance: &str) -> Result<Vec<Key>, MaterialError> {
    let mut keys = Vec::new();
    let mut block: Option<Vec<u8>> = None;
    for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        match block.as_mut() {
            None if line.starts_with(b"-----BEGIN ") => block = Some(Vec::new()),
            None => {}
            Some(text) if line.starts_with(b"-----") => {
                if keys.len() == MAX_KEYS {
                    return Err(MaterialError::TooManyKeys);
                }
                let key = public_key(text).ok_or(MaterialError::Key { position: keys.len() + 1 })?;
                keys.push(Key {
                    id: hex::encode(openssl::sha::sha256(&key.spki)).into(),
                    version: None,
                    state: KeyState::Enabled,
                    material: KeyMaterial::PublicKey(key),
                    provenance: provenance.into(),
                });
                block = None;
            }
            Some(text) => text.extend_from_slice(line),
        }
    }
    match (block, keys.is_empty()) {
        (Some(_), _) => Err(MaterialError::Key { position: keys.len() + 1 }),
        (None, true) => Err(MaterialError::NoKey),
        (None, false) => Ok(keys),
    }
}

fn public_key(base64_text: &[u8]) -> Option<PublicKey> {
    let der = base64::engine::general_purpose::STANDARD.decode(base64_text).ok()?;
    let key = PKey::public_key_from_der(&der).ok();
    if key.is_none() {
        // OpenSSL leaves its reasons in a queue of the thread; nobody else shall find them.
        drop(openssl::error::ErrorStack::get());
    }
    let key = key?;
    // The form that goes into identifiers is written anew: equal keys are equal texts.
    let spki = key.public_key_to_der().ok()?.into();
    Some(PublicKey { spki, key })
}
