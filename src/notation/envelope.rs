//! An envelope from bytes to facts: read by its format, then checked as a whole.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;

use super::algorithm::Algorithm;
use super::attributes::{ExtendedAttribute, PluginRequirement, ProtectedHeaders, Scheme, SignedAttributes};
use super::payload::TargetArtifact;
use super::{COSE_MEDIA_TYPE, EnvelopeError, JWS_MEDIA_TYPE, MAX_ENVELOPE, PAYLOAD_CONTENT_TYPE, cose, jws};
use crate::x509::{Certificate, CertificatePool, chain};

/// A signature envelope that was read and says nothing yet.
pub struct UnverifiedEnvelope {
    parts: Parts,
    chain: Vec<Certificate>,
}

/// What both formats hold.
pub(super) struct Parts {
    pub(super) algorithm: Algorithm,
    pub(super) content_type: String,
    pub(super) headers: ProtectedHeaders,
    /// DER, leaf first; at most [`chain::MAX_LENGTH`].
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) timestamp_token: Option<Vec<u8>>,
    pub(super) payload: Vec<u8>,
    pub(super) signed: SignedBytes,
    pub(super) signature: Vec<u8>,
}

/// The bytes that the signature is over, as received.
pub(super) enum SignedBytes {
    /// The two base64url texts, joined by a dot (RFC 7515 §5.2).
    Jws { protected: String, payload: String },
    /// The Sig_structure (RFC 9052 §4.4).
    Cose(Vec<u8>),
}

impl UnverifiedEnvelope {
    /// Reads an envelope of at most [`MAX_ENVELOPE`] bytes and every certificate in it, at most
    /// [`chain::MAX_LENGTH`].
    ///
    /// # Errors
    /// [`EnvelopeError`] where the bytes are not of the format that the media type names.
    pub fn parse(media_type: &str, bytes: Bytes) -> Result<Self, EnvelopeError> {
        Self::parse_with(media_type, bytes, &CertificatePool::default())
    }

    /// As [`Self::parse`]; certificates that `pool` knows are not read again.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_with(media_type: &str, bytes: Bytes, pool: &CertificatePool) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(EnvelopeError::TooLarge { size: bytes.len(), limit: MAX_ENVELOPE });
        }
        let parts = match media_type {
            JWS_MEDIA_TYPE => jws::read(&bytes)?,
            COSE_MEDIA_TYPE => cose::read(&bytes)?,
            other => return Err(EnvelopeError::MediaType(other.to_owned())),
        };
        let read = |(index, der): (usize, &Vec<u8>)| {
            pool.read(der).map_err(|error| EnvelopeError::Certificate { position: index + 1, error })
        };
        let chain = parts.chain.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { parts, chain })
    }

    /// Makes the integrity check: the leaf's key made the signature with the algorithm that it demands, the
    /// signed attributes obey their rules, the chain is one that may sign code, and the payload names an
    /// artifact. Dates, revocation and trust are not looked at.
    ///
    /// # Errors
    /// [`EnvelopeError`] names the first rule that is broken.
    pub fn verify(self) -> Result<VerifiedEnvelope, EnvelopeError> {
        let Self { parts, chain } = self;
        let leaf = chain.first().ok_or(chain::ChainError::Empty)?;
        parts.algorithm.verify(leaf, &parts.signed.message(), &parts.signature)?;
        if parts.content_type != PAYLOAD_CONTENT_TYPE {
            return Err(EnvelopeError::ContentType(parts.content_type));
        }
        let attributes = SignedAttributes::read(parts.headers)?;
        chain::check_code_signing(&chain)?;
        Ok(VerifiedEnvelope {
            target: TargetArtifact::read(&parts.payload)?,
            leaf: leaf.clone(),
            attributes,
            algorithm: parts.algorithm,
            timestamp_token: parts.timestamp_token,
            signature: parts.signature,
            chain,
        })
    }
}

impl fmt::Debug for UnverifiedEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedEnvelope").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl SignedBytes {
    fn message(&self) -> Vec<&[u8]> {
        match self {
            Self::Jws { protected, payload } => vec![protected.as_bytes(), b".", payload.as_bytes()],
            Self::Cose(bytes) => vec![bytes],
        }
    }
}

/// Bounds the chain before any certificate of it is decoded.
pub(super) fn check_certificate_count(count: usize) -> Result<(), EnvelopeError> {
    match count {
        0 => Err(chain::ChainError::Empty.into()),
        _ if count > chain::MAX_LENGTH => {
            Err(EnvelopeError::TooManyCertificates { count, limit: chain::MAX_LENGTH })
        }
        _ => Ok(()),
    }
}

/// An envelope whose integrity holds: whoever has the leaf's key signed these attributes and this target.
/// Only [`UnverifiedEnvelope::verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedEnvelope {
    algorithm: Algorithm,
    attributes: SignedAttributes,
    chain: Vec<Certificate>,
    leaf: Certificate,
    target: TargetArtifact,
    timestamp_token: Option<Vec<u8>>,
    signature: Vec<u8>,
}

impl VerifiedEnvelope {
    /// The algorithm of the signature.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Who vouches for the time of signing.
    pub fn scheme(&self) -> Scheme {
        self.attributes.scheme
    }

    /// When it was signed: authentic with [`Scheme::SigningAuthority`], the signer's own word otherwise.
    pub fn signing_time(&self) -> Timestamp {
        self.attributes.signing_time
    }

    /// From when on the signer does not want it to count; later than the signing time.
    pub fn expiry(&self) -> Option<Timestamp> {
        self.attributes.expiry
    }

    /// The signer's chain, leaf first, up to and including its root. It obeys the rules of
    /// [`chain::check_code_signing`].
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The signer's certificate, the first of the chain.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The artifact that is signed.
    pub fn target(&self) -> &TargetArtifact {
        &self.target
    }

    /// Signed attributes that the specification does not define. Critical ones exist only beside a
    /// [`VerifiedEnvelope::plugin`], which then must process them.
    pub fn extended_attributes(&self) -> &[ExtendedAttribute] {
        &self.attributes.extended
    }

    /// The plugin that the signer demands.
    pub fn plugin(&self) -> Option<&PluginRequirement> {
        self.attributes.plugin.as_ref()
    }

    /// The timestamp countersignature, not looked at; it is unsigned.
    pub fn timestamp_token(&self) -> Option<&[u8]> {
        self.timestamp_token.as_deref()
    }

    /// The signature's bytes, over which a timestamp is made.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// About how many bytes of memory it takes at present. A certificate that others hold as well is counted
    /// by an eighth: whoever had it first has counted it whole.
    pub fn retained_bytes(&self) -> usize {
        // The leaf is held twice here.
        let is_shared = |index: usize, one: &Certificate| one.holders() > 1 + usize::from(index == 0);
        let certificates = self.chain.iter().enumerate().map(|(index, certificate)| {
            let bytes = certificate.retained_bytes();
            if is_shared(index, certificate) { bytes / 8 } else { bytes }
        });
        let certificates = certificates.sum::<usize>();
        let token = self.timestamp_token.as_ref().map_or(0, Vec::len);
        certificates
            + token
            + self.signature.len()
            + self.target.retained_bytes()
            + self.attributes.retained_bytes()
    }
}
