//! A release with the real helm and a real API server: installed, upgraded from one way to another, removed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::chart;
use super::files::project;
use super::rendered::Rendered;
use crate::support::cluster::Cluster;
use crate::support::parts::part;

const NAMESPACE: &str = "hallmark-system";

/// What it warns of.
fn helm(cluster: &Cluster, arguments: &[&str]) -> String {
    // Nothing of whoever runs the tests: plugins, repositories, a cluster.
    let home = tempfile::tempdir().expect("folder");
    let mut command = Command::new(part("helm"));
    command.env_clear().env("HOME", home.path()).env("KUBECONFIG", cluster.kubeconfig());
    let output = command.args(arguments).args(["--namespace", NAMESPACE]).output().expect("helm runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

/// Objects with the label of the release, of the kinds that any of the value sets makes.
fn left(cluster: &Cluster, sets: &[PathBuf]) -> usize {
    let mut kinds = BTreeSet::new();
    for rendered in sets.iter().map(|set| Rendered::of_file(set)) {
        for object in rendered.all() {
            let (version, kind) = (object["apiVersion"].as_str(), object["kind"].as_str().expect("kind"));
            let group = version.and_then(|version| version.split_once('/'));
            kinds.insert(
                group.map_or(kind.to_owned(), |(group, version)| format!("{kind}.{version}.{group}")),
            );
        }
    }
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(",");
    let label = "--selector=app.kubernetes.io/instance=hallmark";
    let get = ["get", &kinds, "--all-namespaces", label, "--output=name", "--ignore-not-found"];
    cluster.ok(&get, "").lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_installed_goes_from_any_values_to_any_others_and_leaves_nothing_but_definitions() {
    let cluster = Cluster::start().await;
    let gatekeepers = part("gatekeeper-chart/crds/provider-customresourcedefinition.yaml");
    let gatekeepers = gatekeepers.parent().and_then(Path::to_str).expect("path");
    cluster.ok(&["apply", "--server-side", "-f", gatekeepers], "");
    cluster.ok(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], "");
    let chart = chart();
    let chart = chart.to_str().expect("path");
    let sets = ["default", "everything-on", "provided"];
    let sets = sets.map(|name| project(&format!("tests/it/chart/values/{name}.yaml")));
    for set in &sets {
        for namespace in namespaces(set) {
            // It may be there.
            let _ = cluster.kubectl(&["create", "namespace", &namespace], "");
        }
    }
    let restricted = "pod-security.kubernetes.io/warn=restricted";
    cluster.ok(&["label", "namespace", NAMESPACE, restricted], "");
    // Upgrades are from each to the next, and back to where it began.
    for set in sets.iter().chain([&sets[0]]) {
        let values = set.to_str().expect("path");
        let said = helm(&cluster, &["upgrade", "--install", "hallmark", chart, "--values", values]);
        assert!(!said.contains("PodSecurity"), "{values}: {said}");
        let rendered = Rendered::of_file(set);
        assert_eq!(left(&cluster, &sets), labelled(&rendered), "{values}");
    }
    let softened =
        ["upgrade", "hallmark", chart, "--reuse-values", "--set", "securityContext.capabilities=null"];
    let said = helm(&cluster, &softened);
    assert!(said.contains("would violate PodSecurity"), "the standard is not looked at: {said}");
    helm(&cluster, &["rollback", "hallmark", "1"]);
    helm(&cluster, &["uninstall", "hallmark"]);
    assert_eq!(left(&cluster, &sets), 0);
    let definitions = cluster.ok(&["get", "crd", "--output=name"], "");
    assert!(definitions.contains("verifiers.config.ratify.deislabs.io"), "{definitions}");
}

fn namespaces(set: &Path) -> Vec<String> {
    let rendered = Rendered::of_file(set);
    let named = rendered.all().iter().filter_map(|object| object["metadata"]["namespace"].as_str());
    named.chain([NAMESPACE]).map(str::to_owned).collect()
}

fn labelled(rendered: &Rendered) -> usize {
    let ours = |object: &&serde_json::Value| {
        object["metadata"]["labels"]["app.kubernetes.io/instance"] == "hallmark"
    };
    rendered.all().iter().filter(ours).count()
}
