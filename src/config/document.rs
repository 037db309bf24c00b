//! The settings file as a tree that remembers lines. YAML, and JSON, which is YAML too. It knows no
//! settings.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// The longest settings file that is read, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;

/// A value and the line where it is written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// From 1; 0 where it is not known.
    pub line: u64,
    pub value: Written,
}

/// What is written.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Nothing,
    /// A boolean, number or text, as text.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// One member of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub name: String,
    pub line: u64,
    pub node: Node,
}

impl Node {
    /// What it is, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match self.value {
            Written::Nothing => "nothing",
            Written::Scalar(_) => "a single value",
            Written::List(_) => "a list",
            Written::Map(_) => "a mapping",
        }
    }
}

/// Reads one document; `None` where it is empty.
///
/// # Errors
/// The line, where one is known, and what the reader says, without the text of the file.
pub(super) fn read(text: &str) -> Result<Option<Node>, (Option<u64>, String)> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 16,
            max_nodes: 20_000,
            max_events: 100_000,
            max_aliases: 100,
            max_anchors: 100,
            max_documents: 1,
            max_merge_keys: 100,
            max_total_scalar_bytes: 2 * 1024 * 1024,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Option<Node>>(text, options).map_err(|error| {
        let line = error.location().map(|location| location.line()).filter(|line| *line > 0);
        (line, error.without_snippet().to_string().replace(['\n', '\r'], " "))
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Written>::deserialize(deserializer)?;
        Ok(Self { line: spanned.referenced.line(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Written, E> {
        Ok(Written::Nothing)
    }

    fn visit_none<E: de::Error>(self) -> Result<Written, E> {
        Ok(Written::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Written, D::Error> {
        Written::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Written, E> {
        Ok(Written::Scalar(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Written, E> {
        Ok(Written::Scalar(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Written, E> {
        Ok(Written::Scalar(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Written, E> {
        Ok(Written::Scalar(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Written, E> {
        Ok(Written::Scalar(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Written, E> {
        Ok(Written::Scalar(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Written, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Node>()? {
            items.push(item);
        }
        Ok(Written::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Written, A::Error> {
        let mut members: Vec<Member> = Vec::new();
        while let Some(name) = access.next_key::<Spanned<String>>()? {
            let line = name.referenced.line();
            let node = access.next_value::<Node>()?;
            members.push(Member { name: name.value, line, node });
        }
        Ok(Written::Map(members))
    }
}
