//! KeyManagementProvider and CertificateStore: where keys and certificates come from.

use super::convert_options::ConvertOptions;
use super::field::{Field, Notes, did_you_mean};
use super::inline;
use super::kind::Kind;
use super::resource::Resource;
use super::resource_key::ResourceKey;
use super::secret_name::{Reach, object_name};
use crate::secret::SecretName;
use crate::trust::key_source::{KeyContent, KeySourceSettings};

const TYPES: &[&str] = &["inline", "file", "secret", "azurekeyvault"];

/// Converts a key source; what refuses it is in the notes.
pub(super) fn convert(resource: &mut Resource, options: &ConvertOptions) -> KeySourceSettings {
    let notes = &mut resource.notes;
    let root = Field::root(&resource.node, "", notes.line);
    let converted = root.member("spec").and_then(|spec| {
        deprecation(resource.key.kind, &root, notes);
        from_spec(&resource.key, &spec, options, notes)
    });
    match (notes.refusal(), converted) {
        (None, Some(settings)) => settings,
        (reason, _) => {
            KeySourceSettings::Refused { reason: reason.unwrap_or_else(|| "spec is missing".to_owned()) }
        }
    }
}

fn deprecation(kind: Kind, root: &Field<'_>, notes: &mut Notes) {
    if kind == Kind::CertificateStore {
        let field = root.member("kind").unwrap_or_else(|| root.absent("kind"));
        notes.warning(
            &field,
            "CertificateStore is deprecated since Ratify 1.2",
            "use a KeyManagementProvider: spec.type instead of spec.provider, and contentType: certificate",
        );
    }
}

fn from_spec(
    key: &ResourceKey,
    spec: &Field<'_>,
    options: &ConvertOptions,
    notes: &mut Notes,
) -> Option<KeySourceSettings> {
    let kind = key.kind;
    // One of Ratify's samples spells it in lower case, which its own schema drops.
    if let Some(field) = spec.member("refreshinterval") {
        notes.warning(&field, "is read as refreshInterval", "write refreshInterval");
    }
    let used = ["type", "provider", "refreshInterval", "parameters", "refreshinterval"];
    spec.only(&used, &[], notes);
    let source_type = source_type(kind, spec, notes)?;
    let empty = super::node::Node { line: spec.line, value: super::node::Value::Map(Vec::new()) };
    let parameters = spec.member("parameters").unwrap_or_else(|| Field {
        node: &empty,
        path: "spec.parameters".to_owned(),
        line: spec.line,
    });
    if !parameters.is_map(notes) {
        return None;
    }
    match source_type.as_str() {
        "inline" => {
            refresh_interval(spec, "an inline source changes only with its resource", notes);
            let content = content_type(kind, &parameters, notes)?;
            inline::convert(&parameters, content, options.now, notes)
        }
        "file" if kind == Kind::KeyManagementProvider && key.namespace.is_none() => {
            refresh_interval(spec, "files are read again when they change", notes);
            file(&parameters, notes)
        }
        "secret" if kind == Kind::KeyManagementProvider => {
            refresh_interval(spec, "Secrets are followed, and a change is seen at once", notes);
            secret(spec, &parameters, &Reach::of(key, options), notes)
        }
        "azurekeyvault" => {
            azure_key_vault(spec, &parameters, notes);
            None
        }
        other => {
            let field = spec
                .member("type")
                .or_else(|| spec.member("provider"))
                .unwrap_or_else(|| spec.absent("type"));
            notes.error(
                &field,
                format!("{other} is no key source that can be used here"),
                did_you_mean(other, TYPES),
            );
            None
        }
    }
}

/// `spec.type`, which CertificateStore and older guides write `spec.provider`.
fn source_type(kind: Kind, spec: &Field<'_>, notes: &mut Notes) -> Option<String> {
    let source_type = spec.member_text("type", notes);
    let provider = spec.member_text("provider", notes);
    let text = match (source_type, provider) {
        (Some(source_type), None) => source_type,
        (None, Some(provider)) => {
            if kind == Kind::KeyManagementProvider {
                let field = spec.member("provider").unwrap_or_else(|| spec.absent("provider"));
                notes.warning(&field, "is read as spec.type", format!("write type: {provider}"));
            }
            provider
        }
        (Some(source_type), Some(provider)) if source_type == provider => {
            let field = spec.member("provider").unwrap_or_else(|| spec.absent("provider"));
            notes.warning(&field, "says again what spec.type says", "remove it");
            source_type
        }
        (Some(source_type), Some(provider)) => {
            let field = spec.member("provider").unwrap_or_else(|| spec.absent("provider"));
            notes.error(
                &field,
                format!("is {provider}, but spec.type is {source_type}"),
                "remove spec.provider",
            );
            return None;
        }
        (None, None) => {
            let name = if kind == Kind::CertificateStore { "provider" } else { "type" };
            if notes.refusal().is_none() {
                notes.error(&spec.absent(name), "is missing", format!("write {name}: inline"));
            }
            return None;
        }
    };
    // Ratify compares without regard to case.
    Some(text.trim().to_ascii_lowercase())
}

fn refresh_interval(spec: &Field<'_>, why: &str, notes: &mut Notes) {
    let field = spec.member("refreshInterval").or_else(|| spec.member("refreshinterval"));
    if let Some(field) = field.filter(|field| field.node.text() != Some("")) {
        notes.notice(&field, format!("has no effect: {why}"), "");
    }
}

fn content_type(kind: Kind, parameters: &Field<'_>, notes: &mut Notes) -> Option<KeyContent> {
    match parameters.member_text("contentType", notes) {
        Some("certificate") => Some(KeyContent::Certificates),
        Some("key") if kind == Kind::KeyManagementProvider => Some(KeyContent::Keys),
        Some(other) => {
            let field = parameters.member("contentType").unwrap_or_else(|| parameters.absent("contentType"));
            notes.error(&field, format!("{other:?} is no content type"), "write certificate or key");
            None
        }
        None => {
            if kind == Kind::KeyManagementProvider {
                let field = parameters.absent("contentType");
                notes.warning(
                    &field,
                    "is missing and taken to be certificate",
                    "write contentType: certificate",
                );
            }
            Some(KeyContent::Certificates)
        }
    }
}

/// Hallmark's own source: a file or folder beside the process.
fn file(parameters: &Field<'_>, notes: &mut Notes) -> Option<KeySourceSettings> {
    parameters.only(&["path", "contentType"], &[], notes);
    let content = content_type(Kind::KeyManagementProvider, parameters, notes)?;
    parameters.required_text("path", notes, "name a file or folder of PEM or DER")?;
    Some(KeySourceSettings::File { path: parameters.member("path")?.path(notes)?, content })
}

/// Hallmark's own source: a Secret.
fn secret(
    spec: &Field<'_>,
    parameters: &Field<'_>,
    reach: &Reach,
    notes: &mut Notes,
) -> Option<KeySourceSettings> {
    parameters.only(&["name", "namespace", "key", "contentType"], &[], notes);
    let field = spec.member("type").unwrap_or_else(|| spec.absent("type"));
    if !reach.has_secrets(&field, "a key source of type secret", "use type inline or file", notes) {
        return None;
    }
    let content = content_type(Kind::KeyManagementProvider, parameters, notes)?;
    parameters.required_text("name", notes, "name the Secret")?;
    let name = object_name(&parameters.member("name")?, notes)?;
    let namespace = reach.namespace(parameters, notes)?;
    let key = match parameters.member("key").filter(|key| key.node.text() != Some("")) {
        Some(key) => Some(key.text(notes)?.to_owned()),
        None => None,
    };
    Some(KeySourceSettings::Secret { name: SecretName { namespace, name }, key, content })
}

fn azure_key_vault(spec: &Field<'_>, parameters: &Field<'_>, notes: &mut Notes) {
    let field =
        spec.member("type").or_else(|| spec.member("provider")).unwrap_or_else(|| spec.absent("type"));
    notes.error(
        &field,
        "azurekeyvault is not supported in this release",
        "put the certificates into a KeyManagementProvider of type inline",
    );
    parameters.only(&["vaultURI", "tenantID", "clientID", "cloudName", "certificates", "keys"], &[], notes);
}
