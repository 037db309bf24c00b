//! What is read is what was asked for.

use serde_json::json;

use super::*;
use crate::support::registry::{Act, Fault, IMAGE_INDEX, Step, Tls};

fn detail(error: &FetchError) -> String {
    error.to_string()
}

fn invalid<T: std::fmt::Debug>(result: Result<T, FetchError>, words: &str) {
    match result {
        Err(error @ FetchError::Invalid { .. }) => {
            assert!(detail(&error).contains(words), "{error} should speak of {words}");
        }
        other => panic!("{other:?} should be Invalid: {words}"),
    }
}

#[tokio::test]
async fn every_kind_of_manifest_is_read_under_its_own_type() {
    let registry = TestRegistry::start(Faults::default()).await;
    let client = Client::anonymous();
    for media_type in [
        IMAGE_MANIFEST,
        IMAGE_INDEX,
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.artifact.manifest.v1+json",
    ] {
        let bytes = json!({"schemaVersion": 2, "mediaType": media_type}).to_string();
        let pushed = registry.push_manifest(REPOSITORY, Some("t"), media_type, bytes.as_bytes());
        let content = by_tag(&client, &registry, "t").await.expect("manifest");
        assert_eq!((content.digest(), content.media_type()), (&digest(&pushed), media_type));
    }
}

#[tokio::test]
async fn a_type_that_is_not_the_documents_own_is_refused() {
    let registry = TestRegistry::start(Faults::default()).await;
    let (client, image) = (Client::anonymous(), registry.push_image(REPOSITORY, Some("v1"), "one"));
    registry.fault(Fault::times(1, Step::Manifest, Act::ContentType(IMAGE_INDEX.to_owned())));
    invalid(manifest(&client, &registry, &image).await, "mediaType");
    for tolerated in
        [format!("{IMAGE_MANIFEST}; charset=utf-8"), IMAGE_MANIFEST.to_uppercase(), String::new()]
    {
        registry.fault(Fault::times(1, Step::Manifest, Act::ContentType(tolerated.clone())));
        let content = manifest(&client, &registry, &image).await.expect(&tolerated);
        assert_eq!(content.media_type(), IMAGE_MANIFEST);
    }
    let bare = registry.push_manifest(REPOSITORY, None, "text/html", b"{}");
    invalid(manifest(&client, &registry, &bare).await, "text/html");
}

#[tokio::test]
async fn a_login_page_is_no_manifest() {
    let registry = TestRegistry::start(Faults::default()).await;
    let page = Act::Reply {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
        body: b"<html>log in</html>".to_vec(),
    };
    registry.push_image(REPOSITORY, Some("v1"), "one");
    registry.fault(Fault::always(Step::Any, page));
    invalid(by_tag(&Client::anonymous(), &registry, "v1").await, "no JSON");
}

#[tokio::test]
async fn wrong_bytes_are_refused_whatever_the_registry_says_of_them() {
    let registry = TestRegistry::start(Faults::default()).await;
    let (client, signed) = (Client::anonymous(), push_signed(&registry, REPOSITORY, "v1"));
    let blob = descriptor(JWS, &sha256(&signed.envelope), signed.envelope.len() as u64);
    let read = async || client.store().blob(&repository(&registry), &blob, 1 << 20, &context()).await;
    registry.fault(Fault::times(2, Step::Any, Act::WrongBytes));
    invalid(manifest(&client, &registry, &signed.image).await, "");
    invalid(read().await, "hash");
    registry.fault(Fault::times(1, Step::Blob, Act::LongBody));
    invalid(read().await, "longer");
    assert_eq!(read().await.expect("blob").bytes(), &signed.envelope);
}

#[tokio::test]
async fn a_manifest_served_for_another_digest_is_refused() {
    let registry = TestRegistry::start(Faults::default()).await;
    let wanted = sha256(b"something else");
    let other = crate::support::registry::image_manifest("other");
    registry.push_manifest_as(REPOSITORY, Some("v1"), IMAGE_MANIFEST, &other, &wanted);
    let client = Client::anonymous();
    invalid(manifest(&client, &registry, &wanted).await, "hash");
    let content = by_tag(&client, &registry, "v1").await.expect("the bytes are hashed here");
    assert_eq!(*content.digest(), digest(&sha256(&other)), "whatever Docker-Content-Digest says");
}

#[tokio::test]
async fn sha512_digests_are_read() {
    let registry = TestRegistry::start(Faults::default()).await;
    let bytes = crate::support::registry::image_manifest("long");
    let of = Digest::of(hallmark::reference::DigestAlgorithm::Sha512, &bytes).to_string();
    registry.push_manifest_as(REPOSITORY, None, IMAGE_MANIFEST, &bytes, &of);
    let client = Client::anonymous();
    assert_eq!(manifest(&client, &registry, &of).await.expect("manifest").digest().to_string(), of);
    let signature =
        json!({"mediaType": IMAGE_MANIFEST, "artifactType": SIGNATURE, "subject": {"digest": of}});
    registry.push_manifest(REPOSITORY, None, IMAGE_MANIFEST, signature.to_string().as_bytes());
    assert_eq!(referrers(&client, &registry, &of).await.expect("list").entries.len(), 1);
    registry.change(|faults| faults.referrers = crate::support::registry::ReferrersApi::Missing);
    assert_eq!(by_tag_schema(&client, &registry, &of).await.expect("list").entries.len(), 1);
}

#[tokio::test]
async fn absurd_sizes_are_refused_before_anything_is_asked() {
    let registry = TestRegistry::start(Faults::default()).await;
    let client = Client::anonymous();
    for size in [0, 1 << 62, u64::MAX, 1025] {
        let blob = descriptor(JWS, &sha256(b"x"), size);
        invalid(
            client.store().blob(&repository(&registry), &blob, 1024, &context()).await,
            "descriptor says",
        );
    }
    assert!(registry.log().is_empty());
}

#[tokio::test]
async fn endless_bodies_end_at_the_limit() {
    let registry = TestRegistry::start(Faults::default()).await;
    let (client, signed) = (Client::anonymous(), push_signed(&registry, REPOSITORY, "v1"));
    registry.fault(Fault::always(Step::Any, Act::EndlessBody));
    invalid(manifest(&client, &registry, &signed.image).await, "longer than 4194304 bytes");
    invalid(by_tag(&client, &registry, "v1").await, "longer");
    invalid(referrers(&client, &registry, &signed.image).await, "longer");
    let blob = descriptor(JWS, &sha256(&signed.envelope), signed.envelope.len() as u64);
    invalid(client.store().blob(&repository(&registry), &blob, 1 << 20, &context()).await, "longer");
}

#[tokio::test]
async fn a_slow_body_meets_the_deadline_and_a_slower_caller_gets_it() {
    let registry = TestRegistry::start(Faults::default()).await;
    let (client, image) = (Client::anonymous(), registry.push_image(REPOSITORY, None, "one"));
    registry.fault(Fault::always(Step::Manifest, Act::SlowBody));
    let short = FetchContext::within(Duration::from_millis(500));
    let late = client.store().manifest(&repository(&registry), &digest(&image), &short).await;
    assert!(matches!(late, Err(FetchError::Deadline { .. })), "{late:?}");
    assert_eq!(short.trace.requests(), 1, "the request that was late is recorded too");
    registry.release();
    manifest(&client, &registry, &image).await.expect("in time");
}

#[tokio::test]
async fn private_cas_and_client_certificates_are_per_host() {
    use hallmark::transport::{ClientCertificate, TrustedRoots};
    let registry = TestRegistry::start(Faults { tls: Tls::ClientCertificate, ..Faults::default() }).await;
    let image = registry.push_image(REPOSITORY, None, "one");
    let roots = Some(TrustedRoots::Only(registry.ca_pem().into()));
    let certificate = Some(ClientCertificate { pem: registry.client_pem().into() });
    let known = HostSettings { roots: roots.clone(), certificate, ..HostSettings::default() };
    let mut client = Client::anonymous().host(&registry, known);
    client.settings.plain_http = false;
    manifest(&client, &registry, &image).await.expect("mutual TLS");
    let mut nameless = Client::anonymous().host(&registry, HostSettings { roots, ..HostSettings::default() });
    nameless.settings.plain_http = false;
    let refused = manifest(&nameless, &registry, &image).await;
    assert!(matches!(refused, Err(FetchError::Unavailable { .. })), "{refused:?}");
}

#[tokio::test]
async fn certificates_of_others_are_not_believed() {
    use hallmark::transport::TrustedRoots;
    for (tls, known_ca, words) in [
        (Tls::Trusted, false, "certificate"),
        (Tls::OtherName, true, "certificate"),
        (Tls::HangUp, false, ""),
    ] {
        let registry = TestRegistry::start(Faults { tls, ..Faults::default() }).await;
        let image = registry.push_image(REPOSITORY, None, "one");
        let mut client = Client::anonymous();
        if known_ca {
            let roots = Some(TrustedRoots::Only(registry.ca_pem().into()));
            client = client.host(&registry, HostSettings { roots, ..HostSettings::default() });
        }
        client.settings.plain_http = false;
        match manifest(&client, &registry, &image).await {
            Err(error @ FetchError::Unavailable { .. }) => assert!(detail(&error).contains(words), "{error}"),
            other => panic!("{other:?}"),
        }
        assert!(registry.log().is_empty());
    }
}

#[tokio::test]
async fn plain_http_is_only_for_hosts_that_may_be_asked_so() {
    let registry = TestRegistry::start(Faults::default()).await;
    let image = registry.push_image(REPOSITORY, None, "one");
    let mut client = Client::anonymous();
    client.settings.plain_http = false;
    match manifest(&client, &registry, &image).await {
        Err(error @ FetchError::Unavailable { .. }) => assert!(detail(&error).contains("useHttp"), "{error}"),
        other => panic!("{other:?}"),
    }
    assert!(registry.log().is_empty(), "no request went out in the clear");
    let named = HostSettings { plain_http: true, ..HostSettings::default() };
    let client = Client { settings: client.settings.clone(), ..Client::anonymous() }.host(&registry, named);
    manifest(&client, &registry, &image).await.expect("a host that is named");
}
