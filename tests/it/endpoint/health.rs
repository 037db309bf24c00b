//! The plain port.

use std::net::SocketAddr;

use super::*;

/// Status and text of a GET on the plain port.
pub async fn get(server: &Server, path: &str) -> (u16, String) {
    get_at(server.running.health_address(), path).await
}

/// As [`get`], of a server that is being stopped.
pub async fn get_at(address: SocketAddr, path: &str) -> (u16, String) {
    hallmark::transport::install_crypto_provider();
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().expect("client");
    let url = format!("http://{address}{path}");
    let answer = client.get(url).send().await.expect("answer");
    let status = answer.status().as_u16();
    let mut text = Vec::new();
    let mut answer = answer;
    while let Some(chunk) = answer.chunk().await.expect("body") {
        text.extend_from_slice(&chunk);
    }
    (status, String::from_utf8(text).expect("text"))
}

#[tokio::test]
async fn health_readiness_and_metrics_are_on_the_plain_port_and_nothing_else_is() {
    let stage = Stage::new().await;
    let plain = stage.world.by_digest(&stage.world.push("plain"));
    stage.ask(VERIFY, &[&plain]).await;
    assert_eq!(get(&stage.server, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get(&stage.server, "/readyz").await, (200, "ready\n".to_owned()));
    let (status, metrics) = get(&stage.server, "/metrics").await;
    assert_eq!(status, 200);
    let counted = metrics.lines().any(|line| {
        line.contains(r#"path="/verify""#) && line.contains(r#"result="answered""#) && line.ends_with(" 1")
    });
    assert!(counted && metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(!metrics.contains(&plain), "no image is a label");
    for path in ["/verify", "/", "/ratify/gatekeeper/v1/verify"] {
        assert_eq!(get(&stage.server, path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn without_a_certificate_it_is_not_ready_and_says_which_file_is_missing() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("folder");
    let settings = ServerSettings { cert_dir: Some(folder.path().to_owned()), ..Default::default() };
    let server = Server::start(world.engine().clone(), settings);
    let (status, text) = get(&server, "/readyz").await;
    assert_eq!(status, 503);
    assert!(text.contains("tls.crt"), "{text}");
    assert_eq!(get(&server, "/healthz").await.0, 200, "it lives");
}
