//! For how long an answer is believed, and what an outage does to it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hallmark::engine::EngineSettings;
use hallmark::outcome::{ReasonCode, Verdict};
use jiff::Timestamp;

use super::world::{NOON, World, expect, expect_verified, target};
use crate::support::crl;
use crate::support::signer::{KeyKind, LeafOptions, SignOptions, TestSigner};

const HOUR: i64 = 3600;

#[tokio::test]
async fn a_proven_digest_stands_through_an_outage_marked_stale_for_a_day() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    let proven_at = world.ask(&image).await.proven_at;
    world.go_down();
    world.advance(HOUR);
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert!(!outcome.stale, "within its time");
    world.advance(1);
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert!(outcome.stale);
    assert_eq!(outcome.proven_at, proven_at, "it says when it was proven");
    world.advance(23 * HOUR - 1);
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert!(outcome.stale, "a day is not over");
    assert_eq!(world.engine().counters().stale(), 2);
    world.advance(1);
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
}

#[tokio::test]
async fn a_stale_answer_is_proven_anew_when_the_registry_is_back() {
    let settings = EngineSettings { inconclusive_ttl: Duration::ZERO, ..EngineSettings::default() };
    let world = World::with(settings).await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    world.go_down();
    world.advance(2 * HOUR);
    assert!(world.ask(&image).await.stale);
    world.come_up();
    let outcome = world.ask(&image).await;
    assert!(!outcome.stale);
    assert_eq!(outcome.proven_at, Some(world.bench.clock.now()));
}

#[tokio::test]
async fn stale_max_age_of_zero_switches_standing_off() {
    let settings = EngineSettings { stale_max_age: Duration::ZERO, ..EngineSettings::default() };
    let world = World::with(settings).await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    world.go_down();
    world.advance(HOUR + 1);
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
}

#[tokio::test]
async fn a_changed_configuration_in_an_outage_finds_stale_proofs_too() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    world.go_down();
    world.advance(5 * HOUR);
    world.trust(&[&world.signer, &TestSigner::new(KeyKind::P256)]).await;
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert!(outcome.stale);
}

#[tokio::test]
async fn a_signature_that_expires_ends_its_proof_at_that_second_in_an_outage_as_well() {
    let world = World::new().await;
    let expiry = Timestamp::from_second(NOON + 600).expect("time").to_string();
    let image = world.by_digest(&world.push("app"));
    world.sign(&world.signer, "app", &SignOptions { expiry: Some(expiry), ..SignOptions::default() });
    expect_verified(&world.ask(&image).await);
    world.go_down();
    world.advance(599);
    expect_verified(&world.ask(&image).await);
    world.advance(1);
    expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::SignatureExpired);
}

#[tokio::test]
async fn a_certificate_that_ends_ends_the_proof() {
    let mut world = World::new().await;
    let leaf = LeafOptions { not_after: NOON + 600, ..LeafOptions::default() };
    world.signer = TestSigner::with(KeyKind::P256, &leaf);
    world.trust(&[&world.signer]).await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    world.go_down();
    world.advance(601);
    expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::TimestampFailed);
}

#[tokio::test]
async fn refusals_never_outlive_their_time() {
    let world = World::new().await;
    let image = world.by_digest(&world.push("app"));
    expect(&world.ask(&image).await, Verdict::Unsigned, ReasonCode::NoSignature);
    world.sign(&world.signer, "app", &SignOptions::default());
    world.advance(30);
    let (outcome, requests) = world.ask_counted(&image).await;
    expect(&outcome, Verdict::Unsigned, ReasonCode::NoSignature);
    assert_eq!(requests, 0, "within its time");
    world.advance(1);
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn a_refusal_whose_time_is_over_is_undecided_while_the_registry_is_down() {
    let world = World::new().await;
    let unsigned = world.by_digest(&world.push("unsigned"));
    let rejected = world.by_digest(&world.push("rejected"));
    world.sign(&TestSigner::new(KeyKind::P256), "rejected", &SignOptions::default());
    expect(&world.ask(&unsigned).await, Verdict::Unsigned, ReasonCode::NoSignature);
    expect(&world.ask(&rejected).await, Verdict::Rejected, ReasonCode::UntrustedSigner);
    world.go_down();
    world.advance(31);
    for image in [unsigned, rejected] {
        expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
    }
}

#[tokio::test]
async fn a_tag_whose_time_is_over_is_undecided_while_the_registry_is_down() {
    let world = World::new().await;
    let digest = world.push_signed("v1");
    let tag = world.by_tag("v1");
    expect_verified(&world.ask(&tag).await);
    world.go_down();
    world.advance(30);
    expect_verified(&world.ask(&tag).await);
    world.advance(1);
    expect(&world.ask(&tag).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
    expect_verified(&world.ask(&world.by_digest(&digest)).await);
}

/// A signer whose leaf names a revocation list.
fn listed_signer() -> TestSigner {
    let leaf =
        LeafOptions { crl_url: Some("http://lists.example/leaf.crl".into()), ..LeafOptions::default() };
    TestSigner::with(KeyKind::P256, &leaf)
}

async fn world_with_list(next_update: i64) -> (World, String) {
    let mut world = World::new().await;
    world.signer = listed_signer();
    publish(&world, next_update, &[]);
    world.trust(&[&world.signer]).await;
    let image = world.by_digest(&world.push_signed("app"));
    (world, image)
}

fn publish(world: &World, next_update: i64, revoked: &[&openssl::x509::X509]) {
    let now = world.bench.clock.now().as_second();
    let list = crl::sign(&world.signer, now - 60, next_update, revoked);
    let lists = &world.bench.responders.lists;
    lists.lock().expect("lists").insert("http://lists.example/leaf.crl".to_owned(), list);
}

#[tokio::test]
async fn a_revocation_list_that_is_due_asks_for_a_new_proof_and_unproves_nothing_when_there_is_none() {
    let (world, image) = world_with_list(NOON + 600).await;
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert!(!outcome.stale);
    world.bench.responders.down.store(true, Ordering::SeqCst);
    world.go_down();
    world.advance(601);
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert!(outcome.stale);
    world.advance(25 * HOUR);
    assert_eq!(world.ask(&image).await.verdict(), Verdict::Inconclusive);
}

#[tokio::test]
async fn a_newer_list_revokes_from_facts_held_with_the_registry_down() {
    let (world, image) = world_with_list(NOON + 600).await;
    expect_verified(&world.ask(&image).await);
    world.go_down();
    world.advance(601);
    publish(&world, NOON + 10 * HOUR, &[&world.signer.leaf]);
    expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::CertificateRevoked);
}

#[tokio::test]
async fn a_newer_list_that_revokes_nobody_renews_the_proof() {
    let (world, image) = world_with_list(NOON + 600).await;
    expect_verified(&world.ask(&image).await);
    world.advance(601);
    publish(&world, NOON + 10 * HOUR, &[]);
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert!(!outcome.stale);
}

#[tokio::test]
async fn what_nobody_could_find_out_about_revocation_is_undecided() {
    let (world, image) = world_with_list(NOON + 600).await;
    world.bench.responders.down.store(true, Ordering::SeqCst);
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RevocationUnknown);
}

#[tokio::test]
async fn a_signature_that_is_gone_when_the_proof_is_due_no_longer_counts() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    world.advance(HOUR + 1);
    world.registry.forget_referrers(super::world::REPOSITORY, &target("app").digest);
    expect(&world.ask(&image).await, Verdict::Unsigned, ReasonCode::NoSignature);
}
