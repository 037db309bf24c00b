//! What every set of values must render, and what single values change.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rendered::{Rendered, lint};
use super::{chart, value_sets};

#[test]
fn helm_lints_every_value_set() {
    for set in value_sets() {
        let output = lint(&set);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {said}", set.display());
        assert!(!said.contains("[WARNING]") && !said.contains("[ERROR]"), "{}: {said}", set.display());
    }
}

#[test]
fn every_object_has_a_name_of_its_own_and_no_hook() {
    for set in value_sets() {
        let rendered = Rendered::of_file(&set);
        let mut seen = BTreeSet::new();
        for object in rendered.all() {
            let metadata = &object["metadata"];
            let place = format!("{} {} {}", object["kind"], metadata["namespace"], metadata["name"]);
            assert!(seen.insert(place.clone()), "{}: {place} is there twice", set.display());
            let annotations = metadata["annotations"].as_object();
            let hook = annotations.is_some_and(|all| all.keys().any(|key| key.contains("helm.sh/hook")));
            assert!(!hook, "{}: {place} is a hook", set.display());
        }
    }
}

#[test]
fn the_pod_is_hardened_in_every_value_set() {
    for set in value_sets() {
        let rendered = Rendered::of_file(&set);
        let pod = &rendered.pod()["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["runAsUser"], 65532);
        assert_eq!(pod["securityContext"]["seccompProfile"], json!({"type": "RuntimeDefault"}));
        assert_eq!(pod["hostNetwork"], Value::Null);
        let container = rendered.container();
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}));
        for resource in ["requests", "limits"] {
            assert!(container["resources"][resource]["memory"].is_string(), "{}", set.display());
        }
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            assert_eq!(container[probe]["httpGet"]["port"], "health", "{probe}");
        }
    }
}

/// A Pod that is told to end must be given the time it takes.
#[test]
fn the_grace_period_holds_the_sleep_and_the_drain() {
    let rendered = Rendered::of("{preStopSeconds: 7, drainSeconds: 31}");
    assert_eq!(rendered.pod()["spec"]["terminationGracePeriodSeconds"], 43);
    assert_eq!(rendered.container()["lifecycle"]["preStop"]["sleep"]["seconds"], 7);
    assert_eq!(rendered.settings()["timeouts"]["drain"], "31s");
    // Older API servers do not know the sleep, and would refuse a preStop without an action.
    let older = Rendered::at("1.29.0", "{}");
    assert_eq!(older.container()["lifecycle"], Value::Null);
}

#[test]
fn one_number_for_each_webhook_sets_provider_timeouts_and_deadlines() {
    let settings = Rendered::of("{}").settings();
    assert_eq!(settings["timeouts"]["verify"], "2500ms");
    assert_eq!(settings["timeouts"]["mutate"], "800ms");
    let raised = "gatekeeper: {validatingWebhookTimeoutSeconds: 5, mutatingWebhookTimeoutSeconds: 2}";
    let settings = Rendered::of(raised).settings();
    assert_eq!(settings["timeouts"]["verify"], "4500ms");
    assert_eq!(settings["timeouts"]["mutate"], "1800ms");
    for provider in settings["gatekeeper"]["providers"].as_array().expect("list") {
        let path = provider["path"].as_str().expect("path");
        let seconds = if path.ends_with("mutate") { 2 } else { 5 };
        assert_eq!(provider["timeout_seconds"], seconds, "{path}");
    }
}

#[test]
fn a_changed_setting_restarts_the_pods_and_an_equal_one_does_not() {
    let checksum =
        |values: &str| Rendered::of(values).pod()["metadata"]["annotations"]["checksum/settings"].clone();
    let before = checksum("{}");
    assert!(before.is_string());
    assert_eq!(before, checksum("replicaCount: 3"));
    assert_ne!(before, checksum("settings: {cache: {tag_ttl: 5s}}"));
}

#[test]
fn any_setting_can_be_given_and_wins() {
    let values = "settings: {listen: '127.0.0.1:7001', cache: {tag_ttl: 5s}, gatekeeper: {adopt: true}}";
    let settings = Rendered::of(values).settings();
    assert_eq!(settings["listen"], "127.0.0.1:7001");
    assert_eq!(settings["cache"]["tag_ttl"], "5s");
    assert_eq!(settings["gatekeeper"]["adopt"], true);
    assert_eq!(settings["gatekeeper"]["owner"], "hallmark", "the rest of the group stays");
}

#[test]
fn the_chart_names_the_version_of_the_program() {
    let text = std::fs::read_to_string(chart().join("Chart.yaml")).expect("Chart.yaml");
    let chart: Value = serde_saphyr::from_str(&text).expect("YAML");
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}
