//! Mappings and lists of mappings inside a setting: fields by name, each checked where it is written.

use std::path::Path;

use config::{Map, Value, ValueKind};

use super::document::{Node, Written};
use super::error::SettingProblem;
use super::gather::{Gathered, remedy};
use super::kind::Kind;

/// One field of a mapping.
#[derive(Debug)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
    /// Whether the mapping is incomplete without it.
    pub required: bool,
    /// What a list of mappings holds; there where `kind` is [`Kind::Nested`].
    pub items: Option<&'static Items>,
}

/// What a list of mappings holds.
#[derive(Debug)]
pub(super) struct Items {
    /// One of them, for messages.
    pub one: &'static str,
    /// The list, for messages.
    pub expected: &'static str,
    pub fields: &'static [Field],
}

pub(super) const fn field(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { name, kind, help, required: false, items: None }
}

pub(super) const fn required(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { required: true, ..field(name, kind, help) }
}

/// Reads a mapping; `None` where it is none.
pub(super) fn fields(
    gathered: &mut Gathered,
    path: &str,
    known: &'static [Field],
    node: &Node,
    folder: &Path,
    place: &dyn Fn(u64) -> String,
) -> Option<ValueKind> {
    let Written::Map(members) = &node.value else {
        let names: Vec<&str> = known.iter().map(|field| field.name).collect();
        gathered.problems.push(SettingProblem::Value {
            setting: path.to_owned(),
            origin: place(node.line),
            value: node.describe().to_owned(),
            expected: format!("a mapping with any of {}", names.join(", ")),
        });
        return None;
    };
    let mut values: Map<String, Value> = Map::new();
    for member in members {
        let origin = place(member.line);
        let path = format!("{path}.{}", member.name);
        let Some(field) = known.iter().find(|field| field.name == member.name) else {
            let remedy = remedy(&member.name, known.iter().map(|field| field.name));
            gathered.problems.push(SettingProblem::Unknown { name: path, origin, remedy });
            continue;
        };
        let value = match field.items {
            Some(items) => list(gathered, &path, items, &member.node, folder, place),
            None => gathered.read_node(&path, field.kind, &member.node, folder, &origin),
        };
        if let Some(value) = value {
            gathered.note_origin(&path, &origin);
            values.insert(field.name.to_owned(), Value::new(Some(&origin), value));
        }
    }
    Some(values.into())
}

/// Reads a list of mappings; `None` where it is none, or one of them is no mapping.
pub(super) fn list(
    gathered: &mut Gathered,
    path: &str,
    items: &'static Items,
    node: &Node,
    folder: &Path,
    place: &dyn Fn(u64) -> String,
) -> Option<ValueKind> {
    let Written::List(nodes) = &node.value else {
        gathered.problems.push(SettingProblem::Value {
            setting: path.to_owned(),
            origin: place(node.line),
            value: node.describe().to_owned(),
            expected: items.expected.to_owned(),
        });
        return None;
    };
    let mut values: Vec<Value> = Vec::new();
    for (position, item) in nodes.iter().enumerate() {
        let path = format!("{path}[{position}]");
        let before = gathered.problems.len();
        let value = fields(gathered, &path, items.fields, item, folder, place)?;
        let missing = items.fields.iter().filter(|field| field.required).map(|field| field.name);
        let missing = missing.filter(|name| !gathered.is_set(&format!("{path}.{name}")));
        let missing: Vec<&str> = missing.collect();
        if gathered.problems.len() == before && !missing.is_empty() {
            gathered.problems.push(SettingProblem::Value {
                setting: path,
                origin: place(item.line),
                value: format!("{} without {}", items.one, missing.join(" and ")),
                expected: "complete".to_owned(),
            });
        }
        values.push(Value::new(None, value));
    }
    Some(values.into())
}
