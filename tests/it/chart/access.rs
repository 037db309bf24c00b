//! What the service account may do: as little as the parts that are switched on need.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rendered::Rendered;
use super::value_sets;

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map(|items| items.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// Rules of every role, with the kind of the role.
fn rules(rendered: &Rendered) -> Vec<(&str, &Value)> {
    let of_kind = |kind: &'static str| {
        let roles = rendered.kind(kind);
        roles.into_iter().flat_map(move |role| {
            role["rules"].as_array().into_iter().flatten().map(move |rule| (kind, rule))
        })
    };
    of_kind("ClusterRole").chain(of_kind("Role")).collect()
}

#[test]
fn nothing_is_granted_by_wildcard_and_no_secret_in_the_whole_cluster() {
    for set in value_sets() {
        for (kind, rule) in rules(&Rendered::of_file(&set)) {
            for field in ["apiGroups", "resources", "verbs"] {
                assert!(!texts(&rule[field]).contains(&"*"), "{}: {rule}", set.display());
            }
            let resources = texts(&rule["resources"]);
            if kind == "ClusterRole" {
                for secret in ["secrets", "configmaps", "serviceaccounts", "pods", "serviceaccounts/token"] {
                    assert!(!resources.contains(&secret), "{}: {rule}", set.display());
                }
            }
        }
    }
}

/// RBAC cannot limit `create` by name; everything else about Secrets, Leases and accounts is.
#[test]
fn what_has_a_name_is_granted_by_name() {
    let by_name = [
        "secrets",
        "leases",
        "serviceaccounts",
        "customresourcedefinitions",
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
        "clusterroles",
    ];
    for set in value_sets() {
        for (_, rule) in rules(&Rendered::of_file(&set)) {
            let named = texts(&rule["resources"]).iter().any(|resource| by_name.contains(resource));
            if named && texts(&rule["verbs"]) != ["create"] {
                assert!(!texts(&rule["resourceNames"]).is_empty(), "{}: {rule}", set.display());
            }
        }
    }
}

#[test]
fn provider_objects_of_other_names_cannot_be_changed() {
    let rendered = Rendered::of("compatibility: {ratifyV2: false}");
    let changing: Vec<_> = rules(&rendered)
        .into_iter()
        .filter(|(_, rule)| texts(&rule["resources"]).contains(&"providers"))
        .filter(|(_, rule)| {
            texts(&rule["verbs"]).iter().any(|verb| ["update", "patch", "delete"].contains(verb))
        })
        .collect();
    assert_eq!(changing.len(), 1);
    let names: BTreeSet<&str> = texts(&changing[0].1["resourceNames"]).into_iter().collect();
    let expected = ["hallmark", "hallmark-mutation", "ratify-mutation-provider", "ratify-provider"];
    assert_eq!(names, BTreeSet::from(expected));
    // Where the operator makes them, Hallmark needs none of it.
    let provided =
        "certificates: {mode: provided, provided: {secret: a, caBundle: '-----BEGIN CERTIFICATE-----'}}";
    let rendered = Rendered::of(provided);
    assert!(!rules(&rendered).iter().any(|(_, rule)| texts(&rule["resources"]).contains(&"providers")));
}

#[test]
fn each_readable_secret_gets_a_role_in_its_namespace_for_that_name() {
    let values = "secrets:
  readable: [{namespace: team-a, name: pull}, {namespace: team-a, name: keys}, {name: own}]
  serviceAccounts: [{namespace: team-a, name: builder}]";
    let rendered = Rendered::of(values);
    let role = |namespace: &str| {
        let roles = rendered.kind("Role");
        let found = roles.into_iter().find(|role| {
            role["metadata"]["name"] == "hallmark-reader" && role["metadata"]["namespace"] == namespace
        });
        found.expect("role")["rules"].clone()
    };
    let secrets = |names: &[&str]| json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": names, "verbs": ["get", "list", "watch"]});
    let accounts = json!({
        "apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["builder"],
        "verbs": ["get", "list", "watch"],
    });
    assert_eq!(role("team-a"), json!([secrets(&["keys", "pull"]), accounts]));
    assert_eq!(role("hallmark-system"), json!([secrets(&["own"])]));
    for binding in rendered.kind("RoleBinding") {
        let subjects =
            json!([{"kind": "ServiceAccount", "name": "hallmark", "namespace": "hallmark-system"}]);
        assert_eq!(binding["subjects"], subjects);
    }
}

/// Deleting it is what removes the Provider objects, so it is there even where others make the roles.
#[test]
fn the_owner_of_the_provider_objects_is_always_there() {
    for values in ["{}", "rbac: {create: false}"] {
        let rendered = Rendered::of(values);
        let owner = rendered.settings()["gatekeeper"]["owner"].as_str().expect("owner").to_owned();
        rendered.object("ClusterRole", &owner);
    }
    let without = Rendered::of("rbac: {create: false}");
    assert!(without.kind("ClusterRoleBinding").is_empty() && without.kind("Role").is_empty());
}
