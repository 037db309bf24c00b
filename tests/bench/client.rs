//! Asks as Gatekeeper asks: a ProviderRequest over TLS 1.3 and HTTP/1.1 on kept connections.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

/// One kept connection pool to the provider.
pub struct Client {
    http: reqwest::Client,
    url: String,
}

/// What a series of requests took.
pub struct Series {
    /// Answers that were verified.
    pub verified: usize,
    /// Latency of each request, sorted.
    pub latencies: Vec<Duration>,
}

/// A client that trusts this certificate alone.
pub fn http(pem: &[u8]) -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder().tls_certs_only([reqwest::Certificate::from_pem(pem)?]);
    Ok(client.no_proxy().http1_only().build()?)
}

/// What Gatekeeper sends for these keys.
pub fn request_body(keys: &[String]) -> String {
    let request = json!({
        "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
        "kind": "ProviderRequest",
        "request": {"keys": keys},
    });
    request.to_string()
}

impl Client {
    pub fn new(url: &str, ca: &Path) -> anyhow::Result<Self> {
        let pem = std::fs::read(ca).with_context(|| format!("reading {}", ca.display()))?;
        Ok(Self { http: http(&pem)?, url: format!("{url}/verify") })
    }

    /// Asks for `keys` in batches of `batch`, one request after another.
    pub async fn ask(&self, keys: &[String], batch: usize) -> anyhow::Result<Series> {
        let mut series = Series { verified: 0, latencies: Vec::new() };
        for keys in keys.chunks(batch) {
            let started = Instant::now();
            series.verified += self.ask_once(keys).await?;
            series.latencies.push(started.elapsed());
        }
        series.latencies.sort();
        Ok(series)
    }

    /// The bytes of an answer.
    pub async fn answer(&self, keys: &[String]) -> anyhow::Result<Vec<u8>> {
        let request = self.http.post(&self.url).header("content-type", "application/json");
        let mut response = request.body(request_body(keys)).send().await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    async fn ask_once(&self, keys: &[String]) -> anyhow::Result<usize> {
        let bytes = self.answer(keys).await?;
        let answer: Value = serde_json::from_slice(&bytes)?;
        let items = answer["response"]["items"].as_array().map_or(&[][..], Vec::as_slice);
        let error = answer["response"]["systemError"].as_str().unwrap_or_default();
        anyhow::ensure!(error.is_empty(), "systemError: {error}");
        Ok(items.iter().filter(|item| item["value"]["verdict"] == "verified").count())
    }
}
