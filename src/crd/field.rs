//! A place in a document: the node, its path and its line, with the readers that note what is wrong.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strsim::levenshtein;

use super::node::{Member, Node};
use crate::engine::diagnostic::{Diagnostic, Severity};
use crate::line::within_chars;

/// The most errors of one resource that are said, and the most warnings, and notices: whoever writes a
/// thousand unknown fields fills no log.
const MAX_SAID: usize = 50;

/// The longest text of a field, message or remedy, in characters.
const MAX_CHARS: usize = 1024;

/// What is said about one resource while it is converted.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    /// The resource, as people call it.
    pub(super) resource: String,
    /// Its file.
    pub(super) file: Option<Arc<Path>>,
    /// Where it begins.
    pub(super) line: Option<u32>,
    /// What was said, in order.
    pub(super) said: Vec<Diagnostic>,
}

impl Notes {
    pub(super) fn new(resource: String, file: Option<Arc<Path>>, line: Option<u32>) -> Self {
        Self { resource, file, line, said: Vec::new() }
    }

    /// What would be said about a line and field.
    pub(super) fn diagnostic(
        &self,
        severity: Severity,
        (line, field): (Option<u32>, &str),
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic {
            severity,
            resource: shown(&self.resource),
            file: self.file.clone(),
            line: line.or(self.line),
            field: shown(field),
            message: shown(message.into()),
            remedy: shown(remedy.into()),
        }
    }

    /// True where nothing more of this severity is said.
    fn is_full(&self, severity: Severity) -> bool {
        self.count(severity) > MAX_SAID
    }

    fn count(&self, severity: Severity) -> usize {
        self.said.iter().filter(|said| said.severity == severity).count()
    }

    /// Says something about a line and field.
    pub(super) fn say(
        &mut self,
        severity: Severity,
        place: (Option<u32>, &str),
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        match self.count(severity) {
            said if said < MAX_SAID => self.said.push(self.diagnostic(severity, place, message, remedy)),
            MAX_SAID => {
                let message = format!("more {severity}s are not said");
                self.said.push(self.diagnostic(severity, (None, ""), message, ""));
            }
            _ => {}
        }
    }

    pub(super) fn error(&mut self, field: &Field<'_>, message: impl Into<String>, remedy: impl Into<String>) {
        self.say(Severity::Error, (field.line, &field.path), message, remedy);
    }

    pub(super) fn warning(
        &mut self,
        field: &Field<'_>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.say(Severity::Warning, (field.line, &field.path), message, remedy);
    }

    pub(super) fn notice(
        &mut self,
        field: &Field<'_>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.say(Severity::Notice, (field.line, &field.path), message, remedy);
    }

    /// The first error in one line: why the resource is refused. `None` where there is no error.
    pub(super) fn refusal(&self) -> Option<String> {
        let error = self.said.iter().find(|diagnostic| diagnostic.severity == Severity::Error)?;
        Some(match error.field.as_str() {
            "" => error.message.clone(),
            field => format!("{field}: {}", error.message),
        })
    }
}

/// A node with its place.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
    pub(super) line: Option<u32>,
}

impl<'a> Field<'a> {
    /// The root of something, called `path` in messages.
    pub(super) fn root(node: &'a Node, path: &str, line: Option<u32>) -> Self {
        Self { node, path: path.to_owned(), line }
    }

    /// The member called `name`, unless it is absent or null.
    pub(super) fn member(&self, name: &str) -> Option<Self> {
        self.node.member(name).map(|member| self.of(member)).filter(|field| !field.node.is_null())
    }

    /// Every member that is not null.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, Self)> + '_ {
        let members = self.node.members().unwrap_or_default().iter();
        members
            .map(|member| (member.name.as_str(), self.of(member)))
            .filter(|(_, field)| !field.node.is_null())
    }

    fn of(&self, member: &'a Member) -> Self {
        Self { node: &member.node, path: join(&self.path, &member.name), line: member.line.or(self.line) }
    }

    /// A place for messages about a member that is not there.
    pub(super) fn absent(&self, name: &str) -> Self {
        Self { node: self.node, path: join(&self.path, name), line: self.line }
    }

    /// The text, or a note that something else is written.
    pub(super) fn text(&self, notes: &mut Notes) -> Option<&'a str> {
        let text = self.node.text();
        if text.is_none() {
            notes.error(self, format!("a text is wanted, not {}", self.node.kind()), "put it in quotes");
        }
        text
    }

    /// A path of the process, or a note that it cannot be one.
    pub(super) fn path(&self, notes: &mut Notes) -> Option<PathBuf> {
        let text = self.text(notes)?;
        if text == "~" || text.starts_with("~/") {
            notes.error(self, "`~` is not replaced by a home folder here", "write the whole path");
            return None;
        }
        Some(PathBuf::from(text))
    }

    /// The text of a member; nothing is noted where it is absent or null.
    pub(super) fn member_text(&self, name: &str, notes: &mut Notes) -> Option<&'a str> {
        self.member(name)?.text(notes)
    }

    /// The text of a member that must be there and not be empty.
    pub(super) fn required_text(&self, name: &str, notes: &mut Notes, remedy: &str) -> Option<&'a str> {
        match self.member(name) {
            Some(field) => match field.text(notes)? {
                "" => {
                    notes.error(&field, "is empty", remedy);
                    None
                }
                text => Some(text),
            },
            None => {
                match self.misspelt(name) {
                    Some(field) => notes.error(&field, "is not known", format!("did you mean {name}?")),
                    None => notes.error(&self.absent(name), "is missing", remedy),
                }
                None
            }
        }
    }

    /// The member that is probably meant by `name`, where that is absent.
    pub(super) fn misspelt(&self, name: &str) -> Option<Self> {
        let members = self.node.members().unwrap_or_default();
        let meant = |member: &&Member| nearest(&member.name, &[name]).is_some();
        members.iter().find(meant).map(|member| self.of(member))
    }

    /// A boolean, or a note that something else is written.
    pub(super) fn boolean(&self, notes: &mut Notes) -> Option<bool> {
        match self.node.value {
            super::node::Value::Bool(value) => Some(value),
            _ => {
                let message = format!("true or false is wanted, not {}", self.node.kind());
                notes.error(self, message, "write true or false without quotes");
                None
            }
        }
    }

    /// A whole number that is not negative, or a note that something else is written.
    pub(super) fn whole_number(&self, notes: &mut Notes) -> Option<u64> {
        let number = match &self.node.value {
            super::node::Value::Number(number) => number.as_u64(),
            _ => None,
        };
        if number.is_none() {
            let message = format!("a whole number is wanted, not {}", self.node.kind());
            notes.error(self, message, "write digits only, without quotes");
        }
        number
    }

    /// The items of a list with their places, or a note that something else is written.
    pub(super) fn items(&self, notes: &mut Notes) -> Option<Vec<Self>> {
        let Some(items) = self.node.items() else {
            notes.error(
                self,
                format!("a list is wanted, not {}", self.node.kind()),
                "begin the line with `- `",
            );
            return None;
        };
        let place = |(index, node): (usize, &'a Node)| Self {
            node,
            path: format!("{}[{index}]", self.path),
            line: node.line.or(self.line),
        };
        Some(items.iter().enumerate().map(place).collect())
    }

    /// True for a mapping; else a note.
    pub(super) fn is_map(&self, notes: &mut Notes) -> bool {
        let map = self.node.members().is_some();
        if !map {
            let message = format!("a mapping is wanted, not {}", self.node.kind());
            notes.error(self, message, "write `name: value` lines below it");
        }
        map
    }

    /// Refuses members that neither Ratify nor Hallmark knows, and notes those that have no effect here.
    pub(super) fn only(&self, used: &[&str], without_effect: &[(&str, &str)], notes: &mut Notes) {
        for member in self.node.members().unwrap_or_default() {
            if notes.is_full(Severity::Error) {
                return;
            }
            let name = member.name.as_str();
            let field = self.of(member);
            if let Some((_, why)) = without_effect.iter().find(|(known, _)| *known == name) {
                notes.notice(&field, format!("has no effect: {why}"), "");
            } else if !used.contains(&name) {
                let known: Vec<&str> =
                    used.iter().copied().chain(without_effect.iter().map(|(n, _)| *n)).collect();
                notes.error(&field, "is not known", did_you_mean(name, &known));
            }
        }
    }
}

/// A remedy for a name that is not known: the nearest known one, or the list.
pub(super) fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => "remove it".to_owned(),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The known name that takes the fewest edits to reach, if those are few.
pub(super) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    const MAX_NAME: usize = 64;
    if name.len() > MAX_NAME {
        return None;
    }
    const MAX_EDITS: usize = 2;
    let fold = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let wanted = fold(name);
    known
        .iter()
        .map(|known| (fold(known), *known))
        // Names come by the thousand, and counting is quick where comparing is not.
        .filter(|(folded, _)| folded.len().abs_diff(wanted.len()) <= MAX_EDITS * char::MAX.len_utf8())
        .map(|(folded, known)| (levenshtein(&wanted, &folded), known))
        .filter(|(edits, known)| *edits <= MAX_EDITS.min(known.len() / 3))
        .min()
        .map(|(_, known)| known)
}

fn shown<'t>(text: impl Into<Cow<'t, str>>) -> String {
    within_chars(text, MAX_CHARS).into_owned()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
