//! Notary Project signature envelopes: JWS and COSE read, checked and turned into facts. Pure: bytes in,
//! values out; whether anybody trusts the signer is decided elsewhere.
//!
//! [`UnverifiedEnvelope`] is what was read; only [`UnverifiedEnvelope::verify`] makes a
//! [`VerifiedEnvelope`], and it makes the whole integrity check: signature, signed attributes, chain rules
//! and payload (Notary Project signature specification v1.1; signature-envelope-jws.md,
//! signature-envelope-cose.md). Where a reference implementation is laxer than the specification, the
//! specification holds.

mod algorithm;
mod attributes;
mod cbor;
mod cose;
mod envelope;
mod error;
mod json;
mod jws;
mod payload;
mod time;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use attributes::{AttributeName, AttributeValue, ExtendedAttribute, PluginRequirement, Scheme};
pub use envelope::{UnverifiedEnvelope, VerifiedEnvelope};
pub use error::{CriticalProblem, EnvelopeError};
pub use payload::TargetArtifact;

/// Artifact type of a signature manifest.
pub const SIGNATURE_ARTIFACT_TYPE: &str = "application/vnd.cncf.notary.signature";

/// Media type of a JWS envelope.
pub const JWS_MEDIA_TYPE: &str = "application/jose+json";

/// Media type of a COSE envelope.
pub const COSE_MEDIA_TYPE: &str = "application/cose";

/// Content type of the signed payload.
pub const PAYLOAD_CONTENT_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";

/// Most bytes of one envelope. Real ones have 2 to 12 KiB.
pub const MAX_ENVELOPE: usize = 1024 * 1024;
