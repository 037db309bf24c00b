//! The way out through a forward proxy.

use hallmark::registry::{ArtifactStore as _, FetchError};
use hallmark::transport::{ProxySettings, ProxyUrl};

use super::{Client, context, digest, manifest};
use crate::support::registry::{Faults, TestRegistry, sha256};

fn through(proxy: &TestRegistry, user_info: &str, bypass: &str) -> Client {
    let url = format!("http://{user_info}{}", proxy.host()).parse().expect("URL");
    let mut client = Client::anonymous();
    client.settings.proxy = ProxySettings::Explicit { url: ProxyUrl(url), bypass: bypass.to_owned() };
    client
}

#[tokio::test]
async fn a_registry_is_asked_through_the_proxy_by_its_whole_url() {
    let proxy = TestRegistry::start(Faults::default()).await;
    let client = through(&proxy, "robot:secret@", "");
    let repository = "registry.svc:5000/team/app".parse().expect("repository");
    let image = digest(&sha256(b"image"));
    let answer = client.store().manifest(&repository, &image, &context()).await;
    assert!(matches!(answer, Err(FetchError::NotFound { .. })), "{answer:?}");
    let log = proxy.log();
    let asked = log.first().expect("the proxy was asked");
    assert!(asked.path.starts_with("http://registry.svc:5000/v2/team/app/manifests/"), "{}", asked.path);
    let credential = asked.headers.get("proxy-authorization").expect("the proxy's own credential");
    assert!(credential.starts_with("Basic "), "{credential}");
    assert!(!asked.had_authorization(), "nothing is sent for the registry");
    assert!(!format!("{answer:?}{client:?}", client = client.settings).contains("secret"));
}

#[tokio::test]
async fn hosts_that_bypass_the_proxy_are_asked_directly() {
    let (proxy, registry) =
        (TestRegistry::start(Faults::default()).await, TestRegistry::start(Faults::default()).await);
    let image = registry.push_image(super::REPOSITORY, None, "one");
    let client = through(&proxy, "", "127.0.0.0/8");
    manifest(&client, &registry, &image).await.expect("asked directly");
    assert!(proxy.log().is_empty());
}

#[tokio::test]
async fn metadata_addresses_are_refused_before_the_proxy_is_asked() {
    let proxy = TestRegistry::start(Faults::default()).await;
    let client = through(&proxy, "", "");
    let repository = "169.254.169.254/team/app".parse().expect("repository");
    let answer = client.store().manifest(&repository, &digest(&sha256(b"image")), &context()).await;
    assert!(matches!(answer, Err(FetchError::Denied { .. })), "{answer:?}");
    assert!(proxy.log().is_empty());
}
