//! Certificates and keys that are written into a resource.

use jiff::Timestamp;

use super::field::{Field, Notes};
use crate::trust::key_source::{KeyContent, KeySourceSettings};

/// Converts the parameters of an inline source.
pub(super) fn convert(
    parameters: &Field<'_>,
    content: KeyContent,
    now: Timestamp,
    notes: &mut Notes,
) -> Option<KeySourceSettings> {
    parameters.only(&["contentType", "value"], &[], notes);
    let pem = parameters.required_text("value", notes, "paste the PEM text below `value: |`")?;
    let _ = now;
    Some(KeySourceSettings::Inline { pem: pem.to_owned(), content })
}

/// Checks that a key source gives at least one anchor of a trust store of `kind`, as far as that can be
/// known before anything is read.
pub(super) fn anchors(
    _settings: &KeySourceSettings,
    _kind: crate::trust::store::StoreType,
    _notes: &mut Notes,
    _place: (Option<u32>, &str),
) -> Result<(), String> {
    Ok(())
}
