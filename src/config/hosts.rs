//! `registry.hosts` of the settings file: what is different for single registries.

use std::path::Path;

use config::{Map, Value, ValueKind};

use super::document::{Node, Written};
use super::error::SettingProblem;
use super::gather::Gathered;
use super::kind::{Item, Kind};
use super::nested::{Field, Items, field, fields, required};
use crate::reference::RegistryHost;

/// What can be said of one host in `registry.hosts`.
pub(super) const HOST_FIELDS: &[Field] = &[
    field("ca_file", Kind::Path, "PEM bundle: the only CAs that are believed for this host"),
    field("client_certificate_file", Kind::Path, "PEM chain that is shown where the host asks for one"),
    field("client_key_file", Kind::Path, "The key of that certificate, PEM, not encrypted"),
    field("plain_http", Kind::Switch, "Ask this host over plain HTTP, whatever its name"),
    Field {
        items: Some(&MIRRORS),
        ..field("mirrors", Kind::Nested, "List of mirrors that are asked first, in order")
    },
    field(
        "allowed_realm_hosts",
        Kind::List(Item::HostPort),
        "Token services that may see the credentials of this host",
    ),
];

/// What can be said of one mirror.
pub(super) const MIRROR_FIELDS: &[Field] = &[
    required("url", Kind::MirrorUrl, "Where it is; a path goes before every repository"),
    field(
        "resolves_tags",
        Kind::Switch,
        "Whether it may say what a tag means; else it is asked for digests only",
    ),
];

const MIRRORS: Items = Items {
    one: "a mirror",
    expected: "a list of mirrors, each a mapping with its url",
    fields: MIRROR_FIELDS,
};

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
