//! Content digests: `sha256:` and `sha512:` with lower-case hexadecimal digits.

use std::fmt;
use std::str::FromStr;

/// The registered digest algorithms of the OCI Image Specification v1.1 (descriptor.md, "Digests").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// SHA-256, 64 hexadecimal digits.
    Sha256,
    /// SHA-512, 128 hexadecimal digits.
    Sha512,
}

impl DigestAlgorithm {
    /// The name before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// A content digest. A value says only what was written, not that bytes were hashed: that is
/// [`crate::oci::Content`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digest {
    /// A SHA-256 digest.
    Sha256([u8; 32]),
    /// A SHA-512 digest.
    Sha512(Box<[u8; 64]>),
}

/// Why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no colon between algorithm and value.
    #[error("a digest is written ALGORITHM:HEX")]
    NoAlgorithm,
    /// The algorithm is neither sha256 nor sha512.
    #[error("digest algorithm {0:?} is not supported (sha256 and sha512 are)")]
    UnsupportedAlgorithm(String),
    /// The value is not the algorithm's number of lower-case hexadecimal digits.
    #[error("a {algorithm} digest has {want} lower-case hexadecimal digits", want = .length * 2)]
    Malformed {
        /// The algorithm's name.
        algorithm: &'static str,
        /// The digest's length in bytes.
        length: usize,
    },
}

impl Digest {
    /// Hashes `bytes`.
    pub fn of(algorithm: DigestAlgorithm, bytes: &[u8]) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self::Sha256(openssl::sha::sha256(bytes)),
            DigestAlgorithm::Sha512 => Self::Sha512(Box::new(openssl::sha::sha512(bytes))),
        }
    }

    /// Which algorithm made it.
    pub fn algorithm(&self) -> DigestAlgorithm {
        match self {
            Self::Sha256(_) => DigestAlgorithm::Sha256,
            Self::Sha512(_) => DigestAlgorithm::Sha512,
        }
    }

    /// The hash itself.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes.as_slice(),
        }
    }

    /// The tag that lists referrers of this digest where a registry has no Referrers API
    /// (OCI Distribution Specification v1.1, "Referrers Tag Schema"): at most 64 digits of the digest.
    pub fn referrers_tag(&self) -> String {
        const MAX_DIGITS: usize = 64;
        let digits: String = hex::encode(self.as_bytes()).chars().take(MAX_DIGITS).collect();
        format!("{}-{digits}", self.algorithm().name())
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, value) = text.split_once(':').ok_or(DigestError::NoAlgorithm)?;
        match algorithm {
            "sha256" => decode::<32>(DigestAlgorithm::Sha256, value).map(Self::Sha256),
            "sha512" => {
                decode::<64>(DigestAlgorithm::Sha512, value).map(|bytes| Self::Sha512(Box::new(bytes)))
            }
            other => Err(DigestError::UnsupportedAlgorithm(other.chars().take(32).collect())),
        }
    }
}

fn decode<const N: usize>(algorithm: DigestAlgorithm, value: &str) -> Result<[u8; N], DigestError> {
    let malformed = DigestError::Malformed { algorithm: algorithm.name(), length: N };
    if value.len() != N * 2 || value.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(malformed);
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(value, &mut bytes).map_err(|_| malformed)?;
    Ok(bytes)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without an allocation: every answer writes several.
        let (bytes, mut digits) = (self.as_bytes(), [0; 128]);
        let digits = digits.get_mut(..bytes.len() * 2).ok_or(fmt::Error)?;
        hex::encode_to_slice(bytes, digits).map_err(|_| fmt::Error)?;
        f.write_str(self.algorithm().name())?;
        f.write_str(":")?;
        f.write_str(std::str::from_utf8(digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
