//! `template.yaml` and `template-v0.yaml` are written from the Rego beside them: `policy.rego` and what it
//! names of `templates/lib`. One text is valid in both versions of Rego; only its place in the document
//! differs.

use super::{read, repository};

/// Every folder that has a template.
pub const TEMPLATES: &[&str] = &[
    "digest-required",
    "exemptions",
    "image-verification",
    "image-verification-namespaced",
    "several-signers",
    "signer-identity",
];

/// Those that ask the provider.
pub const ASKING: &[&str] =
    &["image-verification", "image-verification-namespaced", "several-signers", "signer-identity"];

/// The line of `template.yaml` below which nothing is written by hand.
const TARGETS: &str = "  targets:\n";
const TARGET: &str = "    - target: admission.k8s.gatekeeper.sh\n";

/// Which version of Rego a template's document says that its text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rego {
    /// `targets[].code[]`, Gatekeeper 3.19 and later.
    V1,
    /// `targets[].rego`, any Gatekeeper.
    V0,
}

impl Rego {
    pub const BOTH: [Self; 2] = [Self::V1, Self::V0];

    pub fn file(self) -> &'static str {
        match self {
            Self::V1 => "template.yaml",
            Self::V0 => "template-v0.yaml",
        }
    }
}

/// The path of a template's document in the repository.
pub fn path(template: &str, rego: Rego) -> String {
    format!("templates/{template}/{}", rego.file())
}

/// The policy and, below it, what its first line names of `templates/lib`, as one module. Gatekeeper finds
/// functions of other modules only through imports, and the interpreter of the tests only without.
fn module(policy: &str) -> String {
    let (parts, policy) = policy
        .strip_prefix("# With: ")
        .and_then(|rest| rest.split_once('\n'))
        .expect("the first line names parts of templates/lib");
    let mut text = policy.to_owned();
    for part in parts.split(", ") {
        let part = read(&format!("templates/lib/{part}.rego"));
        let is_head =
            |line: &&str| line.is_empty() || line.starts_with("package ") || line.starts_with("import ");
        text.push('\n');
        text.extend(part.lines().skip_while(is_head).map(|line| format!("{line}\n")));
    }
    text
}

/// A literal block of YAML, without its indicator.
fn block(text: &str, indent: usize) -> String {
    text.lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{:indent$}{line}\n", "") })
        .collect()
}

/// What `template.yaml` or `template-v0.yaml` has to say, given the hand-written head.
fn document(head: &str, policy: &str, rego: Rego) -> String {
    let (code, indent) = match rego {
        Rego::V1 => (
            "      code:\n        - engine: Rego\n          source:\n            version: v1\n".to_owned(),
            12,
        ),
        Rego::V0 => (String::new(), 6),
    };
    let mut text = format!("{head}{TARGETS}{TARGET}{code}");
    text.push_str(&format!("{:indent$}rego: |\n{}", "", block(&module(policy), indent + 2)));
    text
}

/// Compares a committed document with what it is written from, or writes it where `UPDATE_DOCS` is set.
pub fn committed(path: &str, written: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(repository(path), written).expect("document");
        return;
    }
    let found = std::fs::read_to_string(repository(path)).unwrap_or_default();
    assert!(
        found == written,
        "{path} is not what its sources say; write it again: UPDATE_DOCS=1 cargo test --test it templates::"
    );
}

#[test]
fn every_template_is_written_from_its_rego() {
    for template in TEMPLATES {
        let current = read(&path(template, Rego::V1));
        let (head, _) = current.split_once(TARGETS).expect("a line with targets:");
        let policy = read(&format!("templates/{template}/policy.rego"));
        for rego in Rego::BOTH {
            committed(&path(template, rego), &document(head, &policy, rego));
        }
    }
}

#[test]
fn every_folder_with_a_template_is_tested() {
    let mut folders: Vec<String> = std::fs::read_dir(repository("templates"))
        .expect("templates")
        .map(|entry| entry.expect("entry"))
        .filter(|entry| entry.path().join("policy.rego").is_file())
        .map(|entry| entry.file_name().into_string().expect("name"))
        .collect();
    folders.sort();
    assert_eq!(folders, TEMPLATES);
}
