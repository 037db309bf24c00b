//! The parameters of the notation verifier: trust stores, trust policy document, required metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::field::{Field, Notes, did_you_mean, nearest};
use crate::reference::Repository;
use crate::trust::policy::{
    Document, DocumentKind, EVERYWHERE, PolicyError, Problem, Statement, UnknownMembers,
};
use crate::trust::store::{StoreType, is_store_name};

/// A notation verifier on its own, before the key sources it names are looked up.
#[derive(Clone, Debug)]
pub(super) struct NotationDraft {
    pub(super) statements: Vec<Statement>,
    /// The stores of `verificationCertStores`.
    pub(super) stores: BTreeMap<(StoreType, String), StoreDraft>,
    /// The folders of `verificationCerts`: the members of every store that is named and not defined.
    pub(super) directories: Vec<PathBuf>,
    /// Where `verificationCerts` stands.
    pub(super) directories_line: Option<u32>,
    pub(super) required_metadata: Vec<(String, String)>,
    /// Where each statement's `trustStores` stand.
    pub(super) statement_lines: Vec<Option<u32>>,
}

/// One trust store as written.
#[derive(Clone, Debug, Default)]
pub(super) struct StoreDraft {
    pub(super) line: Option<u32>,
    pub(super) path: String,
    /// The names of its key sources, each with its place.
    pub(super) sources: Vec<SourceName>,
}

/// The name of a key source, as written.
#[derive(Clone, Debug)]
pub(super) struct SourceName {
    pub(super) text: String,
    pub(super) line: Option<u32>,
    pub(super) path: String,
}

pub(super) const SIGNATURE_TYPE: &str = "application/vnd.cncf.notary.signature";
const NESTED: &str = "signatures of signatures are not looked at";

/// Converts the parameters; what refuses them is in the notes.
pub(super) fn convert(
    spec: &Field<'_>,
    namespaced: bool,
    artifact_types: &[String],
    notes: &mut Notes,
) -> Option<NotationDraft> {
    if !artifact_types.iter().any(|artifact_type| artifact_type == SIGNATURE_TYPE || artifact_type == "*") {
        let field = spec.member("artifactTypes").unwrap_or_else(|| spec.absent("artifactTypes"));
        let message = "does not hold the type of Notary Project signatures, so none is looked at";
        notes.warning(&field, message, format!("write {SIGNATURE_TYPE}"));
    }
    let Some(parameters) = spec.member("parameters") else {
        notes.error(
            &spec.absent("parameters"),
            "is missing",
            "write verificationCertStores and trustPolicyDoc",
        );
        return None;
    };
    if !parameters.is_map(notes) {
        return None;
    }
    let used = ["verificationCertStores", "verificationCerts", "trustPolicyDoc", "userMetadata"];
    parameters.only(&used, &[("nestedReferences", NESTED), ("nestedArtifactTypes", NESTED)], notes);
    let directories = directories(&parameters, namespaced, notes);
    let directories_line = parameters.member("verificationCerts").and_then(|field| field.line);
    let stores = parameters
        .member("verificationCertStores")
        .map(|stores| trust_stores(&stores, notes))
        .unwrap_or_default();
    let required_metadata = required_metadata(&parameters, notes);
    let (statements, statement_lines) = trust_policy(&parameters, notes)?;
    unused_stores(&stores, &statements, notes);
    Some(NotationDraft {
        statements,
        stores,
        directories,
        directories_line,
        required_metadata,
        statement_lines,
    })
}

fn directories(parameters: &Field<'_>, namespaced: bool, notes: &mut Notes) -> Vec<PathBuf> {
    let Some(field) = parameters.member("verificationCerts") else { return Vec::new() };
    if namespaced {
        notes.error(
            &field,
            "a namespaced resource reads no files of the process",
            "use verificationCertStores",
        );
        return Vec::new();
    }
    let items = field.items(notes).unwrap_or_default();
    items.iter().filter_map(|item| item.path(notes)).collect()
}

/// Typed: `{ca: {store: [names]}}`; as before Ratify 1.2: `{store: [names]}`, all of type ca.
fn trust_stores(field: &Field<'_>, notes: &mut Notes) -> BTreeMap<(StoreType, String), StoreDraft> {
    let mut stores = BTreeMap::new();
    if !field.is_map(notes) {
        return stores;
    }
    let typed = field.members().filter(|(_, member)| member.node.members().is_some()).count();
    let all = field.members().count();
    if typed != 0 && typed != all {
        let message = "mixes stores with a type and stores without";
        notes.error(field, message, "write every store below ca, signingAuthority or tsa");
        return stores;
    }
    for (name, member) in field.members() {
        if typed == 0 {
            insert_store(&mut stores, StoreType::Ca, name, &member, notes);
            continue;
        }
        let Some(kind) = StoreType::from_prefix(name) else {
            let message = "is no type of trust store";
            notes.error(&member, message, did_you_mean(name, &["ca", "signingAuthority", "tsa"]));
            continue;
        };
        for (name, member) in member.members() {
            insert_store(&mut stores, kind, name, &member, notes);
        }
    }
    stores
}

fn insert_store(
    stores: &mut BTreeMap<(StoreType, String), StoreDraft>,
    kind: StoreType,
    name: &str,
    field: &Field<'_>,
    notes: &mut Notes,
) {
    if !is_store_name(name) {
        notes.error(field, "is no name of a trust store", "use letters, digits, `_`, `.` and `-`");
        return;
    }
    let Some(items) = field.items(notes) else { return };
    let mut sources = Vec::new();
    for item in &items {
        match item.text(notes) {
            Some(text) if !text.trim().is_empty() => sources.push(SourceName {
                text: text.trim().to_owned(),
                line: item.line,
                path: item.path.clone(),
            }),
            Some(_) => notes.error(item, "is empty", "name a KeyManagementProvider"),
            None => {}
        }
    }
    if items.is_empty() {
        notes.error(field, "names no key source", "name a KeyManagementProvider");
    }
    let draft = StoreDraft { line: field.line, path: field.path.clone(), sources };
    stores.insert((kind, name.to_owned()), draft);
}

/// Hallmark's own: entries that the signed payload must hold.
fn required_metadata(parameters: &Field<'_>, notes: &mut Notes) -> Vec<(String, String)> {
    let Some(field) = parameters.member("userMetadata").filter(|field| field.is_map(notes)) else {
        return Vec::new();
    };
    let mut metadata = Vec::new();
    for (name, member) in field.members() {
        if let Some(text) = member.text(notes) {
            metadata.push((name.to_owned(), text.to_owned()));
        }
    }
    metadata
}

fn trust_policy(parameters: &Field<'_>, notes: &mut Notes) -> Option<(Vec<Statement>, Vec<Option<u32>>)> {
    let Some(field) = parameters.member("trustPolicyDoc") else {
        // A misspelt one is said already.
        if parameters.misspelt("trustPolicyDoc").is_none() {
            let remedy = "write it: without it nobody is trusted";
            notes.error(&parameters.absent("trustPolicyDoc"), "is missing", remedy);
        }
        return None;
    };
    let document = Document::from_value(&field.node.to_json(), DocumentKind::Oci, UnknownMembers::Refuse);
    let mut document = match document {
        Ok(document) => document,
        Err(errors) => {
            let causes = Causes::among(&errors.0);
            for error in errors.0.iter().filter(|error| !causes.explain(error)) {
                policy_error(&field, error, notes);
            }
            return None;
        }
    };
    for (statement, text) in document.warnings() {
        let remedy = if text.starts_with("no trusted identity") {
            "add one, unless a plugin that the setting plugin.allow names checks these identities"
        } else {
            ""
        };
        notes.warning(&field, format!("statement {statement:?}: {text}"), remedy);
    }
    normalise_scopes(&mut document.statements, &field, notes);
    let lines = (0..document.statements.len())
        .map(|index| field.node.line_at(&format!("trustPolicies[{index}].trustStores")))
        .collect();
    Some((document.statements, lines))
}

/// What else is said of members that are called missing: there may be thousands of either.
struct Causes<'e> {
    of_wrong_type: BTreeSet<&'e str>,
    /// Names that are not known, by what they are in.
    unknown: BTreeMap<&'e str, Vec<&'e str>>,
}

impl<'e> Causes<'e> {
    fn among(errors: &'e [PolicyError]) -> Self {
        let mut causes = Self { of_wrong_type: BTreeSet::new(), unknown: BTreeMap::new() };
        for error in errors {
            match &error.problem {
                Problem::WrongType { .. } => _ = causes.of_wrong_type.insert(&error.path),
                Problem::Unknown { .. } => {
                    let (parent, name) = parent_and_name(&error.path);
                    causes.unknown.entry(parent).or_default().push(name);
                }
                _ => {}
            }
        }
        causes
    }

    /// True for a member that is called missing because it is there misspelt or in another type.
    fn explain(&self, error: &PolicyError) -> bool {
        let (parent, name) = parent_and_name(&error.path);
        let mut unknown = self.unknown.get(parent).into_iter().flatten();
        error.problem == Problem::Missing
            && (self.of_wrong_type.contains(error.path.as_str())
                || unknown.any(|written| nearest(written, &[name]).is_some()))
    }
}

fn parent_and_name(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

fn policy_error(field: &Field<'_>, error: &PolicyError, notes: &mut Notes) {
    let path =
        if error.path.is_empty() { field.path.clone() } else { format!("{}.{}", field.path, error.path) };
    let line = field.node.line_at(&error.path).or(field.line);
    let place = Field { node: field.node, path, line };
    let remedy = match &error.problem {
        Problem::Unknown { known } => did_you_mean(error.path.rsplit('.').next().unwrap_or_default(), known),
        Problem::WrongType { expected: "a text" } => "put it in quotes".to_owned(),
        _ => String::new(),
    };
    let message = match &error.statement {
        Some(statement) => format!("statement {statement}: {}", error.problem),
        None => error.problem.to_string(),
    };
    notes.error(&place, message, remedy);
}

/// Writes scopes as image references are written here, so that equal repositories are equal texts: hosts
/// in lower case, one name for Docker Hub.
fn normalise_scopes(statements: &mut [Statement], field: &Field<'_>, notes: &mut Notes) {
    let mut seen = BTreeSet::new();
    for (index, statement) in statements.iter_mut().enumerate() {
        for (position, scope) in statement.registry_scopes.iter_mut().enumerate() {
            let path = format!("trustPolicies[{index}].registryScopes[{position}]");
            let place = Field {
                node: field.node,
                line: field.node.line_at(&path),
                path: format!("{}.{path}", field.path),
            };
            let normal = normal_scope(scope);
            if normal != *scope {
                notes.warning(&place, format!("{scope} is read as {normal}"), format!("write {normal}"));
                *scope = normal;
            }
            if !seen.insert(scope.clone()) {
                notes.error(&place, format!("{scope} is written more than once"), "");
            }
        }
    }
}

pub(super) fn normal_scope(scope: &str) -> String {
    if scope == EVERYWHERE {
        return scope.to_owned();
    }
    scope.parse::<Repository>().map_or_else(|_| scope.to_owned(), |repository| repository.to_string())
}

fn unused_stores(
    stores: &BTreeMap<(StoreType, String), StoreDraft>,
    statements: &[Statement],
    notes: &mut Notes,
) {
    for ((kind, name), draft) in stores {
        let used = |statement: &Statement| statement.trust_stores.iter().any(|(k, n)| k == kind && n == name);
        if !statements.iter().any(used) {
            let message = format!("trust store {kind}:{name} is named by no statement");
            let place = (draft.line, draft.path.as_str());
            notes.say(
                crate::engine::diagnostic::Severity::Warning,
                place,
                message,
                "name it in trustStores, or remove it",
            );
        }
    }
}
