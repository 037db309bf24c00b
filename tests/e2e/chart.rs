//! Hallmark's chart: rendered, applied, and what a process needs of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cluster::Cluster;
use crate::kubectl::list;
use crate::support::parts::part;

/// Namespace and name of the release, as the guides have them.
pub const NAMESPACE: &str = "hallmark-system";
pub const RELEASE: &str = "hallmark";

/// Where the chart mounts a certificate that Hallmark did not make.
pub const CERTIFICATE_MOUNT: &str = "/etc/hallmark/tls";

/// What `helm template` is told: one that is built from source believes in an old Kubernetes.
pub const KUBERNETES: &str = "1.36.3";

/// A folder of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The chart's objects for a values file and further values (`--set`).
pub fn render(values: &Path, set: &[String]) -> Vec<Value> {
    render_into(NAMESPACE, values, set)
}

/// The same, for a release in another namespace.
pub fn render_into(namespace: &str, values: &Path, set: &[String]) -> Vec<Value> {
    let mut helm = Command::new(part("helm"));
    helm.arg("template").arg(RELEASE).arg(project("helm/hallmark")).args(["--namespace", namespace]);
    helm.args(["--kube-version", KUBERNETES]).arg("--values").arg(values);
    for value in set {
        helm.args(["--set", value]);
    }
    let output = helm.stdin(Stdio::null()).output().expect("helm runs");
    assert!(output.status.success(), "helm template: {}", String::from_utf8_lossy(&output.stderr));
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(&String::from_utf8(output.stdout).expect("text")).expect("YAML");
    objects.into_iter().filter(|object| !object.is_null()).collect()
}

/// The settings that the installed chart gives the process.
pub fn settings(cluster: &Cluster) -> String {
    let arguments =
        ["get", "configmap", RELEASE, "--namespace", NAMESPACE, r"--output=jsonpath={.data.settings\.yaml}"];
    cluster.kubectl.run(&arguments).ok()
}

/// `kubectl apply --server-side` of objects.
pub fn apply(cluster: &Cluster, objects: &[Value]) {
    let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    cluster.kubectl.run_with(&arguments, &list(objects)).ok();
}
