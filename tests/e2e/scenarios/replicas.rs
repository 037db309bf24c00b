//! Replicas that come and go while Pods are created.

use std::time::Duration;

use serde_json::json;

use crate::load::Load;
use crate::world::{VERIFICATION, World};

/// How long there is load before and after what happens.
const MOMENT: Duration = Duration::from_secs(1);

/// A rollout: the new replica is ready before the old one is asked to end. No Pod notices.
pub async fn rollout_under_load(world: &mut World) {
    let load = prepared(world, "rollout").await;
    let api = world.api().clone();
    let ((), outcomes) = load
        .during(&api, async {
            tokio::time::sleep(MOMENT).await;
            let new = world.replica("hallmark-new").await;
            new.ready().await;
            world.service.set(&[world.hallmark.address(), new.address()]);
            tokio::time::sleep(MOMENT).await;
            world.service.set(&[new.address()]);
            let mut old = std::mem::replace(&mut world.hallmark, new);
            assert!(old.process.terminate().success(), "it ended in order");
            tokio::time::sleep(MOMENT).await;
        })
        .await;
    outcomes.assert_nothing_failed();
}

/// The only replica dies and another starts with nothing in its caches. What cannot be decided meanwhile is
/// denied, and nothing is decided wrongly.
pub async fn restart_under_load(world: &mut World) {
    let load = prepared(world, "restart").await;
    let api = world.api().clone();
    let ((), outcomes) = load
        .during(&api, async {
            tokio::time::sleep(MOMENT).await;
            world.hallmark.process.kill();
            tokio::time::sleep(MOMENT).await;
            world.hallmark = world.replica("hallmark").await;
            world.service.set(&[world.hallmark.address()]);
            world.hallmark.ready().await;
            tokio::time::sleep(MOMENT).await;
        })
        .await;
    outcomes.assert_nothing_wrong();
    assert!(!outcomes.undecided.is_empty(), "nobody noticed: {outcomes}");
}

/// Two replicas answer alike.
pub async fn two_replicas(world: &mut World) {
    let load = prepared(world, "two-replicas").await;
    let second = world.replica("hallmark-second").await;
    second.ready().await;
    world.service.set(&[world.hallmark.address(), second.address()]);
    let api = world.api().clone();
    for _ in 0..2 {
        // Gatekeeper keeps its connections, so it would go on with the replica that it has.
        world.service.cut();
        let ((), outcomes) = load.during(&api, tokio::time::sleep(MOMENT)).await;
        outcomes.assert_nothing_failed();
    }
    for replica in [&world.hallmark, &second] {
        let (_, metrics) = replica.health("/metrics").await;
        assert!(metrics.lines().any(asked), "this replica was asked nothing:\n{metrics}");
    }
}

/// A counter of verification requests that is not zero.
fn asked(line: &str) -> bool {
    line.starts_with("hallmark_requests_total") && line.contains("verify") && !line.ends_with(" 0")
}

async fn prepared(world: &mut World, namespace: &str) -> Load {
    world.namespace(namespace).await;
    world.constraint(VERIFICATION, namespace, "deny", &[namespace], json!({})).await;
    Load::new(&world.images, namespace, &world.signer)
}
