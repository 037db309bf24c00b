//! A certificate chain and its private key, checked to belong together. Pure: bytes in, a pair out.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::x509::{Certificate, CertificateError, Purpose};

use super::names::{Name, names_of, signing_key_of};

/// The longest chain that is shown to clients.
const MAX_CHAIN: usize = 10;

/// A chain and the key of its first certificate.
pub(super) struct ServerPair {
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) leaf: Certificate,
}

/// Why two files are no pair.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The file of certificates breaks off or is no PEM.
    #[error("the certificates are no whole PEM: {0}")]
    Chain(String),
    /// It holds no certificate.
    #[error("there is no PEM block CERTIFICATE")]
    NoCertificate,
    /// It holds more than a chain.
    #[error("there are more than {MAX_CHAIN} certificates")]
    TooMany,
    /// A certificate cannot be read.
    #[error("certificate {position}: {error}")]
    Certificate {
        /// Which one, counted from 1.
        position: usize,
        /// What is wrong with it.
        error: CertificateError,
    },
    /// The file of the key holds none, or breaks off.
    #[error("there is no whole private key in PEM without a passphrase (PKCS #8, PKCS #1 or SEC 1)")]
    NoKey,
    /// The key is of a kind that cannot sign for TLS 1.3.
    #[error("the private key cannot be used: RSA from 2048 bits, ECDSA P-256, P-384, P-521 and Ed25519 can")]
    Key,
    /// The key is another certificate's.
    #[error(
        "the private key is not the first certificate's; the server's own certificate comes first, and a pair \
         that is being replaced is whole a moment later"
    )]
    Mismatch,
}

impl ServerPair {
    /// Reads a pair from PEM.
    ///
    /// # Errors
    /// [`PairError`]; never with a byte of the key.
    pub(super) fn read(chain: &[u8], key: &[u8], provider: &CryptoProvider) -> Result<Self, PairError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| PairError::Chain(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PairError::NoKey)?;
        Self::of(chain, key, provider)
    }

    /// Makes a pair of a chain, the leaf first, and the leaf's key.
    ///
    /// # Errors
    /// [`PairError`].
    pub(super) fn of(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        provider: &CryptoProvider,
    ) -> Result<Self, PairError> {
        if chain.len() > MAX_CHAIN {
            return Err(PairError::TooMany);
        }
        let leaf = leaf_of(&chain)?;
        let key = provider.key_provider.load_private_key(key).map_err(|_| PairError::Key)?;
        let certified = CertifiedKey::new(chain, key);
        // A key that cannot say which public key is its own counts as another's, too.
        certified.keys_match().map_err(|_| PairError::Mismatch)?;
        Ok(Self { certified: Arc::new(certified), leaf })
    }

    /// Whether another authority issued it, as far as the two certificates tell.
    pub(super) fn has_another_issuer(&self, than: &Self) -> bool {
        self.leaf.issuer_der() != than.leaf.issuer_der()
            || signing_key_of(self.leaf.der()) != signing_key_of(than.leaf.der())
    }

    /// What Gatekeeper, whose rules are Go's, would refuse in the certificate whenever it is asked.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        let names = names_of(self.leaf.der()).unwrap_or_default();
        let usage = self.leaf.extended_key_usage();
        if !names.iter().any(|name| matches!(name, Name::Dns(_) | Name::Ip(_))) {
            Some("it has no subject alternative name, and clients do not read the common name")
        } else if usage.is_some_and(|usage| !usage.has(&Purpose::ServerAuth) && !usage.has(&Purpose::Any)) {
            Some("its extended key usage lacks serverAuth")
        } else {
            None
        }
    }
}

impl fmt::Debug for ServerPair {
    /// The certificate's fingerprint; never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerPair").field(&self.leaf).finish()
    }
}

/// The first certificate; all of them must be readable.
fn leaf_of(chain: &[CertificateDer<'_>]) -> Result<Certificate, PairError> {
    let mut leaf = None;
    for (index, der) in chain.iter().enumerate() {
        let read = Certificate::from_der(der);
        let read = read.map_err(|error| PairError::Certificate { position: index + 1, error })?;
        leaf.get_or_insert(read);
    }
    leaf.ok_or(PairError::NoCertificate)
}

#[cfg(test)]
mod tests;
