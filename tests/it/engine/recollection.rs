//! What is answered again without being looked up. `World::ask` sees in every test of this folder that it is
//! the answer that asking gives; here is when there must be one, and when there must be none.

use std::sync::Arc;

use hallmark::engine::{EngineSettings, Overflow, Recollection};
use hallmark::outcome::Outcome;

use super::world::{Configuration, REPOSITORY, World, expect_verified};
use crate::support::signer::{KeyKind, TestSigner};

async fn recollection(world: &World, image: &str) -> Recollection {
    world.answer(image).await.recollection.expect("a decision is remembered")
}

fn recalled(world: &World, recollection: &Recollection) -> Option<Arc<Outcome>> {
    world.engine().recall(recollection)
}

#[tokio::test]
async fn a_decision_is_recalled_from_its_first_answer_on_until_its_time_is_over() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    let known = recollection(&world, &image).await;
    expect_verified(&recalled(&world, &known).expect("it was just made"));
    let ttl = i64::try_from(EngineSettings::default().verified_ttl.as_secs()).expect("seconds");
    world.advance(ttl);
    assert!(recalled(&world, &known).is_some());
    world.advance(1);
    assert!(recalled(&world, &known).is_none(), "it is due for a new look");
}

#[tokio::test]
async fn a_refusal_is_recalled_no_longer_than_refusals_last() {
    let world = World::new().await;
    let image = world.by_digest(&world.push("app"));
    let known = recollection(&world, &image).await;
    let ttl = i64::try_from(EngineSettings::default().negative_ttl.as_secs()).expect("seconds");
    world.advance(ttl);
    assert!(recalled(&world, &known).is_some());
    world.advance(1);
    assert!(recalled(&world, &known).is_none());
}

#[tokio::test]
async fn nothing_is_recalled_under_another_configuration() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    let known = recollection(&world, &image).await;
    world.trust(&[&TestSigner::new(KeyKind::P256)]).await;
    assert!(recalled(&world, &known).is_none(), "the signer is trusted no more");
    world.configure(Configuration::trusting(&[&world.signer])).await;
    assert!(recalled(&world, &known).is_none(), "who decides is found anew, though it decides the same");
}

#[tokio::test]
async fn a_tag_that_moved_or_has_its_time_behind_it_is_not_recalled() {
    let world = World::new().await;
    world.push_signed("v1");
    let image = world.by_tag("v1");
    let known = recollection(&world, &image).await;
    assert!(recalled(&world, &known).is_some());
    world.advance(31);
    assert!(recalled(&world, &known).is_none(), "the node might pull something else");
    let other = world.push("other");
    world.registry.tag(REPOSITORY, "v1", &other);
    let moved = world.ask(&image).await;
    assert!(recalled(&world, &known).is_none(), "it means another image now: {moved:?}");
}

#[tokio::test]
async fn a_signature_that_made_room_for_another_proves_nothing_any_more() {
    let settings =
        EngineSettings { unique_signatures: 1, overflow: Overflow::Evict, ..EngineSettings::default() };
    let world = World::with(settings).await;
    let images = ["a", "b"].map(|name| world.by_digest(&world.push_signed(name)));
    let known = recollection(&world, &images[0]).await;
    expect_verified(&world.ask(&images[1]).await);
    assert!(recalled(&world, &known).is_none());
}

#[tokio::test]
async fn what_is_undecided_or_no_image_leaves_nothing_to_recall() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    world.go_down();
    assert!(world.answer(&image).await.recollection.is_none());
    assert!(world.answer("no image").await.recollection.is_none());
}
