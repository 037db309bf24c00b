//! Every object that the chart makes is one that a real API server takes.

use serde_json::{Value, json};

use crate::chart::{project, render_into};
use crate::kubectl::list;
use crate::wait::{PATIENCE, until};
use crate::world::World;

/// Kinds of others that the chart makes on request: group, version, kind, plural.
const OTHERS: [(&str, &str, &str, &str); 3] = [
    ("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors"),
    ("monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules"),
    ("cert-manager.io", "v1", "Certificate", "certificates"),
];

/// Installs definitions of these kinds.
pub async fn others_are_served(world: &World) {
    for (group, version, kind, plural) in OTHERS {
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}");
        world.api().apply(&path, &definition(group, version, kind, plural)).await.admitted();
        until(&format!("{kind} is served"), PATIENCE, || async {
            let answer = world.api().get(&format!("/apis/{group}/{version}/{plural}")).await;
            if answer.is_success() { Ok(()) } else { Err(answer) }
        })
        .await;
    }
}

pub async fn chart_objects_are_accepted(world: &mut World) {
    others_are_served(world).await;
    let mut files: Vec<_> = std::fs::read_dir(project("tests/it/chart/values"))
        .expect("value sets")
        .map(|file| file.expect("file").path())
        .collect();
    files.sort();
    for file in &files {
        // Where the release that is installed is not in the way.
        let set = ["image.repository=registry.example/hallmark".to_owned()];
        let objects = render_into("chart-objects", file, &set);
        let namespaces = objects.iter().filter_map(|object| object["metadata"]["namespace"].as_str());
        for namespace in namespaces {
            world.namespace(namespace).await;
        }
        let arguments = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
        let said = world.cluster.kubectl.run_with(&arguments, &list(&objects));
        let name = file.file_name().expect("name").to_string_lossy();
        assert!(said.success, "{name}: {}", said.stderr);
        assert_eq!(said.stdout.lines().count(), objects.len(), "{name}: {}", said.stdout);
        println!("  {name}: {} objects", objects.len());
    }
    assert!(files.len() >= 2, "there are value sets");
}

/// A definition that takes anything: what is tried is the chart, not theirs.
fn definition(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}
