//! The definitions as YAML documents.

use super::definition::Definition;

/// The file of a definition in the chart.
pub fn file_name(definition: &Definition) -> String {
    format!("{}_{}.yaml", definition.group, definition.plural)
}

/// A definition as a YAML document.
///
/// # Errors
/// What the serializer says; it takes every JSON value.
pub fn yaml(definition: &Definition) -> Result<String, serde_saphyr::SerializeError> {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: true,
        prefer_block_scalars: false,
    };
    serde_saphyr::to_string_with_options(&definition.to_value(), options)
}
