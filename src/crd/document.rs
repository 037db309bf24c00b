//! A document as it was read, from a file or from the Kubernetes API.

use std::path::Path;
use std::sync::Arc;

use super::node::Node;
use super::yaml::YamlError;

/// A document as it was read, before anything is known about it.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file, where it came from one.
    pub file: Option<Arc<Path>>,
    /// The line of the file where it begins.
    pub line: Option<u32>,
    /// The tree, or why it cannot be read.
    pub content: Result<Node, YamlError>,
}

impl From<&serde_json::Value> for Document {
    /// A document from the Kubernetes API.
    fn from(value: &serde_json::Value) -> Self {
        Self { file: None, line: None, content: Ok(value.into()) }
    }
}
