//! Keeps a Provider object as it must be: made, corrected, made again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::follow::{Seen, follow};
use super::overlap::Overlap;
use super::provider::{Owner, Step, Wanted};
use super::said::Said;
use super::{Bundle, GatewaySettings, pem};
use crate::config::ProviderSettings;
use crate::controller::Connection;
use crate::controller::failure::Failure;
use crate::telemetry::Metrics;

/// What the API server remembers as the writer of these fields.
const FIELD_MANAGER: &str = "hallmark";

/// How often a write that failed is repeated, and looked whether a former authority's time is over.
const TICK: Duration = Duration::from_secs(5);

/// Keeps one Provider object.
pub(super) struct Keeper {
    providers: Api<DynamicObject>,
    roles: Api<ClusterRole>,
    wanted: Wanted,
    owner_name: Option<Arc<str>>,
    owner: Option<Owner>,
    bundle: Overlap,
    said: Said,
    said_of_owner: Said,
}

impl Keeper {
    /// Nothing is read yet.
    pub(super) fn new(
        connection: &Connection,
        settings: &GatewaySettings,
        provider: &ProviderSettings,
    ) -> Self {
        let kind = GroupVersionKind::gvk("externaldata.gatekeeper.sh", "v1beta1", "Provider");
        let resource = ApiResource::from_gvk_with_plural(&kind, "providers");
        let base = settings.gatekeeper.url.as_ref().map(ToString::to_string).unwrap_or_default();
        let wanted = Wanted {
            name: Arc::clone(&provider.name),
            url: format!("{}{}", base.trim_end_matches('/'), provider.path),
            timeout: provider.timeout.as_secs(),
            installation: format!("{}/{}", connection.namespace, settings.name),
            adopt: settings.gatekeeper.adopt,
        };
        let (owner, bundle, said, said_of_owner) = Default::default();
        Self {
            providers: Api::all_with(connection.client.clone(), &resource),
            roles: Api::all(connection.client.clone()),
            wanted,
            owner_name: settings.gatekeeper.owner.clone(),
            owner,
            bundle,
            said,
            said_of_owner,
        }
    }

    /// Follows the object and the bundle for as long as the runtime lives.
    pub(super) async fn run(mut self, mut bundle: watch::Receiver<Bundle>, metrics: Arc<Metrics>) {
        let what = format!("Provider {}", self.wanted.name);
        let mut seen = follow(self.providers.clone(), &self.wanted.name, what);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        metrics.set_gatekeeper_provider(&self.wanted.name, false);
        loop {
            let wanted = bundle.borrow_and_update().clone();
            self.take_bundle(wanted.as_deref());
            let now = seen.borrow_and_update().clone();
            if let Some(is_kept) = self.look(&now).await {
                metrics.set_gatekeeper_provider(&self.wanted.name, is_kept);
            }
            tokio::select! {
                changed = seen.changed() => if changed.is_err() { return },
                changed = bundle.changed() => if changed.is_err() { return },
                _ = ticks.tick() => {}
            }
        }
    }

    fn take_bundle(&mut self, pem: Option<&str>) {
        let read = pem.and_then(|pem| pem::certificates(pem.as_bytes()).ok()).unwrap_or_default();
        if !read.is_empty() {
            self.bundle.take(read, Timestamp::now());
        }
    }

    /// Does what is due. Whether the object is as it must be; `None` where that is not known.
    async fn look(&mut self, seen: &Seen<DynamicObject>) -> Option<bool> {
        let existing = match seen {
            Seen::Unknown(_) => return None,
            Seen::NotInstalled => {
                self.complain("Gatekeeper's kind Provider is not installed; it is looked for again");
                return Some(false);
            }
            Seen::Missing => None,
            Seen::Found(object) => Some(&**object),
        };
        if self.bundle.current().is_empty() {
            self.complain(
                "no Provider object is written while the authority of the server certificate is unknown",
            );
            return Some(false);
        }
        if self.owner.is_none() {
            self.find_owner().await;
        }
        match self.step(existing) {
            Step::Keep => {
                self.said.clear();
                Some(true)
            }
            Step::Wait => Some(false),
            Step::Foreign(whose) => {
                self.complain(&format!(
                    "it was made by {whose} and is left alone, so Gatekeeper does not ask this provider by that \
                     name; to take it over, set gatekeeper.adopt"
                ));
                Some(false)
            }
            Step::Apply(_) => {
                // The role may have been made anew, and an object of a role that is gone is collected.
                self.find_owner().await;
                match self.step(existing) {
                    Step::Apply(object) => Some(self.apply(&object).await),
                    _ => Some(true),
                }
            }
        }
    }

    fn step(&self, existing: Option<&DynamicObject>) -> Step {
        let (bundle, former) = (self.bundle.current(), self.bundle.former());
        self.wanted.step(bundle, former, self.owner.as_ref(), existing, Timestamp::now())
    }

    async fn apply(&mut self, object: &Value) -> bool {
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        match self.providers.patch(&self.wanted.name, &parameters, &Patch::Apply(object)).await {
            Ok(_) => {
                self.said.clear();
                tracing::info!(
                    provider = &*self.wanted.name,
                    url = self.wanted.url,
                    "the Provider object is written"
                );
                true
            }
            Err(error) => {
                let why = match Failure::from(&error) {
                    Failure::NotInstalled => "Gatekeeper's kind Provider is not installed".to_owned(),
                    Failure::Forbidden(why) => format!(
                        "writing it is forbidden: {why}; the ClusterRole needs create of providers.externaldata.\
                         gatekeeper.sh, and patch of this name"
                    ),
                    Failure::Unreachable(why) => format!("it cannot be written: {why}"),
                    Failure::Expired => "it changed meanwhile".to_owned(),
                };
                self.complain(&format!("{why}; it is tried again"));
                false
            }
        }
    }

    /// Looks the owner up. Without one the object stays when Hallmark is uninstalled.
    async fn find_owner(&mut self) {
        let Some(name) = &self.owner_name else { return };
        let without = match self.roles.get_opt(name).await {
            Ok(Some(role)) => {
                let uid = role.metadata.uid.unwrap_or_default();
                self.owner = Some(Owner { name: name.to_string(), uid });
                self.said_of_owner.clear();
                return;
            }
            Ok(None) => {
                self.owner = None;
                "is not there".to_owned()
            }
            Err(error) => match Failure::from(&error) {
                Failure::Forbidden(why) => format!("cannot be read: {why}"),
                // What was known of it stays.
                _ => return,
            },
        };
        if self.said_of_owner.is_news(&without) {
            tracing::warn!(
                "ClusterRole {name} {without}: Provider {} has no owner, and stays when Hallmark is uninstalled",
                self.wanted.name
            );
        }
    }

    fn complain(&mut self, text: &str) {
        if self.said.is_news(text) {
            tracing::warn!("Provider {}: {text}", self.wanted.name);
        }
    }
}
