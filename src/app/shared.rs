//! What every way of starting needs: the clock, revocation, plugins.

use std::sync::Arc;

use anyhow::Context as _;
use futures_util::future::join_all;
use jiff::Timestamp;

use crate::config::{PluginSettings, Settings};
use crate::engine::Clock;
use crate::transport::{AddressPolicy, ClientSettings, GuardedClient};
use crate::trust::revocation::{HttpFetcher, RevocationChecker, RevocationFetcher};
use crate::verifier::notation::InstalledPlugins;
use crate::verifier::plugin;

/// The system's clock.
pub(super) fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// Asks responders and list servers, through `fetcher`.
pub(super) fn revocation(settings: &Settings, fetcher: Arc<dyn RevocationFetcher>) -> RevocationChecker {
    RevocationChecker::new(fetcher, settings.revocation.checker)
}

/// The way to responders and list servers. Certificates name them, so private addresses are asked only
/// where the operator says so.
pub(super) fn revocation_fetcher(settings: &Settings) -> anyhow::Result<HttpFetcher> {
    let addresses =
        if settings.revocation.private_addresses { AddressPolicy::NAMED } else { AddressPolicy::PUBLIC };
    let client = GuardedClient::build(&ClientSettings {
        addresses,
        proxy: settings.registry.proxy.clone(),
        ..ClientSettings::default()
    })
    .context("preparing the client for revocation")?;
    Ok(HttpFetcher::new(client))
}

/// Asks the plugins of the allow-list what they are. One that cannot be used is remembered with the reason.
pub(super) async fn installed_plugins(settings: &PluginSettings) -> InstalledPlugins {
    let asked = settings.allow.iter().map(|name| async move {
        let metadata = match &settings.folder {
            Some(folder) => plugin::metadata(folder, name).await,
            None => Err("no plugin folder is configured".to_owned()),
        };
        if let Err(problem) = &metadata {
            tracing::warn!(plugin = name, problem, "the verification plugin cannot be used");
        }
        (name.clone(), metadata.map(Arc::new))
    });
    join_all(asked).await.into_iter().collect()
}
