//! The settings about life in a cluster: what Kubernetes is asked for, and what is Gatekeeper's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::ValueKind;
use url::Url;

use super::cluster::{
    ClientAuthority, GATEKEEPER_CA_FILE, GatekeeperSettings, KubernetesSettings, ProviderAuthority,
    ProviderSettings,
};
use super::document::Node;
use super::gather::Gathered;
use super::kind::{Kind, show_duration};
use super::nested::{self, Field, Items, required};
use super::raw::{Raw, RawClientAuthority, RawGatekeeper, RawNamespaced, RawProvider, RawProviderAuthority};
use super::table::SETTINGS;
use crate::engine::settings::NamespacedResources;
use crate::secret::SecretName;

/// The setting that lists Provider objects.
pub(super) const PROVIDERS: &str = "gatekeeper.providers";

/// What is said of one Provider object.
pub(super) const PROVIDER_FIELDS: &[Field] = &[
    required("name", Kind::ObjectName, "Its name, which templates hard-code"),
    required("path", Kind::UrlPath, "The path of its URL, behind `gatekeeper.url`"),
    required(
        "timeout_seconds",
        Kind::Count { min: 1, max: 30 },
        "How long Gatekeeper waits: longer than `timeouts.verify` or `timeouts.mutate`, and no longer than the webhook's timeout",
    ),
];

const ITEMS: Items = Items {
    one: "a Provider",
    expected: "a list of Provider objects, each a mapping with name, path and timeout_seconds",
    fields: PROVIDER_FIELDS,
};

/// Reads the list of Provider objects.
pub(super) fn read(
    gathered: &mut Gathered,
    node: &Node,
    folder: &Path,
    place: &dyn Fn(u64) -> String,
) -> Option<ValueKind> {
    nested::list(gathered, PROVIDERS, &ITEMS, node, folder, place)
}

/// What the rest of the program reads.
pub(super) fn validated(raw: &Raw) -> Option<KubernetesSettings> {
    let (kubernetes, gatekeeper) = (&raw.kubernetes, &raw.gatekeeper);
    kubernetes.enabled.then(|| KubernetesSettings {
        namespace: kubernetes.namespace.as_deref().map(Arc::from),
        name: kubernetes.name.as_str().into(),
        namespaced: match kubernetes.namespaced_resources {
            RawNamespaced::Unite => NamespacedResources::Unite,
            RawNamespaced::Replace => NamespacedResources::Replace,
        },
        gatekeeper: GatekeeperSettings {
            providers: gatekeeper.providers.iter().map(provider).collect(),
            url: gatekeeper.url.as_deref().and_then(|url| Url::parse(url).ok()),
            owner: gatekeeper.owner.as_deref().map(Arc::from),
            adopt: gatekeeper.adopt,
            ca: match &gatekeeper.ca_secret {
                Some(secret) => ProviderAuthority::Secret(secret.as_str().into()),
                None => ProviderAuthority::Own,
            },
            client_ca: client_authority(gatekeeper),
            webhook: gatekeeper.webhook.as_str().into(),
            mutating_webhook: gatekeeper.mutating_webhook.as_str().into(),
        },
    })
}

fn provider(raw: &RawProvider) -> ProviderSettings {
    ProviderSettings {
        name: raw.name.as_str().into(),
        path: raw.path.as_str().into(),
        timeout: Duration::from_secs(raw.timeout_seconds),
    }
}

fn client_authority(raw: &RawGatekeeper) -> ClientAuthority {
    let secret = raw.client_ca_secret.as_deref().and_then(|name| name.split_once('/'));
    match (raw.client_ca, secret) {
        (RawClientAuthority::Webhook, _) => ClientAuthority::Webhook,
        (RawClientAuthority::Secret, Some((namespace, name))) => {
            ClientAuthority::Secret(SecretName { namespace: namespace.into(), name: name.into() })
        }
        // Without a Secret's name the settings are refused.
        (RawClientAuthority::File | RawClientAuthority::Secret, _) => ClientAuthority::File,
        (RawClientAuthority::None, _) => ClientAuthority::Nobody,
    }
}

/// Whether clients must show a certificate.
pub(super) fn asks_for_client_certificates(raw: &Raw) -> bool {
    raw.client_ca.is_some() || comes_from_the_cluster(raw)
}

/// The file of the authorities of client certificates.
pub(super) fn client_ca(raw: &Raw, state_dir: &Path) -> Option<PathBuf> {
    if comes_from_the_cluster(raw) { Some(state_dir.join(GATEKEEPER_CA_FILE)) } else { raw.client_ca.clone() }
}

fn comes_from_the_cluster(raw: &Raw) -> bool {
    let said = matches!(raw.gatekeeper.client_ca, RawClientAuthority::Webhook | RawClientAuthority::Secret);
    raw.kubernetes.enabled && said
}

/// What cannot both be meant.
pub(super) fn contradictions(raw: &Raw, gathered: &mut Gathered) {
    if raw.kubernetes.enabled {
        provider_contradictions(raw, gathered);
        client_contradictions(raw, gathered);
        return;
    }
    let of_clusters = SETTINGS.iter().filter(|setting| {
        matches!(setting.section(), "kubernetes" | "gatekeeper") && setting.path != "kubernetes.enabled"
    });
    for setting in of_clusters {
        if gathered.is_set(setting.path) {
            let contradiction = "means nothing without Kubernetes";
            gathered.contradict(setting.path, contradiction, "set kubernetes.enabled too");
        }
    }
}

fn provider_contradictions(raw: &Raw, gathered: &mut Gathered) {
    let gatekeeper = &raw.gatekeeper;
    if !gatekeeper.providers.is_empty() && gatekeeper.url.is_none() {
        gathered.contradict(
            PROVIDERS,
            "nobody says where Gatekeeper reaches this provider",
            "set gatekeeper.url too",
        );
    }
    let mut names = BTreeSet::new();
    for provider in &gatekeeper.providers {
        if !names.insert(&provider.name) {
            gathered.contradict(
                PROVIDERS,
                &format!("{} is listed twice", provider.name),
                "keep one of the two",
            );
        }
    }
    match (gatekeeper.ca, &gatekeeper.ca_secret) {
        (RawProviderAuthority::Secret, None) => {
            gathered.contradict(
                "gatekeeper.ca",
                "is secret, and no Secret is named",
                "set gatekeeper.ca_secret too",
            );
        }
        (RawProviderAuthority::Own, Some(_)) => {
            gathered.contradict("gatekeeper.ca_secret", "is not read", "set gatekeeper.ca to secret");
        }
        (RawProviderAuthority::Secret, Some(_)) if raw.cert_dir.is_none() => {
            let why = "the Secret's authority does not vouch for a certificate of our own making";
            gathered.contradict(
                "gatekeeper.ca",
                why,
                "set cert_dir to where the Secret's tls.crt and tls.key are mounted",
            );
        }
        (RawProviderAuthority::Own, None) if raw.cert_dir.is_some() && !gatekeeper.providers.is_empty() => {
            let why = "our own authority does not vouch for the certificate of cert_dir";
            let remedy = "set gatekeeper.ca to secret and gatekeeper.ca_secret, or leave cert_dir or gatekeeper.providers away";
            gathered.contradict("gatekeeper.ca", why, remedy);
        }
        _ => {}
    }
}

fn client_contradictions(raw: &Raw, gathered: &mut Gathered) {
    let gatekeeper = &raw.gatekeeper;
    match (gatekeeper.client_ca, &gatekeeper.client_ca_secret) {
        (RawClientAuthority::Secret, None) => {
            let remedy = "set gatekeeper.client_ca_secret too";
            gathered.contradict("gatekeeper.client_ca", "is secret, and no Secret is named", remedy);
        }
        (RawClientAuthority::Secret, Some(_)) | (_, None) => {}
        (_, Some(_)) => {
            gathered.contradict(
                "gatekeeper.client_ca_secret",
                "is not read",
                "set gatekeeper.client_ca to secret",
            );
        }
    }
    match (gatekeeper.client_ca, &raw.client_ca) {
        (RawClientAuthority::File, None) => {
            gathered.contradict("gatekeeper.client_ca", "is file, and no file is named", "set client_ca too");
        }
        (RawClientAuthority::File, Some(_)) | (_, None) => {}
        (_, Some(_)) => gathered.contradict("client_ca", "is not read", "set gatekeeper.client_ca to file"),
    }
}

/// What is in force and probably not meant.
pub(super) fn warnings(raw: &Raw, gathered: &Gathered) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |setting: &str, text: String| {
        warnings.push(format!("{}: {setting}: {text}", gathered.origin(setting)));
    };
    for provider in &raw.gatekeeper.providers {
        let (setting, deadline) = if provider.path.ends_with("/mutate") {
            ("timeouts.mutate", raw.timeouts.mutate)
        } else {
            ("timeouts.verify", raw.timeouts.verify)
        };
        let (timeout, deadline) = (Duration::from_secs(provider.timeout_seconds), Duration::from(deadline));
        if timeout <= deadline {
            let (timeout, deadline) = (show_duration(timeout), show_duration(deadline));
            let text = format!(
                "{}: Gatekeeper hangs up after {timeout}, before {setting} ({deadline}) has passed",
                provider.name
            );
            warn(PROVIDERS, text);
        }
    }
    for setting in ["gatekeeper.url", "gatekeeper.owner", "gatekeeper.adopt"] {
        if raw.kubernetes.enabled && raw.gatekeeper.providers.is_empty() && gathered.is_set(setting) {
            warn(setting, format!("has no effect: {PROVIDERS} names none"));
        }
    }
    warnings
}
