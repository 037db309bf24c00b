//! `kubectl`, as a person uses it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::parts::part;

#[derive(Clone)]
pub struct Kubectl {
    kubeconfig: PathBuf,
    cache: PathBuf,
}

/// What one run said.
#[derive(Debug)]
pub struct Said {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn of(output: &Output) -> Self {
        Self {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// # Panics
    /// When it failed.
    pub fn ok(self) -> String {
        assert!(self.success, "it failed: {}", self.stderr);
        self.stdout
    }

    /// What it said on failing.
    ///
    /// # Panics
    /// When it did not fail.
    pub fn failed(self) -> String {
        assert!(!self.success, "it was to fail, and said {}{}", self.stdout, self.stderr);
        self.stderr
    }
}

impl Kubectl {
    pub fn new(kubeconfig: &Path, cache: &Path) -> Self {
        Self { kubeconfig: kubeconfig.to_owned(), cache: cache.to_owned() }
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "")
    }

    /// With `input` on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = Command::new(part("kubectl"))
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--cache-dir")
            .arg(&self.cache)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl runs");
        let mut stdin = child.stdin.take().expect("standard input");
        let input = input.to_owned();
        let writer = std::thread::spawn(move || {
            // It need not read all of it.
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = tokio::task::block_in_place(|| child.wait_with_output()).expect("kubectl ends");
        writer.join().expect("input is written");
        Said::of(&output)
    }

    /// `kubectl apply -f -` of YAML or JSON.
    pub fn apply(&self, text: &str) -> Said {
        self.run_with(&["apply", "-f", "-"], text)
    }

    /// `kubectl apply -f -` of objects.
    pub fn apply_objects(&self, objects: &[Value]) -> Said {
        self.apply(&list(objects))
    }

    /// `kubectl apply --server-side --force-conflicts -f PATH`.
    pub fn apply_server_side(&self, path: &Path) -> Said {
        let path = path.to_str().expect("path");
        self.run(&["apply", "--server-side", "--force-conflicts", "-f", path])
    }
}

/// Objects as one document.
pub fn list(objects: &[Value]) -> String {
    serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}
