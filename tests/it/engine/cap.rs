//! The cap of unique signatures, in both modes.

use hallmark::engine::{EngineSettings, Overflow};
use hallmark::outcome::{ReasonCode, Verdict};

use super::world::{World, expect, expect_verified};
use crate::support::signer::{KeyKind, SignOptions, TestSigner};

fn settings(unique_signatures: usize, overflow: Overflow) -> EngineSettings {
    EngineSettings { unique_signatures, overflow, ..EngineSettings::default() }
}

#[tokio::test]
async fn in_mode_evict_the_least_used_goes_and_is_counted() {
    let world = World::with(settings(2, Overflow::Evict)).await;
    let images = ["a", "b", "c"].map(|name| world.by_digest(&world.push_signed(name)));
    expect_verified(&world.ask(&images[0]).await);
    expect_verified(&world.ask(&images[1]).await);
    expect_verified(&world.ask(&images[0]).await);
    expect_verified(&world.ask(&images[2]).await);
    assert_eq!(world.engine().unique_signatures(), (2, 1, 0));
    let (outcome, requests) = world.ask_counted(&images[0]).await;
    expect_verified(&outcome);
    assert_eq!(requests, 0, "it was used after the other");
    let (outcome, requests) = world.ask_counted(&images[1]).await;
    expect_verified(&outcome);
    assert!(requests > 0, "its signature made room");
}

#[tokio::test]
async fn in_mode_refuse_a_further_image_is_undecided_and_those_held_stay_verified() {
    let world = World::with(settings(2, Overflow::Refuse)).await;
    let images = ["a", "b", "c"].map(|name| world.by_digest(&world.push_signed(name)));
    expect_verified(&world.ask(&images[0]).await);
    expect_verified(&world.ask(&images[1]).await);
    expect(&world.ask(&images[2]).await, Verdict::Inconclusive, ReasonCode::SignatureCapReached);
    expect_verified(&world.ask(&images[0]).await);
    let (held, evicted, refused) = world.engine().unique_signatures();
    assert_eq!((held, evicted), (2, 0));
    assert!(refused > 0);
}

#[tokio::test]
async fn in_mode_refuse_a_slot_is_free_when_nobody_asked_for_its_images_within_the_time_of_a_proof() {
    let mut settings = settings(2, Overflow::Refuse);
    settings.inconclusive_ttl = std::time::Duration::ZERO;
    let world = World::with(settings).await;
    let images = ["a", "b", "c"].map(|name| world.by_digest(&world.push_signed(name)));
    expect_verified(&world.ask(&images[0]).await);
    expect_verified(&world.ask(&images[1]).await);
    world.advance(3000);
    expect_verified(&world.ask(&images[0]).await);
    expect(&world.ask(&images[2]).await, Verdict::Inconclusive, ReasonCode::SignatureCapReached);
    world.advance(601);
    expect_verified(&world.ask(&images[2]).await);
    expect_verified(&world.ask(&images[0]).await);
    expect(&world.ask(&images[1]).await, Verdict::Inconclusive, ReasonCode::SignatureCapReached);
    assert_eq!(world.engine().unique_signatures().0, 2);
}

#[tokio::test]
async fn junk_never_holds_a_slot() {
    let world = World::with(settings(1, Overflow::Refuse)).await;
    let stranger = TestSigner::new(KeyKind::P256);
    for number in 0..20 {
        let name = format!("junk{number}");
        let image = world.by_digest(&world.push(&name));
        world.sign(&stranger, &name, &SignOptions::default());
        expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::UntrustedSigner);
    }
    assert_eq!(world.engine().unique_signatures(), (0, 0, 0));
    let image = world.by_digest(&world.push("app"));
    for _ in 0..5 {
        world.sign(&stranger, "app", &SignOptions::default());
    }
    world.sign(&world.signer, "app", &SignOptions::default());
    expect_verified(&world.ask(&image).await);
    assert_eq!(world.engine().unique_signatures(), (1, 0, 0), "only the good one of the image");
}

#[tokio::test]
async fn what_was_evicted_is_undecided_while_the_registry_is_down() {
    let world = World::with(settings(1, Overflow::Evict)).await;
    let images = ["a", "b"].map(|name| world.by_digest(&world.push_signed(name)));
    expect_verified(&world.ask(&images[0]).await);
    expect_verified(&world.ask(&images[1]).await);
    world.go_down();
    expect_verified(&world.ask(&images[1]).await);
    expect(&world.ask(&images[0]).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
}

#[tokio::test]
async fn the_cap_counts_in_bytes_as_well() {
    let settings = EngineSettings { unique_signature_bytes: 20_000, ..EngineSettings::default() };
    let world = World::with(settings).await;
    for number in 0..10 {
        let image = world.by_digest(&world.push_signed(&format!("app{number}")));
        expect_verified(&world.ask(&image).await);
        assert!(world.engine().unique_signature_bytes() <= 20_000);
    }
    let (held, evicted, _) = world.engine().unique_signatures();
    assert!(held < 10 && evicted as usize == 10 - held, "{held} {evicted}");
}
