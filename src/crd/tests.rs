use jiff::Timestamp;

use super::*;
use crate::engine::diagnostic::Severity;

fn documents(text: &str) -> Vec<Document> {
    yaml::read_documents(text)
        .into_iter()
        .map(|document| Document {
            file: Some(std::path::Path::new("config.yaml").into()),
            line: Some(document.line),
            content: document.content,
        })
        .collect()
}

fn check(text: &str) -> Configuration {
    convert(&documents(text), &ConvertOptions::files(Timestamp::from_second(1_790_000_000).unwrap()))
}

fn said(configuration: &Configuration, severity: Severity) -> Vec<String> {
    configuration.diagnostics.iter().filter(|d| d.severity == severity).map(ToString::to_string).collect()
}

#[test]
fn the_aks_guide_loads() {
    let path = "../shared/examples/aks-key-management-provider.yaml";
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let configuration = check(&text);
    for d in &configuration.diagnostics {
        println!("{d}");
    }
    assert_eq!(said(&configuration, Severity::Error), Vec::<String>::new());
    println!("{:#?}", configuration.cluster);
}
