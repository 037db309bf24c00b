//! What Gatekeeper's webhook configurations say. Pure.

use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};

use super::pem;
use crate::x509::Certificate;

/// The most webhooks of one configuration that are looked at.
const MAX_WEBHOOKS: usize = 32;

/// What the API server waits where nothing is said, in seconds.
const DEFAULT_TIMEOUT: i32 = 10;

/// Gatekeeper's webhook that guards labels of namespaces and asks no provider.
const ASKS_NOBODY: &str = "check-ignore-label.gatekeeper.sh";

/// One webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Webhook {
    pub name: String,
    /// The certificates by which the API server trusts it, in PEM.
    pub bundle: Vec<u8>,
    pub timeout: Duration,
    /// Whether objects pass where it does not answer.
    pub fails_open: bool,
}

impl Webhook {
    fn new(
        name: &str,
        client: &WebhookClientConfig,
        timeout: Option<i32>,
        failure_policy: Option<&str>,
    ) -> Self {
        let seconds = timeout.unwrap_or(DEFAULT_TIMEOUT);
        Self {
            name: name.to_owned(),
            bundle: client.ca_bundle.as_ref().map(|bundle| bundle.0.clone()).unwrap_or_default(),
            timeout: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
            fails_open: failure_policy == Some("Ignore"),
        }
    }

    /// Whether providers are asked while it is waited for.
    pub(super) fn asks_providers(&self) -> bool {
        self.name != ASKS_NOBODY
    }

    /// What is wrong with its timeout, where this server may take `deadline` for an answer.
    pub(super) fn too_short(&self, deadline: Duration) -> Option<String> {
        (self.timeout <= deadline).then(|| {
            format!(
                "{} waits {} s, no longer than this server's own deadline of {} ms: objects are decided by its \
                 failure policy before an answer comes; raise timeoutSeconds of the webhook, or lower \
                 timeouts.verify and timeouts.mutate",
                self.name,
                self.timeout.as_secs(),
                deadline.as_millis()
            )
        })
    }
}

/// The webhooks of a validating configuration.
pub(super) fn validating(configuration: &ValidatingWebhookConfiguration) -> Vec<Webhook> {
    let webhooks = configuration.webhooks.iter().flatten().take(MAX_WEBHOOKS);
    let read = webhooks.map(|webhook| {
        let policy = webhook.failure_policy.as_deref();
        Webhook::new(&webhook.name, &webhook.client_config, webhook.timeout_seconds, policy)
    });
    read.collect()
}

/// The webhooks of a mutating configuration.
pub(super) fn mutating(configuration: &MutatingWebhookConfiguration) -> Vec<Webhook> {
    let webhooks = configuration.webhooks.iter().flatten().take(MAX_WEBHOOKS);
    let read = webhooks.map(|webhook| {
        let policy = webhook.failure_policy.as_deref();
        Webhook::new(&webhook.name, &webhook.client_config, webhook.timeout_seconds, policy)
    });
    read.collect()
}

/// The authorities by which the API server trusts these webhooks; Gatekeeper shows a certificate of theirs to
/// providers too. One webhook's bundle that cannot be read costs only itself, and is the second part.
///
/// # Errors
/// Why there is none, in words.
pub(super) fn authorities(webhooks: &[Webhook]) -> Result<(Vec<Certificate>, Vec<String>), String> {
    let (mut found, mut unusable) = (Vec::new(), Vec::new());
    for webhook in webhooks.iter().filter(|webhook| !webhook.bundle.is_empty()) {
        match pem::authorities(&webhook.bundle) {
            Ok(authorities) => found.extend(authorities),
            Err(why) => unusable.push(format!("caBundle of {} {why}", webhook.name)),
        }
    }
    match (found.is_empty(), unusable.is_empty()) {
        (false, _) => Ok((pem::without_repetitions(found), unusable)),
        (true, false) => Err(unusable.join("; ")),
        (true, true) => Err("has no caBundle yet".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::provider::tests::{HOUR, authority};
    use super::*;

    fn webhook(name: &str, bundle: &[u8]) -> Webhook {
        let timeout = Duration::from_secs(3);
        Webhook { name: name.to_owned(), bundle: bundle.to_vec(), timeout, fails_open: false }
    }

    #[test]
    fn the_bundles_of_all_webhooks_are_united_and_a_bad_one_costs_only_itself() {
        let (one, other) = (authority("one", HOUR), authority("other", HOUR));
        let (first, both) = (pem::to_pem([&one]), pem::to_pem([&other, &one]));
        let webhooks = [
            webhook("a", first.as_bytes()),
            webhook("b", both.as_bytes()),
            webhook("c", b"junk"),
            webhook("d", b""),
        ];
        let (found, unusable) = authorities(&webhooks).unwrap();
        assert_eq!(found, [one, other]);
        assert_eq!(unusable.len(), 1, "{unusable:?}");
        assert!(unusable[0].starts_with("caBundle of c "), "{unusable:?}");
    }

    #[test]
    fn without_a_good_bundle_there_is_no_authority() {
        assert_eq!(authorities(&[webhook("a", b"")]).unwrap_err(), "has no caBundle yet");
        assert_eq!(authorities(&[]).unwrap_err(), "has no caBundle yet");
        assert!(authorities(&[webhook("a", b"junk")]).unwrap_err().contains("caBundle of a"));
        let many = pem::to_pem(&vec![authority("one", HOUR); 2000]);
        assert!(authorities(&[webhook("a", many.as_bytes())]).unwrap_err().contains("longer than"));
    }

    #[test]
    fn what_is_not_said_is_the_api_servers_default() {
        let configuration = serde_json::json!({"webhooks": [
            {"name": "validation.gatekeeper.sh", "clientConfig": {}, "admissionReviewVersions": [], "sideEffects": "None"},
            {"name": "check-ignore-label.gatekeeper.sh", "clientConfig": {"caBundle": "eA=="}, "timeoutSeconds": 3,
             "failurePolicy": "Ignore", "admissionReviewVersions": [], "sideEffects": "None"},
        ]});
        let read = validating(&serde_json::from_value(configuration).unwrap());
        assert_eq!(read[0].timeout, Duration::from_secs(10));
        assert!(!read[0].fails_open && read[0].asks_providers() && read[0].bundle.is_empty());
        assert_eq!(read[1].timeout, Duration::from_secs(3));
        assert!(read[1].fails_open && !read[1].asks_providers());
        assert_eq!(read[1].bundle, b"x");
    }

    #[test]
    fn a_timeout_must_be_longer_than_the_deadline() {
        let webhook = webhook("validation.gatekeeper.sh", b"");
        assert_eq!(webhook.too_short(Duration::from_millis(2500)), None);
        let said = webhook.too_short(Duration::from_secs(3)).expect("something is said");
        assert!(
            said.contains("waits 3 s") && said.contains("3000 ms") && said.contains("timeoutSeconds"),
            "{said}"
        );
    }
}
