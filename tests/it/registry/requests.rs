//! How many requests reading costs.

use super::*;
use crate::support::registry::{Auth, Step};

#[tokio::test]
async fn a_cold_signed_image_costs_four_requests_in_three_round_trips() {
    let registry = TestRegistry::start(Faults::default()).await;
    let signed = push_signed(&registry, REPOSITORY, "v1");
    let (client, context) = (Client::anonymous(), context());
    let envelopes =
        read_everything(&client, &registry, REPOSITORY, &signed.image, &context).await.expect("read");
    assert_eq!(envelopes[0].bytes(), &signed.envelope);
    assert_eq!(registry.log().len(), 4);
    assert_eq!(context.trace.requests(), 4);
    assert_eq!(round_trips(&context), 3);
    assert!(registry.log().iter().all(|request| !request.had_authorization()));
}

#[tokio::test]
async fn an_unsigned_image_costs_three_requests_in_all() {
    let registry = TestRegistry::start(Faults::default()).await;
    let image = registry.push_image(REPOSITORY, None, "unsigned");
    let client = Client::anonymous();
    let found = read_everything(&client, &registry, REPOSITORY, &image, &context()).await.expect("read");
    assert!(found.is_empty());
    assert!(by_tag_schema(&client, &registry, &image).await.expect("list").entries.is_empty());
    assert_eq!(registry.log().len(), 3);
}

#[tokio::test]
async fn a_token_costs_three_requests_once_and_none_for_the_second_image() {
    let registry = TestRegistry::start(Faults { auth: Auth::Bearer, ..Faults::default() }).await;
    let (first, second) =
        (push_signed(&registry, REPOSITORY, "v1"), push_signed(&registry, REPOSITORY, "v2"));
    let client = Client::with(Known::user());
    read_everything(&client, &registry, REPOSITORY, &first.image, &context()).await.expect("first");
    assert!(registry.log().len() <= 7, "{:#?}", registry.log());
    assert_eq!(registry.count(&Step::Token), 1, "both challenges share one token");
    registry.clear_log();
    read_everything(&client, &registry, REPOSITORY, &second.image, &context()).await.expect("second");
    assert_eq!(registry.log().len(), 4);
    assert!(registry.log().iter().all(|request| request.had_authorization()));
}

#[tokio::test]
async fn another_repository_of_a_known_host_asks_its_token_before_it_is_refused() {
    let registry = TestRegistry::start(Faults { auth: Auth::PublicBearer, ..Faults::default() }).await;
    let first = push_signed(&registry, REPOSITORY, "v1");
    let other = push_signed(&registry, "other/app", "v1");
    let client = Client::anonymous();
    read_everything(&client, &registry, REPOSITORY, &first.image, &context()).await.expect("first");
    registry.clear_log();
    read_everything(&client, &registry, "other/app", &other.image, &context()).await.expect("second");
    assert_eq!(registry.log().len(), 5);
    assert_eq!(registry.count(&Step::Token), 1);
}

#[tokio::test]
async fn twenty_images_together_share_one_token() {
    let registry = TestRegistry::start(Faults { auth: Auth::Bearer, ..Faults::default() }).await;
    let images: Vec<_> =
        (0..20).map(|number| push_signed(&registry, REPOSITORY, &format!("v{number}")).image).collect();
    let client = Client::with(Known::user());
    let context = context();
    let reads = images.iter().map(|image| read_everything(&client, &registry, REPOSITORY, image, &context));
    for read in futures_util::future::join_all(reads).await {
        read.expect("read");
    }
    assert_eq!(registry.count(&Step::Token), 1);
}

#[tokio::test]
async fn tokens_and_connections_survive_a_change_of_configuration() {
    let registry = TestRegistry::start(Faults { auth: Auth::Bearer, ..Faults::default() }).await;
    let signed = push_signed(&registry, REPOSITORY, "v1");
    let before = Client::with(Known::user());
    manifest(&before, &registry, &signed.image).await.expect("before");
    let after = Client { resources: Arc::clone(&before.resources), ..Client::with(Known::user()) };
    registry.clear_log();
    manifest(&after, &registry, &signed.image).await.expect("after");
    assert_eq!(registry.log().len(), 1);
}

#[tokio::test]
async fn a_head_selects_and_a_get_hashes() {
    let registry = TestRegistry::start(Faults::default()).await;
    let image = registry.push_image(REPOSITORY, Some("v1"), "one");
    let (client, context) = (Client::anonymous(), context());
    let (store, tag) = (client.store(), "v1".parse().expect("tag"));
    let found = store.head_tag(&repository(&registry), &tag, &context).await.expect("head");
    assert_eq!(found, Some(digest(&image)));
    registry.change(|faults| faults.omit_digest_header = true);
    assert_eq!(store.head_tag(&repository(&registry), &tag, &context).await, Ok(None));
    assert_eq!(registry.log().iter().map(|one| one.method.as_str()).collect::<Vec<_>>(), ["HEAD", "HEAD"]);
}

#[tokio::test]
async fn one_host_gets_only_so_many_requests_at_a_time() {
    use crate::support::registry::{Act, Fault};
    let registry = TestRegistry::start(Faults::default()).await;
    let image = registry.push_image(REPOSITORY, None, "one");
    registry.fault(Fault::always(Step::Any, Act::Blocked));
    let client = Client { resources: Arc::new(RegistryResources::new(2)), ..Client::anonymous() };
    let reads: Vec<_> = (0..5)
        .map(|_| {
            let (store, repository, image) = (client.store(), repository(&registry), digest(&image));
            tokio::spawn(async move { store.manifest(&repository, &image, &context()).await.map(|_| ()) })
        })
        .collect();
    registry.wait_for_requests(2).await;
    let short = FetchContext::within(Duration::from_millis(30));
    let waited = client.store().manifest(&repository(&registry), &digest(&image), &short).await;
    assert!(matches!(waited, Err(FetchError::Deadline { .. })), "waiting for a place respects the deadline");
    assert_eq!(registry.log().len(), 2);
    registry.release();
    for read in reads {
        read.await.expect("task").expect("read");
    }
    assert_eq!(registry.log().len(), 5);
}

/// How many requests had to wait for another: those that started after an earlier one had ended.
fn round_trips(context: &FetchContext) -> usize {
    let mut records = context.trace.records();
    records.sort_by_key(|record| record.started);
    let mut trips = 0;
    let mut ends = None;
    for record in records {
        if ends.is_none_or(|ends| record.started >= ends) {
            trips += 1;
            ends = Some(record.started + record.took);
        }
    }
    trips
}
