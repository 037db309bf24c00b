//! What each source says, as layers of the `config` crate: every value is checked where it is found, and
//! names that no setting has are refused.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use config::{ConfigError, Map, Source, Value, ValueKind};

use super::arguments::FlagValues;
use super::document::{Member, Node, Written};
use super::error::SettingProblem;
use super::gatekeeper;
use super::hosts;
use super::kind::Kind;
use super::nearest::nearest;
use super::table::{PREFIX, Preset, SETTINGS, Setting, find};

/// What one source says.
#[derive(Clone, Default)]
pub(super) struct Layer {
    values: Map<String, Value>,
}

impl fmt::Debug for Layer {
    /// Names alone: a value may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone())
    }
}

/// Collects layers, where each setting was set last, and what is wrong.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// From the weakest to the strongest.
    pub layers: Vec<Layer>,
    origins: BTreeMap<String, String>,
    pub problems: Vec<SettingProblem>,
}

impl Gathered {
    /// Where a setting was set.
    pub(super) fn origin(&self, path: &str) -> &str {
        self.origins.get(path).map_or("default", String::as_str)
    }

    /// A setting contradicts another.
    pub(super) fn contradict(&mut self, setting: &str, contradiction: &str, remedy: &str) {
        let problem = SettingProblem::Contradiction {
            setting: setting.to_owned(),
            origin: self.origin(setting).to_owned(),
            contradiction: contradiction.to_owned(),
            remedy: remedy.to_owned(),
        };
        self.problems.push(problem);
    }

    /// Was the setting set by anybody?
    pub(super) fn is_set(&self, path: &str) -> bool {
        self.origins.contains_key(path)
    }

    pub(super) fn note_origin(&mut self, path: &str, origin: &str) {
        self.origins.insert(path.to_owned(), origin.to_owned());
    }

    pub(super) fn add_defaults(&mut self) {
        let mut layer = Layer::default();
        for setting in SETTINGS {
            if let Preset::Text(text) = setting.default
                && let Ok(value) = setting.kind.read(text, None)
            {
                layer.values.insert(setting.path.to_owned(), Value::new(None, value));
            }
        }
        self.layers.push(layer);
    }

    /// Adds what a settings file says. `folder` is where its relative paths begin.
    pub(super) fn add_file(&mut self, file: &str, folder: &Path, root: &Node) {
        let mut layer = Layer::default();
        let place = |line: u64| if line == 0 { file.to_owned() } else { format!("{file}:{line}") };
        match &root.value {
            Written::Nothing => {}
            Written::Map(members) => {
                for member in members {
                    self.add_member(&mut layer, "", member, folder, &place);
                }
            }
            _ => self.problems.push(SettingProblem::Document {
                origin: place(root.line),
                why: format!("a mapping is wanted, not {}", root.describe()),
            }),
        }
        self.layers.push(layer);
    }

    fn add_member(
        &mut self,
        layer: &mut Layer,
        above: &str,
        member: &Member,
        folder: &Path,
        place: &dyn Fn(u64) -> String,
    ) {
        let path = if above.is_empty() { member.name.clone() } else { format!("{above}.{}", member.name) };
        if member.name.contains('.') {
            // A second spelling of the same key could contradict the first unseen.
            self.problems.push(SettingProblem::Unknown {
                name: path,
                origin: place(member.line),
                remedy: "write each step as a mapping of its own".to_owned(),
            });
            return;
        }
        if let Some(setting) = find(&path) {
            let origin = place(member.line);
            let value = if setting.is_file_only() {
                match setting.path {
                    gatekeeper::PROVIDERS => gatekeeper::read(self, &member.node, folder, place),
                    path => hosts::read(self, path, &member.node, folder, place),
                }
            } else {
                self.read_node(setting.path, setting.kind, &member.node, folder, &origin)
            };
            if let Some(value) = value {
                self.note_origin(setting.path, &origin);
                layer.values.insert(path, Value::new(Some(&origin), value));
            }
            return;
        }
        let is_section = SETTINGS.iter().any(|setting| setting.section() == path);
        match &member.node.value {
            Written::Map(members) if is_section => {
                for member in members {
                    self.add_member(layer, &path, member, folder, place);
                }
            }
            Written::Nothing if is_section => {}
            _ if is_section => self.problems.push(SettingProblem::Value {
                setting: path,
                origin: place(member.line),
                value: member.node.describe().to_owned(),
                expected: "a mapping of settings".to_owned(),
            }),
            _ => self.problems.push(SettingProblem::Unknown {
                remedy: remedy(&path, SETTINGS.iter().map(|setting| setting.path)),
                name: path,
                origin: place(member.line),
            }),
        }
    }

    /// Reads the value of a setting, or of a field of a host, from the file.
    pub(super) fn read_node(
        &mut self,
        setting: &str,
        kind: Kind,
        node: &Node,
        folder: &Path,
        origin: &str,
    ) -> Option<ValueKind> {
        match (&node.value, kind) {
            (Written::Scalar(text), _) => self.read_text(setting, kind, text, Some(folder), origin),
            (Written::List(items), Kind::List(item)) => {
                let mut values = Vec::new();
                for node in items {
                    let value = match &node.value {
                        Written::Scalar(text) => item.read(text, Some(folder)).ok(),
                        _ => None,
                    };
                    let shown = match &node.value {
                        Written::Scalar(text) => kind.shown(text),
                        _ => node.describe().to_owned(),
                    };
                    let read = value.ok_or_else(|| unfit(setting, origin, shown, item.expected().to_owned()));
                    values.push(Value::new(Some(&origin.to_owned()), self.keep(read)?));
                }
                Some(values.into())
            }
            _ => {
                self.problems.push(unfit(setting, origin, node.describe().to_owned(), kind.expected()));
                None
            }
        }
    }

    pub(super) fn read_text(
        &mut self,
        setting: &str,
        kind: Kind,
        text: &str,
        folder: Option<&Path>,
        origin: &str,
    ) -> Option<ValueKind> {
        let read =
            kind.read(text, folder).map_err(|_| unfit(setting, origin, kind.shown(text), kind.expected()));
        self.keep(read)
    }

    fn keep<T>(&mut self, read: Result<T, SettingProblem>) -> Option<T> {
        read.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// Adds the variables that begin with `HALLMARK_`.
    pub(super) fn add_environment(&mut self, environment: &BTreeMap<String, String>) {
        let mut layer = Layer::default();
        let ours = environment.iter().filter(|(name, _)| name.starts_with(PREFIX) && !is_foreign(name));
        for (name, text) in ours {
            match SETTINGS.iter().find(|setting| setting.variable() == *name) {
                Some(setting) if !setting.is_file_only() => {
                    let texts =
                        if matches!(setting.kind, Kind::List(_)) { split(text) } else { vec![text.clone()] };
                    self.add_texts(&mut layer, setting, &texts, name);
                }
                Some(setting) => self.problems.push(file_only(setting, name, name)),
                None => {
                    let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
                    let remedy = remedy(name, known.iter().map(String::as_str));
                    let origin = "environment".to_owned();
                    self.problems.push(SettingProblem::Unknown { name: name.clone(), origin, remedy });
                }
            }
        }
        self.layers.push(layer);
    }

    /// Adds what the command line says.
    pub(super) fn add_flags(&mut self, flags: &FlagValues) {
        let mut layer = Layer::default();
        for (path, texts) in flags.values() {
            match find(path) {
                Some(setting) if !setting.is_file_only() => {
                    let origin = format!("--{}", setting.flag());
                    self.add_texts(&mut layer, setting, texts, &origin);
                }
                Some(setting) => self.problems.push(file_only(setting, path, "command line")),
                None => self.problems.push(SettingProblem::Unknown {
                    name: path.to_owned(),
                    origin: "command line".to_owned(),
                    remedy: remedy(path, SETTINGS.iter().map(|setting| setting.path)),
                }),
            }
        }
        self.layers.push(layer);
    }

    /// Adds a value that was given as texts: those of a list, or one, of which the last counts.
    fn add_texts(&mut self, layer: &mut Layer, setting: &Setting, texts: &[String], origin: &str) {
        let value = match setting.kind {
            Kind::List(item) => {
                let mut values = Vec::new();
                for text in texts {
                    let read = item.read(text, None).map_err(|_| {
                        unfit(setting.path, origin, setting.kind.shown(text), item.expected().to_owned())
                    });
                    let Some(value) = self.keep(read) else { return };
                    values.push(Value::new(Some(&origin.to_owned()), value));
                }
                Some(values.into())
            }
            kind => {
                let text = texts.last().map_or("", String::as_str);
                self.read_text(setting.path, kind, text, None, origin)
            }
        };
        if let Some(value) = value {
            self.note_origin(setting.path, origin);
            layer.values.insert(setting.path.to_owned(), Value::new(Some(&origin.to_owned()), value));
        }
    }
}

fn unfit(setting: &str, origin: &str, value: String, expected: String) -> SettingProblem {
    SettingProblem::Value { setting: setting.to_owned(), origin: origin.to_owned(), value, expected }
}

fn file_only(setting: &Setting, name: &str, origin: &str) -> SettingProblem {
    SettingProblem::Unknown {
        name: name.to_owned(),
        origin: origin.to_owned(),
        remedy: format!("only the settings file can say {}", setting.path),
    }
}

pub(super) fn remedy<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    match nearest(name, known) {
        Some(near) => format!("did you mean {near}?"),
        None => "docs/settings.md lists them all".to_owned(),
    }
}

/// The items of a list in one text; an empty text is an empty list.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// Variables that begin with our prefix and are no settings: where the settings file is, what the project's
/// own tests are told, and what Kubernetes writes into every Pod for a Service whose name begins with
/// `hallmark`.
fn is_foreign(name: &str) -> bool {
    const KNOWN: [&str; 3] = ["HALLMARK_SETTINGS", "HALLMARK_PARTS", "HALLMARK_FUZZ_CORPUS"];
    KNOWN.contains(&name) || is_service_link(name)
}

/// `…_SERVICE_HOST`, `…_SERVICE_PORT[_NAME]`, `…_PORT` and `…_PORT_6001_TCP[_ADDR|_PORT|_PROTO]`.
fn is_service_link(name: &str) -> bool {
    if name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || name.ends_with("_PORT") {
        return true;
    }
    let name = ["_ADDR", "_PROTO"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let Some(numbered) = ["_TCP", "_UDP", "_SCTP"].iter().find_map(|end| name.strip_suffix(end)) else {
        return false;
    };
    numbered
        .rsplit_once("_PORT_")
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}
