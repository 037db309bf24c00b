//! Facts: what one candidate signature is, read from the registry and checked cryptographically. They do
//! not depend on configuration, so they outlive every change of it.
//!
//! Notary Project specification v1.1, signature-specification.md, "Storage".

use std::sync::Arc;

use crate::notation::{COSE_MEDIA_TYPE, JWS_MEDIA_TYPE, UnverifiedEnvelope, VerifiedEnvelope};
use crate::oci::{Descriptor, Manifest, media_type};
use crate::outcome::{Reason, ReasonCode};
use crate::reference::{Digest, Repository};
use crate::registry::{ArtifactStore, FetchContext, FetchError};
use crate::x509::CertificatePool;

/// Artifact type of a Notary Project signature.
pub const ARTIFACT_TYPE: &str = "application/vnd.cncf.notary.signature";

/// Most bytes of one envelope: real ones have 2 to 12 KiB.
pub const MAX_ENVELOPE_BYTES: u64 = 1024 * 1024;

/// Most bytes of a signature manifest's declared size.
const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// What one candidate signature is, whoever is trusted.
#[derive(Clone, Debug)]
pub struct SignatureFacts {
    manifest: Digest,
    /// What the manifest says it is attached to; unsigned.
    attached_to: Option<Digest>,
    envelope: Result<VerifiedEnvelope, Reason>,
    retained_bytes: usize,
}

impl SignatureFacts {
    /// Digest of the signature's manifest.
    pub fn manifest(&self) -> &Digest {
        &self.manifest
    }

    /// What the manifest says it is attached to. It is not signed: the payload decides.
    pub fn attached_to(&self) -> Option<&Digest> {
        self.attached_to.as_ref()
    }

    /// The envelope whose signature verifies over its bytes, or why there is none.
    ///
    /// # Errors
    /// The reason for which the candidate fails integrity under every policy.
    pub fn envelope(&self) -> Result<&VerifiedEnvelope, &Reason> {
        self.envelope.as_ref()
    }

    /// About how many bytes keeping this costs.
    pub fn retained_bytes(&self) -> usize {
        self.retained_bytes
    }

    /// Facts of an envelope that was read elsewhere, as conformance cases and tests have it.
    pub fn of_envelope(manifest: Digest, media_type: &str, bytes: bytes::Bytes) -> Self {
        Self::of_envelope_with(manifest, media_type, bytes, &CertificatePool::default())
    }

    fn of_envelope_with(
        manifest: Digest,
        media_type: &str,
        bytes: bytes::Bytes,
        pool: &CertificatePool,
    ) -> Self {
        let size = bytes.len();
        let envelope = UnverifiedEnvelope::parse_with(media_type, bytes, pool)
            .and_then(UnverifiedEnvelope::verify)
            .map_err(|error| integrity(error.to_string()));
        let retained_bytes = match &envelope {
            Ok(envelope) => envelope.retained_bytes(),
            Err(_) => size.min(1024),
        };
        Self { manifest, attached_to: None, envelope, retained_bytes }
    }
}

/// What reading a candidate gave.
#[derive(Debug)]
pub enum Gathered {
    /// A signature, or what should be one. All of it follows from the bytes of the manifest and of what it
    /// names, so it holds wherever the same manifest is found.
    Facts(Arc<SignatureFacts>),
    /// The list, or the type that the manifest was served as, does not fit the manifest. Nothing of it is
    /// known to hold where somebody else lists or serves the same manifest.
    Misdescribed(Reason),
    /// The manifest shows that it is no Notary Project signature, which a list without artifact types cannot
    /// tell.
    Foreign,
}

/// Reads a candidate: its manifest, then its envelope. Certificates are read through `pool`.
///
/// A candidate that is malformed gives facts that say so; only what could not be read is an error.
///
/// # Errors
/// [`FetchError`] of the manifest or the envelope.
pub async fn gather(
    store: &dyn ArtifactStore,
    repository: &Repository,
    candidate: &Descriptor,
    pool: &CertificatePool,
    context: &FetchContext,
) -> Result<Gathered, FetchError> {
    let misdescribed = |problem| Ok(Gathered::Misdescribed(integrity(problem)));
    if candidate.size > MAX_MANIFEST_BYTES {
        return misdescribed(format!("the manifest is said to have {} bytes", candidate.size));
    }
    let content = store.manifest(repository, &candidate.digest, context).await?;
    let manifest = match Manifest::parse(&content) {
        Ok(manifest) => manifest,
        Err(error) => return misdescribed(format!("the manifest is malformed: {error}")),
    };
    if !is_signature(&manifest) {
        // A list that says so and a manifest that does not: somebody meant it to count.
        return match candidate.artifact_type.as_deref() {
            Some(ARTIFACT_TYPE) => {
                misdescribed("it is listed as a signature, and its manifest is none".to_owned())
            }
            _ => Ok(Gathered::Foreign),
        };
    }
    let attached_to = manifest.subject.as_ref().map(|subject| subject.digest.clone());
    let envelope = match envelope_descriptor(&manifest) {
        Ok(envelope) => envelope,
        Err(problem) => return Ok(Gathered::Facts(Arc::new(broken(candidate, attached_to, problem)))),
    };
    let blob = store.blob(repository, envelope, MAX_ENVELOPE_BYTES, context).await?;
    let bytes = blob.bytes().clone();
    let facts = SignatureFacts::of_envelope_with(candidate.digest.clone(), &envelope.media_type, bytes, pool);
    Ok(Gathered::Facts(Arc::new(SignatureFacts { attached_to, ..facts })))
}

/// The three forms that signers write: `artifactType` with the empty config, the config's media type
/// alone, and the artifact manifest of the release candidates.
fn is_signature(manifest: &Manifest) -> bool {
    let config = manifest.config.as_ref().map(|config| config.media_type.as_str());
    match manifest.artifact_type.as_deref() {
        Some(ARTIFACT_TYPE) => {
            manifest.media_type == media_type::ARTIFACT_MANIFEST
                || matches!(config, Some(media_type::EMPTY | ARTIFACT_TYPE))
        }
        Some(_) => false,
        None => config == Some(ARTIFACT_TYPE),
    }
}

fn envelope_descriptor(manifest: &Manifest) -> Result<&Descriptor, String> {
    let [envelope] = manifest.layers.as_slice() else {
        return Err(format!(
            "a signature manifest has exactly one layer, this one has {}",
            manifest.layers.len()
        ));
    };
    if envelope.size > MAX_ENVELOPE_BYTES {
        return Err(format!(
            "the envelope is said to have {} bytes, {MAX_ENVELOPE_BYTES} at most are read",
            envelope.size
        ));
    }
    if !is_envelope(&envelope.media_type) {
        return Err(format!("media type {:?} is no signature envelope", envelope.media_type));
    }
    Ok(envelope)
}

fn is_envelope(media_type: &str) -> bool {
    matches!(media_type, JWS_MEDIA_TYPE | COSE_MEDIA_TYPE)
}

fn broken(candidate: &Descriptor, attached_to: Option<Digest>, problem: String) -> SignatureFacts {
    SignatureFacts {
        manifest: candidate.digest.clone(),
        attached_to,
        envelope: Err(integrity(problem)),
        retained_bytes: 512,
    }
}

fn integrity(problem: String) -> Reason {
    Reason::new(
        ReasonCode::IntegrityFailed,
        problem,
        "sign the image again; if nobody of yours made this signature, delete it from the registry",
    )
}
