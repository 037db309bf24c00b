//! Why an envelope is no valid signature: the facts of a failed integrity check.

use jiff::Timestamp;

use super::attributes::AttributeName;
use crate::x509::chain::ChainError;
use crate::x509::{CertificateError, KeySpec};

/// Why an envelope fails the integrity check, which is enforced at every level but skip.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Neither of the two envelope media types.
    #[error("media type {0:?} is not that of a signature envelope")]
    MediaType(String),
    /// More bytes than are read.
    #[error("the envelope has {size} bytes, at most {limit} are read")]
    TooLarge {
        /// How large it is, in bytes.
        size: usize,
        /// How large it may be, in bytes.
        limit: usize,
    },
    /// Not the strict JSON that is asked for: syntax, a repeated name, too deep.
    #[error("the {part} is not acceptable JSON: {problem}")]
    Json {
        /// Which part of the envelope.
        part: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Not the strict CBOR that is asked for: syntax, indefinite length, a repeated label, too deep.
    #[error("the envelope is not an acceptable COSE_Sign1 message: {0}")]
    Cbor(String),
    /// A member or header is missing, unexpected or malformed.
    #[error("{name:?} of the envelope {problem}")]
    Member {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// More certificates than are read.
    #[error("the envelope holds {count} certificates, at most {limit} are read")]
    TooManyCertificates {
        /// How many there are.
        count: usize,
        /// How many are read.
        limit: usize,
    },
    /// A certificate of the chain cannot be read.
    #[error("certificate {position} of the chain: {error}")]
    Certificate {
        /// Which one; the leaf is 1.
        position: usize,
        /// What is wrong with it.
        #[source]
        error: CertificateError,
    },
    /// The chain breaks a rule.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The algorithm is not one of the six.
    #[error("signature algorithm {0} is not supported")]
    Algorithm(String),
    /// The leaf's key has no algorithm.
    #[error("the signing certificate's key is of an unsupported kind or size")]
    Key,
    /// The algorithm is not the one that the leaf's key signs with.
    #[error(
        "the envelope names algorithm {written}, the signing certificate's {key} key signs with {expected}"
    )]
    AlgorithmMismatch {
        /// The algorithm in the envelope.
        written: super::Algorithm,
        /// The leaf's key.
        key: KeySpec,
        /// The algorithm that the key demands.
        expected: super::Algorithm,
    },
    /// The signature is not as long as the algorithm makes it.
    #[error("the signature has {length} bytes, {expected} are expected")]
    SignatureLength {
        /// Its length in bytes.
        length: usize,
        /// The length it must have, in bytes.
        expected: usize,
    },
    /// The signature is not by the leaf's key over these bytes.
    #[error("the signature does not verify with the signing certificate's key")]
    Signature,
    /// The payload's content type is another one.
    #[error("content type {0:?} is not that of a Notary Project payload")]
    ContentType(String),
    /// The signing scheme is unknown.
    #[error("signing scheme {0:?} is not supported")]
    Scheme(String),
    /// A critical attribute is treated wrongly.
    #[error("attribute {name} {problem}")]
    Critical {
        /// The attribute.
        name: AttributeName,
        /// In which way.
        problem: CriticalProblem,
    },
    /// The signature expires before it is made.
    #[error("the signature expires at {expiry}, which is not after its signing time {signing_time}")]
    ExpiryNotAfterSigning {
        /// When it expires.
        expiry: Timestamp,
        /// When it was made, by its own word.
        signing_time: Timestamp,
    },
    /// The payload describes no artifact.
    #[error("the payload's {member} {problem}")]
    Payload {
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// What is wrong with a critical attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CriticalProblem {
    /// It must be marked critical and is not.
    #[error("must be marked critical")]
    NotMarked,
    /// It is marked critical and is absent, or must not be marked.
    #[error("is marked critical and is no attribute that can be")]
    WronglyMarked,
    /// It is marked twice.
    #[error("is marked critical more than once")]
    MarkedTwice,
    /// It is critical, and neither this verifier nor a named plugin understands it.
    #[error("is critical and not understood, and no plugin is named that might")]
    NotUnderstood,
}

impl EnvelopeError {
    pub(super) fn member(name: impl Into<String>, problem: &'static str) -> Self {
        Self::Member { name: name.into(), problem }
    }
}
