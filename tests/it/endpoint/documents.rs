//! docs/answers.md says what the code does.

use std::fmt::Write as _;

use hallmark::outcome::ReasonCode;

use super::*;

const DOCUMENT: &str = include_str!("../../../docs/answers.md");

fn table() -> String {
    let mut table = "| code | meaning |\n| --- | --- |\n".to_owned();
    for code in ReasonCode::ALL {
        let meaning = code.meaning().split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(table, "| `{code}` | {meaning} |").expect("text");
    }
    table
}

#[test]
fn the_document_has_every_reason_code_with_its_meaning() {
    let table = table();
    assert!(DOCUMENT.contains(&table), "docs/answers.md should hold this table:\n\n{table}");
}

#[test]
fn the_document_names_every_field_of_every_schema() {
    for path in [VERIFY, V2, MUTATE] {
        let schema: Value = serde_json::from_str(schema_of(path)).expect("schema");
        let mut fields = Vec::new();
        collect(&schema, &mut fields);
        assert!(fields.len() > 5);
        for field in fields {
            assert!(DOCUMENT.contains(&format!("`{field}`")), "docs/answers.md does not name `{field}`");
        }
    }
}

fn collect(schema: &Value, fields: &mut Vec<String>) {
    let Value::Object(members) = schema else {
        if let Value::Array(list) = schema {
            list.iter().for_each(|member| collect(member, fields));
        }
        return;
    };
    if let Some(Value::Object(properties)) = members.get("properties") {
        fields.extend(properties.keys().cloned());
    }
    members.values().for_each(|member| collect(member, fields));
}
