use super::*;
use crate::reference::{Digest, DigestAlgorithm};

fn content(media_type: &str, text: &str) -> Content {
    Content::hash(DigestAlgorithm::Sha256, media_type, text.to_owned().into())
}

const D: &str = "sha256:73c803930ea3ba1e54bc25c2bdc53edd0284c62ed651fe7b00369da519a3c333";

#[test]
fn bytes_that_hash_to_something_else_are_refused() {
    let expected = Digest::of(DigestAlgorithm::Sha512, b"right");
    assert!(Content::checked(&expected, "x", "right".into()).is_ok());
    let error = Content::checked(&expected, "x", "wrong".into()).expect_err("mismatch");
    assert_eq!(error.expected, expected);
    assert_eq!(error.found, Digest::of(DigestAlgorithm::Sha512, b"wrong"));
}

#[test]
fn one_malformed_entry_costs_only_itself() {
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"a","digest":"{D}","size":1}},{{"mediaType":"a","digest":"{D}","size":-1}},
        {{"mediaType":"a","digest":"nope","size":1}},{{"mediaType":"a","digest":"{D}","size":4611686018427387904}},7]}}"#
    );
    let index = Index::parse(&content(media_type::IMAGE_INDEX, &text)).expect("index");
    assert_eq!(index.entries.len(), 2);
    assert_eq!(index.malformed_entries, 3);
}

#[test]
fn a_document_that_calls_itself_something_else_is_refused() {
    let text = format!(r#"{{"mediaType":"{}","layers":[]}}"#, media_type::DOCKER_MANIFEST);
    assert!(matches!(
        Manifest::parse(&content(media_type::IMAGE_MANIFEST, &text)),
        Err(DocumentError::MediaTypeMismatch { .. })
    ));
    assert!(Manifest::parse(&content(media_type::DOCKER_MANIFEST, &text)).is_ok());
}

#[test]
fn an_index_is_no_manifest() {
    let text = format!(r#"{{"mediaType":"{}","manifests":[]}}"#, media_type::IMAGE_INDEX);
    assert!(Manifest::parse(&content(media_type::IMAGE_INDEX, &text)).is_err());
}

#[test]
fn artifact_manifests_keep_their_blobs() {
    let text = format!(r#"{{"artifactType":"t","blobs":[{{"mediaType":"a","digest":"{D}","size":1}}]}}"#);
    let manifest = Manifest::parse(&content(media_type::ARTIFACT_MANIFEST, &text)).expect("manifest");
    assert_eq!(manifest.layers.len(), 1);
    assert_eq!(manifest.artifact_type.as_deref(), Some("t"));
}

#[test]
fn a_document_that_hides_deep_nesting_in_a_text_is_read_without_going_deep() {
    // serde_json reads the text under this name as JSON of its own, with its own bound on depth.
    const HIDDEN: &str = "$serde_json::private::RawValue";
    let mut text = "0".to_owned();
    for _ in 0..14 {
        let nested = format!("{}{text}{}", "[".repeat(120), "]".repeat(120));
        let object = serde_json::Map::from_iter([(HIDDEN.to_owned(), nested.into())]);
        text = serde_json::Value::Object(object).to_string();
    }
    let text = format!(r#"{{"a":{text}}}"#);
    assert!(text.len() < 4 << 20, "{}", text.len());
    let _ = Manifest::parse(&content(media_type::IMAGE_MANIFEST, &text));
}
