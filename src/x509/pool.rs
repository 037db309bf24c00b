//! Certificates that are in use, each once in memory: signers are few, and each signature brings its chain.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::certificate::WeakCertificate;
use super::{Certificate, CertificateError};

/// Certificates by the hash of their bytes. It keeps none of them: it knows those that somebody holds.
#[derive(Default)]
pub struct CertificatePool {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_hash: HashMap<[u8; 32], WeakCertificate>,
    /// How many are held before those that are gone are looked for.
    tidy_at: usize,
}

const TIDY_AT_LEAST: usize = 64;

impl CertificatePool {
    /// The certificate that `der` is, read only where nobody holds it.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn read(&self, der: &[u8]) -> Result<Certificate, CertificateError> {
        let hash = openssl::sha::sha256(der);
        let known = |known: &Known| known.by_hash.get(&hash).and_then(WeakCertificate::upgrade);
        if let Some(certificate) = known(&self.lock()) {
            return Ok(certificate);
        }
        let certificate = Certificate::from_der(der)?;
        let mut held = self.lock();
        // Somebody may have read it meanwhile.
        if let Some(first) = known(&held) {
            return Ok(first);
        }
        held.by_hash.insert(hash, certificate.downgrade());
        if held.by_hash.len() > held.tidy_at {
            held.by_hash.retain(|_, certificate| certificate.upgrade().is_some());
            held.tidy_at = (held.by_hash.len() * 2).max(TIDY_AT_LEAST);
        }
        Ok(certificate)
    }

    /// The map is consistent after every statement.
    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CertificatePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificatePool").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_signer::{KeyKind, TestSigner};

    fn der() -> Vec<u8> {
        TestSigner::new(KeyKind::P256).leaf.to_der().expect("DER")
    }

    #[test]
    fn equal_certificates_share_one_allocation_while_somebody_holds_one() {
        let (pool, der) = (CertificatePool::default(), der());
        let first = pool.read(&der).expect("certificate");
        assert!(std::ptr::eq(first.der(), pool.read(&der).expect("certificate").der()));
    }

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let pool = CertificatePool::default();
        for _ in 0..TIDY_AT_LEAST * 3 {
            pool.read(&der()).expect("certificate");
        }
        assert!(pool.lock().by_hash.len() <= TIDY_AT_LEAST + 1);
    }

    #[test]
    fn what_is_no_certificate_is_refused_each_time() {
        let pool = CertificatePool::default();
        assert_eq!(pool.read(b"no"), Err(CertificateError::Malformed));
        assert_eq!(pool.read(b"no"), Err(CertificateError::Malformed));
    }
}
