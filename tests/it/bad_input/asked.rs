//! What is asked wrong.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::Row;
use super::stage::CONFIGURATION;
use crate::support::program::Served;

fn request(keys: &[&str]) -> String {
    json!({
        "apiVersion": "externaldata.gatekeeper.sh/v1beta1", "kind": "ProviderRequest", "request": {"keys": keys},
    })
    .to_string()
}

fn cases() -> Vec<(&'static str, String, Method, &'static str, String)> {
    let post = |did, sent: &str, body: String| (did, sent.to_owned(), Method::POST, "/verify", body);
    let long = "a".repeat(3000);
    vec![
        ("asked with GET", "GET /verify".to_owned(), Method::GET, "/verify", String::new()),
        ("misspelt the path", "POST /verfy".to_owned(), Method::POST, "/verfy", request(&["a"])),
        post("sent nothing", "an empty body", String::new()),
        post("sent no JSON", "image=app", "image=app".to_owned()),
        post("sent another kind", "{\"kind\": \"Pod\", …}", request(&[]).replace("ProviderRequest", "Pod")),
        post("sent another version", "{\"apiVersion\": \"…/v1\", …}", request(&[]).replace("v1beta1", "v1")),
        post("sent no keys", "{\"kind\": \"ProviderRequest\", \"request\": {}}",
            json!({"apiVersion": "externaldata.gatekeeper.sh/v1beta1", "kind": "ProviderRequest", "request": {}}).to_string()),
        post("sent a number for a key", "{\"request\": {\"keys\": [1]}, …}", request(&["1"]).replace("\"1\"", "1")),
        post("sent an empty key", "keys: [\"\"]", request(&[""])),
        post("sent a key that is no image", "keys: [\"Team/App\"]", request(&["Team/App"])),
        post("sent a key of 3000 letters", "keys: [\"aaa…\"]", request(&[&long])),
        post("sent 501 keys", "keys: [\"a\", \"a\", …]", request(&["a"; 501])),
        post("sent two megabytes", "keys: [\"aaa…\"]", request(&[&"a".repeat(2 << 20)])),
        post("asked about a registry that is down", "keys: [\"127.0.0.1:1/app:v1\"]", request(&["127.0.0.1:1/app:v1"])),
    ]
}

pub async fn rows() -> Vec<Row> {
    hallmark::transport::install_crypto_provider();
    let served = Served::start(CONFIGURATION, &["--registry-attempts", "1"]);
    let ca = reqwest::Certificate::from_pem(&std::fs::read(served.ca()).expect("CA")).expect("PEM");
    let client = Client::builder().tls_certs_only([ca]).no_proxy().build().expect("client");
    let mut rows = Vec::new();
    for (did, sent, method, path, body) in cases() {
        let (status, answer) =
            ask(&client, method, &format!("https://{}{path}", served.address()), body).await;
        rows.push(Row { did, typed: sent, said: said(&answer), status: status.as_u16().to_string() });
    }
    let plain = Client::builder().no_proxy().build().expect("client");
    let refused = plain.post(format!("http://{}/verify", served.address())).body("{}").send().await;
    assert!(refused.is_err(), "plain HTTP is not answered");
    rows
}

async fn ask(client: &Client, method: Method, url: &str, body: String) -> (StatusCode, Value) {
    let answer = client.request(method, url).body(body).send().await.expect("an answer");
    let status = answer.status();
    let bytes = hallmark::transport::read_bounded(answer, 1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into()))
}

fn said(answer: &Value) -> Vec<String> {
    let error = answer["response"]["systemError"].as_str().filter(|error| !error.is_empty());
    let items = answer["response"]["items"].as_array();
    let items = items.into_iter().flatten().filter_map(|item| item["error"].as_str());
    let said: Vec<String> = error.into_iter().chain(items).map(str::to_owned).collect();
    if said.is_empty() { vec![answer.to_string()] } else { said }
}
