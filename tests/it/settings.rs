//! The documents of settings and metrics are the ones that the code writes.

use std::path::PathBuf;

/// Compares a document with what the code writes, or writes it where `UPDATE_DOCS` is set.
fn matches_the_code(name: &str, written: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, written).expect("document");
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found != written {
        let line = found.lines().zip(written.lines()).take_while(|(one, other)| one == other).count() + 1;
        panic!(
            "docs/{name} is not what the code says, from line {line} on; \
             write it again: UPDATE_DOCS=1 cargo test --test it settings::"
        );
    }
}

#[test]
fn the_document_of_settings_is_the_table_of_settings() {
    matches_the_code("settings.md", &hallmark::config::reference_markdown());
}

#[test]
fn the_document_of_metrics_is_the_list_of_metrics() {
    matches_the_code("metrics.md", &hallmark::telemetry::reference_markdown());
}
