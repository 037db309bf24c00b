//! Names of Secrets and service accounts, as resources write them. Whoever may write a resource of one
//! namespace reads no other's.

use std::sync::Arc;

use super::convert_options::{ConvertOptions, Origin};
use super::field::{Field, Notes};
use super::resource_key::ResourceKey;

/// Where a resource may name Secrets, and where they are unless it says so.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    /// The resource's own namespace, or Hallmark's.
    pub(super) default: Arc<str>,
    /// The namespace that it may not leave.
    pub(super) only: Option<Arc<str>>,
    origin: Origin,
}

impl Reach {
    pub(super) fn of(key: &ResourceKey, options: &ConvertOptions) -> Self {
        Self {
            default: key.namespace.clone().unwrap_or_else(|| options.release_namespace.clone()),
            only: key.namespace.clone(),
            origin: options.origin,
        }
    }

    /// False, and a note, where documents come from files: there are no Secrets beside them.
    pub(super) fn has_secrets(&self, field: &Field<'_>, what: &str, remedy: &str, notes: &mut Notes) -> bool {
        if self.origin == Origin::Files {
            let message = format!("{what} needs a cluster: there are no Secrets beside a file");
            notes.error(field, message, remedy);
        }
        self.origin == Origin::Cluster
    }

    /// The namespace that the member `namespace` names, or the default.
    pub(super) fn namespace(&self, parent: &Field<'_>, notes: &mut Notes) -> Option<Arc<str>> {
        let Some(field) = parent.member("namespace").filter(|field| field.node.text() != Some("")) else {
            return Some(self.default.clone());
        };
        let namespace = name(&field, MAX_LABEL, notes)?;
        match &self.only {
            Some(own) if *own != namespace => {
                let message = format!("a resource of namespace {own} reads no Secret of another namespace");
                notes.error(&field, message, format!("put a copy of the Secret into {own}"));
                None
            }
            _ => Some(namespace),
        }
    }
}

/// The longest name of a namespace, and of anything else.
const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 253;

/// The name of a Secret or service account, or a note that it cannot be one. It becomes a part of a URL of
/// the Kubernetes API.
pub(super) fn object_name(field: &Field<'_>, notes: &mut Notes) -> Option<Arc<str>> {
    name(field, MAX_NAME, notes)
}

fn name(field: &Field<'_>, longest: usize, notes: &mut Notes) -> Option<Arc<str>> {
    let text = field.text(notes)?;
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let dots = longest == MAX_NAME;
    let inside = |byte: u8| word(byte) || byte == b'-' || (dots && byte == b'.');
    let bytes = text.as_bytes();
    let fits = (1..=longest).contains(&bytes.len())
        && bytes.iter().copied().all(inside)
        && [bytes.first(), bytes.last()].into_iter().flatten().copied().all(word);
    if fits {
        return Some(text.into());
    }
    notes.error(field, "is no name that Kubernetes gives", "use lower-case letters, digits and `-`");
    None
}
