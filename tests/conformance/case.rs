//! Case files: finding and reading them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

/// One case. Members that only some kinds have are optional.
#[derive(Debug, Deserialize)]
pub struct Case {
    pub id: String,
    kind: String,
    pub expected: String,
    #[serde(default)]
    pub acceptance: Acceptance,
    pub failed_at: Option<String>,
    pub logged_failures: Option<Vec<String>>,
    #[serde(default)]
    pub why: String,
    pub envelope: Option<PathBuf>,
    pub media_type: Option<String>,
    pub target: Option<Target>,
    pub policy: Option<Value>,
    #[serde(default)]
    pub trust_stores: BTreeMap<String, Vec<PathBuf>>,
    #[serde(default)]
    pub user_metadata: BTreeMap<String, String>,
    pub plugin: Option<Plugin>,
    pub oci_layout: Option<PathBuf>,
    pub artifact_reference: Option<String>,
    pub max_signature_attempts: Option<usize>,
    pub document: Option<String>,
    pub document_kind: Option<String>,
    pub policy_name: Option<String>,
    pub expected_statement: Option<String>,
    pub chain: Option<PathBuf>,
    #[serde(default)]
    pub serve: BTreeMap<String, Value>,
    pub authentic_signing_time: Option<String>,
}

/// How binding a verdict is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Acceptance {
    #[default]
    Must,
    Should,
}

/// The descriptor of the artifact that a signature is asked to cover.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
}

/// A stub verification plugin.
#[derive(Debug, Deserialize)]
pub struct Plugin {
    #[serde(default = "installed")]
    pub installed: bool,
    #[serde(default)]
    pub version: String,
    pub capabilities: Option<Vec<String>>,
    pub response: Option<Value>,
}

fn installed() -> bool {
    true
}

/// The kinds of case.
pub enum Kind<'a> {
    Envelope,
    Layout,
    Policy,
    Revocation,
    Other(&'a str),
}

impl Case {
    pub fn kind(&self) -> Kind<'_> {
        match self.kind.as_str() {
            "envelope" => Kind::Envelope,
            "layout" => Kind::Layout,
            "policy" => Kind::Policy,
            "revocation" => Kind::Revocation,
            other => Kind::Other(other),
        }
    }
}

/// `root` itself where it is a file, else every `cases.json` below it, sorted.
pub fn files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if root.is_file() {
        return Ok(vec![root.to_path_buf()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "cases.json") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads one file of cases.
pub fn read(file: &Path) -> anyhow::Result<Vec<Case>> {
    #[derive(Deserialize)]
    struct Cases {
        cases: Vec<Case>,
    }
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let cases: Cases = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not a file of cases", file.display()))?;
    Ok(cases.cases)
}

/// A member that this kind of case must have.
pub fn needed<'a, T>(member: &'a Option<T>, name: &str) -> anyhow::Result<&'a T> {
    member.as_ref().with_context(|| format!("the case has no member {name}"))
}
