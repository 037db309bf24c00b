//! Requests that are wrong, too large, too slow, or nothing of the kind.

use std::time::Duration;

use hallmark::config::ServerSettings;
use serde_json::json;

use super::client::{Answer, head};
use super::*;

#[track_caller]
fn expect_failure(answer: &Answer, status: u16, start: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let document = answer.json();
    assert!(items(&document).is_empty());
    assert!(system_error(&document).starts_with(start), "{document}");
    assert!(system_error(&document).len() <= 1024);
}

#[tokio::test]
async fn what_is_no_request_is_answered_with_400_and_the_connection_goes_on() {
    let stage = Stage::new().await;
    let mut connection = stage.client.connect().await.expect("connection");
    let api = "externaldata.gatekeeper.sh/v1beta1";
    for body in [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        json!({"apiVersion": api, "kind": "ProviderResponse", "request": {"keys": []}}).to_string(),
        json!({"apiVersion": "v1", "kind": "ProviderRequest", "request": {"keys": []}}).to_string(),
        json!({"apiVersion": api, "kind": "ProviderRequest", "request": {"keys": [1]}}).to_string(),
        json!({"apiVersion": api, "kind": "ProviderRequest", "request": {"keys": "\u{7}".repeat(9999)}})
            .to_string(),
    ] {
        for path in [VERIFY, V1, V2].into_iter().chain(MUTATIONS) {
            let answer = connection.post(path, &body).await;
            expect_failure(&answer, 400, "BAD_REQUEST: ");
            assert_valid(path, &answer.json());
        }
    }
}

#[tokio::test]
async fn a_body_or_a_list_of_keys_over_the_limit_is_refused_before_it_is_read() {
    let settings = ServerSettings { max_body_bytes: 1000, max_keys: 3, ..Default::default() };
    let stage = Stage::with(settings).await;
    let four = request(&["a", "a", "a", "a"]);
    expect_failure(&stage.client.post(VERIFY, &four).await, 413, "REQUEST_TOO_LARGE: ");

    let mut connection = stage.client.connect().await.expect("connection");
    connection.send(&head(VERIFY, 1 << 40)).await;
    expect_failure(&connection.answer().await.expect("answer"), 413, "REQUEST_TOO_LARGE: ");

    let mut connection = stage.client.connect().await.expect("connection");
    let chunk = format!("400\r\n{}\r\n", "a".repeat(0x400));
    connection
        .send(&format!("POST {VERIFY} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"))
        .await;
    connection.send(&chunk).await;
    expect_failure(&connection.answer().await.expect("answer"), 413, "REQUEST_TOO_LARGE: ");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_with_408_at_the_deadline() {
    let deadline = Duration::from_millis(60);
    let settings =
        ServerSettings { verify_deadline: deadline, mutate_deadline: deadline, ..Default::default() };
    let stage = Stage::with(settings).await;
    for path in [VERIFY, V1, V2].into_iter().chain(MUTATIONS) {
        let mut connection = stage.client.connect().await.expect("connection");
        let body = request(&["a"]);
        connection.send(&format!("{}{}", head(path, body.len()), &body[..20])).await;
        expect_failure(&connection.answer().await.expect("answer"), 408, "REQUEST_TIMEOUT: ");
    }
}

#[tokio::test]
async fn other_methods_and_paths_are_answered_in_the_protocol_too() {
    let stage = Stage::new().await;
    let mut connection = stage.client.connect().await.expect("connection");
    for path in [VERIFY, V1, V2].into_iter().chain(MUTATIONS) {
        for method in ["GET", "PUT", "DELETE"] {
            connection.send(&format!("{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
            let answer = connection.answer().await.expect("answer");
            expect_failure(&answer, 405, "METHOD_NOT_ALLOWED: ");
            assert!(answer.head.contains("allow: post"), "{}", answer.head);
        }
    }
    for path in ["/", "/verify/", "/ratify/gatekeeper/v3/verify", "/metrics", "/healthz"] {
        expect_failure(&stage.client.post(path, &request(&[])).await, 404, "NOT_FOUND: ");
    }
}

#[tokio::test]
async fn one_connection_serves_many_requests_and_never_speaks_http_2() {
    let stage = Stage::new().await;
    let plain = stage.world.by_digest(&stage.world.push("plain"));
    let mut connection = stage.client.connect().await.expect("connection");
    assert_eq!(connection.protocol(), Some(b"http/1.1".as_slice()));
    for _ in 0..20 {
        let answer = connection.post(VERIFY, &request(&[&plain])).await;
        assert_eq!((answer.status, items(&answer.json()).len()), (200, 1));
    }
    // Two at once: answers come in order.
    let body = request(&[]);
    let one = format!("{}{body}", head(VERIFY, body.len()));
    connection.send(&format!("{one}{one}")).await;
    for _ in 0..2 {
        assert_eq!(connection.answer().await.expect("answer").status, 200);
    }
}

#[tokio::test]
async fn a_client_that_never_reads_and_one_that_leaves_keep_nobody_waiting() {
    let stage = Stage::new().await;
    let key = "A".repeat(2000);
    let keys: Vec<String> = (0..400).map(|number| format!("{key}{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let body = request(&keys);
    let mut silent = Vec::new();
    for _ in 0..5 {
        let mut connection = stage.client.connect().await.expect("connection");
        connection.send(&format!("{}{body}", head(VERIFY, body.len()))).await;
        silent.push(connection);
        let mut leaving = stage.client.connect().await.expect("connection");
        leaving.send(&head(VERIFY, 100)).await;
    }
    assert_eq!(stage.client.post(VERIFY, &request(&[])).await.status, 200);
}
