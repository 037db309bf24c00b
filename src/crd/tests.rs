use jiff::Timestamp;

use super::*;
use crate::engine::diagnostic::Severity;

#[test]
fn the_aks_guide_loads_without_an_error() {
    let path = "../shared/examples/aks-key-management-provider.yaml";
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let read = yaml::read_documents(&text).into_iter();
    let documents: Vec<_> = read
        .map(|document| Document { file: None, line: Some(document.line), content: document.content })
        .collect();
    let now = Timestamp::from_second(1_790_000_000).unwrap();
    let configuration = convert(&documents, &ConvertOptions::files(now));
    let errors: Vec<_> =
        configuration.diagnostics.iter().filter(|said| said.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(configuration.cluster.verifiers.len(), 1);
}
