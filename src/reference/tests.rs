use proptest::prelude::*;

use super::*;

const HEX: &str = "73c803930ea3ba1e54bc25c2bdc53edd0284c62ed651fe7b00369da519a3c333";

fn parsed(text: &str) -> String {
    Reference::parse(text).map_or_else(|error| format!("error: {error}"), |reference| reference.to_string())
}

#[test]
fn short_names_mean_docker_hub() {
    for (text, want) in [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("bitnami/nginx", "docker.io/bitnami/nginx:latest"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        ("Docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a/b:v1", "localhost:5000/a/b:v1"),
        ("[::1]:5000/x:1", "[::1]:5000/x:1"),
        ("REGISTRY.example/a", "registry.example/a:latest"),
    ] {
        assert_eq!(parsed(text), want, "{text}");
    }
}

#[test]
fn a_digest_keeps_the_tag_and_adds_none() {
    assert_eq!(parsed(&format!("r.io/a:v1@sha256:{HEX}")), format!("r.io/a:v1@sha256:{HEX}"));
    assert_eq!(parsed(&format!("r.io/a@sha256:{HEX}")), format!("r.io/a@sha256:{HEX}"));
}

#[test]
fn what_is_no_reference_is_refused() {
    let long = "a/".repeat(MAX_REFERENCE_BYTES);
    let upper = format!("r.io/a@sha256:{}", HEX.to_uppercase());
    for text in [
        "",
        "Nginx",
        "a//b",
        "/a",
        "a/",
        "r.io/",
        "r.io/a:",
        "r.io/a:-x",
        "r.io/a@sha256:abc",
        "r.io/a@md5:00",
        "http://r.io/a",
        "r.io/a b",
        "r..io/a",
        "-r.io/a",
        "r.io:0/a",
        "r.io:70000/a",
        "r.io/a_-b",
        "r.io/a___b",
        "[::1/a",
        "[zz]:5/a",
        "[ns]r.io/a",
        "r.io/a\n",
        &long,
        &upper,
    ] {
        assert!(Reference::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn local_hosts_are_known_by_the_host_alone() {
    let host = |text: &str| RegistryHost::parse(text).expect("host");
    assert!(host("127.0.0.1:5000").is_loopback());
    assert!(host("[::1]:5000").is_loopback());
    assert!(host("localhost").is_loopback());
    assert!(!host("127.0.0.1.example").is_loopback());
    assert!(host("registry").is_cluster_local());
    assert!(host("registry.ns.svc:5000").is_cluster_local());
    assert!(host("registry.ns.svc.cluster.local").is_cluster_local());
    assert!(!host("registry.example").is_cluster_local());
    assert!(!host("10.0.0.1").is_cluster_local());
}

proptest! {
    #[test]
    fn what_prints_parses_to_the_same(text in "(([a-z]{1,8}\\.)?[a-z]{1,5}(:[1-9][0-9]{0,3})?/)?[a-z0-9]{1,8}(/[a-z0-9]{1,6}([._-][a-z0-9]{1,4})?)?(:[A-Za-z0-9_][A-Za-z0-9._-]{0,10})?") {
        if let Ok(reference) = Reference::parse(&text) {
            prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = Reference::parse(&text);
    }
}
