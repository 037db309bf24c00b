//! JSON as strictly as a signature needs it: no name twice at any level, a bounded depth, nothing after the
//! value.

use serde_json::{Map, Value};

use super::EnvelopeError;
use crate::json::{self, Repeated};

/// Levels of objects and lists. A payload has three.
const MAX_DEPTH: usize = 32;

/// Reads one object that fills all of `bytes`.
pub(super) fn object(part: &'static str, bytes: &[u8]) -> Result<Map<String, Value>, EnvelopeError> {
    match json::read(bytes, MAX_DEPTH, Repeated::Refused) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(EnvelopeError::Json { part, problem: "not an object".to_owned() }),
        Err(error) => Err(EnvelopeError::Json { part, problem: error.to_string() }),
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
