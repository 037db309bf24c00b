//! Objects that bring images into a cluster, other than Pods with containers.

use serde_json::{Value, json};

/// What makes Pods: kind, API and plural.
pub const WORKLOADS: [(&str, &str, &str); 7] = [
    ("Deployment", "apps/v1", "deployments"),
    ("StatefulSet", "apps/v1", "statefulsets"),
    ("DaemonSet", "apps/v1", "daemonsets"),
    ("ReplicaSet", "apps/v1", "replicasets"),
    ("ReplicationController", "v1", "replicationcontrollers"),
    ("Job", "batch/v1", "jobs"),
    ("CronJob", "batch/v1", "cronjobs"),
];

/// Where objects of a workload's kind are created.
pub fn workload_path(api: &str, plural: &str, namespace: &str) -> String {
    let root = if api == "v1" { "/api" } else { "/apis" };
    format!("{root}/{api}/namespaces/{namespace}/{plural}")
}

/// A workload that makes Pods of one image.
pub fn workload(kind: &str, api: &str, namespace: &str, name: &str, image: &str) -> Value {
    let labels = json!({"app": name});
    let mut pod = json!({
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": image}]},
    });
    let spec = match kind {
        "Job" | "CronJob" => {
            pod["spec"]["restartPolicy"] = json!("Never");
            json!({"template": pod})
        }
        "ReplicationController" => json!({"selector": labels, "template": pod}),
        _ => json!({"selector": {"matchLabels": labels}, "template": pod}),
    };
    let spec = if kind == "CronJob" {
        json!({"schedule": "0 0 1 1 *", "jobTemplate": {"spec": spec}})
    } else {
        spec
    };
    json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}
