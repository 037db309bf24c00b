use std::net::IpAddr;

use url::Url;

use super::*;

fn refused(policy: AddressPolicy, address: &str) -> bool {
    policy.check(address.parse::<IpAddr>().expect("address")).is_err()
}

#[test]
fn metadata_and_link_local_addresses_are_refused_in_every_spelling() {
    for address in [
        "169.254.169.254",
        "169.254.170.23",
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "fe80::1",
        "febf::1",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "::",
        "ff02::1",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::ffff:100.100.100.200",
    ] {
        assert!(refused(AddressPolicy::NAMED, address), "{address}");
    }
}

#[test]
fn registries_may_be_private_and_certificates_may_not_name_private_hosts() {
    for (address, named, referred, public) in [
        ("93.184.216.34", false, false, false),
        ("2606:2800:220:1::1", false, false, false),
        ("10.0.0.1", false, false, true),
        ("172.16.9.9", false, false, true),
        ("192.168.1.1", false, false, true),
        ("100.64.0.1", false, false, true),
        ("fd12::1", false, false, true),
        ("fec0::1", false, false, true),
        ("64:ff9b:1::a00:1", false, false, true),
        ("127.0.0.1", false, true, true),
        ("::1", false, true, true),
        ("::ffff:127.0.0.1", false, true, true),
        ("::ffff:10.0.0.1", false, false, true),
    ] {
        assert_eq!(refused(AddressPolicy::NAMED, address), named, "named {address}");
        assert_eq!(refused(AddressPolicy::REFERRED, address), referred, "referred {address}");
        assert_eq!(refused(AddressPolicy::PUBLIC, address), public, "public {address}");
    }
}

#[test]
fn addresses_written_into_urls_are_judged_as_a_client_would_read_them() {
    let check = |text: &str| AddressPolicy::REFERRED.check_url(&Url::parse(text).expect("url"));
    for text in [
        "http://169.254.169.254/latest",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://[::ffff:169.254.169.254]/",
        "http://127.1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost/",
        "https://metadata.google.internal/",
        "https://Metadata.Google.Internal./",
        "https://169.254.169.254。/",
        "unix:/run/x",
    ] {
        assert!(check(text).is_err(), "{text}");
    }
    assert!(check("https://registry.example/v2/").is_ok());
}

#[tokio::test]
async fn a_name_that_resolves_to_a_refused_address_is_not_connected_to() {
    let settings = ClientSettings {
        addresses: AddressPolicy::PUBLIC,
        proxy: ProxySettings::Direct,
        ..Default::default()
    };
    let client = GuardedClient::build(&settings).expect("client");
    // The URL guard would refuse the name; the resolver has to refuse what it resolves to.
    let error = client.client_for_test().get("http://localhost:9/").send().await.expect_err("refused");
    assert_eq!(refusal(&error).map(|refusal| refusal.kind), Some("loopback"), "{}", words(&error));
}

#[test]
fn settings_that_cannot_work_say_which_one() {
    let only = |pem: &str| ClientSettings { roots: TrustedRoots::Only(pem.into()), ..Default::default() };
    assert!(matches!(GuardedClient::build(&only("")), Err(ClientError::Roots(_))));
    let certificate = ClientCertificate { pem: "nothing".into() };
    let settings = ClientSettings { certificate: Some(certificate), ..Default::default() };
    assert!(matches!(GuardedClient::build(&settings), Err(ClientError::Certificate(_))));
}

#[test]
fn settings_hide_keys_and_proxy_passwords() {
    let settings = ClientSettings {
        certificate: Some(ClientCertificate { pem: "hush".into() }),
        proxy: ProxySettings::Explicit {
            url: ProxyUrl(Url::parse("http://u:hush@proxy:3128").expect("url")),
            bypass: String::new(),
        },
        ..Default::default()
    };
    assert!(!format!("{settings:?}").contains("hush"));
}
