//! What is said of life in a cluster.

use std::time::Duration;

use super::Case;
use crate::config::{ClientAuthority, GATEKEEPER_CA_FILE, ProviderAuthority};
use crate::engine::settings::NamespacedResources;
use crate::secret::SecretName;

const CHART: &str = "\
kubernetes: {enabled: true, namespace: hallmark-system, name: mark, namespaced_resources: replace}
gatekeeper:
  url: https://hallmark.hallmark-system:6001
  owner: hallmark
  providers:
    - {name: hallmark, path: /verify, timeout_seconds: 3}
    - {name: hallmark-mutation, path: /mutate, timeout_seconds: 1}
";

#[test]
fn what_a_chart_writes_is_read() {
    let case = Case::yaml(CHART).flag("client_san", "gatekeeper-webhook-service.gatekeeper-system.svc");
    let settings = case.settings();
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    assert_eq!(settings.server.client_ca, Some(settings.server.state_dir.join(GATEKEEPER_CA_FILE)));
    let kubernetes = settings.kubernetes.expect("a cluster");
    assert_eq!(kubernetes.namespace.as_deref(), Some("hallmark-system"));
    assert_eq!((&*kubernetes.name, kubernetes.namespaced), ("mark", NamespacedResources::Replace));
    let gatekeeper = kubernetes.gatekeeper;
    assert_eq!(gatekeeper.url.expect("url").as_str(), "https://hallmark.hallmark-system:6001/");
    assert_eq!(gatekeeper.owner.as_deref(), Some("hallmark"));
    let providers = gatekeeper.providers.iter();
    let providers: Vec<_> = providers.map(|one| (&*one.name, &*one.path, one.timeout.as_secs())).collect();
    assert_eq!(providers, [("hallmark", "/verify", 3), ("hallmark-mutation", "/mutate", 1)]);
    assert_eq!((gatekeeper.ca, gatekeeper.adopt), (ProviderAuthority::Own, false));
    assert_eq!(gatekeeper.client_ca, ClientAuthority::Webhook);
    assert_eq!(&*gatekeeper.webhook, "gatekeeper-validating-webhook-configuration");
    assert_eq!(&*gatekeeper.mutating_webhook, "gatekeeper-mutating-webhook-configuration");
}

#[test]
fn authorities_come_from_secrets_where_they_are_named() {
    let case = Case::yaml(CHART)
        .flag("cert_dir", "/tls")
        .flag("gatekeeper.ca", "secret")
        .flag("gatekeeper.ca_secret", "issued")
        .flag("gatekeeper.client_ca", "secret")
        .flag("gatekeeper.client_ca_secret", "gatekeeper-system/cert");
    let settings = case.settings();
    assert_eq!(settings.server.client_ca, Some(settings.server.state_dir.join(GATEKEEPER_CA_FILE)));
    let gatekeeper = settings.kubernetes.expect("a cluster").gatekeeper;
    assert_eq!(gatekeeper.ca, ProviderAuthority::Secret("issued".into()));
    let name = SecretName { namespace: "gatekeeper-system".into(), name: "cert".into() };
    assert_eq!(gatekeeper.client_ca, ClientAuthority::Secret(name));
}

#[test]
fn the_file_of_the_server_counts_where_it_is_asked_for_and_nobody_where_not() {
    let file = Case::yaml(CHART).flag("gatekeeper.client_ca", "file").flag("client_ca", "/ca.pem").settings();
    assert_eq!(file.server.client_ca, Some("/ca.pem".into()));
    assert_eq!(file.kubernetes.expect("a cluster").gatekeeper.client_ca, ClientAuthority::File);
    let nobody = Case::yaml(CHART).flag("gatekeeper.client_ca", "none").settings();
    assert_eq!(nobody.server.client_ca, None);
    assert_eq!(nobody.kubernetes.expect("a cluster").gatekeeper.client_ca, ClientAuthority::Nobody);
}

#[test]
fn what_cannot_both_be_meant_in_a_cluster_is_refused_with_a_remedy() {
    let own = || Case::yaml(CHART);
    let bare = || Case::yaml("kubernetes: {enabled: true}\n");
    let twice = CHART.replace("name: hallmark-mutation", "name: hallmark");
    for (case, said) in [
        (Case::new().flag("kubernetes.name", "a"), "(set kubernetes.enabled too)"),
        (Case::new().flag("gatekeeper.adopt", "true"), "(set kubernetes.enabled too)"),
        (Case::yaml(&CHART.replace("  url:", "  # url:")), "(set gatekeeper.url too)"),
        (Case::yaml(&twice), "hallmark is listed twice (keep one of the two)"),
        (own().flag("cert_dir", "/tls"), "our own authority does not vouch for the certificate of cert_dir"),
        (bare().flag("gatekeeper.ca", "secret"), "(set gatekeeper.ca_secret too)"),
        (bare().flag("gatekeeper.ca_secret", "a"), "(set gatekeeper.ca to secret)"),
        (bare().flag("gatekeeper.ca_secret", "a").flag("gatekeeper.ca", "secret"), "(set cert_dir to where"),
        (bare().flag("client_ca", "/ca.pem"), "client_ca: is not read (set gatekeeper.client_ca to file)"),
        (bare().flag("gatekeeper.client_ca", "file"), "(set client_ca too)"),
        (bare().flag("gatekeeper.client_ca", "secret"), "(set gatekeeper.client_ca_secret too)"),
        (bare().flag("gatekeeper.client_ca_secret", "a/b"), "(set gatekeeper.client_ca to secret)"),
        (
            bare().flag("gatekeeper.client_ca", "none").flag("client_san", "a.example"),
            "client_san: names a client certificate that is never asked for",
        ),
    ] {
        let error = case.said();
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_provider_without_all_its_fields_or_with_others_is_refused_with_its_line() {
    let head = "kubernetes: {enabled: true}\ngatekeeper:\n  url: https://h:1\n  providers:\n    - ";
    for (provider, said) in [
        (
            "{name: a, path: /v}",
            "settings.yaml:5: gatekeeper.providers[0]: a Provider without timeout_seconds is not complete",
        ),
        ("{path: /v}", "a Provider without name and timeout_seconds"),
        (
            "{name: A_b, path: /v, timeout_seconds: 1}",
            "providers[0].name: \"A_b\" is not the name of an object",
        ),
        ("{name: a, path: v, timeout_seconds: 1}", "\"v\" is not the path of a URL"),
        ("{name: a, path: /v, timeout_seconds: 0}", "\"0\" is not a whole number of 1 to 30"),
        ("{name: a, path: /v, timeout_second: 1}", "(did you mean timeout_seconds?)"),
        ("a", "a single value is not a mapping with any of name, path, timeout_seconds"),
    ] {
        let error = Case::yaml(&format!("{head}{provider}\n")).said();
        assert!(error.contains(said), "{said}: {error}");
    }
    let error = Case::yaml("kubernetes: {enabled: true}\ngatekeeper: {providers: a}\n").said();
    assert!(error.contains("is not a list of Provider objects"), "{error}");
}

#[test]
fn a_provider_that_hangs_up_early_and_settings_for_no_provider_are_warned_about() {
    let late =
        Case::yaml(CHART).flag("timeouts.verify", "3s").flag("timeouts.mutate", "1s").settings().warnings;
    assert_eq!(late.len(), 2, "{late:?}");
    assert!(
        late[0].contains("hallmark: Gatekeeper hangs up after 3s, before timeouts.verify (3s)"),
        "{late:?}"
    );
    assert!(late[1].contains("timeouts.mutate (1s)"), "{late:?}");
    let idle = Case::yaml("kubernetes: {enabled: true}\ngatekeeper: {url: \"https://h:1\", adopt: true}\n");
    let idle = idle.settings().warnings;
    assert_eq!(idle.len(), 2, "{idle:?}");
    assert!(idle[0].contains("gatekeeper.url: has no effect"), "{idle:?}");
}

#[test]
fn names_and_urls_are_what_kubernetes_and_gatekeeper_take() {
    for (setting, bad) in [
        ("kubernetes.namespace", "a.b"),
        ("kubernetes.namespace", "-a"),
        ("kubernetes.name", "Upper"),
        ("kubernetes.name", "a..b"),
        ("gatekeeper.client_ca_secret", "name"),
        ("gatekeeper.client_ca_secret", "a/b/c"),
        ("gatekeeper.url", "http://h:1"),
        ("gatekeeper.url", "https://h:1/"),
        ("gatekeeper.url", "https://h:1/path"),
        ("gatekeeper.url", "https://user:hush@h:1"),
    ] {
        let error = Case::yaml("kubernetes: {enabled: true}\n").flag(setting, bad).said();
        assert!(error.contains(" is not ") && !error.contains("hush"), "{error}");
    }
    let case = Case::yaml(CHART).flag("timeouts.mutate", "999ms");
    assert_eq!(case.settings().server.mutate_deadline, Duration::from_millis(999));
}
