//! Verifier: what checks one kind of evidence.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::cosign;
use super::field::{Field, Notes, did_you_mean};
use super::notation::{self, NotationDraft};
use super::resource::Resource;

/// A Verifier on its own, before the resources it names are looked up.
#[derive(Clone, Debug)]
pub(super) struct VerifierDraft {
    /// Name of the resource, with the namespace where it has one.
    pub(super) resource: Arc<str>,
    /// `spec.name`.
    pub(super) name: Arc<str>,
    /// What it claims, even if it is refused.
    pub(super) artifact_types: Vec<String>,
    /// What it needs, or why it is refused.
    pub(super) body: Result<NotationDraft, String>,
}

/// The most artifact types of one Verifier: each is compared with each candidate of each image.
const MAX_ARTIFACT_TYPES: usize = 64;

const TYPES: &[&str] = &["notation", "cosign"];

/// Ratify's external plugins, each with what to say instead.
const PLUGINS: &[(&str, &str)] = &[
    (
        "sbom",
        "there is no replacement yet; remove the Verifier, or keep software bills of materials to reports",
    ),
    (
        "vulnerabilityreport",
        "there is no replacement yet; remove the Verifier, or scan in the pipeline before signing",
    ),
    (
        "schemavalidator",
        "there is no replacement yet; remove the Verifier, or validate in the pipeline before signing",
    ),
    ("licensechecker", "there is no replacement yet (Ratify deprecated it too); remove the Verifier"),
    ("slsa", "there is no replacement yet; remove the Verifier, or verify provenance before signing"),
    ("sample", "it is Ratify's example; remove the Verifier"),
];

/// Converts a Verifier; a refused one still says what it claims.
pub(super) fn convert(resource: &mut Resource) -> VerifierDraft {
    let namespaced = resource.key.namespace.is_some();
    let notes = &mut resource.notes;
    let root = Field::root(&resource.node, "", notes.line);
    let spec = root.member("spec").filter(|spec| spec.node.members().is_some());
    let mut draft = VerifierDraft {
        resource: resource.key.qualified(),
        name: resource.key.name.clone(),
        // What cannot be read may claim anything.
        artifact_types: vec!["*".to_owned()],
        body: Err("spec is missing".to_owned()),
    };
    let mut body = None;
    if let Some(spec) = spec {
        if let Some(types) = artifact_types(&spec, notes) {
            draft.artifact_types = types;
        }
        if let Some(name) = spec.required_text("name", notes, "write name: notation") {
            draft.name = name.into();
            body = from_spec(&spec, name, namespaced, &draft.artifact_types, notes);
        }
    }
    draft.body = match (notes.refusal(), body) {
        (None, Some(body)) => Ok(body),
        (Some(reason), _) => Err(reason),
        (None, None) => draft.body,
    };
    draft
}

fn artifact_types(spec: &Field<'_>, notes: &mut Notes) -> Option<Vec<String>> {
    let text =
        spec.required_text("artifactTypes", notes, "name the artifact types, with commas between them")?;
    let types: BTreeSet<&str> = text.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
    if types.is_empty() {
        notes.error(&spec.absent("artifactTypes"), "names no artifact type", "");
        return None;
    }
    if types.len() > MAX_ARTIFACT_TYPES {
        let message = format!("names {} types; {MAX_ARTIFACT_TYPES} are read", types.len());
        notes.error(&spec.member("artifactTypes")?, message, "write * for all");
        return None;
    }
    Some(types.into_iter().map(str::to_owned).collect())
}

fn from_spec(
    spec: &Field<'_>,
    name: &str,
    namespaced: bool,
    artifact_types: &[String],
    notes: &mut Notes,
) -> Option<NotationDraft> {
    let without_effect = [
        ("version", "it is the version of Ratify's plugin interface"),
        ("address", "it is the folder of Ratify's plugins, and the verifier is built in"),
    ];
    spec.only(&["name", "type", "artifactTypes", "source", "parameters"], &without_effect, notes);
    if let Some(source) = spec.member("source") {
        let message = "a verifier that is downloaded is never run: code from a registry is not executed";
        let remedy = if name.starts_with("notation-") {
            "remove the Verifier; put the plugin into the folder of the setting plugin.folder, and name it in plugin.allow"
        } else {
            "remove the Verifier"
        };
        notes.error(&source, message, remedy);
        return None;
    }
    let (field, kind) = match spec.member_text("type", notes) {
        Some(kind) if !kind.is_empty() => ("type", kind),
        _ => ("name", name),
    };
    let field = spec.member(field).unwrap_or_else(|| spec.absent(field));
    match kind {
        "notaryv2" => {
            let message = "notaryv2 is read as notation, its name since Ratify 1.0";
            notes.warning(&field, message, "write notation; templates that look for the name need it");
            notation::convert(spec, namespaced, artifact_types, notes)
        }
        "notation" => notation::convert(spec, namespaced, artifact_types, notes),
        "cosign" => {
            cosign::refuse(spec, &field, notes);
            None
        }
        kind => {
            let plugin = PLUGINS.iter().find(|(plugin, _)| *plugin == kind);
            match plugin {
                Some((_, remedy)) => notes.error(
                    &field,
                    format!("{kind} is an external plugin of Ratify and not supported in this release"),
                    *remedy,
                ),
                None => notes.error(
                    &field,
                    format!("{kind} is no verifier of Hallmark, and external plugins of Ratify are not supported in this release"),
                    did_you_mean(kind, TYPES),
                ),
            }
            None
        }
    }
}
