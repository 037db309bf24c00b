//! What fails, is retried, is redirected; and what people are told.

use super::*;
use crate::support::registry::{Act, Auth, Fault, Step};

#[tokio::test]
async fn not_there_not_allowed_and_could_not_find_out_are_three_things() {
    let registry = TestRegistry::start(Faults::default()).await;
    let (client, image) = (Client::anonymous(), registry.push_image(REPOSITORY, None, "one"));
    let missing = manifest(&client, &registry, &sha256(b"missing")).await;
    assert!(matches!(missing, Err(FetchError::NotFound { .. })), "{missing:?}");
    for (status, want) in [
        (403, "Denied"),
        (404, "NotFound"),
        (410, "NotFound"),
        (503, "Unavailable"),
        (400, "Invalid"),
        (204, "Invalid"),
    ] {
        registry.clear_faults();
        registry.fault(Fault::always(Step::Any, Act::retry_after(status, "0")));
        let result = manifest(&client, &registry, &image).await;
        assert!(format!("{result:?}").starts_with(&format!("Err({want}")), "{status}: {result:?}");
    }
    drop(registry);
    let nobody = "127.0.0.1:1/team/app".parse().expect("repository");
    let gone = client.store().manifest(&nobody, &digest(&image), &context()).await;
    assert!(matches!(gone, Err(FetchError::Unavailable { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_and_a_lasting_one_given_up() {
    for status in [429, 500, 502, 503, 504] {
        let registry = TestRegistry::start(Faults::default()).await;
        let (client, image) = (Client::anonymous(), registry.push_image(REPOSITORY, None, "one"));
        registry.fault(Fault::times(2, Step::Manifest, Act::retry_after(status, "0")));
        manifest(&client, &registry, &image).await.expect("the third time");
        assert_eq!(registry.log().len(), 3);
        registry.clear_log();
        registry.fault(Fault::always(Step::Manifest, Act::retry_after(status, "0")));
        assert!(manifest(&client, &registry, &image).await.is_err());
        assert_eq!(registry.log().len(), 4);
    }
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    for act in [Act::HangUp, Act::BrokenBody] {
        let registry = TestRegistry::start(Faults::default()).await;
        let (client, image) = (Client::anonymous(), registry.push_image(REPOSITORY, None, "one"));
        registry.fault(Fault::times(1, Step::Manifest, act));
        manifest(&client, &registry, &image).await.expect("the second time");
    }
}

#[tokio::test]
async fn nobody_waits_for_a_registry_that_asks_to_come_back_later_than_the_deadline() {
    let registry = TestRegistry::start(Faults::default()).await;
    let (client, image) = (Client::anonymous(), registry.push_image(REPOSITORY, None, "one"));
    registry.fault(Fault::always(Step::Any, Act::retry_after(429, "3600")));
    match manifest(&client, &registry, &image).await {
        Err(FetchError::Unavailable { detail, .. }) => {
            assert!(detail.contains("429") && detail.contains("3600 s"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(registry.log().len(), 1);
}

#[tokio::test]
async fn a_403_is_asked_once() {
    let registry = TestRegistry::start(Faults { auth: Auth::Basic, ..Faults::default() }).await;
    let (client, image) = (Client::with(Known::user()), registry.push_image(REPOSITORY, None, "one"));
    manifest(&client, &registry, &image).await.expect("allowed");
    registry.clear_log();
    registry.fault(Fault::always(Step::Any, Act::status(403)));
    assert!(matches!(manifest(&client, &registry, &image).await, Err(FetchError::Denied { .. })));
    assert_eq!(registry.log().len(), 1);
}

#[tokio::test]
async fn the_registrys_own_words_are_kept_short_and_printable() {
    let registry = TestRegistry::start(Faults::default()).await;
    let message = format!("line one\nline\u{202e} two \u{1b}[31m{}", "x".repeat(5000));
    let body = serde_json::json!({"errors": [{"code": "DENIED", "message": message}]}).to_string();
    registry.fault(Fault::always(
        Step::Any,
        Act::Reply { status: 403, headers: Vec::new(), body: body.into_bytes() },
    ));
    match manifest(&Client::anonymous(), &registry, &sha256(b"x")).await {
        Err(FetchError::Denied { detail, .. }) => {
            assert!(detail.starts_with("403 Forbidden; DENIED: line one line two [31m"), "{detail}");
            assert!(detail.chars().count() < 300 && !detail.contains(char::is_control));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_blob_moved_to_another_origin_is_fetched_there_without_credentials() {
    let storage = TestRegistry::start(Faults::default()).await;
    let registry = TestRegistry::start(Faults { auth: Auth::Basic, ..Faults::default() }).await;
    let signed = push_signed(&registry, REPOSITORY, "v1");
    storage.push_blob(&signed.envelope);
    registry.fault(Fault::always(Step::Blob, Act::Redirect(format!("{}{{path}}", storage.url()))));
    let client = Client::with(Known::user());
    let read = read_everything(&client, &registry, REPOSITORY, &signed.image, &context()).await;
    assert_eq!(read.expect("read")[0].bytes(), &signed.envelope);
    assert_eq!(storage.log().len(), 1);
    assert!(!storage.log()[0].had_authorization());
    let secret = ["authorization", "cookie", "proxy-authorization"];
    assert!(secret.iter().all(|name| !storage.log()[0].headers.contains_key(*name)));
}

#[tokio::test]
async fn a_redirect_within_the_registry_keeps_its_authorization() {
    let registry = TestRegistry::start(Faults { auth: Auth::Basic, ..Faults::default() }).await;
    let (client, image) = (Client::with(Known::user()), registry.push_image(REPOSITORY, Some("v1"), "one"));
    manifest(&client, &registry, &image).await.expect("learns the challenge");
    let target = format!("/v2/{REPOSITORY}/manifests/{image}");
    registry.fault(Fault::always(Step::Tag, Act::Redirect(target)));
    by_tag(&client, &registry, "v1").await.expect("followed");
    assert!(registry.log().last().expect("request").had_authorization());
}

#[tokio::test]
async fn redirects_that_must_not_be_followed_are_not() {
    let registry = TestRegistry::start(Faults::default()).await;
    let (client, image) = (Client::anonymous(), registry.push_image(REPOSITORY, None, "one"));
    for target in [
        "http://registry.example/blob".to_owned(),
        "ftp://127.0.0.1/blob".to_owned(),
        "file:///etc/passwd".to_owned(),
        format!("http://user:pw@{}/blob", registry.host()),
        "http://169.254.169.254/latest".to_owned(),
        String::new(),
    ] {
        registry.clear_faults();
        registry.fault(Fault::always(Step::Any, Act::Redirect(target.clone())));
        registry.clear_log();
        let result = manifest(&client, &registry, &image).await;
        assert!(matches!(result, Err(FetchError::Invalid { .. })), "{target}: {result:?}");
        assert!(registry.log().len() <= 4, "{target}");
        assert!(!format!("{result:?}").contains("pw"));
    }
    registry.clear_faults();
    registry.fault(Fault::always(Step::Any, Act::Redirect("https://169.254.169.254/latest".to_owned())));
    let result = manifest(&client, &registry, &image).await;
    assert!(format!("{result:?}").contains("link-local"), "{result:?}");
}

#[tokio::test]
async fn a_redirect_loop_ends_after_three() {
    let registry = TestRegistry::start(Faults::default()).await;
    registry.fault(Fault::always(Step::Any, Act::Redirect("{path}".to_owned())));
    let result = manifest(&Client::anonymous(), &registry, &sha256(b"x")).await;
    assert!(matches!(result, Err(FetchError::Invalid { .. })), "{result:?}");
    assert_eq!(registry.log().len(), 4);
}

#[tokio::test]
async fn a_registry_that_is_a_metadata_service_is_not_asked() {
    let client = Client::anonymous();
    for host in [
        "169.254.169.254",
        "[fe80::1]:80",
        "100.100.100.200",
        "[::ffff:169.254.169.254]",
        "metadata.google.internal",
    ] {
        let repository = format!("{host}/team/app").parse().expect("repository");
        let result = client.store().manifest(&repository, &digest(&sha256(b"x")), &context()).await;
        assert!(matches!(result, Err(FetchError::Denied { .. })), "{host}: {result:?}");
    }
}
