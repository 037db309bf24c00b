//! RFC 3161 timestamp tokens: a timestamp authority's signed statement that a signature existed at a time.
//! Pure: revocation of the authority's chain is asked by whoever verifies, with the chain that comes back.

mod ber;
mod path;
mod signed_data;
mod signer;
#[cfg(test)]
mod tests;
mod tst_info;

use der::asn1::ObjectIdentifier;
use jiff::Timestamp;

pub use self::ber::{BerError, MAX_DEPTH};
pub use self::path::PathError;
pub use self::signed_data::{MAX_CERTIFICATES, MAX_SIGNERS};
use self::signed_data::{SignedData, SignerInfo};
use self::signer::Certificates;
pub use self::signer::SignerError;
use self::tst_info::TstInfo;
use crate::x509::{Certificate, CertificateError};

/// Most bytes of one token.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// Why a token proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// There are no bytes.
    #[error("the timestamp token is empty")]
    Empty,
    /// More than [`MAX_TOKEN_BYTES`].
    #[error("the timestamp token has {bytes} bytes, more than {MAX_TOKEN_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not BER, or something follows it.
    #[error("the timestamp token is malformed: {0}")]
    Encoding(#[from] BerError),
    /// Not SignedData of version 3 over a TSTInfo of version 1.
    #[error("the timestamp token is malformed: {0}")]
    Malformed(der::Error),
    /// Another kind of CMS content.
    #[error("the timestamp token has content type {oid}, not signed data")]
    NotSignedData {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// Something other than a TSTInfo was signed.
    #[error("the timestamp token signs content of type {oid}, not a TSTInfo")]
    NotTstInfo {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// More than [`MAX_CERTIFICATES`].
    #[error("the timestamp token holds more than {MAX_CERTIFICATES} certificates")]
    TooManyCertificates,
    /// More than [`MAX_SIGNERS`].
    #[error("the timestamp token has more than {MAX_SIGNERS} signers")]
    TooManySigners,
    /// A certificate in the token cannot be read.
    #[error("a certificate in the timestamp token is malformed: {reason}")]
    Certificate {
        /// Why.
        reason: String,
    },
    /// The statement's hash function is not one of SHA-2.
    #[error("the timestamp is of a hash by {oid}, which is not supported")]
    UnsupportedHash {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// The token is about another signature.
    #[error("the timestamp is not of this signature")]
    OtherSignature,
    /// No timestamp authority is trusted.
    #[error("no timestamp authority is trusted: the tsa trust stores are empty")]
    NoAnchors,
    /// Nobody signed the token.
    #[error("the timestamp token has no signer")]
    NoSigner,
    /// No signer is good; this is why the first one is not.
    #[error("the timestamp's signer is not accepted: {0}")]
    Signer(SignerError),
    /// The time is not representable with its accuracy.
    #[error("the timestamp's time is out of range")]
    TimeOutOfRange,
}

impl From<der::Error> for TimestampError {
    fn from(error: der::Error) -> Self {
        Self::Malformed(error)
    }
}

impl From<CertificateError> for TimestampError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate { reason: error.to_string() }
    }
}

/// When a signature existed, as a trusted timestamp authority states.
#[derive(Clone, Debug)]
pub struct VerifiedTimestamp {
    time: Timestamp,
    earliest: Timestamp,
    latest: Timestamp,
    chain: Vec<Certificate>,
}

impl VerifiedTimestamp {
    /// The stated time.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The earliest that it may have been, given the accuracy.
    pub fn earliest(&self) -> Timestamp {
        self.earliest
    }

    /// The latest that it may have been, given the accuracy.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// The authority's chain, leaf first, trusted root last. Whether it is revoked was not asked.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The first certificate of `signers`, a code-signing chain, that was not valid during the whole of the
    /// stated time (both ends inclusive); `None` if the timestamp covers them all.
    pub fn first_not_covered<'a>(&self, signers: &'a [Certificate]) -> Option<&'a Certificate> {
        signers.iter().find(|signer| !signer.valid_at(self.earliest) || !signer.valid_at(self.latest))
    }
}

/// Verifies `token` as a timestamp of `signature` (the raw bytes of an envelope's signature) by an authority
/// that leads to one of `anchors`, which are the certificates of tsa trust stores.
///
/// A token may be BER; it is rewritten as DER first. One good signer suffices.
pub fn verify(
    token: &[u8],
    signature: &[u8],
    anchors: &[Certificate],
) -> Result<VerifiedTimestamp, TimestampError> {
    let der = bounded(token)?;
    let signed = SignedData::read(&der)?;
    let info = TstInfo::read(signed.content)?;
    match info.is_about(signature) {
        None => return Err(TimestampError::UnsupportedHash { oid: info.hash }),
        Some(false) => return Err(TimestampError::OtherSignature),
        Some(true) => {}
    }
    if anchors.is_empty() {
        return Err(TimestampError::NoAnchors);
    }
    let chain = first_good_signer(&signed, info.time, anchors)?;
    let accuracy = info.accuracy();
    Ok(VerifiedTimestamp {
        time: info.time,
        earliest: info.time.checked_sub(accuracy).map_err(|_| TimestampError::TimeOutOfRange)?,
        latest: info.time.checked_add(accuracy).map_err(|_| TimestampError::TimeOutOfRange)?,
        chain,
    })
}

fn bounded(token: &[u8]) -> Result<Vec<u8>, TimestampError> {
    match token.len() {
        0 => Err(TimestampError::Empty),
        bytes if bytes > MAX_TOKEN_BYTES => Err(TimestampError::TooLarge { bytes }),
        _ => Ok(ber::to_der(token)?),
    }
}

fn first_good_signer(
    signed: &SignedData<'_>,
    time: Timestamp,
    anchors: &[Certificate],
) -> Result<Vec<Certificate>, TimestampError> {
    let token = signed.certificates.iter().map(|der| Certificate::from_der(der));
    let token = token.collect::<Result<Vec<_>, _>>()?;
    let certificates = Certificates { token: &token, anchors };
    let mut first = None;
    for fields in &signed.signers {
        let chain = SignerInfo::read(fields.clone())
            .map_err(SignerError::from)
            .and_then(|signer| signer::verify(&signer, signed.content, time, certificates));
        match chain {
            Ok(chain) => return Ok(chain),
            Err(error) => first.get_or_insert(error),
        };
    }
    Err(first.map_or(TimestampError::NoSigner, TimestampError::Signer))
}
