//! The authorities that vouch for Gatekeeper's client certificate, read from the cluster.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use tokio::sync::watch;

use super::bundle_secret::{CA_ENTRY, ca_entry};
use super::client_file::{Changed, ClientFile};
use super::follow::{Seen, follow};
use super::overlap::Overlap;
use super::said::Said;
use super::waiting::Waiting;
use super::{GatewaySettings, pem, webhook};
use crate::controller::Connection;
use crate::secret::SecretName;
use crate::x509::Certificate;

const WAITING: &str = "the authority of Gatekeeper's client certificate";

/// How often it is looked whether a former authority's time is over, and a failed write is repeated.
const TICK: Duration = Duration::from_secs(30);

/// Keeps the file in step with the cluster.
pub(super) struct Follower {
    connection: Connection,
    webhook: Arc<str>,
    waiting: Waiting,
    file: ClientFile,
    overlap: Overlap,
    unusable: Said,
}

/// The authorities, and what is wrong with some; or why there are none.
type Read = Result<(Vec<Certificate>, Vec<String>), String>;

impl Follower {
    /// Nothing is read of the cluster yet, and what an earlier process left counts meanwhile. `changed` is called
    /// when the file is another; `None` where the server follows none.
    pub(super) fn new(
        connection: &Connection,
        settings: &GatewaySettings,
        waiting: &Waiting,
        changed: Changed,
    ) -> Option<Self> {
        let mut file = ClientFile::new(settings.client_ca.clone()?, changed);
        let overlap = file.resume(Timestamp::now());
        Some(Self {
            connection: connection.clone(),
            webhook: Arc::clone(&settings.gatekeeper.webhook),
            waiting: waiting.clone(),
            file,
            overlap,
            unusable: Said::default(),
        })
    }

    /// Follows Gatekeeper's ValidatingWebhookConfiguration.
    pub(super) async fn of_webhook(self) {
        let name = Arc::clone(&self.webhook);
        let what = format!("ValidatingWebhookConfiguration {name}");
        let api: Api<ValidatingWebhookConfiguration> = Api::all(self.connection.client.clone());
        let seen = follow(api, &name, what.clone());
        self.run(seen, what, |configuration| webhook::authorities(&webhook::validating(configuration))).await;
    }

    /// Follows a Secret.
    pub(super) async fn of_secret(self, name: SecretName) {
        let what = format!("Secret {}/{}", name.namespace, name.name);
        let api: Api<Secret> = Api::namespaced(self.connection.client.clone(), &name.namespace);
        let seen = follow(api, &name.name, what.clone());
        let read = |secret: &Secret| {
            let read = ca_entry(secret).and_then(pem::authorities);
            read.map(|authorities| (authorities, Vec::new())).map_err(|why| match why.starts_with("has no") {
                true => why,
                false => format!("{CA_ENTRY} {why}"),
            })
        };
        self.run(seen, what, read).await;
    }

    async fn run<K>(mut self, mut seen: watch::Receiver<Seen<K>>, what: String, read: impl Fn(&K) -> Read) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            let now = seen.borrow_and_update().clone();
            self.take(&now, &what, &read);
            self.file.write(&mut self.overlap, Timestamp::now());
            tokio::select! {
                changed = seen.changed() => if changed.is_err() { return },
                _ = ticks.tick() => {}
            }
        }
    }

    fn take<K>(&mut self, seen: &Seen<K>, what: &str, read: &impl Fn(&K) -> Read) {
        let read = match seen {
            Seen::Unknown(why) => {
                let why = why.as_deref().unwrap_or("was not read yet");
                self.waiting.wait(WAITING, format!("{what}: {why}"));
                return;
            }
            Seen::NotInstalled | Seen::Missing => Err("is not there; is Gatekeeper installed?".to_owned()),
            Seen::Found(object) => read(object),
        };
        match read {
            Ok((authorities, flaws)) => {
                self.overlap.take(authorities, Timestamp::now());
                self.waiting.over(WAITING);
                if flaws.is_empty() {
                    self.unusable.clear();
                } else {
                    self.complain(&format!("{what}: {}: the others vouch for Gatekeeper", flaws.join("; ")));
                }
            }
            Err(why) => {
                if self.overlap.current().is_empty() {
                    self.waiting.wait(WAITING, format!("{what} {why}"));
                }
                let meanwhile = if self.overlap.at(Timestamp::now()).is_empty() {
                    "no client is let in"
                } else {
                    "what vouched for Gatekeeper's certificate before still does"
                };
                self.complain(&format!("{what} {why}: {meanwhile}"));
            }
        }
    }

    fn complain(&mut self, text: &str) {
        if self.unusable.is_news(text) {
            tracing::warn!("{text}");
        }
    }
}
