//! Runs `helm` and reads what it renders.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::NamedTempFile;

use super::chart;
use crate::support::parts::part;

/// Where a test does not say otherwise.
const KUBERNETES: &str = "1.36.3";

/// The objects that the chart renders.
pub struct Rendered(Vec<Value>);

impl Rendered {
    /// What these values render; `values` is YAML, and the image's place is filled in.
    pub fn of(values: &str) -> Self {
        Self::at(KUBERNETES, values)
    }

    /// The same, on a cluster of that version.
    pub fn at(kubernetes: &str, values: &str) -> Self {
        Self::read(&template(kubernetes, &[file(values).path().to_owned()]))
    }

    /// What a file of values renders, alone.
    pub fn of_file(values: &Path) -> Self {
        Self::read(&run("template", KUBERNETES, &[values.to_owned()]))
    }

    fn read(output: &Output) -> Self {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout.clone()).expect("text");
        let objects: Vec<Option<Value>> = serde_saphyr::from_multiple(&text).expect("YAML");
        Self(objects.into_iter().flatten().collect())
    }

    /// Every object.
    pub fn all(&self) -> &[Value] {
        &self.0
    }

    /// The objects of a kind.
    pub fn kind(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|object| object["kind"] == kind).collect()
    }

    /// The one object of a kind with that name.
    pub fn object(&self, kind: &str, name: &str) -> &Value {
        let mut found = self.kind(kind);
        found.retain(|object| object["metadata"]["name"] == name);
        assert_eq!(found.len(), 1, "{kind} {name}");
        found[0]
    }

    /// Names of the objects of a kind, in order.
    pub fn names(&self, kind: &str) -> Vec<String> {
        let name = |object: &&'_ Value| object["metadata"]["name"].as_str().map(str::to_owned);
        let mut names: Vec<String> = self.kind(kind).iter().filter_map(name).collect();
        names.sort_unstable();
        names
    }

    /// The settings file that Hallmark is started with.
    pub fn settings(&self) -> Value {
        let text = self.object("ConfigMap", "hallmark")["data"]["settings.yaml"].as_str().expect("text");
        serde_saphyr::from_str(text).expect("YAML")
    }

    /// The container of the Deployment.
    pub fn container(&self) -> &Value {
        &self.pod()["spec"]["containers"][0]
    }

    /// The Pod template of the Deployment.
    pub fn pod(&self) -> &Value {
        &self.object("Deployment", "hallmark")["spec"]["template"]
    }
}

/// What helm says about values that it refuses.
pub fn refusal(values: &str) -> String {
    let output = template(KUBERNETES, &[file(values).path().to_owned()]);
    assert!(!output.status.success(), "accepted: {values}");
    String::from_utf8(output.stderr).expect("text")
}

/// `helm lint`.
pub fn lint(values: &Path) -> Output {
    run("lint", KUBERNETES, &[values.to_owned()])
}

fn template(kubernetes: &str, values: &[PathBuf]) -> Output {
    let image = file("image: {repository: registry.example/hallmark}");
    let mut files = vec![image.path().to_owned()];
    files.extend_from_slice(values);
    run("template", kubernetes, &files)
}

fn run(verb: &str, kubernetes: &str, values: &[PathBuf]) -> Output {
    let mut command = Command::new(part("helm"));
    command.arg(verb);
    if verb == "template" {
        command.arg("hallmark");
    }
    command.arg(chart()).args(["--namespace", "hallmark-system", "--kube-version", kubernetes]);
    for file in values {
        command.arg("--values").arg(file);
    }
    // Nothing of whoever runs the tests: plugins, repositories, a cluster.
    let home = tempfile::tempdir().expect("folder");
    command.env_clear().env("HOME", home.path()).output().expect("helm runs")
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("file");
    file.write_all(text.as_bytes()).expect("written");
    file
}
