//! A configuration document as a tree that remembers lines, whether it came from YAML or from the
//! Kubernetes API. It knows nothing of resources.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A value and the line where it is written.
#[derive(Clone, Debug)]
pub struct Node {
    /// The line of the value, from 1; `None` where the document did not come from text.
    pub line: Option<u32>,
    /// The value.
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`, `~`, or nothing after the colon.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in order of writing.
    Map(Vec<Member>),
}

/// One member of a mapping.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// The line of the name.
    pub line: Option<u32>,
    /// Its value.
    pub node: Node,
}

impl PartialEq for Node {
    /// Equal content; lines do not count.
    fn eq(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a.len() == b.len() && in_order(a).eq(in_order(b)),
            _ => false,
        }
    }
}

/// The members by name, in whichever order they are written.
fn in_order(members: &[Member]) -> impl Iterator<Item = (&str, &Node)> {
    let mut members: Vec<_> = members.iter().map(|member| (member.name.as_str(), &member.node)).collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members.into_iter()
}

impl Node {
    /// The members, where the node is a mapping.
    pub fn members(&self) -> Option<&[Member]> {
        match &self.value {
            Value::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The member called `name`, where the node is a mapping that has it.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members()?.iter().find(|member| member.name == name)
    }

    /// The value of the member called `name`.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.member(name).map(|member| &member.node)
    }

    /// The text, where the node is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where the node is a list.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// True for `null` and for a member that has no value.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The line of the node at a path like `trustPolicies[0].trustStores[1]`, or of the deepest part of
    /// the path that exists.
    pub fn line_at(&self, path: &str) -> Option<u32> {
        let mut line = self.line;
        let mut node = self;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match step.strip_suffix(']') {
                Some(index) => index.parse::<usize>().ok().and_then(|index| node.items()?.get(index)),
                None => node.member(step).map(|member| {
                    line = member.line.or(line);
                    &member.node
                }),
            };
            match next {
                Some(next) => {
                    if step.ends_with(']') {
                        line = next.line.or(line);
                    }
                    node = next;
                }
                None => break,
            }
        }
        line
    }

    /// The same content without lines.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => serde_json::Value::Bool(*value),
            Value::Number(value) => serde_json::Value::Number(value.clone()),
            Value::Text(value) => serde_json::Value::String(value.clone()),
            Value::List(items) => serde_json::Value::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(members) => serde_json::Value::Object(
                members.iter().map(|member| (member.name.clone(), member.node.to_json())).collect(),
            ),
        }
    }

    /// Moves every line down by `lines`: a document's lines become those of its file.
    pub(super) fn shift(&mut self, lines: u32) {
        self.line = self.line.map(|line| line.saturating_add(lines));
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.shift(lines)),
            Value::Map(members) => members.iter_mut().for_each(|member| {
                member.line = member.line.map(|line| line.saturating_add(lines));
                member.node.shift(lines);
            }),
            _ => {}
        }
    }
}

impl From<&serde_json::Value> for Node {
    fn from(value: &serde_json::Value) -> Self {
        let value = match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(value) => Value::Number(value.clone()),
            serde_json::Value::String(value) => Value::Text(value.clone()),
            serde_json::Value::Array(items) => Value::List(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(members) => Value::Map(
                members
                    .iter()
                    .map(|(name, value)| Member { name: name.clone(), line: None, node: value.into() })
                    .collect(),
            ),
        };
        Self { line: None, value }
    }
}

/// A node as the YAML reader gives it: with its place.
pub(super) struct Placed(Spanned<Value>);

impl From<Placed> for Node {
    fn from(placed: Placed) -> Self {
        Self { line: line_of(&placed.0), value: placed.0.value }
    }
}

impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

fn line_of<T>(spanned: &Spanned<T>) -> Option<u32> {
    u32::try_from(spanned.referenced.line()).ok().filter(|line| *line > 0)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not-a-number and infinity are no configuration values"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Placed>()? {
            items.push(item.into());
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members: Vec<Member> = Vec::new();
        while let Some(name) = access.next_key::<Spanned<String>>()? {
            let line = line_of(&name);
            let node = access.next_value::<Placed>()?.into();
            members.push(Member { name: name.value, line, node });
        }
        Ok(Value::Map(members))
    }
}
