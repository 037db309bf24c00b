//! Asking over HTTP, against a server in this process.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::transport::{AddressPolicy, ClientSettings, GuardedClient, ProxySettings};
use crate::x509::ocsp::MAX_RESPONSE_BYTES;

fn fetcher(addresses: AddressPolicy) -> HttpFetcher {
    let settings = ClientSettings { addresses, proxy: ProxySettings::Direct, ..ClientSettings::default() };
    HttpFetcher::new(GuardedClient::build(&settings).unwrap())
}

/// Answers one request with `answer`; gives the address, and the request once it came.
async fn serve_once(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ca", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !is_complete(&request) {
            assert_ne!(connection.read_buf(&mut request).await.unwrap(), 0);
        }
        // The client may have enough before everything is written.
        drop(connection.write_all(&answer).await);
        drop(connection.shutdown().await);
        String::from_utf8_lossy(&request).into_owned()
    });
    (url, task)
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse::<usize>().unwrap())
}

fn ok(body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn ocsp(url: String, request: &[u8]) -> Query {
    Query::Ocsp { url, request: Bytes::copy_from_slice(request) }
}

#[tokio::test]
async fn a_short_request_travels_in_the_path_and_a_long_one_in_the_body() {
    let (url, request) = serve_once(ok(b"answer")).await;
    let answer = fetcher(AddressPolicy::NAMED).fetch(&ocsp(url, &[0xfb, 0xff, 0xfe, 0x01])).await;
    assert_eq!(answer.unwrap(), "answer");
    assert!(request.await.unwrap().starts_with("GET /ca/%2B%2F%2F%2BAQ%3D%3D HTTP/1.1\r\n"));
    let (url, request) = serve_once(ok(b"answer")).await;
    fetcher(AddressPolicy::NAMED).fetch(&ocsp(url, &[b'x'; 200])).await.unwrap();
    let request = request.await.unwrap();
    assert!(request.starts_with("POST /ca HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("content-type: application/ocsp-request\r\n"));
    assert!(request.ends_with(&"x".repeat(200)));
}

#[tokio::test]
async fn too_long_an_answer_is_cut_off() {
    let (url, _request) = serve_once(ok(&vec![0; MAX_RESPONSE_BYTES + 1])).await;
    let answer = fetcher(AddressPolicy::NAMED).fetch(&ocsp(url, b"request")).await;
    assert_eq!(answer.unwrap_err(), FetchFailure::TooLarge { limit: MAX_RESPONSE_BYTES });
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (url, _request) = serve_once(moved.to_vec()).await;
    let answer = fetcher(AddressPolicy::NAMED).fetch(&Query::Crl { url }).await;
    assert_eq!(answer.unwrap_err(), FetchFailure::Status { status: 302 });
}

#[tokio::test]
async fn only_http_and_only_public_addresses_are_asked() {
    for url in ["https://crl.test/", "ldap://crl.test/", "crl.test", "http://127.0.0.1/", "http://10.0.0.1/"]
    {
        let answer = fetcher(AddressPolicy::PUBLIC).fetch(&Query::Crl { url: url.to_owned() }).await;
        assert!(matches!(answer, Err(FetchFailure::Refused { .. })), "{url}");
    }
}
