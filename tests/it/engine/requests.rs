//! How many requests an image costs. The figures are printed, and asserted.

use std::sync::Arc;

use futures_util::future::join_all;
use hallmark::engine::{Answer, EngineSettings};
use hallmark::outcome::{ReasonCode, Verdict};
use hallmark::registry::auth::{
    BoundCredential, Credential, CredentialRequest, HostBinding, Keychain, KeychainError,
};
use hallmark::registry::http::{HttpRegistry, RegistryResources, RegistrySettings};
use hallmark::transport::ProxySettings;

use super::world::{Configuration, REPOSITORY, World, expect, expect_verified};
use crate::support::registry::{Act, Auth, Fault, Faults, PASSWORD, ReferrersApi, Step, TestRegistry, USER};
use crate::support::signer::{KeyKind, SignOptions, TestSigner};

/// Requests that none of the others waited for are one round trip.
fn round_trips(answer: &Answer) -> usize {
    let mut records = answer.trace.as_ref().expect("a look-up").records();
    records.sort_by_key(|record| record.started);
    let (mut trips, mut last_end) = (0, None);
    for record in records {
        let end = record.started + record.took;
        if last_end.is_none_or(|last| record.started >= last) {
            trips += 1;
            last_end = Some(end);
        }
        last_end = last_end.min(Some(end));
    }
    trips
}

#[tokio::test]
async fn a_cold_image_by_digest_costs_four_requests_in_three_round_trips_and_none_within_its_time() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    let answer = world.answer(&image).await;
    expect_verified(&answer.outcome);
    let (requests, trips) = (world.registry.log().len(), round_trips(&answer));
    println!("cold by digest: {requests} requests in {trips} round trips");
    assert_eq!((requests, trips), (4, 3));
    assert_eq!(answer.trace.expect("trace").requests(), 4);
    world.advance(3600);
    let (outcome, requests) = world.ask_counted(&image).await;
    expect_verified(&outcome);
    println!("repeated within its time: {requests} requests");
    assert_eq!(requests, 0);
}

#[tokio::test]
async fn a_proof_that_is_due_costs_one_request() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    world.advance(3601);
    let (outcome, requests) = world.ask_counted(&image).await;
    expect_verified(&outcome);
    println!("proven anew after its time: {requests} request");
    assert!(!outcome.stale);
    assert_eq!((requests, outcome.proven_at), (1, Some(world.bench.clock.now())));
}

#[tokio::test]
async fn a_tag_costs_a_get_first_and_a_head_when_its_time_is_over() {
    let world = World::new().await;
    world.push_signed("v1");
    let image = world.by_tag("v1");
    let (outcome, requests) = world.ask_counted(&image).await;
    expect_verified(&outcome);
    assert_eq!(requests, 4, "the tag's GET is the subject's");
    let (_, requests) = world.ask_counted(&image).await;
    assert_eq!(requests, 0);
    world.advance(31);
    let (outcome, requests) = world.ask_counted(&image).await;
    expect_verified(&outcome);
    assert_eq!(requests, 1);
    assert_eq!(world.registry.log()[0].method, "HEAD");
}

#[tokio::test]
async fn a_tag_that_moved_is_another_image() {
    let world = World::new().await;
    world.push_signed("v1");
    let image = world.by_tag("v1");
    expect_verified(&world.ask(&image).await);
    let unsigned = world.push("unsigned");
    world.registry.tag(REPOSITORY, "v1", &unsigned);
    world.advance(31);
    let outcome = world.ask(&image).await;
    expect(&outcome, Verdict::Unsigned, ReasonCode::NoSignature);
    assert_eq!(outcome.subject().expect("bound").digest().to_string(), unsigned);
}

#[tokio::test]
async fn an_unsigned_image_costs_three_requests() {
    let world = World::new().await;
    let image = world.by_digest(&world.push("app"));
    let (outcome, requests) = world.ask_counted(&image).await;
    expect(&outcome, Verdict::Unsigned, ReasonCode::NoSignature);
    println!("unsigned: {requests} requests");
    assert_eq!(requests, 3);
    let (outcome, requests) = world.ask_counted(&image).await;
    expect(&outcome, Verdict::Unsigned, ReasonCode::NoSignature);
    assert_eq!(requests, 0);
}

#[tokio::test]
async fn without_the_referrers_api_an_image_costs_one_request_more() {
    let faults = Faults { referrers: ReferrersApi::Missing, ..Faults::default() };
    let world = World::over(TestRegistry::start(faults).await, EngineSettings::default()).await;
    let image = world.by_digest(&world.push_signed("app"));
    let (outcome, requests) = world.ask_counted(&image).await;
    expect_verified(&outcome);
    println!("without the Referrers API: {requests} requests");
    assert_eq!(requests, 5);
}

/// The same user everywhere, bound to the host that asks.
#[derive(Debug)]
struct User;

impl Keychain for User {
    fn candidates<'a>(
        &'a self,
        request: &'a CredentialRequest,
    ) -> futures_util::future::BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>> {
        let credential = Credential::Basic { username: USER.to_owned(), password: PASSWORD.into() };
        let binding = HostBinding::to(request.host.clone());
        let bound = BoundCredential { credential, expires: None, binding };
        Box::pin(std::future::ready(Ok(vec![bound])))
    }

    fn scope(&self, _: &CredentialRequest) -> Arc<str> {
        "user".into()
    }
}

#[tokio::test]
async fn a_token_costs_the_first_image_three_requests_more_and_the_second_none() {
    let faults = Faults { auth: Auth::Bearer, token_lifetime: Some(300), ..Faults::default() };
    let mut world = World::over(TestRegistry::start(faults).await, EngineSettings::default()).await;
    let settings =
        RegistrySettings { plain_http: true, proxy: ProxySettings::Direct, ..RegistrySettings::default() };
    let resources = Arc::new(RegistryResources::default());
    world.store = Arc::new(HttpRegistry::new(settings, Arc::new(User), resources));
    world.trust(&[&world.signer]).await;
    let [first, second] = ["one", "two"].map(|name| world.by_digest(&world.push_signed(name)));
    let (outcome, requests) = world.ask_counted(&first).await;
    expect_verified(&outcome);
    println!("first image with a token: {requests} requests");
    assert!(requests <= 7, "{requests}");
    let (outcome, requests) = world.ask_counted(&second).await;
    expect_verified(&outcome);
    println!("second image with a token: {requests} requests");
    assert_eq!(requests, 4);
}

#[tokio::test]
async fn twenty_keys_of_a_batch_are_looked_up_together() {
    let world = World::new().await;
    let images: Vec<String> =
        (0..20).map(|number| world.by_digest(&world.push_signed(&format!("app{number}")))).collect();
    world.registry.clear_log();
    world.registry.fault(Fault::always(Step::Any, Act::Blocked));
    let asked = join_all(images.iter().map(|image| world.ask(image)));
    let released = async {
        // All twenty subjects, each beside its referrers, are asked for before anything is answered.
        world.registry.wait_for_requests(40).await;
        assert_eq!(world.registry.count(&Step::Manifest), 20);
        world.registry.release();
    };
    tokio::pin!(asked);
    tokio::select! {
        outcomes = &mut asked => panic!("answered before all were asked: {outcomes:?}"),
        () = released => {}
    }
    let outcomes = asked.await;
    outcomes.iter().for_each(|outcome| expect_verified(outcome));
    println!("twenty keys: all twenty asked before the first was answered");
}

#[tokio::test]
async fn everyone_who_asks_for_one_image_shares_one_look_up() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    world.registry.clear_log();
    let outcomes = join_all((0..50).map(|_| world.ask(&image))).await;
    outcomes.iter().for_each(|outcome| expect_verified(outcome));
    assert_eq!(world.registry.log().len(), 4);
}

#[tokio::test]
async fn a_tag_written_beside_a_digest_shares_the_look_up_of_the_digest() {
    let world = World::new().await;
    let digest = world.push_signed("v1");
    let both = format!("{}/{REPOSITORY}:other@{digest}", world.registry.host());
    world.registry.clear_log();
    let by_digest = world.by_digest(&digest);
    let (one, two) = tokio::join!(world.ask(&both), world.ask(&by_digest));
    expect_verified(&one);
    expect_verified(&two);
    assert_eq!(world.registry.log().len(), 4);
}

#[tokio::test]
async fn of_twenty_signatures_the_first_good_one_ends_the_search() {
    let world = World::new().await;
    let image = world.by_digest(&world.push("app"));
    let signers: Vec<TestSigner> = (0..19).map(|_| TestSigner::new(KeyKind::P256)).collect();
    for signer in &signers[..3] {
        world.sign(signer, "app", &SignOptions::default());
    }
    world.sign(&world.signer, "app", &SignOptions::default());
    for signer in &signers[3..] {
        world.sign(signer, "app", &SignOptions::default());
    }
    let (outcome, requests) = world.ask_counted(&image).await;
    expect_verified(&outcome);
    println!("twenty signatures, the fourth is good: {requests} requests");
    // Subject and list; one, then two, then four candidates of two requests each at most.
    assert!(requests <= 2 + 2 * 7, "{requests}");
    let all = Configuration::trusting(&signers.iter().collect::<Vec<_>>());
    world.configure(all).await;
    let (outcome, requests) = world.ask_counted(&image).await;
    expect_verified(&outcome);
    assert_eq!(requests, 0, "the first one's facts are held");
}
