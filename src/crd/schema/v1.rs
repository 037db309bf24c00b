//! What the `spec` of each kind of `config.ratify.deislabs.io` holds.

use serde_json::{Value, json};

/// A duration as Go writes it; empty for none.
const DURATION: &str = "^(|0|([0-9]*[.]?[0-9]+(ns|us|µs|ms|s|m|h))+)$";

/// KeyManagementProvider and CertificateStore. Each has the other's word for the type too: guides mix them
/// up. `word`: the one that the kind has.
pub(super) fn key_source(word: &str) -> Value {
    let given = |word: &str| format!("(has(self.{word}) && self.{word} != '')");
    let other = if word == "type" { "provider" } else { "type" };
    json!({
        "type": "object",
        "properties": {
            "type": text("Where keys or certificates come from, such as inline."),
            "provider": text("The same, as CertificateStore calls it."),
            "refreshInterval": text("How often they are read again, such as 10m; empty: the source's own interval."),
            "parameters": parameters("What that source needs to know."),
        },
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-validations": [
            when_made(
                &format!("({} || {})", given(word), given(other)),
                &format!("spec.{word} is missing; write where keys or certificates come from, such as inline"),
            ),
            when_made(
                &format!("!has(self.refreshInterval) || self.refreshInterval.matches('{DURATION}')"),
                "spec.refreshInterval is no duration; write one such as 10m or 1h30m",
            ),
        ],
    })
}

/// Store.
pub(super) fn store() -> Value {
    json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": text("Which store, such as oras."),
            "type": text("Which store, where it is not its name."),
            "version": text("Version of the plugin; without effect here."),
            "address": text("Path of the plugin; without effect here."),
            "source": source(),
            "parameters": parameters("How registries are read."),
        },
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-validations": [not_empty("name", "write which store, such as oras")],
    })
}

/// Verifier.
pub(super) fn verifier() -> Value {
    json!({
        "type": "object",
        "required": ["name", "artifactTypes"],
        "properties": {
            "name": text("What reports call it; which verifier, where there is no type."),
            "type": text("Which verifier, such as notation."),
            "version": text("Version of the plugin; without effect here."),
            "artifactTypes": text("Media types of the evidence that it checks, with commas between them; * for all."),
            "address": text("Path of the plugin; without effect here."),
            "source": source(),
            "parameters": parameters("What that verifier needs to know."),
        },
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-validations": [
            not_empty("name", "write which verifier, such as notation"),
            not_empty("artifactTypes", "write which evidence, such as application/vnd.cncf.notary.signature"),
        ],
    })
}

/// Policy.
pub(super) fn policy() -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": text("Which form of policy, such as config-policy."),
            "parameters": parameters("What must hold."),
        },
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-validations": [when_made(
            "(has(self.type) && self.type != '')",
            "spec.type is missing; write config-policy or threshold-policy",
        )],
    })
}

/// The same without anything that must be there.
pub(super) fn without_demands(mut spec: Value) -> Value {
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("required");
        spec.remove("x-kubernetes-validations");
    }
    spec
}

/// An object without `spec` says nothing.
pub(super) fn spec_is_there() -> Value {
    when_made("has(self.spec)", "spec is missing")
}

/// The name that Ratify wants of a Policy in v1beta1.
pub(super) fn policy_has_its_name() -> Value {
    let message =
        "a Policy is in force only under the name ratify-policy; write metadata.name: ratify-policy";
    when_made("self.metadata.name == 'ratify-policy'", message)
}

/// A rule that asks only when an object is made. The API server applies rules at each write, of the status
/// too, whether or not that changes what they are about.
pub(super) fn when_made(rule: &str, message: &str) -> Value {
    json!({
        "rule": format!("oldSelf.hasValue() || {rule}"),
        "optionalOldSelf": true,
        "message": message,
    })
}

fn not_empty(field: &str, remedy: &str) -> Value {
    when_made(&format!("self.{field} != ''"), &format!("spec.{field} is empty; {remedy}"))
}

/// A text.
pub(super) fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

/// A mapping of which nothing is checked here.
pub(super) fn parameters(description: &str) -> Value {
    json!({"type": "object", "description": description, "x-kubernetes-preserve-unknown-fields": true})
}

/// Code that Ratify would download and run; refused in status.
fn source() -> Value {
    let mut source = parameters("Where Ratify gets a plugin from; refused, since nothing downloaded is run.");
    set(
        &mut source,
        "properties",
        json!({
            "artifact": text("The plugin, as an image reference."),
            "authProvider": parameters("Credentials for its registry."),
        }),
    );
    source
}

/// Sets a member of an object.
pub(super) fn set(value: &mut Value, name: &str, member: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), member);
    }
}
