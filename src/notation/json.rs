//! JSON as strictly as a signature needs it: no name twice at any level, a bounded depth, nothing after the
//! value. Names are compared byte for byte.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::EnvelopeError;

/// Levels of objects and lists. A payload has three.
const MAX_DEPTH: usize = 32;

/// Reads one object that fills all of `bytes`.
pub(super) fn object(part: &'static str, bytes: &[u8]) -> Result<Map<String, Value>, EnvelopeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = Strict { depth: MAX_DEPTH }.deserialize(&mut deserializer);
    match read.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(EnvelopeError::Json { part, problem: "not an object".to_owned() }),
        Err(error) => Err(EnvelopeError::Json { part, problem: error.to_string() }),
    }
}

/// Reads any value that lies at most `depth` levels deep.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn below<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth }),
            None => Err(E::custom(format_args!("more than {MAX_DEPTH} levels"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
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
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name:?} occurs more than once")));
            }
            object.insert(name, members.next_value_seed(below)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> String {
        object("test", text.as_bytes()).expect_err("refused").to_string()
    }

    #[test]
    fn a_name_that_occurs_twice_is_refused_at_every_level() {
        assert!(refused(r#"{"a":1,"a":1}"#).contains("more than once"));
        assert!(refused(r#"{"a":{"b":1,"b":2}}"#).contains("more than once"));
        assert!(refused(r#"{"a":[{"b":1,"\u0062":2}]}"#).contains("more than once"));
        assert!(object("test", br#"{"a":1,"A":{"a":1}}"#).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(object("test", nested(31).as_bytes()).is_ok());
        assert!(refused(&nested(32)).contains("levels"));
        refused(&nested(100_000));
    }

    #[test]
    fn what_is_no_single_json_object_is_refused() {
        for text in [
            "",
            "[]",
            "1",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e999}"#,
            "{\"a\":\"\n\"}",
        ] {
            refused(text);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = object("test", &bytes);
        }
    }
}
