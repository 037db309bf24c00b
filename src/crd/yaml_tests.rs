use super::yaml::read_documents;

#[test]
fn every_node_knows_its_line_in_the_file() {
    let documents = read_documents(
        "# heading\na: 1\nb:\n  - x\n  - c: true\n---\n\n# comment\nd:\n  e: |\n    text\n    more\n  f: \"1.0\"\n",
    );
    assert_eq!(documents.len(), 2);
    let first = documents[0].content.as_ref().unwrap();
    assert_eq!(documents[0].line, 2);
    assert_eq!(first.line_at("b[1].c"), Some(5));
    assert_eq!(first.line_at("b[0]"), Some(4));
    let second = documents[1].content.as_ref().unwrap();
    assert_eq!(documents[1].line, 9);
    assert_eq!(second.line_at("d.e"), Some(10));
    assert_eq!(second.get("d").unwrap().get("e").unwrap().text(), Some("text\nmore\n"));
    assert_eq!(second.line_at("d.f"), Some(13));
    assert_eq!(second.line_at("d.missing"), Some(9));
    assert_eq!(second.get("d").unwrap().get("f").unwrap().text(), Some("1.0"));
}

#[test]
fn a_document_that_cannot_be_read_costs_only_itself() {
    let documents = read_documents("a: 1\n---\nkind: Verifier\nmetadata:\n  name: v1\nx: [1\n---\nb: 2\n");
    assert_eq!(documents.len(), 3);
    assert!(documents[0].content.is_ok());
    let error = documents[1].content.as_ref().unwrap_err();
    assert_eq!(error.seen.kind.as_deref(), Some("Verifier"));
    assert_eq!(error.seen.name.as_deref(), Some("v1"));
    assert!(documents[2].content.is_ok());
}

#[test]
fn a_member_written_twice_is_an_error_with_its_line() {
    let documents = read_documents("a: 1\nb: 2\na: 3\n");
    let error = documents[0].content.as_ref().unwrap_err();
    assert_eq!(error.line, Some(3), "{error}");
}

#[test]
fn aliases_cannot_multiply_without_bound() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f"), ("f", "g")] {
        let list = vec![format!("*{from}"); 10].join(", ");
        text.push_str(&format!("{to}: &{to} [{list}]\n"));
    }
    assert!(read_documents(&text)[0].content.is_err());
}

#[test]
fn depth_is_bounded() {
    assert!(read_documents(&"[".repeat(10_000))[0].content.is_err());
}

#[test]
fn empty_documents_and_comments_are_nothing() {
    assert!(read_documents("# only a comment\n---\n---\n# more\n...\n").is_empty());
    assert!(read_documents("").is_empty());
}

#[test]
fn json_is_read_too() {
    let documents = read_documents(
        "{\n\t\"kind\": \"Store\",\n\t\"spec\": {\"name\": \"oras\", \"n\": 1.5, \"z\": null}\n}\n",
    );
    let node = documents[0].content.as_ref().unwrap();
    assert_eq!(node.get("kind").unwrap().text(), Some("Store"));
    assert!(node.get("spec").unwrap().get("z").unwrap().is_null());
}

#[test]
fn a_wildcard_without_quotes_is_told_what_it_lacks() {
    let documents = read_documents("scopes:\n  - *.azurecr.io\n");
    let error = documents[0].content.as_ref().unwrap_err();
    assert_eq!((error.line, error.remedy), (Some(2), "put a text that begins with `*` in quotes"));
}

#[test]
fn equal_mappings_may_be_written_in_any_order() {
    let node = |text: &str| read_documents(text).remove(0).content.unwrap();
    assert_eq!(node("{a: 1, b: {c: 2, d: [3]}}"), node("{b: {d: [3], c: 2}, a: 1}"));
    assert_ne!(node("{a: 1, b: 2}"), node("{a: 2, b: 1}"));
    assert_ne!(node("{a: 1, b: 2}"), node("{a: 1, c: 2}"));
    assert_ne!(node("{a: 1, b: 2}"), node("{a: 1}"));
}

#[test]
fn a_helm_template_is_told_from_what_helm_prints() {
    let documents = read_documents("{{- range .Values.certs }}\nkind: Verifier\n{{- end }}\n");
    let error = documents[0].content.as_ref().unwrap_err();
    assert_eq!(error.remedy, "it looks like a template: give what `helm template` prints");
}
