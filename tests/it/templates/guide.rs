//! The Rego in the documents is run.

use serde_json::{Value, json};

use hallmark::externaldata::Shape;

use super::answers::body;
use super::cases::{pod, review};
use super::gatekeeper::{Wire, external_data};
use super::policy::Policy;
use super::read;
use super::source::Rego;

/// The blocks of Rego in a document.
fn blocks(document: &str) -> Vec<String> {
    read(document)
        .split("```rego\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

fn messages(rego: &str, images: &[&str], found: &[(&str, &str)]) -> Vec<String> {
    let images: Vec<String> = images.iter().map(|image| (*image).to_owned()).collect();
    let found: Vec<_> = found.iter().map(|(key, found)| ((*key).to_owned(), (*found).into())).collect();
    let answer: Value = external_data(&Wire::ok(body(Shape::Canonical, &found)));
    let review = review(&pod(&images), None, "CREATE");
    let reviewed = Policy::text(Rego::V1, rego).review(&review, &json!({}), Some(answer));
    reviewed.messages().into_iter().map(str::to_owned).collect()
}

/// Each document has one template that fails closed; what it shows beside that are traps.
#[test]
fn the_template_in_each_document_admits_only_what_is_verified() {
    for document in ["docs/answers.md", "docs/constraint-authors.md"] {
        let blocks = blocks(document);
        let whole: Vec<&String> = blocks.iter().filter(|block| block.starts_with("package ")).collect();
        assert_eq!(whole.len(), 1, "{document}");
        let rego = whole[0];
        let (good, bad) = ("registry.example/good:1", "registry.example/bad:1");
        assert_eq!(messages(rego, &[good], &[(good, "verified")]), [] as [String; 0], "{document}");
        for found in ["unsigned", "rejected", "REGISTRY_UNAVAILABLE", "INVALID_REFERENCE"] {
            let said = messages(rego, &[good, bad], &[(good, "verified"), (bad, found)]);
            assert!(said.iter().any(|message| message.contains(bad)), "{document}: {found}: {said:?}");
        }
        let said = messages(rego, &["[other]registry.example/good:1"], &[]);
        assert!(!said.is_empty(), "{document}: an image begins with [");
    }
}
