//! The form of a status: Ratify's keys of the version, conditions with their times, and whether an object
//! has it already.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::kinds::WatchedKind;
use super::wanted::{Condition, MAX_BRIEF_CHARS, Wanted, bounded};

/// The condition that says whether a resource is in force as it is written.
const READY: &str = "Ready";
/// The condition that says whether there is something to remark.
const REMARKS: &str = "Remarks";

impl Wanted {
    /// The status as it is written. Times of `present` stay where what they are about did not change.
    pub(super) fn rendered(&self, watched: &WatchedKind, present: Option<&Value>, now: Timestamp) -> Value {
        let brief = bounded(self.error.lines().next().unwrap_or_default(), MAX_BRIEF_CHARS);
        let success = self.ready.status && self.error.is_empty();
        let mut status = Map::new();
        let mut put = |name: &str, value: Value| status.insert(name.to_owned(), value);
        if watched.is_executor() {
            put("succeeded", json!(success));
            put("briefError", json!(brief));
        } else {
            put("issuccess", json!(success));
            put("brieferror", json!(brief));
        }
        put("error", json!(self.error));
        if let Some(fetched) = self.fetched.as_ref().filter(|_| watched.is_key_source()) {
            let same = present.and_then(|present| present.get("properties")) == Some(&fetched.properties);
            let before = present.and_then(|present| present.get("lastfetchedtime")).filter(|_| same);
            put("lastfetchedtime", before.cloned().unwrap_or_else(|| json!(seconds(fetched.at))));
            put("properties", fetched.properties.clone());
        }
        put("observedGeneration", json!(self.generation));
        let conditions = [(READY, &self.ready), (REMARKS, &self.remarks)];
        let conditions = conditions.map(|(kind, condition)| self.condition(kind, condition, present, now));
        put("conditions", json!(conditions));
        Value::Object(status)
    }

    fn condition(&self, kind: &str, wanted: &Condition, present: Option<&Value>, now: Timestamp) -> Value {
        let status = if wanted.status { "True" } else { "False" };
        let conditions = present.and_then(|present| present.get("conditions")).and_then(Value::as_array);
        let before = conditions.into_iter().flatten().find(|condition| {
            let is = |name: &str, value: &str| condition.get(name).and_then(Value::as_str) == Some(value);
            is("type", kind) && is("status", status)
        });
        let since = before.and_then(|before| before.get("lastTransitionTime")).cloned();
        json!({
            "type": kind,
            "status": status,
            "reason": wanted.reason,
            "message": wanted.message,
            "observedGeneration": self.generation,
            "lastTransitionTime": since.unwrap_or_else(|| json!(seconds(now))),
        })
    }
}

/// RFC 3339 in whole seconds, as the API writes times.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// True where `present` says all that `wanted` says.
pub(super) fn says_all(present: Option<&Value>, wanted: &Value) -> bool {
    let Some(wanted) = wanted.as_object() else { return false };
    wanted.iter().all(|(name, value)| present.and_then(|present| present.get(name)) == Some(value))
}

/// What remains for a definition of Ratify's.
pub(super) fn without_conditions(mut status: Value) -> Value {
    if let Some(status) = status.as_object_mut() {
        status.retain(|name, _| name != "conditions" && name != "observedGeneration");
    }
    status
}

/// True where the API has dropped conditions that were written, because its schema does not know them.
pub(super) fn lost_conditions(answered: Option<&Value>) -> bool {
    answered.is_some_and(|status| status.get("conditions").is_none())
}
