//! Whether Gatekeeper's webhooks wait long enough for this provider, and what they do when they do not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::Api;
use tokio::sync::watch;

use super::GatewaySettings;
use super::follow::{Seen, follow};
use super::said::Said;
use super::webhook::{self, Webhook};
use crate::controller::Connection;
use crate::telemetry::{Metrics, WebhookState};

/// Reports once for each change.
pub(super) async fn run(connection: Connection, settings: GatewaySettings, metrics: Arc<Metrics>) {
    let gatekeeper = &settings.gatekeeper;
    let client = || connection.client.clone();
    let validating = {
        let api: Api<ValidatingWebhookConfiguration> = Api::all(client());
        let what = format!("ValidatingWebhookConfiguration {}", gatekeeper.webhook);
        follow(api, &gatekeeper.webhook, what)
    };
    let mutating = {
        let api: Api<MutatingWebhookConfiguration> = Api::all(client());
        let what = format!("MutatingWebhookConfiguration {}", gatekeeper.mutating_webhook);
        follow(api, &gatekeeper.mutating_webhook, what)
    };
    tokio::join!(
        report(("validating", settings.verify_deadline), validating, webhook::validating, &metrics),
        report(("mutating", settings.mutate_deadline), mutating, webhook::mutating, &metrics),
    );
}

async fn report<K>(
    (kind, deadline): (&'static str, Duration),
    mut seen: watch::Receiver<Seen<K>>,
    read: impl Fn(&K) -> Vec<Webhook>,
    metrics: &Metrics,
) {
    let mut said: BTreeMap<String, (Said, Said)> = BTreeMap::new();
    loop {
        let now = seen.borrow_and_update().clone();
        let mut webhooks = match &now {
            Seen::Found(configuration) => read(configuration),
            Seen::Unknown(_) | Seen::NotInstalled | Seen::Missing => Vec::new(),
        };
        webhooks.retain(Webhook::asks_providers);
        said.retain(|name, _| webhooks.iter().any(|webhook| webhook.name == *name));
        for webhook in &webhooks {
            let (short, open) = said.entry(webhook.name.clone()).or_default();
            tell(webhook, deadline, short, open);
        }
        metrics.set_gatekeeper_webhook(kind, state(&webhooks, deadline));
        if seen.changed().await.is_err() {
            return;
        }
    }
}

/// The worst of them; `None` where there is none.
fn state(webhooks: &[Webhook], deadline: Duration) -> Option<WebhookState> {
    let timeout = webhooks.iter().map(|webhook| webhook.timeout).min()?;
    Some(WebhookState {
        timeout,
        too_short: webhooks.iter().any(|webhook| webhook.too_short(deadline).is_some()),
        fails_open: webhooks.iter().any(|webhook| webhook.fails_open),
    })
}

fn tell(webhook: &Webhook, deadline: Duration, short: &mut Said, open: &mut Said) {
    match webhook.too_short(deadline) {
        Some(text) if short.is_news(&text) => tracing::warn!("{text}"),
        Some(_) => {}
        None => {
            short.clear();
        }
    }
    let name = &webhook.name;
    let text = format!(
        "{name} has failurePolicy Ignore: while Gatekeeper does not answer, or not in time, objects are admitted \
         unchecked; audit reports them later. Set failurePolicy: Fail to deny them instead"
    );
    if !webhook.fails_open {
        open.clear();
    } else if open.is_news(&text) {
        tracing::info!("{text}");
    }
}
