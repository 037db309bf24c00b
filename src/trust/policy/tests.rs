use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The vectors beside the clone. CI always has them; a user's clone may not.
fn vectors() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/notation");
    if folder.exists() {
        return Some(folder);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} is missing", folder.display());
    println!("skipped: {} is not here", folder.display());
    None
}

/// The statement for an artifact reference, as the specification's tools choose it.
fn statement_for<'a>(document: &'a Document, reference: &str) -> Option<&'a Statement> {
    let (scope, _) = reference.rsplit_once('@')?;
    if is_registry_scope(scope) { select(&document.statements, scope) } else { None }
}

#[test]
fn every_policy_vector_gets_its_verdict() {
    let Some(folder) = vectors() else { return };
    let text = std::fs::read(folder.join("cases.json")).unwrap();
    let cases: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for case in cases["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "policy") {
        seen += 1;
        let kind = if case["document_kind"] == "blob" { DocumentKind::Blob } else { DocumentKind::Oci };
        let document = Document::from_json(case["document"].as_str().unwrap().as_bytes(), kind);
        let verdict = if document.is_ok() { "valid" } else { "invalid" };
        // A NUL inside a name is refused: certificates that hold one are a known way to deceive.
        if case["expected"] != verdict && case["id"] != "made-policy/dn-32" {
            wrong.push(format!("{}: {verdict}: {document:?}", case["id"]));
        }
        let Some(expected) = case["expected_statement"].as_str() else { continue };
        let document = document.unwrap();
        let chosen = match (case["artifact_reference"].as_str(), case["policy_name"].as_str()) {
            (Some(reference), _) => statement_for(&document, reference),
            (None, name) => select_blob(&document.statements, name.filter(|name| !name.is_empty())),
        };
        let chosen = chosen.map_or("none", |statement| &statement.name);
        if chosen != expected {
            wrong.push(format!("{}: chose {chosen}, expected {expected}", case["id"]));
        }
    }
    assert!(seen > 0);
    println!("{seen} policy vectors");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_upstream_documents_are_valid_or_refused_as_observed() {
    const REFUSED: &[&str] = &[
        "empty_registry_scope",
        "malformed_registry_scope",
        "overlapped_registry_scope",
        "wildcard_plus_other_registry_scope",
        "multi_statements_with_multi_wildcard_registry_scope",
        "multi_statements_with_the_same_name",
        "multi_statements_with_the_same_registry_scope",
        "unset_trust_store",
        "malformed_trust_store",
        "wildcard_trust_store",
        "unset_trusted_identity",
        "empty_trusted_identity",
        "malformed_trusted_identity",
        "missing_country",
        "missing_organization",
        "missing_state",
        "overlapped_trusted_identity",
        "wildcard_plus_other_trusted_identity",
        "override_integrity_for_permissive",
        "invalid_format",
    ];
    let Some(folder) = vectors() else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(folder.join("trustpolicies/oci")).unwrap() {
        let path = entry.unwrap().path();
        let name =
            path.file_name().unwrap().to_str().unwrap().trim_end_matches("_trustpolicy.json").to_owned();
        let read = Document::from_json(&std::fs::read(&path).unwrap(), DocumentKind::Oci);
        assert_eq!(read.is_err(), REFUSED.contains(&name.as_str()), "{name}: {read:?}");
        seen += 1;
    }
    assert!(seen > 0);
}

fn statement(changes: serde_json::Value) -> serde_json::Value {
    let mut statement = json!({
        "name": "p",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:s"],
        "trustedIdentities": ["*"],
    });
    let members = statement.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    statement
}

fn read(statements: &[serde_json::Value]) -> Result<Document, PolicyErrors> {
    let document = json!({"version": "1.0", "trustPolicies": statements});
    Document::from_json(document.to_string().as_bytes(), DocumentKind::Oci)
}

fn problems(changes: serde_json::Value) -> Vec<(String, Problem)> {
    let errors = read(&[statement(changes)]).err().map(|errors| errors.0).unwrap_or_default();
    errors.into_iter().map(|error| (error.path, error.problem)).collect()
}

#[test]
fn a_plain_document_is_valid() {
    let document = read(&[statement(json!({}))]).unwrap();
    assert_eq!(document.statements[0].verification.level, Level::Strict);
    assert_eq!(document.warnings(), []);
}

#[test]
fn each_fault_names_its_member() {
    let path = |changes| problems(changes).first().map(|(path, _)| path.clone()).unwrap_or_default();
    assert_eq!(path(json!({"name": ""})), "trustPolicies[0].name");
    assert_eq!(path(json!({"registryScopes": []})), "trustPolicies[0].registryScopes");
    assert_eq!(
        path(json!({"registryScopes": ["r.io/a", "r.io/b:v1"]})),
        "trustPolicies[0].registryScopes[1]"
    );
    assert_eq!(path(json!({"trustStores": ["ca:s", "ca:.."]})), "trustPolicies[0].trustStores[1]");
    assert_eq!(path(json!({"trustedIdentities": ["nobody"]})), "trustPolicies[0].trustedIdentities[0]");
    assert_eq!(
        path(json!({"signatureVerification": {"level": "Strict"}})),
        "trustPolicies[0].signatureVerification.level"
    );
    assert_eq!(
        path(json!({"signatureVerification": {"level": "strict", "override": {"integrity": "log"}}})),
        "trustPolicies[0].signatureVerification.override.integrity"
    );
}

#[test]
fn every_fault_is_told_at_once() {
    let errors =
        read(&[statement(json!({"registryScopes": [], "trustStores": ["x"], "trustedIdentities": [""]}))]);
    assert_eq!(errors.unwrap_err().0.len(), 3);
}

#[test]
fn skip_wants_neither_stores_nor_identities_and_warns_where_it_covers_everything() {
    let skip =
        json!({"signatureVerification": {"level": "skip"}, "trustStores": [], "trustedIdentities": []});
    let document = read(&[statement(skip)]).unwrap();
    assert_eq!(document.warnings().len(), 1);
    let skip = json!({"signatureVerification": {"level": "skip"}});
    assert_eq!(problems(skip).len(), 2);
    let overridden = json!({
        "signatureVerification": {"level": "skip", "override": {"expiry": "log"}},
        "trustStores": [], "trustedIdentities": [],
    });
    assert_eq!(problems(overridden)[0].1, Problem::NotWithSkip);
}

#[test]
fn an_identity_that_only_a_plugin_knows_is_valid_and_warned_of() {
    let document = read(&[statement(json!({"trustedIdentities": ["X509.Subject:C=US,ST=WA,O=x"]}))]).unwrap();
    assert_eq!(document.warnings().len(), 1);
}

#[test]
fn members_in_another_case_are_refused_even_beside_the_right_one() {
    let errors = problems(json!({"RegistryScopes": ["r.io/a"]}));
    assert!(matches!(errors[0].1, Problem::Unknown { .. }));
    assert!(matches!(problems(json!({"truſtStores": ["ca:s"]}))[0].1, Problem::Unknown { .. }));
}

#[test]
fn unknown_members_are_refused_where_a_resource_holds_the_document() {
    let document = json!({"version": "1.0", "trustPolicies": [statement(json!({"comment": "x"}))]});
    assert!(Document::from_value(&document, DocumentKind::Oci, UnknownMembers::Ignore).is_ok());
    assert!(Document::from_value(&document, DocumentKind::Oci, UnknownMembers::Refuse).is_err());
}

#[test]
fn ambiguous_json_is_refused() {
    let good = json!({"version": "1.0", "trustPolicies": [statement(json!({}))]}).to_string();
    let parse = |text: &str| Document::from_json(text.as_bytes(), DocumentKind::Oci);
    assert!(parse(&good).is_ok());
    assert!(parse(&format!("{good} x")).is_err());
    assert!(parse(&format!("{good}{good}")).is_err());
    assert!(parse(&format!("\u{feff}{good}")).is_err());
    assert!(parse(&good.replace("\"version\":", "\"version\":\"1.0\",\"version\":")).is_err());
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&" ".repeat(MAX_DOCUMENT_BYTES + 1)).is_err());
}

#[test]
fn a_global_blob_statement_cannot_skip_and_is_never_a_fallback_for_a_name() {
    let blob = |changes: serde_json::Value| {
        let document = json!({"version": "1.0", "trustPolicies": [statement(changes)]});
        Document::from_json(document.to_string().as_bytes(), DocumentKind::Blob)
    };
    let document = blob(json!({"globalPolicy": true})).unwrap();
    assert!(select_blob(&document.statements, None).is_some());
    assert!(select_blob(&document.statements, Some("p")).is_some());
    assert!(select_blob(&document.statements, Some("q")).is_none());
    let skip = json!({
        "globalPolicy": true, "signatureVerification": {"level": "skip"},
        "trustStores": [], "trustedIdentities": [],
    });
    assert!(blob(skip).is_err());
}

fn repository() -> impl Strategy<Value = String> {
    let host = "[a-z0-9]{1,6}([.-][a-z0-9]{1,4})?";
    let part = "[a-z0-9]{1,6}([._-][a-z0-9]{1,4})?";
    (host, proptest::collection::vec(part, 1..4))
        .prop_map(|(host, path)| format!("{host}.example/{}", path.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_exact_scope_wins_then_the_wildcard_then_nothing(
        scopes in proptest::collection::btree_set(repository(), 1..8),
        other in repository(),
        wildcard in any::<bool>(),
    ) {
        let scopes: Vec<String> = scopes.into_iter().collect();
        let mut statements: Vec<_> = scopes
            .iter()
            .enumerate()
            .map(|(index, scope)| statement(json!({"name": format!("p{index}"), "registryScopes": [scope]})))
            .collect();
        if wildcard {
            statements.insert(0, statement(json!({"name": "any"})));
        }
        let document = read(&statements).unwrap();
        for (index, scope) in scopes.iter().enumerate() {
            let chosen = select(&document.statements, scope).unwrap();
            prop_assert_eq!(&*chosen.name, format!("p{index}"));
        }
        if !scopes.contains(&other) {
            let chosen = select(&document.statements, &other).map(|statement| &*statement.name);
            prop_assert_eq!(chosen, wildcard.then_some("any"));
        }
    }

    #[test]
    fn a_scope_is_a_repository_and_never_more(scope in repository(), tag in "[a-z0-9]{1,5}") {
        prop_assert!(is_registry_scope(&scope));
        for more in [format!("{scope}:{tag}"), format!("{scope}/"), format!("{scope}/*"), format!("https://{scope}"),
            format!("{scope}@sha256:00"), format!("{scope}\n"), format!(" {scope}"), format!("{scope}\\{tag}")]
        {
            prop_assert!(!is_registry_scope(&more), "{}", more);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _ = Document::from_json(text.as_bytes(), DocumentKind::Oci);
        let _ = is_registry_scope(&text);
    }
}
