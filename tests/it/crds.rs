//! The chart's CustomResourceDefinitions are the ones that the code writes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use hallmark::crd::schema::{DEFINITIONS, file_name, yaml};

const HEADING: &str = "\
# Written by `UPDATE_DOCS=1 cargo test --test it crds::`; change src/crd/schema instead.
";

#[test]
fn the_chart_has_the_definitions_that_the_program_prints() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("helm/hallmark/crds");
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::create_dir_all(&folder).expect("folder");
    }
    let mut names = BTreeSet::new();
    for definition in DEFINITIONS {
        let name = file_name(definition);
        let path = folder.join(&name);
        let written = format!("{HEADING}{}", yaml(definition).expect("YAML"));
        if update {
            std::fs::write(&path, &written).expect("definition");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == written,
            "helm/hallmark/crds/{name} is not what the code says; \
             write it again: UPDATE_DOCS=1 cargo test --test it crds::"
        );
        names.insert(name);
    }
    let found = std::fs::read_dir(&folder).expect("folder").map(|entry| entry.expect("entry").file_name());
    let found: BTreeSet<String> = found.map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(found, names, "helm/hallmark/crds holds something else");
}

#[test]
fn the_program_prints_every_definition_as_a_document_of_its_own() {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_hallmark")).arg("crds").output().expect("it runs");
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).expect("text");
    let expected: Vec<String> =
        DEFINITIONS.iter().map(|definition| yaml(definition).expect("YAML")).collect();
    assert_eq!(printed.split("---\n").collect::<Vec<_>>(), expected);
}
