//! What is written to `status`: Ratify's keys, as its tools read them, and what Kubernetes' tools expect.

use serde_json::{Value, json};

use super::v1::text;

/// The status of `config.ratify.deislabs.io`.
pub(super) fn v1() -> Value {
    json!({
        "type": "object",
        "properties": {
            "issuccess": {"type": "boolean", "description": "Whether it is in force as it is written."},
            "error": text("What is wrong."),
            "brieferror": text("The beginning of it."),
            "lastfetchedtime": time("When keys or certificates were read last."),
            "properties": {
                "type": "object",
                "description": "The keys or certificates that were read.",
                "x-kubernetes-preserve-unknown-fields": true,
            },
            "conditions": conditions(),
            "observedGeneration": observed_generation(),
        },
    })
}

/// The status of `config.ratify.sh`.
pub(super) fn v2() -> Value {
    json!({
        "type": "object",
        "properties": {
            "succeeded": {"type": "boolean", "description": "Whether it is in force as it is written."},
            "error": text("What is wrong."),
            "briefError": text("The beginning of it."),
            "conditions": conditions(),
            "observedGeneration": observed_generation(),
        },
    })
}

fn observed_generation() -> Value {
    json!({
        "type": "integer",
        "format": "int64",
        "minimum": 0,
        "description": "The metadata.generation that this is about.",
    })
}

fn time(description: &str) -> Value {
    json!({"type": "string", "format": "date-time", "description": description})
}

/// Conditions as every tool of Kubernetes knows them.
fn conditions() -> Value {
    json!({
        "type": "array",
        "description": "What holds of it now, by type.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string", "maxLength": 316},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "reason": {"type": "string", "maxLength": 1024, "minLength": 1},
                "message": {"type": "string", "maxLength": 32768},
                "lastTransitionTime": time("When status changed last."),
                "observedGeneration": observed_generation(),
            },
        },
    })
}
