//! The index alone: objects come, change and go in every order.

use serde_json::{Value, json};

use super::observed::MAX_OBJECT_BYTES;
use super::shelf::{CLUSTER_ROOM, NAMESPACE_ROOM, NAMESPACES_ROOM};
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
    let (generation, touched) = (index.generation(), index.touched());
    index.not_installed(VERIFIER);
    assert_eq!((index.generation(), index.touched()), (generation, touched), "nobody looks at it again");
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

fn unread(index: &Index) -> Vec<String> {
    let snapshot = index.snapshot();
    let all = snapshot.generations.keys().zip(&snapshot.documents);
    all.filter(|(_, document)| document.content.is_err()).map(|(name, _)| name.to_string()).collect()
}

#[test]
fn what_is_held_of_a_kind_is_bounded_and_room_comes_back() {
    let mut index = complete();
    let text = "x".repeat(CLUSTER_ROOM / 8);
    for number in 0..8 {
        index.apply(VERIFIER, &verifier(&number.to_string(), &text));
    }
    assert_eq!(unread(&index), ["Verifier 7"], "each takes a little more than its text");
    index.delete(VERIFIER, &verifier("0", ""));
    index.apply(VERIFIER, &verifier("7", &text));
    assert_eq!(unread(&index), [""; 0]);
    // A list that broke off gives back what it took.
    for _ in 0..3 {
        index.begin(VERIFIER);
        index.arrive(VERIFIER, &verifier("2", &text));
    }
    index.finish(VERIFIER);
    for number in 0..7 {
        index.apply(VERIFIER, &verifier(&number.to_string(), &text));
    }
    assert_eq!(unread(&index), [""; 0]);
}

#[test]
fn a_namespace_that_takes_all_it_can_takes_nothing_from_the_cluster_or_from_others() {
    let greedy = |number: usize| {
        let text = json!({"name": "x".repeat(NAMESPACE_ROOM / 4)});
        object(NAMESPACED_VERIFIER, Some("a-greedy"), &format!("{number:02}"), text)
    };
    let other = object(NAMESPACED_VERIFIER, Some("other"), "v", json!({"name": "notation"}));
    // As they come one by one, and as a list has them: by name.
    let mut followed = complete();
    let mut listed = Index::default();
    listed.begin(NAMESPACED_VERIFIER);
    listed.begin(VERIFIER);
    for number in 0..40 {
        followed.apply(NAMESPACED_VERIFIER, &greedy(number));
        listed.arrive(NAMESPACED_VERIFIER, &greedy(number));
    }
    followed.apply(NAMESPACED_VERIFIER, &other);
    listed.arrive(NAMESPACED_VERIFIER, &other);
    followed.apply(VERIFIER, &verifier("v", "notation"));
    listed.arrive(VERIFIER, &verifier("v", "notation"));
    listed.finish(NAMESPACED_VERIFIER);
    listed.finish(VERIFIER);
    for index in [followed, listed] {
        let unread = unread(&index);
        assert_eq!(unread.len(), 40 - 3, "{unread:?}");
        assert!(unread.iter().all(|name| name.contains("a-greedy/")), "{unread:?}");
        assert!(said(&index).iter().any(|text| text.contains("in namespace a-greedy together take")));
    }
}

#[test]
fn many_namespaces_together_are_bounded() {
    let mut index = complete();
    let text = json!({"name": "x".repeat(NAMESPACE_ROOM - 2000)});
    for number in 0..12 {
        let namespace = format!("team-{number:02}");
        index.apply(NAMESPACED_VERIFIER, &object(NAMESPACED_VERIFIER, Some(&namespace), "v", text.clone()));
    }
    assert_eq!(unread(&index).len(), 12 - NAMESPACES_ROOM / NAMESPACE_ROOM);
}

#[test]
fn what_is_short_to_write_and_long_to_keep_counts_as_what_it_takes() {
    let mut index = complete();
    let lists = |count: usize| json!({"parameters": vec![json!([]); count]});
    index.apply(NAMESPACED_VERIFIER, &object(NAMESPACED_VERIFIER, Some("team"), "v", lists(20_000)));
    index.apply(VERIFIER, &object(VERIFIER, None, "fits", lists(40_000)));
    index.apply(VERIFIER, &object(VERIFIER, None, "v", lists(60_000)));
    assert_eq!(unread(&index), ["Verifier v", "NamespacedVerifier team/v"]);
    assert!(said(&index).iter().any(|text| text.contains("values, and at most 50000 are read")));
}
