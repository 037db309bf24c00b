//! Hallmark's chart: rendered, applied, and what a process needs of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::kubectl::list;
use crate::support::parts::part;

/// Namespace and name of the release, as the guides have them.
pub const NAMESPACE: &str = "hallmark-system";
pub const RELEASE: &str = "hallmark";

/// A folder of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The chart's objects for a values file and further values (`--set`).
pub fn render(values: &Path, set: &[String]) -> Vec<Value> {
    let mut helm = Command::new(part("helm"));
    helm.arg("template").arg(RELEASE).arg(project("helm/hallmark")).args(["--namespace", NAMESPACE]);
    // A helm that is built from source believes in an old Kubernetes.
    helm.args(["--kube-version", "1.36.3"]).arg("--values").arg(values);
    for value in set {
        helm.args(["--set", value]);
    }
    let output = helm.stdin(Stdio::null()).output().expect("helm runs");
    assert!(output.status.success(), "helm template: {}", String::from_utf8_lossy(&output.stderr));
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(&String::from_utf8(output.stdout).expect("text")).expect("YAML");
    objects.into_iter().filter(|object| !object.is_null()).collect()
}

/// Applies the custom resources and the chart as its users do, and gives the settings that it makes.
pub async fn install(cluster: &Cluster, set: &[String]) -> String {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    cluster.api.create("/api/v1/namespaces", &namespace).await.admitted();
    cluster.kubectl.apply_server_side(&project("helm/hallmark/crds")).ok();
    let objects = render(&project("tests/e2e/values.yaml"), set);
    apply(cluster, &objects);
    let of = |kind: &str| objects.iter().find(|object| object["kind"] == kind);
    let settings = of("ConfigMap").expect("a ConfigMap")["data"]["settings.yaml"].as_str();
    settings.expect("settings").to_owned()
}

/// `kubectl apply --server-side` of objects.
pub fn apply(cluster: &Cluster, objects: &[Value]) {
    let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    cluster.kubectl.run_with(&arguments, &list(objects)).ok();
}
