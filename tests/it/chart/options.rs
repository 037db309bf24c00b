//! Parts that are switched on or off by values, and values that are none.

use serde_json::{Value, json};

use super::rendered::{Rendered, refusal};

#[test]
fn a_misspelt_value_is_refused() {
    for values in
        ["imageTag: v1", "mutation: {enable: true}", "oras: {cache: {tll: 5}}", "certificates: {mode: self}"]
    {
        assert!(refusal(values).contains("don't meet the specifications of the schema"), "{values}");
    }
}

#[test]
fn pods_are_pinned_and_nothing_else_unless_asked_for() {
    let names = Rendered::of("{}").names("Assign");
    let pods = [
        "hallmark-pin-pod-containers",
        "hallmark-pin-pod-ephemeral-containers",
        "hallmark-pin-pod-init-containers",
    ];
    assert_eq!(names, pods);
    assert_eq!(Rendered::of("mutation: {workloads: true}").names("Assign").len(), 15);
    assert_eq!(Rendered::of("mutation: {pods: false, workloads: true}").names("Assign").len(), 12);
    for off in [
        "mutation: {enabled: false}",
        "provider: {enableMutation: false}",
        "provider: {disableMutation: true}",
    ] {
        assert!(Rendered::of(off).names("Assign").is_empty(), "{off}");
    }
}

/// A provider that is away must keep neither itself nor Gatekeeper away.
#[test]
fn the_namespaces_of_gatekeeper_and_hallmark_are_never_mutated() {
    let values = "
mutation: {workloads: true, excludedNamespaces: [mine], failurePolicy: Ignore}
provider: {mutationExcludedNamespaces: [calico-system]}
gatekeeper: {namespace: policy-system}";
    for assign in Rendered::of(values).kind("Assign") {
        let spec = &assign["spec"];
        let excluded = json!(["calico-system", "hallmark-system", "mine", "policy-system"]);
        assert_eq!(spec["match"]["excludedNamespaces"], excluded);
        let external = &spec["parameters"]["assign"]["externalData"];
        let expected = json!({"provider": "hallmark-mutation", "dataSource": "ValueAtLocation", "failurePolicy": "Ignore"});
        assert_eq!(*external, expected);
    }
}

/// With one replica a budget would only keep nodes from being drained.
#[test]
fn a_disruption_budget_needs_a_second_replica() {
    assert_eq!(Rendered::of("{}").names("PodDisruptionBudget"), ["hallmark"]);
    assert!(Rendered::of("replicaCount: 1").names("PodDisruptionBudget").is_empty());
    let scaled = Rendered::of("{replicaCount: 1, autoscaling: {enabled: true}}");
    assert_eq!(scaled.names("PodDisruptionBudget"), ["hallmark"]);
}

/// Otherwise every upgrade would undo what the autoscaler did.
#[test]
fn an_autoscaler_has_the_number_of_replicas_to_itself() {
    let scaled = Rendered::of("autoscaling: {enabled: true, minReplicas: 3, maxReplicas: 9}");
    assert_eq!(scaled.object("Deployment", "hallmark")["spec"]["replicas"], Value::Null);
    let scaler = &scaled.object("HorizontalPodAutoscaler", "hallmark")["spec"];
    assert_eq!((&scaler["minReplicas"], &scaler["maxReplicas"]), (&json!(3), &json!(9)));
    assert_eq!(scaler["scaleTargetRef"]["name"], "hallmark");
}

#[test]
fn the_network_policy_lets_gatekeeper_in_and_leaves_the_way_out_open_unless_told() {
    let rendered = Rendered::of("{networkPolicy: {enabled: true}, gatekeeper: {namespace: policy-system}}");
    let spec = &rendered.object("NetworkPolicy", "hallmark")["spec"];
    assert_eq!(spec["policyTypes"], json!(["Ingress"]));
    let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": "policy-system"}});
    assert_eq!(spec["ingress"][0]["from"], json!([{"namespaceSelector": selector}]));
    assert_eq!(spec["ingress"][0]["ports"], json!([{"port": "https", "protocol": "TCP"}]));
    assert_eq!(spec["podSelector"], rendered.object("Deployment", "hallmark")["spec"]["selector"]);
    let closed = Rendered::of("networkPolicy: {enabled: true, egress: [{ports: [{port: 443}]}]}");
    let spec = &closed.object("NetworkPolicy", "hallmark")["spec"];
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
}

#[test]
fn alerts_can_be_labelled_and_left_out() {
    let values = "prometheusRule: {enabled: true, alertLabels: {team: platform, severity: page}, disabled: [HallmarkAbsent]}";
    let rendered = Rendered::of(values);
    let rules = rendered.object("PrometheusRule", "hallmark")["spec"]["groups"][0]["rules"].clone();
    let rules = rules.as_array().expect("rules");
    assert!(!rules.is_empty() && rules.iter().all(|rule| rule["alert"] != "HallmarkAbsent"));
    assert!(rules.iter().all(|rule| rule["labels"] == json!({"team": "platform", "severity": "page"})));
    let monitored = Rendered::of("serviceMonitor: {enabled: true}");
    let monitor = &monitored.object("ServiceMonitor", "hallmark")["spec"];
    let port = monitor["endpoints"][0]["port"].as_str().expect("port");
    let service = monitored.object("Service", "hallmark")["spec"]["ports"].as_array().expect("ports");
    assert!(service.iter().any(|one| one["name"] == port), "{port}");
}

/// Selectors cannot be changed after the first installation, so values must not reach them.
#[test]
fn what_selects_the_pods_does_not_depend_on_labels_that_operators_choose() {
    let plain = Rendered::of("{}");
    let labelled = Rendered::of("podLabels: {a: b}");
    let selector =
        |rendered: &Rendered| rendered.object("Deployment", "hallmark")["spec"]["selector"].clone();
    assert_eq!(selector(&plain), selector(&labelled));
    assert_eq!(labelled.pod()["metadata"]["labels"]["a"], "b");
    let service = &plain.object("Service", "hallmark")["spec"]["selector"];
    assert_eq!(*service, selector(&plain)["matchLabels"]);
    for (name, value) in service.as_object().expect("labels") {
        assert_eq!(plain.pod()["metadata"]["labels"][name], *value);
    }
}

#[test]
fn an_image_is_taken_by_digest_where_there_is_one_and_must_be_named() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let pinned = Rendered::of(&format!("image: {{tag: v2, digest: '{digest}'}}"));
    assert_eq!(pinned.container()["image"], format!("registry.example/hallmark@{digest}"));
    assert_eq!(Rendered::of("image: {tag: v2}").container()["image"], "registry.example/hallmark:v2");
    assert!(refusal("image: {repository: ''}").contains("image.repository"));
}

#[test]
fn identities_of_clouds_reach_the_service_account_and_the_pods() {
    let values = "
serviceAccount: {name: ours, annotations: {eks.amazonaws.com/role-arn: r}, labels: {l: m}}
azureWorkloadIdentity: {clientId: c}";
    let rendered = Rendered::of(values);
    let account = &rendered.object("ServiceAccount", "ours")["metadata"];
    assert_eq!(
        account["annotations"],
        json!({"eks.amazonaws.com/role-arn": "r", "azure.workload.identity/client-id": "c"})
    );
    assert_eq!(account["labels"]["l"], "m");
    assert_eq!(rendered.pod()["metadata"]["labels"]["azure.workload.identity/use"], "true");
    assert_eq!(rendered.pod()["spec"]["serviceAccountName"], "ours");
    let borrowed = Rendered::of("serviceAccount: {create: false, name: theirs}");
    assert!(borrowed.names("ServiceAccount").is_empty());
    assert_eq!(borrowed.object("ClusterRoleBinding", "hallmark")["subjects"][0]["name"], "theirs");
}
