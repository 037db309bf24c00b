//! The authority of a server certificate that somebody else issued: `ca.crt` of a Secret, followed.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use tokio::sync::watch;

use super::follow::{Seen, follow};
use super::said::Said;
use super::{Bundle, pem};
use crate::controller::Connection;

/// The entry of a Secret that holds certificates of authorities, as cert-manager and Gatekeeper write it.
pub(super) const CA_ENTRY: &str = "ca.crt";

/// Tells the bundle whenever the Secret has a good one; the last good one stays.
pub(super) async fn run(connection: Connection, name: Arc<str>, bundle: watch::Sender<Bundle>) {
    let namespace = &connection.namespace;
    let what = format!("Secret {namespace}/{name}");
    let api: Api<Secret> = Api::namespaced(connection.client.clone(), namespace);
    let mut seen = follow(api, &name, what.clone());
    let mut said = Said::default();
    loop {
        let now = seen.borrow_and_update().clone();
        match certificates(&now) {
            Some(Ok(pem)) => {
                said.clear();
                bundle.send_if_modified(|held| {
                    let is_news = held.as_deref() != Some(&pem);
                    *held = Some(pem.into());
                    is_news
                });
            }
            Some(Err(why)) if said.is_news(&why) => tracing::error!(
                "{what}: {why}; Provider objects keep the caBundle that they have, and without one none is made"
            ),
            Some(Err(_)) | None => {}
        }
        if seen.changed().await.is_err() {
            return;
        }
    }
}

/// `None` while nothing is known.
fn certificates(seen: &Seen<Secret>) -> Option<Result<String, String>> {
    match seen {
        Seen::Unknown(_) => None,
        Seen::NotInstalled | Seen::Missing => Some(Err("is not there".to_owned())),
        Seen::Found(secret) => Some(ca_entry(secret).and_then(|bytes| {
            let read = pem::certificates(bytes).map_err(|why| format!("{CA_ENTRY} {why}"))?;
            Ok(pem::to_pem(&read))
        })),
    }
}

/// The authorities that a Secret holds.
///
/// # Errors
/// What is missing, in words.
pub(super) fn ca_entry(secret: &Secret) -> Result<&[u8], String> {
    let entry = secret.data.as_ref().and_then(|data| data.get(CA_ENTRY));
    entry.map(|entry| entry.0.as_slice()).ok_or_else(|| format!("has no {CA_ENTRY}"))
}
