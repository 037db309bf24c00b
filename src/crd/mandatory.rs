//! What an administrator of the cluster marks as mandatory: it holds in every namespace, whatever a tenant
//! adds there.

use super::field::{Field, Notes, did_you_mean};
use super::kind::Kind;
use super::resource_key::ResourceKey;

/// Annotations of Hallmark begin with this.
const PREFIX: &str = "hallmark.io/";

/// Makes a resource mandatory.
const MANDATORY: &str = "hallmark.io/mandatory";

/// Whether the resource is mandatory. Where that cannot be read it is, and refused: it could have vetoed.
pub(super) fn is_mandatory(root: &Field<'_>, key: &ResourceKey, notes: &mut Notes) -> bool {
    let annotations = root.member("metadata").and_then(|metadata| metadata.member("annotations"));
    let Some(annotations) = annotations else { return false };
    if !annotations.is_map(notes) {
        return may_be(key);
    }
    let mut is_mandatory = false;
    for (name, field) in annotations.members().filter(|(name, _)| name.starts_with(PREFIX)) {
        if name != MANDATORY {
            notes.error(&field, "is not known", did_you_mean(name, &[MANDATORY]));
            is_mandatory = true;
            continue;
        }
        is_mandatory |= match field.text(notes) {
            Some("false") => false,
            Some("true") => {
                refuse_elsewhere(&field, key, notes);
                true
            }
            Some(other) => {
                let remedy = "write \"true\" or \"false\"";
                notes.error(&field, format!("{other:?} is neither \"true\" nor \"false\""), remedy);
                true
            }
            None => true,
        };
    }
    is_mandatory && may_be(key)
}

/// True for what decides about images for the whole cluster.
pub(super) fn may_be(key: &ResourceKey) -> bool {
    key.namespace.is_none() && matches!(key.kind, Kind::Policy | Kind::Verifier | Kind::Executor)
}

fn refuse_elsewhere(field: &Field<'_>, key: &ResourceKey, notes: &mut Notes) {
    let (message, remedy) = match (&key.namespace, key.kind) {
        (_, Kind::Store | Kind::KeyManagementProvider | Kind::CertificateStore) => (
            format!("a {} decides nothing, so it cannot be mandatory", key.kind.as_str()),
            "annotate the Policy, Verifier or Executor that uses it",
        ),
        (Some(namespace), _) => (
            format!("what is mandatory is decided for the cluster, and this is of namespace {namespace}"),
            "remove the annotation, or write the cluster's kind",
        ),
        (None, _) => return,
    };
    notes.error(field, message, remedy);
}
