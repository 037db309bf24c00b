//! Image manifests and indexes read from hashed bytes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Content, Descriptor, media_type};
use crate::json::{self, Repeated};
use crate::reference::Digest;

/// Bounds on one document. Real manifests have a handful of layers, real indexes a few dozen entries.
const MAX_LAYERS: usize = 512;
const MAX_ENTRIES: usize = 4096;
const MAX_ANNOTATIONS: usize = 256;

/// An image manifest, or an artifact manifest of the release candidates (`blobs` read as `layers`).
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The `mediaType` member, or the type under which the bytes were served.
    pub media_type: String,
    /// The `artifactType` member.
    pub artifact_type: Option<String>,
    /// The config descriptor; artifact manifests have none.
    pub config: Option<Descriptor>,
    /// Layers or blobs, in order.
    pub layers: Vec<Descriptor>,
    /// What the manifest says it is attached to.
    pub subject: Option<Descriptor>,
    /// Annotations, unsigned.
    pub annotations: BTreeMap<String, String>,
}

/// An image index or Docker manifest list. Malformed entries are left out and counted.
#[derive(Clone, Debug)]
pub struct Index {
    /// The readable entries, in order.
    pub entries: Vec<Descriptor>,
    /// How many entries could not be read.
    pub malformed_entries: usize,
    /// Annotations of the index itself.
    pub annotations: BTreeMap<String, String>,
}

/// Why bytes are no manifest or index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, or not an object.
    #[error("not a JSON object: {0}")]
    Json(String),
    /// A member is missing or has the wrong shape.
    #[error("member {member} {problem}")]
    Member {
        /// The member's name.
        member: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The document's own `mediaType` is not the type under which it was served.
    #[error("served as {served}, its mediaType member says {written}")]
    MediaTypeMismatch {
        /// The type that the registry or the referring descriptor gave.
        served: String,
        /// The type that the document gives.
        written: String,
    },
    /// More of something than is read.
    #[error("{count} {what}, at most {limit} are read")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many are read.
        limit: usize,
    },
}

impl Manifest {
    /// Reads a manifest. The document's own `mediaType`, where written, must be the one it was served as.
    ///
    /// # Errors
    /// [`DocumentError`] names the member.
    pub fn parse(content: &Content) -> Result<Self, DocumentError> {
        let object = object(content)?;
        let media_type = checked_media_type(&object, content)?;
        if media_type::is_index(&media_type) {
            return Err(member("mediaType", "is that of an index, not of a manifest"));
        }
        let name = if object.contains_key("layers") { "layers" } else { "blobs" };
        Ok(Self {
            config: optional_descriptor(&object, "config")?,
            layers: descriptors(&object, name, MAX_LAYERS)?,
            subject: optional_descriptor(&object, "subject")?,
            artifact_type: optional_text(&object, "artifactType")?,
            annotations: annotations(&object)?,
            media_type,
        })
    }
}

impl Index {
    /// Reads an index, leaving out entries that are malformed.
    ///
    /// # Errors
    /// [`DocumentError`] where the document as a whole is none.
    pub fn parse(content: &Content) -> Result<Self, DocumentError> {
        let object = object(content)?;
        checked_media_type(&object, content)?;
        let Some(list) = object.get("manifests") else {
            return Err(member("manifests", "is missing"));
        };
        let list = match list {
            Value::Array(list) => list.as_slice(),
            // Go encoders write an empty list as null.
            Value::Null => &[],
            _ => return Err(member("manifests", "is not a list")),
        };
        if list.len() > MAX_ENTRIES {
            return Err(DocumentError::TooMany { what: "entries", count: list.len(), limit: MAX_ENTRIES });
        }
        let entries: Vec<_> = list.iter().filter_map(|entry| descriptor(entry, "manifests").ok()).collect();
        Ok(Self {
            malformed_entries: list.len() - entries.len(),
            entries,
            annotations: annotations(&object).unwrap_or_default(),
        })
    }
}

fn object(content: &Content) -> Result<Map<String, Value>, DocumentError> {
    match json::read(content.bytes(), json::MAX_DEPTH, Repeated::LastCounts) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(DocumentError::Json("another kind of value".to_owned())),
        Err(error) => Err(DocumentError::Json(error.to_string())),
    }
}

fn checked_media_type(object: &Map<String, Value>, content: &Content) -> Result<String, DocumentError> {
    match optional_text(object, "mediaType")? {
        None => Ok(content.media_type().to_owned()),
        Some(written) if content.media_type().is_empty() || written == content.media_type() => Ok(written),
        Some(written) => {
            Err(DocumentError::MediaTypeMismatch { served: content.media_type().to_owned(), written })
        }
    }
}

fn member(member: &'static str, problem: impl Into<String>) -> DocumentError {
    DocumentError::Member { member, problem: problem.into() }
}

fn optional_text(object: &Map<String, Value>, name: &'static str) -> Result<Option<String>, DocumentError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(member(name, "is not a text")),
    }
}

fn optional_descriptor(
    object: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Descriptor>, DocumentError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => descriptor(value, name).map(Some),
    }
}

fn descriptors(
    object: &Map<String, Value>,
    name: &'static str,
    limit: usize,
) -> Result<Vec<Descriptor>, DocumentError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() > limit => {
            Err(DocumentError::TooMany { what: "layers", count: list.len(), limit })
        }
        Some(Value::Array(list)) => list.iter().map(|value| descriptor(value, name)).collect(),
        Some(_) => Err(member(name, "is not a list")),
    }
}

fn descriptor(value: &Value, name: &'static str) -> Result<Descriptor, DocumentError> {
    let Value::Object(object) = value else {
        return Err(member(name, "holds no descriptor"));
    };
    let digest =
        optional_text(object, "digest")?.ok_or_else(|| member(name, "has a descriptor without digest"))?;
    Ok(Descriptor {
        media_type: optional_text(object, "mediaType")?
            .ok_or_else(|| member(name, "has a descriptor without mediaType"))?,
        digest: digest.parse::<Digest>().map_err(|error| member(name, error.to_string()))?,
        size: object
            .get("size")
            .and_then(Value::as_u64)
            .ok_or_else(|| member(name, "has a descriptor whose size is no whole number"))?,
        artifact_type: optional_text(object, "artifactType")?,
        annotations: annotations(object)?,
    })
}

fn annotations(object: &Map<String, Value>) -> Result<BTreeMap<String, String>, DocumentError> {
    let map = match object.get("annotations") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(member("annotations", "is not an object")),
    };
    if map.len() > MAX_ANNOTATIONS {
        return Err(DocumentError::TooMany { what: "annotations", count: map.len(), limit: MAX_ANNOTATIONS });
    }
    map.iter()
        .map(|(key, value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            _ => Err(member("annotations", format!("has a value under {key:?} that is not a text"))),
        })
        .collect()
}
