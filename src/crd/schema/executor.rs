//! What the `spec` of the kinds of `config.ratify.sh` holds.

use serde_json::{Value, json};

use super::v1::{parameters, text, when_made};

/// Executor and NamespacedExecutor.
pub(super) fn spec() -> Value {
    json!({
        "type": "object",
        "required": ["scopes", "verifiers", "stores"],
        "properties": {
            "scopes": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string"},
                "description": "The images that it decides: repositories, registries, or *. and a domain.",
            },
            "verifiers": list("What checks evidence about an image.", &json!(["name", "type"])),
            "stores": list("How registries are read.", &json!(["type"])),
            "policyEnforcer": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": text("Which form of policy, such as threshold-policy."),
                    "parameters": parameters("What must hold."),
                },
                "x-kubernetes-preserve-unknown-fields": true,
                "description": "What must hold.",
            },
            "concurrency": {
                "type": "integer",
                "description": "Images at one time in Ratify; without effect here.",
            },
        },
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-validations": [when_made(
            "!('*' in self.scopes)",
            "spec.scopes: * is no scope of its own; write a registry, a repository, or *. and a domain",
        )],
    })
}

fn list(description: &str, required: &Value) -> Value {
    json!({
        "type": "array",
        "minItems": 1,
        "description": description,
        "items": {
            "type": "object",
            "required": required,
            "properties": {
                "name": text("What reports and rules call it."),
                "type": text("Which one."),
                "parameters": parameters("What it needs to know."),
            },
            "x-kubernetes-preserve-unknown-fields": true,
        },
    })
}
