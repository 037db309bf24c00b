//! The end of a server.

use std::time::{Duration, Instant};

use hallmark::config::ServerSettings;
use hallmark::server::ServerError;

use super::client::head;
use super::health::get_at;
use super::*;
use crate::engine::world::PATIENCE;
use crate::support::registry::{Act, Fault, Step};

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight_and_takes_nothing_new() {
    let settings =
        ServerSettings { verify_deadline: PATIENCE, drain_timeout: PATIENCE, ..Default::default() };
    let stage = Stage::with(settings).await;
    let blocked = stage.world.by_digest(&stage.world.push_signed("blocked"));
    stage.world.registry.fault(Fault::always(Step::Any, Act::Blocked));
    let mut idle = stage.client.connect().await.expect("connection");
    assert_eq!(idle.post(VERIFY, &request(&[])).await.status, 200);
    let mut busy = stage.client.connect().await.expect("connection");
    let body = request(&[&blocked]);
    stage.world.registry.clear_log();
    busy.send(&format!("{}{body}", head(VERIFY, body.len()))).await;
    stage.world.registry.wait_for_requests(1).await;

    let stopping = tokio::spawn(stage.server.running.stop());
    assert!(idle.is_closed().await, "idle connections are let go");
    stage.world.registry.release();
    let answer = busy.answer().await.expect("an answer").json();
    assert_eq!(items(&answer)[0]["value"]["verdict"], "verified");
    assert!(busy.is_closed().await);
    stopping.await.expect("task").expect("it stops");
    assert!(stage.client.connect().await.is_err(), "nobody listens");
}

#[tokio::test]
async fn a_request_on_a_kept_connection_is_answered_during_a_stop_and_told_to_reconnect() {
    let stage = Stage::with(ServerSettings::default()).await;
    let mut kept = stage.client.connect().await.expect("connection");
    let before = kept.post(VERIFY, &request(&[])).await;
    assert!(!before.head.contains("connection: close"), "{}", before.head);
    let health = stage.server.running.health_address();
    let stopping = tokio::spawn(stage.server.running.stop());
    while get_at(health, "/readyz").await.0 == 200 {
        tokio::task::yield_now().await;
    }

    let answer = kept.post(VERIFY, &request(&[])).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    assert!(kept.is_closed().await);
    stopping.await.expect("task").expect("it stops");
}

#[tokio::test]
async fn a_stop_waits_no_longer_than_the_drain_time() {
    let settings = ServerSettings {
        verify_deadline: PATIENCE,
        drain_timeout: Duration::from_secs(1),
        ..Default::default()
    };
    let stage = Stage::with(settings).await;
    let blocked = stage.world.by_digest(&stage.world.push_signed("blocked"));
    stage.world.registry.fault(Fault::always(Step::Any, Act::Blocked));
    let mut busy = stage.client.connect().await.expect("connection");
    let body = request(&[&blocked]);
    stage.world.registry.clear_log();
    busy.send(&format!("{}{body}", head(VERIFY, body.len()))).await;
    stage.world.registry.wait_for_requests(1).await;
    let started = Instant::now();
    stage.server.running.stop().await.expect("it stops");
    assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    stage.world.registry.release();
}

#[tokio::test]
async fn an_address_that_somebody_has_is_said() {
    let world = World::new().await;
    let first = Server::start(world.engine().clone(), ServerSettings::default());
    let parts = ServerParts {
        settings: ServerSettings {
            listen: first.running.address(),
            health_listen: "127.0.0.1:0".parse().expect("address"),
            ..Default::default()
        },
        engine: world.engine().clone(),
        metrics: Arc::new(Metrics::new(world.engine().clone())),
        tls: Arc::clone(&first.tls),
        waiting_for: Arc::new(|| None),
        gatekeeper_waits_for: Arc::new(|| None),
    };
    let address = first.running.address();
    match start(parts) {
        Err(ServerError::Listen { address: named, .. }) => assert_eq!(named, address),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two servers have one address"),
    }
}
