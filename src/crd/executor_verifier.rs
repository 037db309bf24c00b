//! The verifiers of an Executor.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::executor_context::Context;
use super::field::{Field, Notes, did_you_mean};
use super::{inline, notation};
use crate::trust::key_source::{KeyContent, KeySourceSettings};
use crate::trust::policy::{Document, DocumentKind, UnknownMembers};
use crate::trust::store::{KeySourceName, StoreSettings, StoreType};
use crate::verifier::{NotationSettings, VerifierSettings};

/// The one trust store of each type.
const STORE: &str = "default";

/// A verifier with its key sources.
pub(super) struct ExecutorVerifier {
    pub(super) settings: VerifierSettings,
    pub(super) sources: BTreeMap<KeySourceName, KeySourceSettings>,
}

/// Converts a verifier; what refuses it is in the notes.
pub(super) fn convert(
    field: &Field<'_>,
    index: usize,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<ExecutorVerifier> {
    field.only(&["name", "type", "parameters"], &[], notes);
    let name = field.required_text("name", notes, "give it a name that rules and answers use");
    let kind = field.required_text("type", notes, "write type: notation")?;
    let place = field.member("type").unwrap_or_else(|| field.absent("type"));
    match kind {
        "notation" => {}
        "cosign" => {
            let remedy = "until it is, sign with notation and use a verifier of that type";
            notes.error(&place, "cosign is not supported in this release", remedy);
            return None;
        }
        other => {
            let remedy = did_you_mean(other, &["notation", "cosign"]);
            notes.error(&place, format!("{other} is no verifier of Hallmark"), remedy);
            return None;
        }
    }
    let Some(parameters) = field.member("parameters") else {
        notes.error(&field.absent("parameters"), "is missing", "write certificates");
        return None;
    };
    if !parameters.is_map(notes) {
        return None;
    }
    parameters.only(&["scopes", "trustedIdentities", "certificates"], &[], notes);
    let mut anchors = Anchors { sources: BTreeMap::new(), stores: StoreSettings::new() };
    let resource = format!("{} verifier {index}", context.key);
    anchors.read(&parameters, &resource, context, notes);
    let statements = statements(&parameters, &anchors.stores, notes)?;
    let settings = VerifierSettings::Notation(NotationSettings {
        resource: resource.into(),
        name: name?.into(),
        artifact_types: vec![notation::SIGNATURE_TYPE.to_owned()],
        statements,
        trust_stores: anchors.stores,
        required_metadata: Vec::new(),
        plugins: context.options.plugins.clone(),
    });
    Some(ExecutorVerifier { settings, sources: anchors.sources })
}

/// One trust policy at level strict, as in Ratify v2.
fn statements(
    parameters: &Field<'_>,
    stores: &StoreSettings,
    notes: &mut Notes,
) -> Option<Vec<crate::trust::policy::Statement>> {
    let scopes = texts(parameters, "scopes", notes)?;
    let scopes = scopes.iter().map(|scope| notation::normal_scope(scope));
    let document = json!({
        "version": "1.0",
        "trustPolicies": [{
            "name": STORE,
            "registryScopes": scopes.collect::<Vec<_>>(),
            "signatureVerification": {"level": "strict"},
            "trustStores": stores.keys().map(|(kind, name)| format!("{kind}:{name}")).collect::<Vec<_>>(),
            "trustedIdentities": Value::from(texts(parameters, "trustedIdentities", notes)?),
        }],
    });
    // Without certificates the document is not valid either, and that is said already.
    if stores.is_empty() {
        return None;
    }
    match Document::from_value(&document, DocumentKind::Oci, UnknownMembers::Refuse) {
        Ok(document) => {
            for (_, text) in document.warnings() {
                notes.warning(parameters, text, "");
            }
            Some(document.statements)
        }
        Err(errors) => {
            for error in &errors.0 {
                let member = match error.path.contains("registryScopes") {
                    true => "scopes",
                    false => "trustedIdentities",
                };
                let field = parameters.member(member).unwrap_or_else(|| parameters.absent(member));
                notes.error(&field, error.problem.to_string(), "");
            }
            None
        }
    }
}

/// A list of texts; `*` where there is none.
fn texts(parameters: &Field<'_>, name: &str, notes: &mut Notes) -> Option<Vec<String>> {
    let Some(field) = parameters.member(name) else { return Some(vec!["*".to_owned()]) };
    let items = field.items(notes)?;
    Some(items.iter().filter_map(|item| item.text(notes)).map(str::to_owned).collect())
}

struct Anchors {
    sources: BTreeMap<KeySourceName, KeySourceSettings>,
    stores: StoreSettings,
}

impl Anchors {
    fn read(&mut self, parameters: &Field<'_>, resource: &str, context: &Context<'_>, notes: &mut Notes) {
        let Some(certificates) = parameters.member("certificates") else {
            let message = "is missing: without it nobody is trusted";
            notes.error(&parameters.absent("certificates"), message, "list type and inline.certs");
            return;
        };
        let items = certificates.items(notes).unwrap_or_default();
        if items.is_empty() {
            notes.error(&certificates, "is empty: nobody is trusted", "list type and inline.certs");
        }
        for item in &items {
            if item.is_map(notes) {
                self.entry(item, resource, context, notes);
            }
        }
        let anchors_signers = |(kind, _): &(StoreType, String)| *kind != StoreType::Tsa;
        if !self.stores.is_empty() && !self.stores.keys().any(anchors_signers) {
            notes.error(&certificates, "trusts timestamp authorities only", "list an entry of type ca");
        }
    }

    fn entry(&mut self, item: &Field<'_>, resource: &str, context: &Context<'_>, notes: &mut Notes) {
        item.only(&["type", "inline", "files", "azurekeyvault"], &[], notes);
        let Some(written) = item.required_text("type", notes, "write type: ca") else { return };
        let place = item.member("type").unwrap_or_else(|| item.absent("type"));
        let Some(kind) = StoreType::from_prefix(written) else {
            let remedy = did_you_mean(written, &["ca", "signingAuthority", "tsa"]);
            notes.error(&place, format!("{written} is no type of trust store"), remedy);
            return;
        };
        let id = (kind, STORE.to_owned());
        if self.stores.contains_key(&id) {
            notes.error(&place, format!("there are two entries of type {kind}"), "write them as one");
            return;
        }
        let mut names = Vec::new();
        for (number, settings) in sources(item, context, notes).into_iter().enumerate() {
            let name: KeySourceName = format!("{resource} {kind} {number}").into();
            match inline::anchors(&settings, kind) {
                Ok(others) => inline::say_others(&others, (item.line, &item.path), notes),
                Err(trouble) => notes.error(item, trouble, "name certificates of authorities"),
            }
            self.sources.insert(name.clone(), settings);
            names.push(name);
        }
        self.stores.insert(id, names);
    }
}

/// The key sources of one entry: exactly one kind of them.
fn sources(item: &Field<'_>, context: &Context<'_>, notes: &mut Notes) -> Vec<KeySourceSettings> {
    let written = ["inline", "files", "azurekeyvault"].map(|name| item.member(name));
    if written.iter().flatten().count() != 1 {
        notes.error(item, "wants exactly one of inline, files and azurekeyvault", "write inline.certs");
        return Vec::new();
    }
    let [inline, files, vault] = written;
    if let Some(vault) = vault {
        let remedy = "put the certificates into inline.certs";
        notes.error(&vault, "azurekeyvault is not supported in this release", remedy);
    }
    if let Some(files) = files {
        return self::files(&files, context, notes);
    }
    let Some(inline) = inline else { return Vec::new() };
    if let Some(pem) = inline.node.text() {
        // As the first releases of Ratify 2 had it, and its chart.
        notes.warning(&inline, "is read as inline.certs", "write certs: | below it, and the text below that");
        return material(&inline, pem, context, notes);
    }
    if !inline.is_map(notes) {
        return Vec::new();
    }
    inline.only(&["certs"], &[], notes);
    let pem = inline.required_text("certs", notes, "paste the PEM text below `certs: |`");
    let (Some(pem), Some(value)) = (pem, inline.member("certs")) else { return Vec::new() };
    material(&value, pem, context, notes)
}

fn material(
    value: &Field<'_>,
    pem: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Vec<KeySourceSettings> {
    let settings = inline::material(value, pem, KeyContent::Certificates, context.options.now, notes);
    settings.into_iter().collect()
}

fn files(field: &Field<'_>, context: &Context<'_>, notes: &mut Notes) -> Vec<KeySourceSettings> {
    if context.reach.only.is_some() {
        let message = "a namespaced resource reads no files of the process";
        notes.error(field, message, "write inline.certs");
        return Vec::new();
    }
    let items = field.items(notes).unwrap_or_default();
    if items.is_empty() {
        notes.error(field, "names no file", "name files or folders of PEM or DER");
    }
    let paths = items.iter().filter_map(|item| item.path(notes));
    paths.map(|path| KeySourceSettings::File { path, content: KeyContent::Certificates }).collect()
}
