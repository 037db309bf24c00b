//! Text to documents. A file is cut at its document markers first and each document is parsed on its
//! own, so that one that cannot be read costs only itself.

use super::node::{Node, Placed};

/// The longest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The most documents that are read from one file.
pub const MAX_DOCUMENTS: usize = 1024;

/// The groups of Ratify's resources, in all its generations.
const GROUPS: &[&str] = &["config.ratify.deislabs.io", "config.ratify.sh", "config.ratify.dev"];

/// One document of a file.
#[derive(Clone, Debug)]
pub struct TextDocument {
    /// The line of the file where it begins, from 1.
    pub line: u32,
    /// The tree, or why it cannot be read.
    pub content: Result<Node, YamlError>,
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// The line of the file.
    pub line: Option<u32>,
    /// What the YAML reader says, on one line.
    pub message: String,
    /// What the text says of itself all the same.
    pub seen: Box<Seen>,
    /// What to do about it.
    pub remedy: &'static str,
}

/// What can be made out of a text that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The value of a line `kind: …` at the left margin, if there is one.
    pub kind: Option<String>,
    /// The value of a line `apiVersion: …` at the left margin, if there is one.
    pub api_version: Option<String>,
    /// The value of the line `name: …` below `metadata:`, if there is one.
    pub name: Option<String>,
    /// The value of the line `namespace: …` below `metadata:`, if there is one.
    pub namespace: Option<String>,
    /// True if it names a group of Ratify's resources.
    pub is_ours: bool,
}

/// Reads every document of `text`. Documents without content are left out. At most [`MAX_DOCUMENTS`] are
/// read; the rest becomes one document with an error.
pub fn read_documents(text: &str) -> Vec<TextDocument> {
    let mut documents = Vec::new();
    for (first_line, chunk) in split_documents(text) {
        if documents.len() == MAX_DOCUMENTS {
            let message = format!("the file has more than {MAX_DOCUMENTS} documents; the rest is not read");
            documents
                .push(TextDocument { line: first_line, content: Err(error_for(chunk, first_line, message)) });
            break;
        }
        let content = parse(chunk, first_line);
        if matches!(&content, Ok(node) if node.is_null()) {
            continue;
        }
        let line = first_content_line(chunk, first_line);
        documents.push(TextDocument { line, content });
    }
    documents
}

fn parse(chunk: &str, first_line: u32) -> Result<Node, YamlError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_nodes: 50_000,
            max_events: 200_000,
            max_aliases: 100,
            max_anchors: 100,
            max_documents: 1,
            max_merge_keys: 100,
            max_total_scalar_bytes: 8 * 1024 * 1024,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Option<Placed>>(chunk, options) {
        Ok(None) => Ok(Node { line: None, value: super::node::Value::Null }),
        Ok(Some(placed)) => {
            let mut node = Node::from(placed);
            node.shift(first_line.saturating_sub(1));
            Ok(node)
        }
        Err(error) => {
            let line = error
                .location()
                .and_then(|location| u32::try_from(location.line()).ok())
                .filter(|line| *line > 0)
                .map(|line| line.saturating_add(first_line).saturating_sub(1));
            let message = in_plain_words(&error.without_snippet().to_string());
            let mut described = error_for(chunk, first_line, message);
            described.line = line.or(described.line);
            Err(described)
        }
    }
}

fn error_for(chunk: &str, first_line: u32, message: String) -> YamlError {
    let seen = Seen {
        kind: margin_value(chunk, "kind"),
        api_version: margin_value(chunk, "apiVersion"),
        name: metadata_value(chunk, "name"),
        namespace: metadata_value(chunk, "namespace"),
        is_ours: GROUPS.iter().any(|group| chunk.contains(group)),
    };
    let line = Some(first_content_line(chunk, first_line));
    YamlError { line, remedy: remedy(chunk, &message), message, seen: Box::new(seen) }
}

/// What the reader says, without places within the document (the line of the file is said before it) and
/// without advice to programmers.
fn in_plain_words(text: &str) -> String {
    let mut words =
        text.replace(['\n', '\r'], " ").replace(", set DuplicateKeyPolicy in Options if acceptable", "");
    while let Some(start) = words.find(" at line ") {
        let rest = words.get(start + " at line ".len()..).unwrap_or_default();
        let place =
            rest.find(|c: char| !c.is_ascii_digit() && !" ,:column".contains(c)).unwrap_or(rest.len());
        let place = rest.get(..place).unwrap_or_default().trim_end_matches([' ', ',', ':']);
        words.replace_range(start..start + " at line ".len() + place.len(), "");
    }
    words
}

fn remedy(chunk: &str, message: &str) -> &'static str {
    if chunk.contains("{{") && chunk.contains("}}") {
        "it looks like a template: give what `helm template` prints"
    } else if message.contains("duplicate") {
        "keep one of the two"
    } else if message.contains("tab") {
        "write spaces: YAML does not indent with tabs"
    } else if message.contains("alias") {
        "put a text that begins with `*` in quotes"
    } else {
        "correct the YAML"
    }
}

/// The value behind `name:` on a line that begins with it, or behind `"name":` in JSON.
fn margin_value(chunk: &str, name: &str) -> Option<String> {
    let margin = chunk.lines().find_map(|line| value_of(line.trim_start_matches('\u{feff}'), name));
    margin.or_else(|| json_value(chunk, name))
}

fn metadata_value(chunk: &str, name: &str) -> Option<String> {
    let below = chunk
        .lines()
        .skip_while(|line| !line.starts_with("metadata:"))
        .skip(1)
        .take_while(|line| line.starts_with([' ', '\t']) || line.trim().is_empty())
        .find_map(|line| value_of(line.trim_start(), name));
    below.or_else(|| json_value(chunk.split_once("\"metadata\"")?.1, name))
}

fn value_of(line: &str, name: &str) -> Option<String> {
    line.strip_prefix(name)?.strip_prefix(':').map(plain_scalar)
}

/// The text of the first member of that name.
fn json_value(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("\"{name}\""))?;
    let (value, _) = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split_once('"')?;
    Some(plain_scalar(value))
}

fn plain_scalar(text: &str) -> String {
    let text = text.split(" #").next().unwrap_or(text);
    text.trim().trim_matches(['"', '\'']).chars().take(253).collect()
}

/// Cuts a text before each line that is a document marker. A `---` at the left margin is a marker
/// wherever it stands, also inside what looks like a block of text (YAML 1.2.2 §9.1.2).
fn split_documents(text: &str) -> Vec<(u32, &str)> {
    let mut chunks = Vec::new();
    let (mut start, mut start_line) = (0, 1);
    let (mut offset, mut line_number) = (0, 1_u32);
    for line in text.split_inclusive('\n') {
        if offset > start && is_marker(line) {
            chunks.push((start_line, text.get(start..offset).unwrap_or_default()));
            (start, start_line) = (offset, line_number);
        }
        offset += line.len();
        line_number = line_number.saturating_add(1);
    }
    chunks.push((start_line, text.get(start..).unwrap_or_default()));
    chunks.retain(|(_, chunk)| chunk.lines().any(is_content));
    chunks
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// True for a line that is more than a marker, a directive, a comment or white space.
fn is_content(line: &str) -> bool {
    let line = if is_marker(line) { line.trim_start_matches("---") } else { line }.trim();
    !line.is_empty() && !line.starts_with(['#', '%']) && line != "..."
}

fn first_content_line(chunk: &str, first_line: u32) -> u32 {
    let skipped = chunk.lines().take_while(|line| !is_content(line)).count();
    first_line.saturating_add(u32::try_from(skipped).unwrap_or(0))
}
