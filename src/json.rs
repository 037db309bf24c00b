//! JSON read as it is written, for documents that strangers wrote: exactly one value, a bounded depth, and a
//! say in what a name means that is written twice.
//!
//! `serde_json`'s own reader of values takes a text under a certain name for JSON of its own, each such text
//! with a new bound on depth, and so can be led to the end of the stack.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Levels of objects and lists that the parser itself reads at most; a reader may ask for fewer.
pub const MAX_DEPTH: usize = 127;

/// What a name means that an object has twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeated {
    /// The document is refused: two programs would read two documents.
    Refused,
    /// The last counts, as in most programs.
    LastCounts,
}

/// Reads the one value that fills all of `bytes`, at most `depth` levels deep. Names are compared byte for
/// byte.
///
/// # Errors
/// What is wrong, and where.
pub fn read(bytes: &[u8], depth: usize, repeated: Repeated) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Reader { depth, repeated }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads any value that lies at most `depth` levels deep.
#[derive(Clone, Copy)]
struct Reader {
    depth: usize,
    repeated: Repeated,
}

impl Reader {
    fn below<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(E::custom("more levels than are read")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(below)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if self.repeated == Repeated::Refused && object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name:?} occurs more than once")));
            }
            object.insert(name, members.next_value_seed(below)?);
        }
        Ok(Value::Object(object))
    }
}
