//! Lists of referrers: scenarios R1–R12, R22, R23, R27 and R29 of the registry behaviours.

use serde_json::json;

use super::*;
use crate::support::registry::{Act, Fault, IMAGE_INDEX, ReferrersApi, Step};

fn digests(list: &Referrers) -> Vec<String> {
    list.entries.iter().map(|entry| entry.digest.to_string()).collect()
}

async fn start(api: ReferrersApi) -> (TestRegistry, Signed) {
    let registry = TestRegistry::start(Faults { referrers: api, ..Faults::default() }).await;
    let signed = push_signed(&registry, REPOSITORY, "v1");
    (registry, signed)
}

#[tokio::test]
async fn the_api_lists_the_wanted_type_and_is_asked_for_it() {
    let (registry, signed) = start(ReferrersApi::Supported).await;
    registry.attach_signature(REPOSITORY, &signed.image, "application/spdx+json", "text/spdx", b"sbom");
    let list = referrers(&Client::anonymous(), &registry, &signed.image).await.expect("list");
    assert_eq!(digests(&list), [signed.signature]);
    assert!(list.supported && !list.truncated);
    assert!(registry.log()[0].path.ends_with("?artifactType=application%2Fvnd.cncf.notary.signature"));
}

#[tokio::test]
async fn what_a_registry_claims_to_have_filtered_is_filtered_again() {
    for claim in [true, false] {
        let (registry, signed) = start(ReferrersApi::Supported).await;
        registry.change(|faults| (faults.ignore_filter, faults.claim_filter) = (true, claim));
        registry.attach_signature(REPOSITORY, &signed.image, "application/spdx+json", "text/spdx", b"sbom");
        let list = referrers(&Client::anonymous(), &registry, &signed.image).await.expect("list");
        assert_eq!(digests(&list), [signed.signature]);
    }
}

#[tokio::test]
async fn several_types_are_asked_for_unfiltered_and_no_type_means_all() {
    let (registry, signed) = start(ReferrersApi::Supported).await;
    let other = registry.attach_signature(REPOSITORY, &signed.image, "application/other", "text/x", b"other");
    registry.attach_signature(REPOSITORY, &signed.image, "application/spdx+json", "text/spdx", b"sbom");
    let (client, repository) = (Client::anonymous(), repository(&registry));
    let (store, image, context) = (client.store(), digest(&signed.image), context());
    let two = [SIGNATURE.to_owned(), "application/other".to_owned()];
    let list = store.referrers(&repository, &image, &two, Reach::Nearest, &context).await.expect("list");
    assert_eq!(digests(&list), [signed.signature, other]);
    assert_eq!(
        store
            .referrers(&repository, &image, &[], Reach::Nearest, &context)
            .await
            .expect("list")
            .entries
            .len(),
        3
    );
    assert!(registry.log().iter().all(|request| !request.path.contains("artifactType")));
}

#[tokio::test]
async fn a_registry_without_the_api_is_told_from_one_that_lists_nothing() {
    for (api, supported) in [
        (ReferrersApi::Missing, false),
        (ReferrersApi::NotFound("MANIFEST_UNKNOWN"), false),
        (ReferrersApi::NotFound("UNSUPPORTED"), false),
        (ReferrersApi::LoginPage, false),
        (ReferrersApi::EmptyWithTags, true),
    ] {
        let (registry, signed) = start(api.clone()).await;
        let client = Client::anonymous();
        let list = referrers(&client, &registry, &signed.image).await.expect("list");
        assert_eq!((list.supported, list.entries.len()), (supported, 0), "{api:?}");
        let list = by_tag_schema(&client, &registry, &signed.image).await.expect("tag schema");
        assert_eq!(digests(&list), [signed.signature], "{api:?}");
    }
}

#[tokio::test]
async fn an_unknown_repository_is_an_error_and_no_reason_to_fall_back() {
    let (registry, signed) = start(ReferrersApi::NotFound("NAME_UNKNOWN")).await;
    match referrers(&Client::anonymous(), &registry, &signed.image).await {
        Err(FetchError::NotFound { detail, .. }) => assert!(detail.contains("NAME_UNKNOWN"), "{detail}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn content_types_may_have_parameters() {
    let (registry, signed) = start(ReferrersApi::Supported).await;
    let act = Act::ContentType(format!("{IMAGE_INDEX}; charset=utf-8"));
    registry.fault(Fault::always(Step::Referrers, act));
    let list = referrers(&Client::anonymous(), &registry, &signed.image).await.expect("list");
    assert_eq!(digests(&list), [signed.signature]);
}

#[tokio::test]
async fn refusals_and_outages_are_never_an_empty_list() {
    for (status, times, want) in
        [(401, 9, "Denied"), (403, 9, "Denied"), (429, 9, "Unavailable"), (500, 9, "Unavailable")]
    {
        let (registry, signed) = start(ReferrersApi::Supported).await;
        registry.fault(Fault::times(times, Step::Any, Act::retry_after(status, "0")));
        let client = Client::anonymous();
        for result in [
            referrers(&client, &registry, &signed.image).await,
            by_tag_schema(&client, &registry, &signed.image).await,
        ] {
            assert!(format!("{result:?}").starts_with(&format!("Err({want}")), "{status}: {result:?}");
        }
    }
}

#[tokio::test]
async fn every_page_is_read_by_relative_and_absolute_links() {
    let (registry, signed) = start(ReferrersApi::Paged(2)).await;
    for number in 0..5 {
        let envelope = format!("envelope {number}");
        registry.attach_signature(REPOSITORY, &signed.image, SIGNATURE, JWS, envelope.as_bytes());
    }
    let list = referrers(&Client::anonymous(), &registry, &signed.image).await.expect("list");
    assert_eq!((list.entries.len(), list.truncated), (6, false));
    assert_eq!(registry.log().len(), 3);
}

#[tokio::test]
async fn pages_that_loop_or_never_end_are_left() {
    for (api, most) in [(ReferrersApi::Looping, 2), (ReferrersApi::EndlessEmptyPages, 16)] {
        let (registry, signed) = start(api).await;
        let list = referrers(&Client::anonymous(), &registry, &signed.image).await.expect("list");
        assert!(list.truncated);
        assert!(registry.log().len() <= most, "{}", registry.log().len());
    }
}

#[tokio::test]
async fn a_next_page_on_another_origin_is_not_asked() {
    let elsewhere = TestRegistry::start(Faults::default()).await;
    for target in [
        format!("{}/v2/{REPOSITORY}/referrers/x", elsewhere.url()),
        "https://registry.example/v2/x".to_owned(),
        "//registry.example/v2/x".to_owned(),
        "http://169.254.169.254/latest".to_owned(),
    ] {
        let (registry, signed) = start(ReferrersApi::LinkTo(target)).await;
        let list = referrers(&Client::anonymous(), &registry, &signed.image).await.expect("list");
        assert_eq!(digests(&list), [signed.signature], "what was listed stays");
        assert!(list.truncated, "and it is said that there is more");
        assert_eq!(registry.log().len(), 1);
    }
    assert!(elsewhere.log().is_empty());
}

#[tokio::test]
async fn malformed_entries_cost_only_themselves_and_duplicates_count_once() {
    let (registry, signed) = start(ReferrersApi::Supported).await;
    for entry in [
        json!({"mediaType": IMAGE_MANIFEST, "digest": "sha256:zz", "size": 1, "artifactType": SIGNATURE}),
        json!({"mediaType": IMAGE_MANIFEST, "digest": sha256(b"1"), "size": -1, "artifactType": SIGNATURE}),
        json!("no descriptor"),
    ] {
        registry.list_referrer(REPOSITORY, &signed.image, entry);
    }
    let again = json!({"mediaType": IMAGE_MANIFEST, "digest": signed.signature, "size": 9, "artifactType": SIGNATURE});
    for _ in 0..100 {
        registry.list_referrer(REPOSITORY, &signed.image, again.clone());
    }
    let good = registry.attach_signature(REPOSITORY, &signed.image, SIGNATURE, JWS, b"another");
    let list = referrers(&Client::anonymous(), &registry, &signed.image).await.expect("list");
    // What is listed with another size is another entry: it may be the true one.
    assert_eq!(digests(&list), [signed.signature.clone(), signed.signature, good]);
}

#[tokio::test]
async fn entries_are_bounded_in_number() {
    let (registry, signed) = start(ReferrersApi::Paged(1500)).await;
    for number in 0..4000 {
        let entry = json!({"mediaType": "m", "digest": sha256(format!("{number}").as_bytes()), "size": 7, "artifactType": SIGNATURE});
        registry.list_referrer(REPOSITORY, &signed.image, entry);
    }
    let list = referrers(&Client::anonymous(), &registry, &signed.image).await.expect("list");
    assert!(list.truncated && list.entries.len() == 2048, "{}", list.entries.len());
}

#[tokio::test]
async fn entries_without_artifact_type_are_kept() {
    let (registry, signed) = start(ReferrersApi::Missing).await;
    registry.change(|faults| faults.omit_artifact_types = true);
    let list = by_tag_schema(&Client::anonymous(), &registry, &signed.image).await.expect("list");
    assert_eq!(digests(&list), [signed.signature]);
}

#[tokio::test]
async fn a_tag_that_resolves_to_the_subject_itself_lists_nothing() {
    let registry = TestRegistry::start(Faults { gitlab_tags: true, ..Faults::default() }).await;
    let child = json!({"mediaType": IMAGE_MANIFEST, "digest": sha256(b"child"), "size": 7});
    let index = json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [child]}).to_string();
    let subject = registry.push_manifest(REPOSITORY, None, IMAGE_INDEX, index.as_bytes());
    let list = by_tag_schema(&Client::anonymous(), &registry, &subject).await.expect("list");
    assert!(list.entries.is_empty());
}

#[tokio::test]
async fn a_referrers_tag_that_is_no_list_is_said_to_be_wrong() {
    let registry = TestRegistry::start(Faults::default()).await;
    let image = registry.push_image(REPOSITORY, None, "one");
    let tag = digest(&image).referrers_tag();
    registry.push_image(REPOSITORY, Some(&tag), "somebody's image");
    let list = by_tag_schema(&Client::anonymous(), &registry, &image).await;
    assert!(matches!(list, Err(FetchError::Invalid { .. })), "{list:?}");
}
