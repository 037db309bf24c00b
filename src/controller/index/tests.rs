//! The index alone: objects come, change and go in every order.

use serde_json::{Value, json};

use super::observed::{MAX_OBJECT_BYTES, MAX_TOTAL_BYTES};
use super::*;

const VERIFIER: usize = 5;
const NAMESPACED_VERIFIER: usize = 6;

fn object(kind: usize, namespace: Option<&str>, name: &str, spec: Value) -> DynamicObject {
    let mut metadata = json!({"name": name, "generation": 1, "resourceVersion": "7", "uid": "u"});
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    let value = json!({
        "apiVersion": KINDS[kind].api_version(), "kind": KINDS[kind].kind, "metadata": metadata, "spec": spec,
    });
    serde_json::from_value(value).expect("object")
}

fn verifier(name: &str, text: &str) -> DynamicObject {
    object(VERIFIER, None, name, json!({"name": text}))
}

fn complete() -> Index {
    let mut index = Index::default();
    for kind in 0..KINDS.len() {
        index.begin(kind);
        index.finish(kind);
    }
    index
}

fn said(index: &Index) -> Vec<String> {
    let documents = index.snapshot().documents;
    documents.iter().map(|document| format!("{:?}", document.content)).collect()
}

#[test]
fn it_is_complete_once_every_kind_was_read_or_does_not_exist() {
    let mut index = Index::default();
    for kind in 0..KINDS.len() {
        assert!(!index.is_complete());
        assert_eq!(index.unread(), KINDS.len() - kind);
        if kind % 2 == 0 {
            index.begin(kind);
            index.finish(kind);
        } else {
            assert!(index.not_installed(kind));
        }
    }
    assert!(index.is_complete());
    index.begin(VERIFIER);
    assert!(index.is_complete(), "a list that is read anew does not undo what is known");
}

#[test]
fn the_order_in_which_objects_come_does_not_matter() {
    let objects = [
        object(VERIFIER, None, "a", json!({"name": "notation"})),
        object(NAMESPACED_VERIFIER, Some("team"), "a", json!({"name": "notation"})),
        object(VERIFIER, None, "b", json!({"name": "other"})),
    ];
    let kind = |object: &DynamicObject| {
        if object.metadata.namespace.is_some() { NAMESPACED_VERIFIER } else { VERIFIER }
    };
    let (mut one, mut other) = (complete(), complete());
    for object in &objects {
        one.apply(kind(object), object);
    }
    for object in objects.iter().rev() {
        other.apply(kind(object), object);
    }
    assert_eq!(said(&one), said(&other));
    assert_eq!(one.snapshot().documents.len(), 3);
}

#[test]
fn a_list_that_is_read_anew_replaces_what_was_held_when_it_is_complete() {
    let mut index = complete();
    index.apply(VERIFIER, &verifier("stays", "a"));
    index.apply(VERIFIER, &verifier("goes", "a"));
    index.apply(NAMESPACED_VERIFIER, &object(NAMESPACED_VERIFIER, Some("team"), "goes", json!({})));
    let generation = index.generation();
    index.begin(VERIFIER);
    index.arrive(VERIFIER, &verifier("stays", "a"));
    assert_eq!(index.snapshot().documents.len(), 3);
    assert_eq!(index.generation(), generation, "nothing counts before the list is complete");
    index.finish(VERIFIER);
    assert_eq!(index.generation(), generation + 1);
    let names: Vec<String> = index.snapshot().generations.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["Verifier stays", "NamespacedVerifier team/goes"]);
    index.begin(VERIFIER);
    index.arrive(VERIFIER, &verifier("stays", "a"));
    index.finish(VERIFIER);
    assert_eq!(index.generation(), generation + 1, "the same list again changes nothing");
}

#[test]
fn what_others_write_beside_it_changes_nothing() {
    let mut index = complete();
    let mut seen = verifier("a", "notation");
    index.apply(VERIFIER, &seen);
    let (generation, touched) = (index.generation(), index.touched());
    seen.metadata.resource_version = Some("8".to_owned());
    seen.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
    seen.metadata.annotations = Some([("kubectl.kubernetes.io/x".to_owned(), "b".to_owned())].into());
    seen.data["status"] = json!({"issuccess": true});
    index.apply(VERIFIER, &seen);
    assert_eq!(index.generation(), generation);
    assert_ne!(index.touched(), touched);
    let name = ObjectName::of(VERIFIER, &seen).expect("name");
    assert_eq!(index.get(&name).and_then(|seen| seen.status.as_deref()), Some(&json!({"issuccess": true})));
    seen.metadata.annotations = Some([("hallmark.io/mandatory".to_owned(), "true".to_owned())].into());
    index.apply(VERIFIER, &seen);
    assert_eq!(index.generation(), generation + 1, "ours count");
    assert!(said(&index)[0].contains("hallmark.io/mandatory"), "{:?}", said(&index));
}

#[test]
fn nothing_that_is_written_in_an_object_is_printed() {
    let mut index = complete();
    index.apply(VERIFIER, &verifier("a", "hush"));
    let printed = format!("{index:?}");
    assert!(printed.contains("Whole") && !printed.contains("hush"), "{printed}");
}

#[test]
fn a_kind_that_is_gone_takes_its_objects_along_when_that_is_said_twice() {
    let mut index = complete();
    index.apply(VERIFIER, &verifier("a", "notation"));
    assert!(index.not_installed(VERIFIER));
    assert_eq!(index.snapshot().documents.len(), 1);
    assert!(!index.not_installed(VERIFIER), "it is news once");
    assert_eq!(index.snapshot().documents.len(), 0);
    let generation = index.generation();
    index.not_installed(VERIFIER);
    assert_eq!(index.generation(), generation);
}

#[test]
fn an_object_that_is_too_long_costs_only_itself() {
    let mut index = complete();
    index.apply(VERIFIER, &verifier("good", "notation"));
    index.apply(VERIFIER, &verifier("long", &"x".repeat(MAX_OBJECT_BYTES)));
    let snapshot = index.snapshot();
    let read: Vec<bool> = snapshot.documents.iter().map(|document| document.content.is_ok()).collect();
    assert_eq!(read, [true, false]);
    let options = crate::crd::ConvertOptions::files(jiff::Timestamp::UNIX_EPOCH);
    let configuration = crate::crd::convert(&snapshot.documents, &options);
    let about = configuration.diagnostics.iter().filter(|said| said.resource == "Verifier long");
    let text: Vec<String> = about.map(ToString::to_string).collect();
    assert!(text.iter().any(|text| text.contains("bytes, and at most 1048576 are read")), "{text:?}");
    index.apply(VERIFIER, &verifier("long", "notation"));
    assert!(index.snapshot().documents.iter().all(|document| document.content.is_ok()));
}

#[test]
fn what_is_held_of_all_objects_is_bounded_and_room_comes_back() {
    let mut index = complete();
    let text = "x".repeat(MAX_OBJECT_BYTES - 1000);
    let many = MAX_TOTAL_BYTES / (MAX_OBJECT_BYTES - 1000);
    let unread = |index: &Index| {
        index.snapshot().documents.iter().filter(|document| document.content.is_err()).count()
    };
    for number in 0..=many {
        index.apply(VERIFIER, &verifier(&number.to_string(), &text));
    }
    assert_eq!(unread(&index), 1);
    index.delete(VERIFIER, &verifier("0", ""));
    index.apply(VERIFIER, &verifier(&many.to_string(), &text));
    assert_eq!(unread(&index), 0);
    // A list that broke off gives back what it took.
    index.delete(VERIFIER, &verifier("1", ""));
    for _ in 0..3 {
        index.begin(VERIFIER);
        index.arrive(VERIFIER, &verifier("2", &text));
    }
    index.begin(VERIFIER);
    index.finish(VERIFIER);
    for number in 0..many {
        index.apply(VERIFIER, &verifier(&number.to_string(), &text));
    }
    assert_eq!(unread(&index), 0);
}
