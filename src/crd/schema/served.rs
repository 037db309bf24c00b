//! Whether the definitions that a cluster serves are those that this release needs.

use serde_json::Value;

/// The annotation of a definition that says which edition of the schema it is.
pub const SCHEMA_ANNOTATION: &str = "hallmark.io/schema";

/// The edition of this release. It goes up when a definition gains what the controller writes or reads.
const EDITION: u32 = 1;

/// The edition of the schema that this release needs.
pub fn needed_schema() -> u32 {
    EDITION
}

/// What is wrong with a CustomResourceDefinition as the API serves it, in one line with the remedy; `None`
/// where it is of this edition or a later one. Ratify's own has no edition: the API server drops from every
/// status what it does not know, and from a `spec` what is misspelt.
pub fn outdated(definition: &Value) -> Option<String> {
    let metadata = definition.get("metadata");
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let name = text(metadata.and_then(|metadata| metadata.get("name"))).unwrap_or_default();
    let annotation = metadata
        .and_then(|metadata| metadata.get("annotations"))
        .and_then(|annotations| annotations.get(SCHEMA_ANNOTATION));
    let edition = text(annotation).and_then(|text| text.parse::<u32>().ok());
    let found = match edition {
        Some(edition) if edition >= EDITION => return None,
        Some(edition) => format!("is edition {edition}"),
        None => "is not Hallmark's".to_owned(),
    };
    Some(format!(
        "the CustomResourceDefinition {name} {found}, and edition {EDITION} is needed: conditions are missing \
         from status, and misspelt fields vanish unsaid; run `hallmark crds | kubectl apply --server-side \
         --force-conflicts -f -`"
    ))
}
