//! The definitions, installed over those of Ratify.

use crate::support::cluster::Cluster;
use crate::support::program::run;

/// As Ratify's chart has them, cut to what matters: no field is kept that they do not name.
const RATIFYS: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: policies.config.ratify.deislabs.io}
spec:
  group: config.ratify.deislabs.io
  scope: Cluster
  names: {kind: Policy, listKind: PolicyList, plural: policies, singular: policy}
  versions:
  - name: v1alpha1
    served: true
    storage: false
    schema: &schema
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              type: {type: string}
              parameters: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status: {type: object, required: [issuccess], properties: {issuccess: {type: boolean}}}
  - name: v1beta1
    served: true
    storage: true
    subresources: {status: {}}
    schema: *schema
";

/// Stored by Ratify, of no use to it, and to be left as it is.
const STORED: &str = "\
apiVersion: config.ratify.deislabs.io/v1beta1
kind: Policy
metadata: {name: unused}
spec: {parameters: {artifactVerificationPolicies: {default: any}}}
";

const OBJECT: &str = "policies.config.ratify.deislabs.io/unused";

fn refusal(cluster: &Cluster, yaml: &str) -> String {
    cluster.kubectl(&["apply", "-f", "-"], yaml).expect_err("it is refused")
}

fn of(kind: &str, name: &str, spec: &str) -> String {
    let group = if kind.ends_with("Executor") {
        "config.ratify.sh/v2alpha1"
    } else {
        "config.ratify.deislabs.io/v1beta1"
    };
    format!("apiVersion: {group}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_ratify_stored_stay_valid_mistakes_are_refused_and_misspelt_fields_are_kept() {
    let cluster = Cluster::start().await;
    let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
    cluster.apply(RATIFYS);
    cluster.ok(&established, "");
    cluster.apply(STORED);
    let before = cluster.get(OBJECT, None).expect("the object");
    let definitions = run(&["crds"]).stdout;
    for _ in 0..2 {
        cluster.ok(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &definitions);
    }
    cluster.ok(&established, "");
    assert_eq!(cluster.get(OBJECT, None).expect("the object")["spec"], before["spec"]);
    // Neither its name nor what it lacks is in the way of what is written beside it.
    let patch = r#"{"status":{"issuccess":false,"brieferror":"unused","conditions":[{"type":"Ready","status":"False",
        "reason":"Unused","message":"m","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"#;
    cluster.ok(&["patch", OBJECT, "--subresource=status", "--type=merge", "-p", patch], "");
    cluster.ok(&["annotate", OBJECT, "a=b"], "");
    let columns = cluster.ok(&["get", OBJECT], "");
    assert!(
        columns.starts_with("NAME") && columns.contains("ISSUCCESS") && columns.contains("AGE"),
        "{columns}"
    );
    assert!(columns.contains("false") && columns.contains("unused"), "{columns}");
    assert!(cluster.ok(&["get", "ratify", "-A"], "").contains("unused"));
    assert!(cluster.ok(&["get", "rpolicy"], "").contains("unused"));

    for (yaml, words) in [
        (of("Policy", "other", "{type: config-policy}"), "write metadata.name: ratify-policy"),
        (of("Policy", "ratify-policy", "{}"), "spec.type is missing"),
        (of("KeyManagementProvider", "a", "{parameters: {}}"), "spec.type is missing"),
        (of("KeyManagementProvider", "a", "{type: inline, refreshInterval: 1 day}"), "refreshInterval"),
        (of("Verifier", "a", "{name: notation, artifactType: x}"), "spec.artifactTypes: Required value"),
        (of("Verifier", "a", "{name: '', artifactTypes: x}"), "spec.name is empty"),
        (of("Store", "a", "{parameters: {}}"), "spec.name: Required value"),
        (
            of("Executor", "a", "{scopes: ['*'], stores: [{type: a}], verifiers: [{name: a, type: a}]}"),
            "* is no scope",
        ),
        (
            of("Executor", "a", "{scopes: [], stores: [{type: a}], verifiers: [{name: a, type: a}]}"),
            "spec.scopes",
        ),
    ] {
        let said = refusal(&cluster, &yaml);
        assert!(said.contains(words), "{yaml}{said}");
    }

    cluster.apply(&of(
        "Verifier",
        "kept",
        "{name: notation, artifactTypes: x, misspelt: true, parameters: {a: null}}",
    ));
    let kept = cluster.get("verifiers.config.ratify.deislabs.io/kept", None).expect("the object");
    assert_eq!(kept["spec"]["misspelt"], true);
    cluster.apply(&of(
        "NamespacedExecutor",
        "kept",
        "{scopes: ['*.example', 'registry:5000/a'], stores: [{type: a, more: 1}], verifiers: [{name: a, type: a}]}",
    ));
    let kept = cluster.get("namespacedexecutors.config.ratify.sh/kept", Some("default")).expect("the object");
    assert_eq!(kept["spec"]["stores"][0]["more"], 1);
    for file in examples() {
        cluster.ok(&["apply", "-f", file.to_str().expect("path")], "");
    }
}

/// Configurations that users have, where they are beside the checkout; all are to be accepted as written.
fn examples() -> Vec<std::path::PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/examples");
    let list = |folder: &std::path::Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.expect("entry").path()).collect::<Vec<_>>()
    };
    let mut files = list(&folder);
    files.extend(list(&folder.join("ratify")));
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files
}
