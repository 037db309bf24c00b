//! The way to the Kubernetes API.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use kube::{Client, Config};

use crate::config::KubernetesSettings;
use crate::line;

/// How long connecting may take. The API server is near, and a watch tries again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may pause: longer than any watch lasts.
const READ_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a single request may take that is no watch.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest text of an error of the API that is passed on.
const MAX_ERROR_CHARS: usize = 300;

/// A client, and what is known of where it leads.
#[derive(Clone)]
pub struct Connection {
    /// The client.
    pub client: Client,
    /// The namespace that Hallmark is installed in.
    pub namespace: Arc<str>,
    /// Where the API is.
    pub address: Arc<str>,
}

impl std::fmt::Debug for Connection {
    /// Never the client, which holds credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("namespace", &self.namespace)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The Kubernetes API cannot be used, and waiting would not help.
#[derive(Debug, thiserror::Error)]
#[error("{why} (run in a Pod with a service account, or set KUBECONFIG)")]
pub struct ConnectError {
    why: String,
}

impl Connection {
    /// Prepares a client as `$KUBECONFIG` or the Pod's service account says. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ConnectError`] where neither is there or one cannot be used.
    pub async fn prepare(settings: &KubernetesSettings) -> Result<Self, ConnectError> {
        let refused = |why: String| ConnectError { why };
        let config = Config::infer().await;
        let mut config = config.map_err(|error| refused(one_line(&error)))?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(READ_TIMEOUT);
        config.reset_reader_on_write = true;
        // Whoever asks here tries again, and says what went wrong.
        config.default_retry = false;
        let named = settings.namespace.clone();
        let pod = || std::env::var("POD_NAMESPACE").ok().filter(|name| !name.is_empty()).map(Arc::from);
        let namespace = named.or_else(pod).unwrap_or_else(|| config.default_namespace.as_str().into());
        let address = config.cluster_url.to_string().trim_end_matches('/').into();
        let client = Client::try_from(config).map_err(|error| refused(one_line(&error)))?;
        Ok(Self { client, namespace, address })
    }
}

/// An error with its causes, on one line of bounded length.
pub(super) fn one_line(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        // Many errors repeat their cause.
        if !text.contains(&said) {
            let between = if text.is_empty() { "" } else { ": " };
            // Writing to a String does not fail.
            let _ = write!(text, "{between}{said}");
        }
        next = error.source();
    }
    line::within_chars(text, MAX_ERROR_CHARS).into_owned()
}
