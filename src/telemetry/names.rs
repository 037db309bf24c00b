//! The one list of metrics.

/// The document of every metric, in Markdown: `docs/metrics.md`.
pub fn reference_markdown() -> String {
    String::new()
}
