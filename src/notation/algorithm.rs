//! The six signature algorithms, each demanded by one kind of key (Notary Project signature specification
//! v1.1, "Algorithm Selection").

use std::fmt;

use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};

use super::EnvelopeError;
use crate::x509::{Certificate, KeySpec};

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
}

impl Algorithm {
    /// The name in JWS headers (RFC 7518 §3.1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    pub(super) fn from_jws(name: &str) -> Option<Self> {
        ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// RFC 9053 §2.1, RFC 8230 §2.
    pub(super) fn from_cose(identifier: coset::iana::Algorithm) -> Option<Self> {
        use coset::iana::Algorithm as Cose;
        match identifier {
            Cose::PS256 => Some(Self::Ps256),
            Cose::PS384 => Some(Self::Ps384),
            Cose::PS512 => Some(Self::Ps512),
            Cose::ES256 => Some(Self::Es256),
            Cose::ES384 => Some(Self::Es384),
            Cose::ES512 => Some(Self::Es512),
            _ => None,
        }
    }

    fn of(key: KeySpec) -> Self {
        match key {
            KeySpec::Rsa2048 => Self::Ps256,
            KeySpec::Rsa3072 => Self::Ps384,
            KeySpec::Rsa4096 => Self::Ps512,
            KeySpec::EcP256 => Self::Es256,
            KeySpec::EcP384 => Self::Es384,
            KeySpec::EcP521 => Self::Es512,
        }
    }

    fn hash(self) -> MessageDigest {
        match self {
            Self::Ps256 | Self::Es256 => MessageDigest::sha256(),
            Self::Ps384 | Self::Es384 => MessageDigest::sha384(),
            Self::Ps512 | Self::Es512 => MessageDigest::sha512(),
        }
    }

    /// Bytes of each half of an ECDSA signature; none for RSA.
    fn half(self) -> Option<usize> {
        match self {
            Self::Es256 => Some(32),
            Self::Es384 => Some(48),
            Self::Es512 => Some(66),
            Self::Ps256 | Self::Ps384 | Self::Ps512 => None,
        }
    }

    /// Checks that `signer`'s key demands this algorithm and made `signature` over `message`, whose parts
    /// follow one another.
    pub(super) fn verify(
        self,
        signer: &Certificate,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), EnvelopeError> {
        let key = signer.key_spec().ok_or(EnvelopeError::Key)?;
        let expected = Self::of(key);
        if self != expected {
            return Err(EnvelopeError::AlgorithmMismatch { written: self, key, expected });
        }
        let length = self.half().map_or_else(|| signer.public_key().size(), |half| half * 2);
        if signature.len() != length {
            return Err(EnvelopeError::SignatureLength { length: signature.len(), expected: length });
        }
        match self.is_signed(signer, message, signature) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => {
                // OpenSSL leaves its reasons in a queue of the thread; nobody else shall find them.
                drop(ErrorStack::get());
                Err(EnvelopeError::Signature)
            }
        }
    }

    fn is_signed(
        self,
        signer: &Certificate,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<bool, ErrorStack> {
        let mut verifier = Verifier::new(self.hash(), signer.public_key())?;
        let der = match self.half().and_then(|half| signature.split_at_checked(half)) {
            Some((r, s)) => Some(ecdsa_der(r, s)?),
            None => {
                verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
                verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
                verifier.set_rsa_mgf1_md(self.hash())?;
                None
            }
        };
        for part in message {
            verifier.update(part)?;
        }
        verifier.verify(der.as_deref().unwrap_or(signature))
    }
}

/// OpenSSL wants the ASN.1 form; envelopes hold the two numbers at a fixed width.
fn ecdsa_der(r: &[u8], s: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?.to_der()
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const ALL: [Algorithm; 6] = [
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
];
