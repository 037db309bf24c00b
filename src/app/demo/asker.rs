//! Asks the provider as Gatekeeper does: over HTTPS, with its certificate verified.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use url::Url;

use super::answers::Answers;
use crate::transport::{ClientSettings, GuardedClient, ProxySettings, TrustedRoots, read_bounded};

/// How long the provider may take to read one small file.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is asked meanwhile whether it has.
const INTERVAL: Duration = Duration::from_millis(20);
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// A client that believes the provider's own authority and no other.
#[derive(Debug)]
pub(super) struct Asker {
    client: GuardedClient,
}

impl Asker {
    pub(super) fn new(ca: &str) -> anyhow::Result<Self> {
        let settings = ClientSettings {
            roots: TrustedRoots::Only(ca.into()),
            proxy: ProxySettings::Direct,
            ..ClientSettings::default()
        };
        Ok(Self { client: GuardedClient::build(&settings)? })
    }

    /// Returns when the configuration is in force.
    pub(super) async fn wait_until_ready(&self, health: SocketAddr) -> anyhow::Result<()> {
        let page = Url::parse(&format!("http://{health}/readyz"))?;
        let asking = async {
            let mut ticks = interval(INTERVAL);
            loop {
                ticks.tick().await;
                let answer = self.client.request(Method::GET, page.clone())?.send().await?;
                if answer.status().is_success() {
                    return anyhow::Ok(());
                }
            }
        };
        timeout(PATIENCE, asking).await.context("the provider did not get ready")?
    }

    /// Sends one request for verification.
    pub(super) async fn verify(&self, url: &str, request: &Value) -> anyhow::Result<Answers> {
        let asked = self.client.request(Method::POST, Url::parse(url)?)?;
        let asked = asked.header("Content-Type", "application/json").body(request.to_string());
        let answer = asked.send().await.context("asking the provider")?;
        ensure!(answer.status().is_success(), "the provider answered with status {}", answer.status());
        let body = read_bounded(answer, MAX_ANSWER_BYTES).await?;
        Ok(Answers::new(serde_json::from_slice(&body)?))
    }
}

/// What Gatekeeper sends for these images.
pub(super) fn request(images: &[String]) -> Value {
    json!({
        "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
        "kind": "ProviderRequest",
        "request": {"keys": images},
    })
}
