//! Whether one SignerInfo of a token is good: which certificate made it, what it covers, and that the
//! certificate leads to a trusted root.

use jiff::Timestamp;

use super::path::{self, PathError};
use super::signed_data::{CertificateName, EssCertId, SignerInfo, TST_INFO};
use crate::x509::Certificate;
use crate::x509::signature::{Hash, Scheme};

/// Why a signer of a token does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// Not a SignerInfo of version 1 with signed attributes.
    #[error("a signer info is malformed: {0}")]
    Malformed(der::Error),
    /// The attribute that binds the signer's certificate is missing; version 1 of it does not suffice.
    #[error("the signing-certificate-v2 attribute is missing")]
    NoSigningCertificate,
    /// The signer's certificate is not in the token.
    #[error("the signer's certificate is not in the token")]
    CertificateMissing,
    /// The attribute is about another certificate, or by a hash function that is not of SHA-2.
    #[error("the signing-certificate-v2 attribute does not match the signer's certificate")]
    CertificateMismatch,
    /// The signer signed another kind of content.
    #[error("the content-type attribute is missing or names another type")]
    ContentType,
    /// The signer signed other content.
    #[error("the message-digest attribute is missing or does not match")]
    MessageDigest,
    /// The signature does not verify, or its algorithm is not supported.
    #[error("the signature does not verify")]
    Signature,
    /// The signer says that it signed when a certificate was not valid.
    #[error("the signing time {time} is outside the validity of {subject}")]
    SigningTime {
        /// The time.
        time: Timestamp,
        /// Subject of the certificate.
        subject: String,
    },
    /// The signer's certificate leads to no trusted root.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl From<der::Error> for SignerError {
    fn from(error: der::Error) -> Self {
        Self::Malformed(error)
    }
}

/// Where a token's signers find their certificates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certificates<'a> {
    /// What the token holds.
    pub(super) token: &'a [Certificate],
    /// The trusted roots.
    pub(super) anchors: &'a [Certificate],
}

/// Checks `signer` over `content`, a TSTInfo that states `time`; the chain from the authority to its root.
pub(super) fn verify(
    signer: &SignerInfo<'_>,
    content: &[u8],
    time: Timestamp,
    certificates: Certificates<'_>,
) -> Result<Vec<Certificate>, SignerError> {
    let leaf = certificate_of(signer, certificates.token)?;
    check_content(signer, content)?;
    check_signature(signer, leaf)?;
    let chain = path::find(leaf, certificates.token, certificates.anchors, time)?;
    check_signing_time(signer, &chain)?;
    Ok(chain)
}

/// The certificate that the signed attribute names, or else the signer info; the attribute's hash decides.
fn certificate_of<'a>(
    signer: &SignerInfo<'_>,
    token: &'a [Certificate],
) -> Result<&'a Certificate, SignerError> {
    let id = signer.attributes.signing_certificate.ok_or(SignerError::NoSigningCertificate)?;
    let name = id.name.unwrap_or(signer.signer);
    let mut named = token.iter().filter(|certificate| is_named(certificate, name)).peekable();
    if named.peek().is_none() {
        return Err(SignerError::CertificateMissing);
    }
    named.find(|certificate| is_identified(certificate, id)).ok_or(SignerError::CertificateMismatch)
}

fn is_named(certificate: &Certificate, name: CertificateName<'_>) -> bool {
    certificate.issuer_der() == name.issuer && certificate.serial() == name.serial
}

fn is_identified(certificate: &Certificate, id: EssCertId<'_>) -> bool {
    id.hash.is_some_and(|hash| hash.matches(certificate.der(), id.hashed))
}

fn check_content(signer: &SignerInfo<'_>, content: &[u8]) -> Result<(), SignerError> {
    if signer.attributes.content_type != Some(TST_INFO) {
        return Err(SignerError::ContentType);
    }
    let hash = Hash::from_oid(signer.digest).ok_or(SignerError::MessageDigest)?;
    let digest = signer.attributes.message_digest.ok_or(SignerError::MessageDigest)?;
    if hash.matches(content, digest) { Ok(()) } else { Err(SignerError::MessageDigest) }
}

fn check_signature(signer: &SignerInfo<'_>, leaf: &Certificate) -> Result<(), SignerError> {
    let scheme = Scheme::from_algorithm(&signer.algorithm).ok_or(SignerError::Signature)?;
    let hash = scheme.hash().or_else(|| Hash::from_oid(signer.digest)).ok_or(SignerError::Signature)?;
    let signed = signer.signed_bytes()?;
    if scheme.verify_with(hash, leaf.public_key(), &signed, signer.signature) {
        Ok(())
    } else {
        Err(SignerError::Signature)
    }
}

fn check_signing_time(signer: &SignerInfo<'_>, chain: &[Certificate]) -> Result<(), SignerError> {
    let Some(time) = signer.attributes.signing_time else { return Ok(()) };
    match chain.iter().find(|certificate| !certificate.valid_at(time)) {
        None => Ok(()),
        Some(outside) => Err(SignerError::SigningTime { time, subject: outside.subject() }),
    }
}
