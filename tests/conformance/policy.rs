//! Policy cases: raw text of a trust policy document, and which statement it selects.

use std::path::Path;

use hallmark::reference::Reference;
use hallmark::trust::policy::{Document, DocumentKind, Statement, select, select_blob};

use crate::case::{Case, needed};
use crate::report::Answer;

pub fn answer(_folder: &Path, case: &Case) -> anyhow::Result<Answer> {
    let kind = match needed(&case.document_kind, "document_kind")?.as_str() {
        "oci" => DocumentKind::Oci,
        "blob" => DocumentKind::Blob,
        other => return Ok(Answer::Unsupported(format!("policy of {other}"))),
    };
    let text = needed(&case.document, "document")?;
    let document = match Document::from_json(text.as_bytes(), kind) {
        Ok(document) => document,
        Err(error) => return Ok(Answer::verdict("invalid", error.to_string())),
    };
    let Some(expected) = &case.expected_statement else {
        return Ok(Answer::verdict("valid", ""));
    };
    let selected = selected(case, kind, &document.statements);
    let name = selected.map_or("none", |statement| &*statement.name);
    if name == expected {
        Ok(Answer::verdict("valid", ""))
    } else {
        Ok(Answer::verdict(format!("valid, selecting {name}"), format!("{expected} was to be selected")))
    }
}

fn selected<'a>(case: &Case, kind: DocumentKind, statements: &'a [Statement]) -> Option<&'a Statement> {
    match kind {
        DocumentKind::Blob => select_blob(statements, case.policy_name.as_deref()),
        DocumentKind::Oci => {
            // A reference without digest is refused before a statement is chosen.
            let text = case.artifact_reference.as_deref()?;
            let reference: Reference = text.parse().ok()?;
            reference.digest()?;
            // The comparison is exact. That one registry is not several, however its name is written, is seen
            // to before: references and the scopes of resources are brought into one normal form.
            let (name, _) = text.rsplit_once('@')?;
            let tagged = reference.tag().and_then(|tag| name.strip_suffix(&format!(":{tag}")));
            select(statements, tagged.unwrap_or(name))
        }
    }
}
