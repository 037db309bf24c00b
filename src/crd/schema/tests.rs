use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{DEFINITIONS, SCHEMA_ANNOTATION, needed_schema, outdated, yaml};

/// Every schema that is below a value.
fn walk<'v>(value: &'v Value, see: &mut dyn FnMut(&'v Value)) {
    see(value);
    match value {
        Value::Object(members) => members.values().for_each(|member| walk(member, see)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        _ => {}
    }
}

#[test]
fn no_two_kinds_answer_to_one_name() {
    let mut names = BTreeSet::new();
    for definition in DEFINITIONS {
        let singular = definition.kind.to_ascii_lowercase();
        for name in [definition.short, definition.plural, &singular] {
            assert!(names.insert(name.to_owned()), "{name}");
        }
    }
}

#[test]
fn one_version_is_stored_and_it_is_the_one_that_is_read() {
    for definition in DEFINITIONS {
        let value = definition.to_value();
        let versions = value["spec"]["versions"].as_array().unwrap();
        let stored: Vec<&Value> = versions.iter().filter(|version| version["storage"] == true).collect();
        assert_eq!(stored.len(), 1, "{}", definition.kind);
        assert_eq!(stored[0]["name"], definition.version);
        assert!(
            versions.iter().all(|version| version["served"] == true && !version["subresources"].is_null())
        );
    }
}

/// Rules are applied when only the status changes, too: they must let a stored object be.
#[test]
fn rules_ask_only_when_an_object_is_made() {
    for definition in DEFINITIONS {
        let value = definition.to_value();
        for version in value["spec"]["versions"].as_array().unwrap() {
            let schema = &version["schema"]["openAPIV3Schema"];
            assert_eq!(schema["required"], Value::Null, "{}", definition.kind);
            walk(&schema["properties"]["spec"], &mut |schema| assert_eq!(schema["pattern"], Value::Null));
            walk(schema, &mut |schema| {
                for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
                    assert_eq!(rule["optionalOldSelf"], true);
                    assert!(rule["rule"].as_str().unwrap().starts_with("oldSelf.hasValue() || "), "{rule}");
                }
            });
        }
    }
}

#[test]
fn what_a_spec_holds_beside_the_known_fields_is_kept() {
    for definition in DEFINITIONS {
        let value = definition.to_value();
        for version in value["spec"]["versions"].as_array().unwrap() {
            let spec = &version["schema"]["openAPIV3Schema"]["properties"]["spec"];
            walk(spec, &mut |schema| {
                if schema["properties"].is_object() && schema["type"] == "object" {
                    assert_eq!(schema["x-kubernetes-preserve-unknown-fields"], true, "{schema}");
                }
            });
        }
    }
}

#[test]
fn an_older_or_foreign_definition_is_noticed() {
    for definition in DEFINITIONS {
        assert_eq!(outdated(&definition.to_value()), None);
    }
    let of = |edition: Value| json!({"metadata": {"name": "x", "annotations": {SCHEMA_ANNOTATION: edition}}});
    assert_eq!(outdated(&of(json!((needed_schema() + 1).to_string()))), None);
    for old in [of(json!("0")), of(json!("new")), of(json!(1)), json!({"metadata": {"name": "x"}}), json!([])]
    {
        let said = outdated(&old).expect("something is said");
        assert!(
            said.contains("hallmark crds | kubectl apply --server-side --force-conflicts -f -"),
            "{said}"
        );
    }
}

#[test]
fn a_document_reads_back_as_the_definition() {
    for definition in DEFINITIONS {
        let read: Value = serde_saphyr::from_str(&yaml(definition).unwrap()).unwrap();
        assert_eq!(read, definition.to_value());
    }
}
