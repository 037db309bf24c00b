//! One object as it was seen: what decides, what its status says, and nothing else of it.

use std::fmt;
use std::sync::Arc;

use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use super::ObjectName;
use super::shelf::Room;
use crate::crd::Document;
use crate::crd::yaml::{Seen, YamlError};

/// The longest object that is read, as JSON of what decides, in bytes.
pub(super) const MAX_OBJECT_BYTES: usize = 1 << 20;

/// The most values in one object, as in one document of a file.
const MAX_NODES: usize = 50_000;

/// What one value takes besides its text, and what an object takes besides its values: of the room.
const NODE_WEIGHT: usize = 96;
const OBJECT_WEIGHT: usize = 512;

/// Longer statuses than this are not kept; nobody but Hallmark writes them, and it writes less.
const MAX_STATUS_BYTES: usize = 64 << 10;

/// Annotations whose names begin so are ours; others are not looked at.
const ANNOTATIONS: &str = "hallmark.io/";

/// An object as it was seen.
#[derive(Clone, Debug)]
pub(in super::super) struct Observed {
    content: Content,
    /// `metadata.generation`, which counts changes of what is wanted.
    pub generation: i64,
    /// Its status, where there is one of a size that is kept.
    pub status: Option<Arc<Value>>,
    /// What it takes of the room.
    weight: usize,
}

#[derive(Clone, PartialEq)]
enum Content {
    Whole(Arc<Value>),
    /// It was too long to be kept, or there was no room.
    TooLong(String),
}

impl fmt::Debug for Content {
    /// Never what is written: an Executor may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(_) => f.write_str("Whole"),
            Self::TooLong(why) => f.debug_tuple("TooLong").field(why).finish(),
        }
    }
}

/// Takes of an object what decides and what its status says. What others write beside that (managed
/// fields, labels, the last applied text) is left, so that a change of it changes nothing here. Where there is
/// no room its name is kept.
pub(super) fn observed(name: &ObjectName, object: &DynamicObject, room: Room) -> Observed {
    let generation = object.metadata.generation.unwrap_or_default();
    let too_long = |why| Observed { content: Content::TooLong(why), generation, status: None, weight: 0 };
    let document = document(name, object);
    let (bytes, nodes) = (length(&document), nodes(&document));
    if bytes > MAX_OBJECT_BYTES {
        return too_long(format!("it has {bytes} bytes, and at most {MAX_OBJECT_BYTES} are read"));
    }
    if nodes > MAX_NODES {
        return too_long(format!("it has {nodes} values, and at most {MAX_NODES} are read"));
    }
    let status = object.data.get("status").map(|status| (status, length(status)));
    let status = status.filter(|(_, length)| *length <= MAX_STATUS_BYTES);
    let of_status = status.map_or(0, |(_, length)| length);
    let weight = OBJECT_WEIGHT + bytes + nodes * NODE_WEIGHT + of_status;
    if weight > room.left {
        return too_long(room.full);
    }
    let status = status.map(|(status, _)| Arc::new(status.clone()));
    Observed { content: Content::Whole(Arc::new(document)), generation, status, weight }
}

/// How many values there are, this one and those in it.
fn nodes(value: &Value) -> usize {
    let within: usize = match value {
        Value::Array(items) => items.iter().map(nodes).sum(),
        Value::Object(members) => members.values().map(nodes).sum(),
        _ => 0,
    };
    within.saturating_add(1)
}

fn length(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |text| text.len())
}

fn document(name: &ObjectName, object: &DynamicObject) -> Value {
    let mut metadata = Map::from_iter([("name".to_owned(), json!(&*name.name))]);
    if let Some(namespace) = &name.namespace {
        metadata.insert("namespace".to_owned(), json!(&**namespace));
    }
    let annotations = object.metadata.annotations.iter().flatten();
    let ours: Map<String, Value> = annotations
        .filter(|(name, _)| name.starts_with(ANNOTATIONS))
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    if !ours.is_empty() {
        metadata.insert("annotations".to_owned(), Value::Object(ours));
    }
    let watched = name.watched();
    let mut document = json!({
        "apiVersion": watched.map(super::WatchedKind::api_version),
        "kind": watched.map(|watched| watched.kind),
        "metadata": metadata,
    });
    if let (Some(document), Some(fields)) = (document.as_object_mut(), object.data.as_object()) {
        let rest = fields.iter().filter(|(field, _)| *field != "status");
        document.extend(rest.map(|(field, value)| (field.clone(), value.clone())));
    }
    document
}

impl Observed {
    /// True where a decision cannot tell one from the other.
    pub(super) fn means_the_same_as(&self, other: &Self) -> bool {
        // A generation counts changes of what is wanted; the status that is written names it.
        self.content == other.content && self.generation == other.generation
    }

    /// What it takes of the room.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// The object as a document.
    pub(super) fn document(&self, name: &ObjectName) -> Document {
        match &self.content {
            Content::Whole(value) => Document::from(&**value),
            Content::TooLong(why) => {
                let watched = name.watched();
                let seen = Seen {
                    kind: watched.map(|watched| watched.kind.to_owned()),
                    api_version: watched.map(super::WatchedKind::api_version),
                    name: Some(name.name.to_string()),
                    namespace: name.namespace.as_deref().map(str::to_owned),
                    is_ours: true,
                };
                let remedy = "make it shorter; or delete objects that nothing uses, then change this one (a label suffices)";
                let error = YamlError { line: None, message: why.clone(), seen: Box::new(seen), remedy };
                Document { file: None, line: None, content: Err(error) }
            }
        }
    }
}
