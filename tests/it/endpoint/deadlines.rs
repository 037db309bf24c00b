//! Time and load: what is late, what is too much, and what is not there yet.

use std::time::{Duration, Instant};

use hallmark::config::ServerSettings;
use hallmark::engine::EngineSettings;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::head;
use super::*;
use crate::engine::world::{Bench, Configuration, PATIENCE, http_registry};
use crate::support::registry::{Act, Fault, Faults, Step, TestRegistry};
use crate::support::signer::{KeyKind, TestSigner};

const DEADLINE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn decided_keys_are_answered_at_the_deadline_and_a_second_kind_of_template_is_told_at_once() {
    let settings = ServerSettings { verify_deadline: DEADLINE, ..Default::default() };
    let stage = Stage::with(settings).await;
    stage.world.push_signed("good");
    let digest = stage.world.push_signed("blocked");
    stage.world.registry.fault(Fault::always(Step::Containing(digest.clone()), Act::Blocked));
    let (good, blocked) = (stage.world.by_tag("good"), stage.world.by_digest(&digest));
    let mut connection = stage.client.connect().await.expect("connection");

    let started = Instant::now();
    let first = connection.post(VERIFY, &request(&[&blocked, &good])).await.json();
    let second = connection.post(V1, &request(&[&blocked, &good])).await.json();
    let took = started.elapsed();
    assert!(took >= DEADLINE && took < 2 * DEADLINE, "two questions in one webhook call took {took:?}");
    for answer in [&first, &second] {
        assert_valid(VERIFY, answer);
        assert_eq!(items(answer).len(), 1, "{answer}");
        assert_eq!(items(answer)[0]["key"], good);
        assert_eq!(system_error(answer), format!("DEADLINE_EXCEEDED {blocked}"));
    }

    stage.world.registry.release();
    let question = hallmark::engine::Question::cluster(&blocked);
    let _ = stage.world.engine().ask(question, PATIENCE).await;
    let found = connection.post(VERIFY, &request(&[&blocked])).await.json();
    assert_eq!(items(&found)[0]["value"]["verdict"], "verified", "the work went on: {found}");
}

#[tokio::test]
async fn a_mutation_that_is_late_is_an_error_of_its_item() {
    let settings = ServerSettings { mutate_deadline: Duration::from_millis(100), ..Default::default() };
    let stage = Stage::with(settings).await;
    stage.world.push("app");
    stage.world.registry.fault(Fault::always(Step::Any, Act::Blocked));
    let answer = stage.ask(MUTATE, &[&stage.world.by_tag("app")]).await;
    assert_valid(MUTATE, &answer);
    let error = items(&answer)[0]["error"].as_str().expect("error");
    assert!(error.starts_with("DEADLINE_EXCEEDED: "), "{error}");
    stage.world.registry.release();
}

#[tokio::test]
async fn one_request_too_many_is_told_so_at_once_and_the_others_are_answered() {
    let settings = ServerSettings { max_in_flight: 1, verify_deadline: PATIENCE, ..Default::default() };
    let stage = Stage::with(settings).await;
    let blocked = stage.world.by_digest(&stage.world.push_signed("blocked"));
    stage.world.registry.fault(Fault::always(Step::Any, Act::Blocked));
    let mut first = stage.client.connect().await.expect("connection");
    let body = request(&[&blocked]);
    stage.world.registry.clear_log();
    first.send(&format!("{}{body}", head(VERIFY, body.len()))).await;
    stage.world.registry.wait_for_requests(1).await;

    for path in [VERIFY, V1, V2].into_iter().chain(MUTATIONS) {
        let answer = stage.ask(path, &["a"]).await;
        assert_valid(path, &answer);
        assert!(items(&answer).is_empty() && system_error(&answer).starts_with("OVERLOADED: "), "{answer}");
    }

    stage.world.registry.release();
    let answer = first.answer().await.expect("answer").json();
    assert_eq!(items(&answer)[0]["value"]["verdict"], "verified");
    let again = stage.ask(VERIFY, &[&blocked]).await;
    assert_eq!(items(&again).len(), 1, "the place is free again");
}

#[tokio::test]
async fn without_a_configuration_everything_is_not_ready_until_one_is_in_force() {
    let bench = Bench::new(EngineSettings::default());
    let server = Server::start(bench.engine.clone(), ServerSettings::default());
    let client = server.client();
    for path in [VERIFY, V1, V2].into_iter().chain(MUTATIONS) {
        let answer = client.post(path, &request(&["a"])).await;
        assert_eq!(answer.status, 200);
        assert_valid(path, &answer.json());
        assert!(items(&answer.json()).is_empty());
        assert!(system_error(&answer.json()).starts_with("NOT_READY: "), "{}", answer.text());
    }
    let (status, text) = health::get(&server, "/readyz").await;
    assert_eq!(status, 503);
    assert!(text.contains("no configuration is in force"), "{text}");

    let signer = TestSigner::new(KeyKind::P256);
    let plan = Configuration::trusting(&[&signer]).plan(Arc::new(http_registry())).await;
    bench.engine.put_in_force(plan.into());
    assert_eq!(health::get(&server, "/readyz").await, (200, "ready\n".to_owned()));
    let registry = TestRegistry::start(Faults::default()).await;
    registry.push_image("team/app", Some("a"), "a");
    let key = format!("{}/team/app:a", registry.host());
    let answer = client.post(VERIFY, &request(&[&key])).await.json();
    assert_eq!(items(&answer)[0]["value"]["verdict"], "unsigned");
}

/// Five seconds, for as long as which the server waits; the test waits for what the server does then.
#[tokio::test]
async fn who_never_finishes_a_handshake_or_the_head_of_a_request_is_let_go() {
    let stage = Stage::new().await;
    let handshake = async {
        let mut silent = TcpStream::connect(stage.server.running.address()).await.expect("connection");
        silent.read_u8().await.is_err()
    };
    let head = async {
        let mut slow = stage.client.connect().await.expect("connection");
        slow.send("POST /verify HTTP/1.1\r\nHost: hallmark\r\nContent-Le").await;
        let answer = slow.answer().await;
        (answer.map(|answer| answer.status), slow.is_closed().await)
    };
    let both = async { tokio::join!(handshake, head) };
    let (handshake_ended, head_ended) = timeout(PATIENCE, both).await.expect("they are let go");
    assert!(handshake_ended);
    assert_eq!(head_ended, (Some(408), true));
}
