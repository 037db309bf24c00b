//! `registry.hosts` of the settings file: what is different for single registries.

use std::path::Path;

use config::{Map, Value, ValueKind};

use super::document::{Node, Written};
use super::error::SettingProblem;
use super::gather::{Gathered, remedy};
use super::kind::{Item, Kind};
use crate::reference::RegistryHost;

/// One field of a host, or of a mirror of it.
#[derive(Debug)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
}

const fn field(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { name, kind, help }
}

/// What can be said of one host in `registry.hosts`.
pub(super) const HOST_FIELDS: &[Field] = &[
    field("ca_file", Kind::Path, "PEM bundle: the only CAs that are believed for this host"),
    field("client_certificate_file", Kind::Path, "PEM chain that is shown where the host asks for one"),
    field("client_key_file", Kind::Path, "The key of that certificate, PEM, not encrypted"),
    field("plain_http", Kind::Switch, "Ask this host over plain HTTP, whatever its name"),
    field("mirrors", Kind::Nested, "List of mirrors that are asked first, in order"),
    field(
        "allowed_realm_hosts",
        Kind::List(Item::HostPort),
        "Token services that may see the credentials of this host",
    ),
];

/// What can be said of one mirror.
pub(super) const MIRROR_FIELDS: &[Field] = &[
    field("url", Kind::MirrorUrl, "Where it is; a path goes before every repository"),
    field(
        "resolves_tags",
        Kind::Switch,
        "Whether it may say what a tag means; else it is asked for digests only",
    ),
];

/// Reads the whole mapping; `None` where it is none. Each host that is not one costs only itself.
pub(super) fn read(
    gathered: &mut Gathered,
    setting: &str,
    node: &Node,
    folder: &Path,
    place: &dyn Fn(u64) -> String,
) -> Option<ValueKind> {
    let Written::Map(members) = &node.value else {
        gathered.problems.push(SettingProblem::Value {
            setting: setting.to_owned(),
            origin: place(node.line),
            value: node.describe().to_owned(),
            expected: "a mapping of hosts".to_owned(),
        });
        return None;
    };
    let mut hosts: Map<String, Value> = Map::new();
    for member in members {
        let path = format!("{setting}.{}", member.name);
        let origin = place(member.line);
        let Some(host) = RegistryHost::parse(&member.name) else {
            gathered.problems.push(SettingProblem::Value {
                setting: setting.to_owned(),
                origin,
                value: format!("{:?}", member.name),
                expected: "a host, such as registry.example or 10.0.0.7:5000".to_owned(),
            });
            continue;
        };
        if hosts.contains_key(host.as_str()) {
            gathered.problems.push(SettingProblem::Contradiction {
                setting: path,
                origin,
                contradiction: format!("the host {host} is written twice"),
                remedy: "keep one of the two".to_owned(),
            });
            continue;
        }
        let path = format!("{setting}.{host}");
        gathered.note_origin(&path, &origin);
        if let Some(value) = fields(gathered, &path, HOST_FIELDS, &member.node, folder, place) {
            hosts.insert(host.as_str().to_owned(), Value::new(Some(&origin), value));
        }
    }
    Some(hosts.into())
}

fn fields(
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
        let value = match field.kind {
            Kind::Nested => mirrors(gathered, &path, &member.node, folder, place),
            kind => gathered.read_node(&path, kind, &member.node, folder, &origin),
        };
        if let Some(value) = value {
            gathered.note_origin(&path, &origin);
            values.insert(field.name.to_owned(), Value::new(Some(&origin), value));
        }
    }
    Some(values.into())
}

fn mirrors(
    gathered: &mut Gathered,
    path: &str,
    node: &Node,
    folder: &Path,
    place: &dyn Fn(u64) -> String,
) -> Option<ValueKind> {
    let Written::List(items) = &node.value else {
        gathered.problems.push(SettingProblem::Value {
            setting: path.to_owned(),
            origin: place(node.line),
            value: node.describe().to_owned(),
            expected: "a list of mirrors, each a mapping with its url".to_owned(),
        });
        return None;
    };
    let mut values: Vec<Value> = Vec::new();
    for (position, item) in items.iter().enumerate() {
        let path = format!("{path}[{position}]");
        let before = gathered.problems.len();
        let value = fields(gathered, &path, MIRROR_FIELDS, item, folder, place)?;
        if gathered.problems.len() == before && !gathered.is_set(&format!("{path}.url")) {
            gathered.problems.push(SettingProblem::Value {
                setting: path,
                origin: place(item.line),
                value: "a mirror without url".to_owned(),
                expected: "complete".to_owned(),
            });
        }
        values.push(Value::new(None, value));
    }
    Some(values.into())
}
