//! The objects of `gatekeeper/` for operators: Provider objects and mutations.

use serde_json::{Value, json};

use super::{read, yaml};

fn documents(path: &str) -> Vec<Value> {
    read(path).split("\n---\n").map(yaml).collect()
}

/// Name, path and seconds: what templates hard-code, what the server answers, what the webhooks allow.
type Expected = (&'static str, &'static str, u64);

const PROVIDERS: [(&str, [Expected; 2]); 3] = [
    ("hallmark", [("hallmark", "/verify", 3), ("hallmark-mutation", "/mutate", 1)]),
    (
        "ratify-v1",
        [
            ("ratify-provider", "/ratify/gatekeeper/v1/verify", 3),
            ("ratify-mutation-provider", "/ratify/gatekeeper/v1/mutate", 1),
        ],
    ),
    (
        "ratify-v2",
        [
            ("ratify-gatekeeper-provider", "/ratify/gatekeeper/v2/verify", 3),
            ("ratify-gatekeeper-mutation-provider", "/ratify/gatekeeper/v2/mutate", 1),
        ],
    ),
];

#[test]
fn provider_objects_have_the_names_and_paths_of_their_generation() {
    for (file, expected) in PROVIDERS {
        let found = documents(&format!("gatekeeper/providers/{file}.yaml"));
        let expected: Vec<Value> = expected
            .iter()
            .map(|(name, path, timeout)| {
                json!({
                    "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
                    "kind": "Provider",
                    "metadata": {"name": name},
                    "spec": {
                        "url": format!("https://hallmark.hallmark-system:6001{path}"),
                        "timeout": timeout,
                        "caBundle": "REPLACE_WITH_ONE_LINE_OF_BASE64",
                    },
                })
            })
            .collect();
        assert_eq!(found, expected, "{file}");
    }
}

/// Every kind of a file has all three lists pinned, each by one mutator, at the place where its pod spec is.
#[test]
fn mutations_pin_every_list_of_every_kind_once() {
    let workloads =
        ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"];
    for (file, kinds) in [("pods", &["Pod"] as &[&str]), ("workloads", &workloads)] {
        let mut found = Vec::new();
        let mut names = Vec::new();
        for assign in documents(&format!("gatekeeper/mutation/{file}.yaml")) {
            assert_eq!(
                (&assign["apiVersion"], &assign["kind"]),
                (&json!("mutations.gatekeeper.sh/v1"), &json!("Assign"))
            );
            let spec = &assign["spec"];
            let external = json!({
                "provider": "hallmark-mutation", "dataSource": "ValueAtLocation", "failurePolicy": "Fail",
            });
            assert_eq!(spec["parameters"], json!({"assign": {"externalData": external}}));
            let excluded = json!(["kube-system", "gatekeeper-system", "hallmark-system"]);
            assert_eq!(spec["match"], json!({"scope": "Namespaced", "excludedNamespaces": excluded}));
            names.push(assign["metadata"]["name"].clone());
            for kind in spec["applyTo"][0]["kinds"].as_array().expect("kinds") {
                found.push(format!(
                    "{} {}",
                    kind.as_str().expect("kind"),
                    spec["location"].as_str().expect("location")
                ));
            }
        }
        let mut expected: Vec<String> = kinds
            .iter()
            .flat_map(|kind| {
                let place = match *kind {
                    "Pod" => "spec",
                    "CronJob" => "spec.jobTemplate.spec.template.spec",
                    _ => "spec.template.spec",
                };
                ["containers", "initContainers", "ephemeralContainers"]
                    .map(|list| format!("{kind} {place}.{list}[name:*].image"))
            })
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{file}");
        let count = names.len();
        names.sort_by_key(ToString::to_string);
        names.dedup();
        assert_eq!(names.len(), count, "{file}: names are used once");
    }
}
