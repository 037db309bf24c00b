//! The authorities that are held, as one file: those that sign, and those that are only still trusted. One
//! file, so that a certificate and its key are never of different generations. Pure: bytes in, bytes out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::zeroize::Zeroizing;

use crate::x509::{Certificate, CertificateError};

use super::issue::Issuer;

/// Authorities of one file.
const MAX_AUTHORITIES: usize = 16;

/// What the file says to whoever opens it.
const HEADING: &str = "\
Hallmark's authority for its own server certificates: SECRET, the keys can make any certificate that
clients of this server believe. First the one that signs, then the one that will, then those that did.
";

/// The authorities of a state folder.
pub(super) struct Authorities {
    /// Signs server certificates.
    pub(super) issuing: Issuer,
    /// Will sign them, once clients have had the time to trust it.
    pub(super) next: Option<Issuer>,
    /// Signed them before.
    pub(super) retired: Vec<Certificate>,
}

/// Why a file holds no authorities.
#[derive(Debug, thiserror::Error)]
pub enum HeldError {
    /// It breaks off or is no PEM.
    #[error("it is no whole PEM: {0}")]
    Pem(String),
    /// A certificate cannot be read.
    #[error("certificate {position}: {error}")]
    Certificate {
        /// Which one, counted from 1.
        position: usize,
        /// What is wrong with it.
        error: CertificateError,
    },
    /// A certificate is no authority's.
    #[error("certificate {position} is no authority's")]
    NoAuthority {
        /// Which one, counted from 1.
        position: usize,
    },
    /// A key does not follow its certificate.
    #[error("the private key after certificate {position} is unusable or not that certificate's")]
    Key {
        /// The certificate, counted from 1; 0 where none is before the key.
        position: usize,
    },
    /// Something else than certificates and PKCS #8 keys.
    #[error("it holds a PEM block that is neither a certificate nor a PKCS #8 key")]
    Foreign,
    /// No authority that can sign comes first.
    #[error("it does not begin with an authority's certificate and private key")]
    NoIssuer,
    /// More than there can ever be.
    #[error("it holds more than {MAX_AUTHORITIES} certificates")]
    TooMany,
}

impl Authorities {
    /// One new authority.
    pub(super) fn of(issuing: Issuer) -> Self {
        Self { issuing, next: None, retired: Vec::new() }
    }

    /// Reads what [`Self::to_pem`] wrote.
    ///
    /// # Errors
    /// [`HeldError`]; never with a byte of a key.
    pub(super) fn read(pem: &[u8]) -> Result<Self, HeldError> {
        let mut read: Vec<(Certificate, Option<KeyPair>)> = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
            let (kind, der) = section.map_err(|error| HeldError::Pem(error.to_string()))?;
            let der = Zeroizing::new(der);
            match kind {
                SectionKind::Certificate => read.push((authority(&der, read.len() + 1)?, None)),
                SectionKind::PrivateKey => attach_key(&mut read, &der)?,
                _ => return Err(HeldError::Foreign),
            }
            if read.len() > MAX_AUTHORITIES {
                return Err(HeldError::TooMany);
            }
        }
        Self::in_order(read)
    }

    fn in_order(read: Vec<(Certificate, Option<KeyPair>)>) -> Result<Self, HeldError> {
        let mut issuers = Vec::new();
        let mut retired = Vec::new();
        for (certificate, key) in read {
            match key {
                Some(key) if retired.is_empty() => issuers.push(Issuer { certificate, key }),
                _ if issuers.is_empty() => return Err(HeldError::NoIssuer),
                _ => retired.push(certificate),
            }
        }
        let mut issuers = issuers.into_iter();
        let (issuing, next) = (issuers.next().ok_or(HeldError::NoIssuer)?, issuers.next());
        // Nothing here writes a third; its key is not needed to trust it.
        retired.extend(issuers.map(|issuer| issuer.certificate));
        Ok(Self { issuing, next, retired })
    }

    /// The file, keys included.
    pub(super) fn to_pem(&self) -> Zeroizing<String> {
        let mut pem = Zeroizing::new(HEADING.to_owned());
        for issuer in [Some(&self.issuing), self.next.as_ref()].into_iter().flatten() {
            push_block(&mut pem, "CERTIFICATE", issuer.certificate.der());
            push_block(&mut pem, "PRIVATE KEY", issuer.key.serialized_der());
        }
        self.retired.iter().for_each(|one| push_block(&mut pem, "CERTIFICATE", one.der()));
        pem
    }

    /// Every certificate that clients must trust, in PEM.
    pub(super) fn bundle(&self) -> String {
        let mut pem = String::new();
        self.trusted().for_each(|one| push_block(&mut pem, "CERTIFICATE", one.der()));
        pem
    }

    /// Which certificates clients must trust.
    pub(super) fn fingerprints(&self) -> Vec<[u8; 32]> {
        self.trusted().map(Certificate::fingerprint).collect()
    }

    fn trusted(&self) -> impl Iterator<Item = &Certificate> {
        let issuers = [Some(&self.issuing), self.next.as_ref()].into_iter().flatten();
        issuers.map(|issuer| &issuer.certificate).chain(&self.retired)
    }
}

/// Appends a PEM block (RFC 7468).
pub(super) fn push_block(pem: &mut String, label: &str, der: &[u8]) {
    let text = Zeroizing::new(STANDARD.encode(der));
    // Room for all of it, so that no copy of a key is left behind by growing.
    pem.reserve(text.len() + text.len() / 64 + 2 * label.len() + 40);
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
}

fn authority(der: &[u8], position: usize) -> Result<Certificate, HeldError> {
    let certificate =
        Certificate::from_der(der).map_err(|error| HeldError::Certificate { position, error })?;
    if certificate.is_ca() { Ok(certificate) } else { Err(HeldError::NoAuthority { position }) }
}

fn attach_key(read: &mut [(Certificate, Option<KeyPair>)], der: &[u8]) -> Result<(), HeldError> {
    let position = read.len();
    let Some((certificate, place @ None)) = read.last_mut() else { return Err(HeldError::Key { position }) };
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(der));
    let key = KeyPair::try_from(&der).map_err(|_| HeldError::Key { position })?;
    if key.subject_public_key_info() != certificate.spki_der() {
        return Err(HeldError::Key { position });
    }
    *place = Some(key);
    Ok(())
}
