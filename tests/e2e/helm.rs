//! `helm`, as a person uses it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::chart::{NAMESPACE, RELEASE, project};
use crate::kubectl::Said;
use crate::support::parts::part;

#[derive(Clone)]
pub struct Helm {
    kubeconfig: PathBuf,
    home: PathBuf,
    /// What the chart is given beside what people give it: there are no Services here.
    values: Vec<String>,
}

impl Helm {
    pub fn new(kubeconfig: &Path, home: &Path, set: &[String]) -> Self {
        let mut values = vec!["--values".to_owned(), project("tests/e2e/values.yaml").display().to_string()];
        values.extend(set.iter().flat_map(|value| ["--set".to_owned(), value.clone()]));
        Self { kubeconfig: kubeconfig.to_owned(), home: home.to_owned(), values }
    }

    /// Values that every installation here needs, as arguments.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// `helm install` of the project's chart, as the guides have it.
    pub fn install(&self) -> Said {
        self.with_the_chart("install", &["--create-namespace"])
    }

    /// `helm upgrade` with further values.
    pub fn upgrade(&self, set: &[String]) -> Said {
        let set: Vec<&str> = set.iter().flat_map(|value| ["--set", value.as_str()]).collect();
        self.with_the_chart("upgrade", &set)
    }

    fn with_the_chart(&self, verb: &str, further: &[&str]) -> Said {
        let chart = project("helm/hallmark").display().to_string();
        let mut arguments = vec![verb, RELEASE, &chart, "--namespace", NAMESPACE];
        arguments.extend(self.values.iter().map(String::as_str));
        arguments.extend(further);
        self.run(&arguments)
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(part("helm"));
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_DATA_HOME", self.home.join("data"))
            .stdin(Stdio::null());
        let output = tokio::task::block_in_place(|| command.output()).expect("helm runs");
        Said::of(&output)
    }
}
