//! Resolving for mutation: shares what verification knows of tags, and the other way round.

use std::time::Duration;

use futures_util::future::join_all;
use hallmark::engine::Question;
use hallmark::outcome::{Reason, ReasonCode};
use hallmark::reference::Reference;

use super::world::{PATIENCE, World, expect_verified};
use crate::support::registry::{Act, Fault, Step, sha256};

async fn resolve(world: &World, image: &str) -> Result<Reference, Reason> {
    world.engine().resolve(Question::cluster(image), PATIENCE).await
}

async fn resolved(world: &World, image: &str) -> String {
    resolve(world, image).await.expect("resolved").to_string()
}

#[tokio::test]
async fn a_tag_gets_its_digest_and_keeps_its_name() {
    let world = World::new().await;
    let digest = world.push("v1");
    let image = world.by_tag("v1");
    assert_eq!(resolved(&world, &image).await, format!("{image}@{digest}"));
    assert_eq!(world.registry.log().len(), 1);
    assert_eq!(resolved(&world, &image).await, format!("{image}@{digest}"));
    assert_eq!(world.registry.log().len(), 1, "within its time");
}

#[tokio::test]
async fn a_digest_is_returned_without_any_request() {
    let world = World::new().await;
    let image = world.by_digest(&sha256(b"anything"));
    assert_eq!(resolved(&world, &image).await, image);
    assert_eq!(world.registry.log().len(), 0);
}

#[tokio::test]
async fn everyone_who_asks_for_a_tag_shares_one_request() {
    let world = World::new().await;
    world.push_signed("v1");
    let image = world.by_tag("v1");
    world.registry.fault(Fault::always(Step::Tag, Act::Blocked));
    let many = join_all((0..20).map(|_| resolve(&world, &image)));
    let verdict = world.ask(&image);
    let released = async {
        world.registry.wait_for_requests(1).await;
        world.registry.release();
    };
    let (many, outcome, ()) = tokio::join!(many, verdict, released);
    assert!(many.iter().all(Result::is_ok));
    expect_verified(&outcome);
    assert_eq!(world.registry.count(&Step::Tag), 1);
}

#[tokio::test]
async fn verification_after_mutation_needs_no_request_for_the_subject() {
    let world = World::new().await;
    world.push_signed("v1");
    let image = resolved(&world, &world.by_tag("v1")).await;
    let (outcome, requests) = world.ask_counted(&image).await;
    expect_verified(&outcome);
    assert_eq!(requests, 3);
}

#[tokio::test]
async fn a_tag_whose_time_is_over_is_an_error_while_the_registry_is_down() {
    let world = World::new().await;
    world.push("v1");
    let image = world.by_tag("v1");
    resolved(&world, &image).await;
    world.go_down();
    world.advance(30);
    resolved(&world, &image).await;
    world.advance(1);
    let reason = resolve(&world, &image).await.expect_err("it may have moved");
    assert_eq!(reason.code, ReasonCode::RegistryUnavailable);
}

#[tokio::test]
async fn a_tag_that_moved_is_seen_after_its_time() {
    let world = World::new().await;
    world.push("v1");
    let image = world.by_tag("v1");
    resolved(&world, &image).await;
    let other = world.push("other");
    world.registry.tag(super::world::REPOSITORY, "v1", &other);
    world.advance(31);
    assert_eq!(resolved(&world, &image).await, format!("{image}@{other}"));
}

#[tokio::test]
async fn a_registry_that_answers_no_head_is_asked_by_get() {
    let world = World::new().await;
    let digest = world.push("v1");
    let image = world.by_tag("v1");
    resolved(&world, &image).await;
    world.advance(31);
    world.registry.fault(Fault::times(1, Step::Tag, Act::status(405)));
    assert_eq!(resolved(&world, &image).await, format!("{image}@{digest}"));
}

#[tokio::test]
async fn failures_say_what_they_are() {
    let world = World::new().await;
    world.push("v1");
    let code = |result: Result<Reference, Reason>| result.expect_err("a failure").code;
    assert_eq!(code(resolve(&world, "no reference").await), ReasonCode::InvalidReference);
    assert_eq!(code(resolve(&world, &world.by_tag("gone")).await), ReasonCode::ImageNotFound);
    world.registry.fault(Fault::always(Step::Any, Act::status(401)));
    assert_eq!(code(resolve(&world, &world.by_tag("v1")).await), ReasonCode::RegistryDenied);
}

#[tokio::test]
async fn what_is_late_goes_on_and_the_next_question_finds_it() {
    let world = World::new().await;
    let digest = world.push("v1");
    let image = world.by_tag("v1");
    world.registry.fault(Fault::always(Step::Tag, Act::Blocked));
    let question = Question::cluster(&image);
    let late = world.engine().resolve(question, Duration::from_millis(20)).await.expect_err("blocked");
    assert_eq!(late.code, ReasonCode::DeadlineExceeded);
    let at_once = world.engine().resolve(question, Duration::from_millis(20)).await.expect_err("blocked");
    assert_eq!(at_once.code, ReasonCode::DeadlineExceeded);
    world.registry.release();
    assert_eq!(resolved(&world, &image).await, format!("{image}@{digest}"));
    assert_eq!(world.registry.log().len(), 1);
}
