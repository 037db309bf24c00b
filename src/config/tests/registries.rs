//! What is said of single registries, with the files that it names.

use super::Case;
use crate::reference::RegistryHost;
use crate::transport::TrustedRoots;

/// A self-signed certificate and its key, in PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["registry.example".to_owned()]).expect("certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn what_is_said_of_a_registry_is_read_with_its_files() {
    let case = Case::yaml(
        "registry:\n  ca_file: ca.pem\n  system_roots: false\n  plain_http_hosts: [http.example, 10.0.0.7:5000]\n  \
         hosts:\n    registry.example:5000:\n      ca_file: ca.pem\n      client_certificate_file: chain.pem\n      \
         client_key_file: key.pem\n      mirrors:\n        - url: https://mirror.example/docker\n          \
         resolves_tags: true\n      allowed_realm_hosts: [auth.example:8443]\n    \
         index.docker.io: {plain_http: true}\n",
    );
    let (chain, key) = certificate();
    case.write("ca.pem", &chain);
    case.write("chain.pem", &chain);
    case.write("key.pem", &key);
    let registry = case.settings().registry;
    assert_eq!(registry.roots, TrustedRoots::Only(chain.as_str().into()));
    let host = |name: &str| registry.hosts[&RegistryHost::parse(name).expect("host")].clone();
    let one = host("registry.example:5000");
    assert_eq!(one.roots, Some(TrustedRoots::Only(chain.as_str().into())));
    assert!(one.certificate.is_some() && !one.plain_http);
    assert_eq!(one.mirrors[0].url.as_str(), "https://mirror.example/docker");
    assert!(one.mirrors[0].resolves_tags);
    assert_eq!(one.allowed_realm_hosts, ["auth.example:8443"]);
    assert!(
        host("docker.io").plain_http && host("http.example").plain_http && host("10.0.0.7:5000").plain_http
    );
    assert_eq!(registry.hosts.len(), 4);
}

#[test]
fn what_cannot_be_said_of_a_registry_is_refused() {
    let (chain, key) = certificate();
    let (_, stranger) = certificate();
    for (hosts, said) in [
        ("{\"a b\": {}}", "registry.hosts: \"a b\" is not a host"),
        ("[r.example]", "registry.hosts: a list is not a mapping of hosts"),
        ("{r.example: yes}", "registry.hosts.r.example: a single value is not a mapping with any of ca_file"),
        ("{r.example: {cafile: x}}", "no setting registry.hosts.r.example.cafile (did you mean ca_file?)"),
        ("{r.example: {insecure_skip_verify: true}}", "there is no setting"),
        ("{docker.io: {}, index.docker.io: {}}", "the host docker.io is written twice"),
        ("{r.example: {ca_file: absent.pem}}", "absent.pem cannot be used: No such file or directory"),
        ("{r.example: {ca_file: key.pem}}", "key.pem cannot be used: it holds no certificate in PEM"),
        ("{r.example: {client_key_file: key.pem}}", "(give client_certificate_file too)"),
        ("{r.example: {client_certificate_file: chain.pem}}", "(give client_key_file too)"),
        (
            "{r.example: {client_certificate_file: chain.pem, client_key_file: stranger.pem}}",
            "registry.hosts.r.example.client_key_file: stranger.pem cannot be used: it is not the key of the first \
             certificate of chain.pem",
        ),
        (
            "{r.example: {client_certificate_file: chain.pem, client_key_file: chain.pem}}",
            "chain.pem cannot be used",
        ),
        ("{r.example: {plain_http: true, ca_file: chain.pem}}", "asked over plain HTTP and has certificates"),
        ("{r.example: {mirrors: [{resolves_tags: true}]}}", "a mirror without url is not complete"),
        ("{r.example: {mirrors: [{url: \"mirror.example\"}]}}", "is not an http or https URL"),
        ("{r.example: {mirrors: {}}}", "a mapping is not a list of mirrors"),
        ("{r.example: {allowed_realm_hosts: [\"https://x\"]}}", "is not a host, such as"),
    ] {
        let case = Case::yaml(&format!("registry:\n  hosts: {hosts}\n"));
        case.write("chain.pem", &chain);
        case.write("key.pem", &key);
        case.write("stranger.pem", &stranger);
        let error = case.said();
        assert!(error.starts_with("settings.yaml:2: ") && error.contains(said), "{hosts}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("PRIVATE KEY"), "{error}");
    }
}
