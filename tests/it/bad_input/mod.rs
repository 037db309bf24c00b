//! What users do wrong, and what they are told: `docs/bad-input.md`, each row of it run.

mod asked;
mod stage;
mod typed;

use std::fmt::Write as _;
use std::path::PathBuf;

/// One row of the document.
struct Row {
    did: &'static str,
    typed: String,
    /// The lines that say what is wrong.
    said: Vec<String>,
    /// Exit status, or status of HTTP.
    status: String,
}

fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn table(document: &mut String, heads: [&str; 4], rows: &[Row]) {
    let _ = writeln!(document, "| {} |\n| --- | --- | --- | --- |", heads.join(" | "));
    for Row { did, typed, said, status } in rows {
        assert!(!said.is_empty(), "nothing was said of {typed}");
        let said: Vec<String> = said.iter().map(|line| code(line)).collect();
        let _ = writeln!(document, "| {did} | {} | {} | {status} |", code(typed), said.join("<br>"));
    }
}

fn document(typed: &[Row], asked: &[Row]) -> String {
    let mut document = "# Bad input\n\n\
        What the user did, and what Hallmark said. Every row is run by the test `bad_input`, which also writes \
        this page: `UPDATE_DOCS=1 cargo test --test it bad_input::`. Of longer output, the page shows the lines \
        that name the mistake.\n\n\
        ## On the command line\n\n\
        The files are those of the demo (`tests/fixtures/demo`), with one mistake each. `127.0.0.1:5000` is a \
        registry over plain HTTP, `127.0.0.1:5001` one that wants a password, `127.0.0.1:5002` one over TLS whose \
        certificate nobody vouches for; nobody listens at `127.0.0.1:1`.\n\n"
        .to_owned();
    table(&mut document, ["the user", "ran", "Hallmark said", "exit status"], typed);
    document.push_str(
        "\n`serve` starts where waiting helps: what is missing may come, as a mounted Secret does. It says so, is \
         not ready, and keeps looking; those rows have no exit status.\n\n\
         ## At the endpoint\n\n\
         Every answer is a ProviderResponse. What is wrong with the request is its `systemError`; what is wrong \
         with one key is the `error` of that key's item.\n\n",
    );
    table(&mut document, ["the user", "sent", "Hallmark said", "HTTP status"], asked);
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_of_bad_input_is_what_the_program_says() {
    let stage = stage::Stage::set().await;
    let (typed, asked) = (typed::rows(&stage), asked::rows().await);
    assert!(typed.len() + asked.len() >= 25);
    let written = document(&typed, &asked);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/bad-input.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, written).expect("document");
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    for (found, written) in found.lines().zip(written.lines()) {
        assert_eq!(found, written, "write it again: UPDATE_DOCS=1 cargo test --test it bad_input::");
    }
    assert_eq!(found.lines().count(), written.lines().count(), "docs/bad-input.md has other rows");
}
