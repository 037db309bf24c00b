//! Definitions for Azure Policy, written from the same templates: the document of each template goes into its
//! definition as base64, as its older form, which every version of the add-on takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::source::{Rego, committed, path};
use super::{read, yaml};

/// The templates that have a definition, with what it is called.
const DEFINED: [(&str, &str); 5] = [
    ("image-verification", "Kubernetes cluster images should be verified by Hallmark"),
    (
        "image-verification-namespaced",
        "Kubernetes cluster images should be verified by Hallmark with the configuration of their namespace",
    ),
    ("signer-identity", "Kubernetes cluster images should be signed by one of the listed signers"),
    ("several-signers", "Kubernetes cluster images should be signed by several of the listed signers"),
    ("digest-required", "Kubernetes cluster images should be named by digest"),
];

const FOLDER: &str = "gatekeeper/azure-policy";
const VERSION: &str = "1.0.0";

fn definition_path(template: &str) -> String {
    format!("{FOLDER}/{template}.json")
}

fn parameter(kind: &str, name: &str, description: &str, default: Option<Value>) -> Value {
    let mut parameter = json!({"type": kind, "metadata": {"displayName": name, "description": description}});
    if let Some(default) = default {
        parameter["defaultValue"] = default;
    }
    parameter
}

/// The parameters that every definition has, and those that the template's schema lists.
fn parameters(template: &Value) -> Map<String, Value> {
    let schema = &template["spec"]["crd"]["spec"]["validation"]["openAPIV3Schema"];
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut parameters = common_parameters();
    for (name, field) in schema["properties"].as_object().expect("properties") {
        let (kind, empty) = match field["type"].as_str() {
            Some("array") => ("Array", json!([])),
            Some("integer") => ("Integer", json!(0)),
            other => panic!("{name}: {other:?}"),
        };
        let default = (!required.contains(&json!(name))).then_some(empty);
        let description = field["description"].as_str().expect("description");
        parameters.insert(name.clone(), parameter(kind, name, description, default));
    }
    parameters
}

fn common_parameters() -> Map<String, Value> {
    let mut effect = parameter(
        "String",
        "Effect",
        "Audit reports what violates, Deny refuses it too, Disabled turns the policy off.",
        Some(json!("Audit")),
    );
    effect["allowedValues"] = json!(["audit", "Audit", "deny", "Deny", "disabled", "Disabled"]);
    let excluded = json!(["kube-system", "gatekeeper-system", "azure-arc", "hallmark-system"]);
    let list = |name, description, default| parameter("Array", name, description, Some(default));
    Map::from_iter([
        ("effect".to_owned(), effect),
        (
            "excludedNamespaces".to_owned(),
            list("Namespace exclusions", "Namespaces that are not looked at.", excluded),
        ),
        (
            "namespaces".to_owned(),
            list("Namespace inclusions", "The only namespaces that are looked at; empty: all.", json!([])),
        ),
        (
            "labelSelector".to_owned(),
            parameter(
                "Object",
                "Kubernetes label selector",
                "Which objects are looked at, by label; empty: all.",
                Some(json!({})),
            ),
        ),
    ])
}

fn reference(parameter: &str) -> String {
    format!("[parameters('{parameter}')]")
}

fn definition(template: &str, display_name: &str) -> Value {
    let text = read(&path(template, Rego::V0));
    let document = yaml(&text);
    let parameters = parameters(&document);
    let own = |name: &&String| !common_parameters().contains_key(*name);
    let values: Map<String, Value> =
        parameters.keys().filter(own).map(|name| (name.clone(), json!(reference(name)))).collect();
    json!({
        "name": format!("hallmark-{template}"),
        "properties": {
            "displayName": display_name,
            "description": document["metadata"]["annotations"]["description"],
            "policyType": "Custom",
            "mode": "Microsoft.Kubernetes.Data",
            "metadata": {"version": VERSION, "category": "Kubernetes"},
            "parameters": parameters,
            "policyRule": {
                "if": {
                    "field": "type",
                    "in": ["Microsoft.ContainerService/managedClusters", "Microsoft.Kubernetes/connectedClusters"],
                },
                "then": {
                    "effect": reference("effect"),
                    "details": {
                        "templateInfo": {"sourceType": "Base64Encoded", "content": STANDARD.encode(text)},
                        "apiGroups": ["", "apps", "batch"],
                        "kinds": [
                            "Pod", "ReplicationController", "Deployment", "StatefulSet", "DaemonSet",
                            "ReplicaSet", "Job", "CronJob",
                        ],
                        "excludedNamespaces": reference("excludedNamespaces"),
                        "namespaces": reference("namespaces"),
                        "labelSelector": reference("labelSelector"),
                        "values": values,
                    },
                },
            },
        },
    })
}

/// What is asked for most: verified, and by digest.
fn initiative() -> Value {
    let mut parameters = common_parameters();
    let exemptions = "Images that need no verification until a date: image, owner, reason, expires.";
    parameters.insert("exemptions".to_owned(), parameter("Array", "exemptions", exemptions, Some(json!([]))));
    let tags = "Repositories whose images may be named by tag.";
    parameters.insert("tagsAllowed".to_owned(), parameter("Array", "tagsAllowed", tags, Some(json!([]))));
    let member = |template: &str, own: &str| {
        let passed: Map<String, Value> = common_parameters()
            .keys()
            .map(String::as_str)
            .chain([own])
            .map(|name| (name.to_owned(), json!({"value": reference(name)})))
            .collect();
        let id = format!(
            "/subscriptions/SUBSCRIPTION/providers/Microsoft.Authorization/policyDefinitions/hallmark-{template}"
        );
        json!({"policyDefinitionReferenceId": template, "policyDefinitionId": id, "parameters": passed})
    };
    json!({
        "name": "hallmark-image-integrity",
        "properties": {
            "displayName": "Only images that Hallmark verifies should run, named by digest",
            "description": "Every image carries a trusted signature, and is named by its digest.",
            "policyType": "Custom",
            "metadata": {"version": VERSION, "category": "Kubernetes"},
            "parameters": parameters,
            "policyDefinitions": [
                member("image-verification", "exemptions"), member("digest-required", "tagsAllowed"),
            ],
        },
    })
}

fn printed(document: &Value) -> String {
    serde_json::to_string_pretty(document).expect("JSON") + "\n"
}

#[test]
fn every_definition_is_written_from_its_template() {
    for (template, name) in DEFINED {
        committed(&definition_path(template), &printed(&definition(template, name)));
    }
    committed(&format!("{FOLDER}/initiative.json"), &printed(&initiative()));
}

/// The shape that Azure's schema and its built-in definitions for clusters have.
#[test]
fn every_definition_has_the_published_shape() {
    let schema: Value =
        serde_json::from_str(include_str!("azure-policy-definition.schema.json")).expect("schema");
    let validator = jsonschema::validator_for(&schema).expect("schema");
    for (template, _) in DEFINED {
        let document: Value = serde_json::from_str(&read(&definition_path(template))).expect("JSON");
        let problems: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(problems, [] as [String; 0], "{template}");
        let properties = &document["properties"];
        for used in references(&properties["policyRule"]) {
            assert!(properties["parameters"].get(&used).is_some(), "{template}: no parameter {used}");
        }
        let content = &properties["policyRule"]["then"]["details"]["templateInfo"]["content"];
        let text = STANDARD.decode(content.as_str().expect("text")).expect("base64");
        assert_eq!(text, read(&path(template, Rego::V0)).into_bytes(), "{template}");
    }
}

/// Every member of the initiative is a definition here and gets all that it needs.
#[test]
fn the_initiative_passes_on_what_its_definitions_take() {
    let document: Value = serde_json::from_str(&read(&format!("{FOLDER}/initiative.json"))).expect("JSON");
    let properties = &document["properties"];
    let members = properties["policyDefinitions"].as_array().expect("members");
    assert_eq!(members.len(), 2);
    for member in members {
        let name = member["policyDefinitionReferenceId"].as_str().expect("name");
        let definition: Value = serde_json::from_str(&read(&definition_path(name))).expect("JSON");
        let id = member["policyDefinitionId"].as_str().expect("id");
        assert!(id.ends_with(&format!("/{}", definition["name"].as_str().expect("name"))), "{id}");
        let takes: Vec<&String> =
            definition["properties"]["parameters"].as_object().expect("parameters").keys().collect();
        let given: Vec<&String> = member["parameters"].as_object().expect("parameters").keys().collect();
        assert_eq!(takes, given, "{name}");
        for used in references(&member["parameters"]) {
            assert!(properties["parameters"].get(&used).is_some(), "{name}: no parameter {used}");
        }
    }
}

/// The names in `[parameters('…')]`, anywhere.
fn references(value: &Value) -> Vec<String> {
    let text = value.to_string();
    let names = text.split("[parameters('").skip(1);
    names.map(|rest| rest.split('\'').next().unwrap_or_default().to_owned()).collect()
}
