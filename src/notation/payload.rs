//! The signed payload: which artifact the signature covers (Notary Project signature specification v1.1,
//! "Payload").

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{EnvelopeError, json};
use crate::reference::Digest;

/// The artifact that a signature covers, by the signer's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetArtifact {
    /// Media type of the artifact's manifest.
    pub media_type: String,
    /// Digest of the manifest.
    pub digest: Digest,
    /// Size of the manifest in bytes.
    pub size: u64,
    /// What the signer says of it: the user metadata.
    pub annotations: BTreeMap<String, String>,
}

impl TargetArtifact {
    /// Reads the payload's bytes. Members that are not read are ignored, as the specification asks.
    pub(super) fn read(payload: &[u8]) -> Result<Self, EnvelopeError> {
        let payload = json::object("payload", payload)?;
        let Some(Value::Object(target)) = payload.get("targetArtifact") else {
            return Err(problem("targetArtifact", "is missing or no object"));
        };
        let digest = text(target, "digest")?;
        Ok(Self {
            media_type: text(target, "mediaType")?.to_owned(),
            digest: digest.parse().map_err(|error| problem("digest", format!("is malformed: {error}")))?,
            size: target
                .get("size")
                .and_then(Value::as_u64)
                .ok_or_else(|| problem("size", "is missing or no whole number"))?,
            annotations: annotations(target)?,
        })
    }

    /// About how many bytes of memory it takes.
    pub(super) fn retained_bytes(&self) -> usize {
        let annotations = self.annotations.iter().map(|(name, value)| name.len() + value.len() + 64);
        self.media_type.len() + annotations.sum::<usize>() + size_of::<Self>()
    }
}

fn text<'a>(target: &'a Map<String, Value>, member: &'static str) -> Result<&'a str, EnvelopeError> {
    let text = target.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| problem(member, "is missing or no text"))
}

fn annotations(target: &Map<String, Value>) -> Result<BTreeMap<String, String>, EnvelopeError> {
    let annotations = match target.get("annotations") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(annotations)) => annotations,
        Some(_) => return Err(problem("annotations", "is no object")),
    };
    let texts = annotations.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    texts.collect::<Option<_>>().ok_or_else(|| problem("annotations", "holds a value that is no text"))
}

fn problem(member: &'static str, problem: impl Into<String>) -> EnvelopeError {
    EnvelopeError::Payload { member, problem: problem.into() }
}
