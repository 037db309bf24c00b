//! The values of Ratify's charts: each one that the table names is given to the chart.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::chart;
use super::rendered::{Rendered, refusal};

/// What becomes of a value.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    Works,
    Renamed,
    Refused,
}

/// A row of `ratify-values.yaml`; that file says what the fields are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub value: String,
    pub fate: Fate,
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    accepts: Vec<Value>,
    #[serde(default)]
    refuses: Vec<Value>,
    #[serde(default)]
    needs: Value,
    #[serde(default = "yes")]
    alone: bool,
    #[serde(default)]
    silent: bool,
    sample: Value,
}

fn yes() -> bool {
    true
}

/// The rows of `v1` or `v2`.
pub fn table(generation: &str) -> Vec<Entry> {
    let text = std::fs::read_to_string(chart().join("ratify-values.yaml")).expect("table");
    let mut tables: BTreeMap<String, Vec<Entry>> = serde_saphyr::from_str(&text).expect("YAML");
    tables.remove(generation).expect("generation")
}

fn both() -> Vec<Entry> {
    [table("v1"), table("v2")].concat()
}

/// Writes `value` where `path` leads, beside what is there.
fn put(values: &mut Value, path: &str, value: &Value) {
    let mut place = values;
    for step in path.split('.') {
        if place.is_null() {
            *place = json!({});
        }
        place = &mut place[step];
    }
    *place = value.clone();
}

/// The values as text, with words of the table replaced by the material they stand for.
fn text(values: &Value) -> String {
    let pem = "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n";
    values.to_string().replace("\"PEM\"", &format!("\"{pem}\""))
}

/// A value of a list's entries is tried in an entry that is whole without it.
fn with(base: &Value, entry: &Entry, value: &Value) -> Value {
    let mut values = base.clone();
    match entry.value.split_once("[].") {
        None => put(&mut values, &entry.value, value),
        Some((list, field)) => {
            let mut item = json!({"name": "default", "registryScopes": ["*"], "trustedIdentities": ["*"]});
            item[field] = value.clone();
            put(&mut values, list, &json!([item]));
        }
    }
    values
}

#[test]
fn values_that_work_change_what_is_rendered() {
    let entries: Vec<Entry> = both().into_iter().filter(|entry| entry.fate == Fate::Works).collect();
    // helm takes a third of a second each time.
    std::thread::scope(|scope| {
        for part in entries.chunks(entries.len().div_ceil(4)) {
            scope.spawn(|| changes_what_is_rendered(part));
        }
    });
}

fn changes_what_is_rendered(entries: &[Entry]) {
    let mut baselines: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in entries {
        let needs = text(&entry.needs).replace("null", "{}");
        let given = text(&with(&entry.needs, entry, &entry.sample));
        let rendered = Rendered::of(&given);
        if !entry.alone {
            refusal(&needs);
            continue;
        }
        let baseline =
            baselines.entry(needs.clone()).or_insert_with(|| Rendered::of(&needs).all().to_vec()).clone();
        assert_eq!(rendered.all() == baseline, entry.silent, "{}: {given}", entry.value);
    }
}

/// All at once, as an operator's whole file would be: each is named, with what to do.
#[test]
fn values_that_do_not_work_are_refused_with_what_to_write() {
    let (mut values, mut expected) = (json!({}), Vec::new());
    for entry in both() {
        if entry.value.contains("[]") {
            continue;
        }
        if entry.fate != Fate::Works {
            put(&mut values, &entry.value, &entry.sample);
            expected.push(format!("{}: {}", entry.value, entry.note));
        } else if let Some(refused) = entry.refuses.first() {
            put(&mut values, &entry.value, refused);
            expected.push(format!("{}: {}", entry.value, entry.note));
        }
    }
    let said = refusal(&text(&values));
    for sentence in &expected {
        assert!(said.contains(sentence), "not said: {sentence}\n{said}");
    }
    assert!(expected.len() > 60, "{}", expected.len());
}

#[test]
fn a_level_that_ratify_never_read_is_not_put_in_force_by_moving_here() {
    let entry = both().into_iter().find(|entry| entry.value.contains("[]")).expect("entry");
    let said = refusal(&text(&with(&entry.needs, &entry, &entry.sample)));
    assert!(said.contains("verificatonLevel: audit") && said.contains(&entry.note[..40]), "{said}");
    for accepted in &entry.accepts {
        Rendered::of(&text(&with(&entry.needs, &entry, accepted)));
    }
}

/// Ratify's defaults are in many files, copied; they ask for nothing.
#[test]
fn values_that_ask_for_nothing_are_let_through() {
    let entries: Vec<Entry> = both().into_iter().filter(|entry| !entry.value.contains("[]")).collect();
    let rounds = entries.iter().map(|entry| entry.accepts.len()).max().unwrap_or_default();
    assert!(rounds > 1);
    let plain = Rendered::of("{}").all().to_vec();
    for round in 0..rounds {
        let mut values = json!({});
        for entry in &entries {
            if let Some(accepted) = entry.accepts.get(round) {
                put(&mut values, &entry.value, accepted);
            }
        }
        assert_eq!(Rendered::of(&text(&values)).all(), plain, "{values}");
    }
}

/// A renamed value's message must name one that there is.
#[test]
fn what_renamed_values_are_called_here_exists() {
    let schema = std::fs::read_to_string(chart().join("values.schema.json")).expect("schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let settings =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md")).expect("settings");
    let exists = |word: &str| {
        if let Some(setting) = word.strip_prefix("settings.") {
            return settings.contains(&format!("| `{setting}`"))
                || settings.contains(&format!("| `{setting}."));
        }
        let steps: Vec<&str> = word.split('.').collect();
        let pointer: String = steps.iter().map(|step| format!("/properties/{step}")).collect();
        let parent: String = steps.iter().take(1).map(|step| format!("/properties/{step}")).collect();
        schema
            .pointer(&pointer)
            .or_else(|| {
                schema
                    .pointer(&parent)
                    .filter(|found| found["type"] == "object" && found["properties"].is_null())
            })
            .is_some()
    };
    for entry in both().iter().filter(|entry| entry.fate == Fate::Renamed) {
        let words = entry
            .note
            .split(|character: char| !(character.is_ascii_alphanumeric() || "._".contains(character)));
        let named: Vec<&str> = words.map(|word| word.trim_matches('.')).filter(|word| exists(word)).collect();
        assert!(!named.is_empty(), "{}: {}", entry.value, entry.note);
    }
}
