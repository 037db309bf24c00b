//! The settings about registries and the way to them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use url::Url;

use super::error::SettingProblem;
use super::files;
use super::gather::Gathered;
use super::raw::{Raw, RawHost, RawMirror};
use super::settings::RegistryProcessSettings;
use crate::reference::RegistryHost;
use crate::registry::http::{HostSettings, MirrorSettings, RegistryLimits};
use crate::transport::{ClientCertificate, ProxySettings, ProxyUrl, TrustedRoots};

pub(super) fn validated(raw: &Raw, gathered: &mut Gathered) -> RegistryProcessSettings {
    RegistryProcessSettings {
        hosts: hosts(raw, gathered),
        roots: roots(raw, gathered),
        proxy: proxy(raw, gathered),
        limits: RegistryLimits {
            connect_timeout: raw.registry.connect_timeout.into(),
            token_timeout: raw.registry.token_timeout.into(),
            attempts: raw.registry.attempts,
        },
        concurrency: raw.registry.requests_per_host,
    }
}

fn roots(raw: &Raw, gathered: &mut Gathered) -> TrustedRoots {
    let Some(path) = &raw.registry.ca_file else {
        if !raw.registry.system_roots {
            gathered.contradict(
                "registry.system_roots",
                "without the system's roots and without registry.ca_file no registry can be trusted",
                "set registry.ca_file, or leave the system's roots on",
            );
        }
        return TrustedRoots::System;
    };
    match bundle(gathered, "registry.ca_file", path) {
        Some(pem) if raw.registry.system_roots => TrustedRoots::SystemAnd(pem),
        Some(pem) => TrustedRoots::Only(pem),
        None => TrustedRoots::System,
    }
}

fn proxy(raw: &Raw, gathered: &mut Gathered) -> ProxySettings {
    match (raw.proxy.as_str(), Url::parse(&raw.proxy)) {
        (text @ ("environment" | "direct"), _) => {
            if !raw.no_proxy.is_empty() {
                let contradiction = format!("has no effect while proxy is {text}");
                let remedy = "set proxy to the URL of one, or use the environment's NO_PROXY";
                gathered.contradict("no_proxy", &contradiction, remedy);
            }
            if text == "direct" { ProxySettings::Direct } else { ProxySettings::Environment }
        }
        (_, Ok(url)) => ProxySettings::Explicit { url: ProxyUrl(url), bypass: raw.no_proxy.join(",") },
        // The kind of the setting has refused everything else.
        (_, Err(_)) => ProxySettings::Direct,
    }
}

fn hosts(raw: &Raw, gathered: &mut Gathered) -> BTreeMap<RegistryHost, Arc<HostSettings>> {
    let mut hosts: BTreeMap<RegistryHost, HostSettings> = BTreeMap::new();
    for (name, host) in &raw.registry.hosts {
        if let Some(key) = RegistryHost::parse(name) {
            hosts.insert(key, settings_of(name, host, gathered));
        }
    }
    for host in raw.registry.plain_http_hosts.iter().filter_map(|name| RegistryHost::parse(name)) {
        let settings = hosts.entry(host.clone()).or_default();
        settings.plain_http = true;
        if settings.roots.is_some() || settings.certificate.is_some() {
            let contradiction = format!("{host} is asked over plain HTTP and has certificates configured");
            let remedy = "take it off this list, or its certificates out of registry.hosts";
            gathered.contradict("registry.plain_http_hosts", &contradiction, remedy);
        }
    }
    hosts.into_iter().map(|(host, settings)| (host, Arc::new(settings))).collect()
}

fn settings_of(name: &str, host: &RawHost, gathered: &mut Gathered) -> HostSettings {
    let path = format!("registry.hosts.{name}");
    let roots = host
        .ca_file
        .as_ref()
        .and_then(|file| bundle(gathered, &format!("{path}.ca_file"), file))
        .map(TrustedRoots::Only);
    let certificate = certificate(&path, host, gathered);
    if host.plain_http && (host.ca_file.is_some() || host.client_certificate_file.is_some()) {
        let contradiction = "the host is asked over plain HTTP and has certificates configured";
        gathered.contradict(&format!("{path}.plain_http"), contradiction, "remove one of the two");
    }
    // The kind of the field has refused what is no URL.
    let mirror = |mirror: &RawMirror| {
        let url = Url::parse(&mirror.url).ok()?;
        Some(MirrorSettings { url, resolves_tags: mirror.resolves_tags })
    };
    HostSettings {
        roots,
        certificate,
        plain_http: host.plain_http,
        mirrors: host.mirrors.iter().filter_map(mirror).collect(),
        allowed_realm_hosts: host.allowed_realm_hosts.clone(),
    }
}

fn certificate(path: &str, host: &RawHost, gathered: &mut Gathered) -> Option<ClientCertificate> {
    let (given, missing) = ("client_certificate_file", "client_key_file");
    let (chain, key) = match (&host.client_certificate_file, &host.client_key_file) {
        (None, None) => return None,
        (Some(chain), Some(key)) => (chain, key),
        (Some(_), None) => return half_a_pair(path, given, missing, gathered),
        (None, Some(_)) => return half_a_pair(path, missing, given, gathered),
    };
    match files::client_certificate(chain, key) {
        Ok(certificate) => Some(certificate),
        Err((file, why)) => {
            let field = if file == key.as_path() { missing } else { given };
            refuse_file(gathered, &format!("{path}.{field}"), file, why);
            None
        }
    }
}

fn half_a_pair<T>(path: &str, given: &str, missing: &str, gathered: &mut Gathered) -> Option<T> {
    let contradiction = format!("{missing} is not given, and one is useless without the other");
    gathered.contradict(&format!("{path}.{given}"), &contradiction, &format!("give {missing} too"));
    None
}

fn bundle(gathered: &mut Gathered, setting: &str, file: &Path) -> Option<Arc<str>> {
    files::bundle(file).map_err(|why| refuse_file(gathered, setting, file, why)).ok()
}

fn refuse_file(gathered: &mut Gathered, setting: &str, file: &Path, why: String) {
    let problem = SettingProblem::File {
        setting: setting.to_owned(),
        origin: gathered.origin(setting).to_owned(),
        path: file.display().to_string(),
        why,
    };
    gathered.problems.push(problem);
}
