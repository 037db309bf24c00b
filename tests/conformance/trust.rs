//! Trust stores and statements of a case.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use hallmark::trust::policy::{Document, DocumentKind, Statement};
use hallmark::trust::store::{StoreType, TrustStores};
use hallmark::verifier::NotationSettings;
use hallmark::verifier::notation::{ARTIFACT_TYPE, InstalledPlugins, NotationVerifier};
use hallmark::x509::{Certificate, certificates_from_pem_or_der};
use serde_json::{Value, json};

use crate::case::Case;

/// The verifier of a case whose policy is one statement.
pub fn verifier(
    folder: &Path,
    case: &Case,
    statements: Vec<Statement>,
    plugins: InstalledPlugins,
) -> anyhow::Result<NotationVerifier> {
    let settings = NotationSettings {
        resource: "conformance".into(),
        name: "notation".into(),
        artifact_types: vec![ARTIFACT_TYPE.to_owned()],
        statements,
        trust_stores: Default::default(),
        required_metadata: case.user_metadata.clone().into_iter().collect(),
        plugins: plugins.keys().cloned().collect(),
    };
    Ok(NotationVerifier { settings: Arc::new(settings), stores: stores(folder, case)?, plugins })
}

fn stores(folder: &Path, case: &Case) -> anyhow::Result<TrustStores> {
    let mut stores = Vec::new();
    for (name, files) in &case.trust_stores {
        let (kind, name) = name.split_once(':').context("a trust store is TYPE:NAME")?;
        let kind = StoreType::from_prefix(kind).with_context(|| format!("trust store type {kind}"))?;
        // A store with a file that cannot be loaded is none: authenticity fails, by whatever action is set.
        if let Some(certificates) = files.iter().map(|file| certificates(folder, file)).collect() {
            let certificates: Vec<Vec<Certificate>> = certificates;
            stores.push(((kind, name.to_owned()), certificates.concat()));
        }
    }
    Ok(TrustStores::strict(stores))
}

fn certificates(folder: &Path, file: &Path) -> Option<Vec<Certificate>> {
    certificates_from_pem_or_der(&std::fs::read(folder.join(file)).ok()?).ok()
}

/// A statement wrapped into the document that it would stand in.
pub fn statement(policy: &Value) -> anyhow::Result<Vec<Statement>> {
    let document = json!({"version": "1.0", "trustPolicies": [policy]});
    document_statements(document.to_string().as_bytes())
}

/// The statements of a whole document.
pub fn document_statements(bytes: &[u8]) -> anyhow::Result<Vec<Statement>> {
    Ok(Document::from_json(bytes, DocumentKind::Oci)?.statements)
}
