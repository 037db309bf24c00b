//! The Kubernetes API over HTTPS, as the cluster's administrator: for looking often and creating many. What a
//! person does, scenarios do with `kubectl`.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// Lists of a thousand Pods are a few megabytes.
const LIMIT: u64 = 64 << 20;

#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What the API server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 0 where no answer came.
    pub status: u16,
    pub body: Value,
    /// The texts of the `Warning` headers.
    pub warnings: Vec<String>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The API server's words where it refused.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// # Panics
    /// When it was refused.
    pub fn admitted(self) -> Self {
        assert!(self.is_success(), "not admitted: {self}");
        self
    }

    /// The words of the refusal.
    ///
    /// # Panics
    /// When it was not refused by an admission webhook.
    pub fn denied(&self) -> &str {
        let message = self.message();
        assert!(
            !self.is_success() && message.contains("admission webhook"),
            "not denied by a webhook: {self}"
        );
        message
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            "" => write!(formatter, "{} {}", self.status, self.body),
            message => write!(formatter, "{} {message}", self.status),
        }?;
        write!(formatter, "{}", self.warnings.iter().map(|w| format!(" [warning: {w}]")).collect::<String>())
    }
}

impl Api {
    /// `identity` is a client certificate with its key, PEM.
    pub fn new(port: u16, ca: &str, identity: &str) -> Self {
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(ca.as_bytes()).expect("CA")])
            .identity(reqwest::Identity::from_pem(identity.as_bytes()).expect("client certificate"))
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .expect("client");
        Self { client, base: format!("https://127.0.0.1:{port}"), token: None }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(reqwest::Method::GET, path, None, "application/json").await
    }

    pub async fn create(&self, path: &str, object: &Value) -> Answer {
        self.send(reqwest::Method::POST, path, Some(object), "application/json").await
    }

    pub async fn merge(&self, path: &str, patch: &Value) -> Answer {
        self.send(reqwest::Method::PATCH, path, Some(patch), "application/merge-patch+json").await
    }

    /// Server-side apply, taking over fields of others.
    pub async fn apply(&self, path: &str, object: &Value) -> Answer {
        let path = format!("{path}?fieldManager=e2e&force=true");
        self.send(reqwest::Method::PATCH, &path, Some(object), "application/apply-patch+yaml").await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(reqwest::Method::DELETE, path, None, "application/json").await
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
        media_type: &str,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.header("Content-Type", media_type).body(body.to_string());
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return Answer { status: 0, body: Value::String(format!("{error:?}")), warnings: vec![] };
            }
        };
        let status = response.status().as_u16();
        let warnings = response
            .headers()
            .get_all("warning")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .map(|value| value.trim_start_matches("299 - ").trim_matches('"').replace("\\\"", "\""))
            .collect();
        let body = match hallmark::transport::read_bounded(response, LIMIT).await {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => Value::String(error.to_string()),
        };
        Answer { status, body, warnings }
    }
}
