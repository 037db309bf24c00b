//! Raw settings to validated ones: what contradicts itself is refused with a remedy, what is odd is warned
//! about.

use std::path::PathBuf;
use std::time::Duration;

use super::gatekeeper;
use super::gather::Gathered;
use super::kind::show_duration;
use super::raw::{Raw, RawCache, RawLimits, RawLogFormat, RawMutationFormat, RawOverflow};
use super::registry;
use super::settings::{
    LogFormat, LogSettings, MutationFormat, PluginSettings, RevocationSettings, ServerSettings, Settings,
};
use crate::engine::{EngineSettings, Overflow};
use crate::trust::revocation::CheckerSettings;

/// Compares settings with each other and reads the files that they name.
pub(super) fn validated(raw: Raw, state_dir: PathBuf, gathered: &mut Gathered) -> Settings {
    contradictions(&raw, gathered);
    gatekeeper::contradictions(&raw, gathered);
    let mut warnings = warnings(&raw, gathered);
    warnings.extend(gatekeeper::warnings(&raw, gathered));
    let registry = registry::validated(&raw, gathered);
    Settings {
        engine: engine(&raw.limits, &raw.cache, raw.timeouts.load.into()),
        registry,
        revocation: RevocationSettings {
            checker: CheckerSettings {
                list_bytes: raw.revocation.list_bytes,
                answer_bytes: raw.revocation.answer_bytes,
                max_age: raw.revocation.max_age.into(),
                retry_after: raw.revocation.retry_after.into(),
            },
            private_addresses: raw.revocation.private_addresses,
        },
        plugins: PluginSettings { folder: raw.plugin.folder.clone(), allow: raw.plugin.allow.clone() },
        log: LogSettings {
            format: match raw.log.format {
                RawLogFormat::Text => LogFormat::Text,
                RawLogFormat::Json => LogFormat::Json,
            },
            filter: raw.log.level.clone(),
        },
        kubernetes: gatekeeper::validated(&raw),
        warnings,
        config: raw.config.clone(),
        server: server(raw, state_dir),
    }
}

fn server(raw: Raw, state_dir: PathBuf) -> ServerSettings {
    ServerSettings {
        client_ca: gatekeeper::client_ca(&raw, &state_dir),
        listen: raw.listen,
        health_listen: raw.health_listen,
        cert_dir: raw.cert_dir,
        client_san: raw.client_san,
        state_dir,
        tls_san: raw.tls_san,
        verify_deadline: raw.timeouts.verify.into(),
        mutate_deadline: raw.timeouts.mutate.into(),
        max_body_bytes: raw.limits.body_bytes,
        max_keys: raw.limits.keys,
        max_key_bytes: raw.limits.key_bytes,
        max_in_flight: raw.limits.requests_in_flight,
        keep_alive: raw.timeouts.keep_alive.into(),
        drain_timeout: raw.timeouts.drain.into(),
        mutation_format: match raw.mutation_format {
            RawMutationFormat::TagAndDigest => MutationFormat::TagAndDigest,
            RawMutationFormat::Digest => MutationFormat::Digest,
        },
    }
}

fn engine(limits: &RawLimits, cache: &RawCache, load_bound: Duration) -> EngineSettings {
    EngineSettings {
        unique_signatures: limits.unique_signatures,
        unique_signature_bytes: cache.signature_bytes,
        overflow: match limits.overflow {
            RawOverflow::Evict => Overflow::Evict,
            RawOverflow::Refuse => Overflow::Refuse,
        },
        signatures_per_image: limits.signatures_per_image,
        concurrent_loads: limits.concurrent_loads,
        content_bytes: cache.content_bytes,
        other_facts_bytes: cache.other_facts_bytes,
        decision_bytes: cache.decision_bytes,
        tags: cache.tags,
        tag_ttl: cache.tag_ttl.into(),
        referrers_ttl: cache.referrers_ttl.into(),
        verified_ttl: cache.verified_ttl.into(),
        negative_ttl: cache.negative_ttl.into(),
        inconclusive_ttl: cache.inconclusive_ttl.into(),
        stale_max_age: cache.stale_max_age.into(),
        load_bound,
    }
}

/// What cannot both be meant.
fn contradictions(raw: &Raw, gathered: &mut Gathered) {
    let overlap = raw.listen.ip() == raw.health_listen.ip()
        || raw.listen.ip().is_unspecified()
        || raw.health_listen.ip().is_unspecified();
    if raw.listen.port() == raw.health_listen.port() && raw.listen.port() != 0 && overlap {
        let contradiction = format!("{} is taken by listen ({})", raw.health_listen, raw.listen);
        gathered.contradict("health_listen", &contradiction, "give one of the two another port");
    }
    if !gatekeeper::asks_for_client_certificates(raw) && !raw.client_san.is_empty() {
        let contradiction = "names a client certificate that is never asked for";
        gathered.contradict("client_san", contradiction, "set client_ca too");
    }
    if raw.plugin.folder.is_none() && !raw.plugin.allow.is_empty() {
        let contradiction = "allows plugins, and there is no folder to find them in";
        gathered.contradict("plugin.allow", contradiction, "set plugin.folder too");
    }
    let load = Duration::from(raw.timeouts.load);
    for (setting, timeout) in
        [("timeouts.verify", raw.timeouts.verify), ("timeouts.mutate", raw.timeouts.mutate)]
    {
        let timeout = Duration::from(timeout);
        if timeout > load {
            let (timeout, load) = (show_duration(timeout), show_duration(load));
            let contradiction = format!("{timeout} is longer than timeouts.load ({load})");
            gathered.contradict(setting, &contradiction, "raise timeouts.load, or lower this");
        }
    }
}

/// What is in force and probably not meant.
fn warnings(raw: &Raw, gathered: &Gathered) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |setting: &str, text: String| {
        warnings.push(format!("{}: {setting}: {text}", gathered.origin(setting)));
    };
    if raw.cert_dir.is_some() && !raw.tls_san.is_empty() {
        warn("tls_san", "has no effect: the certificate of cert_dir has its own names".to_owned());
    }
    if raw.plugin.folder.is_some() && raw.plugin.allow.is_empty() {
        warn("plugin.folder", "no plugin is run: plugin.allow names none".to_owned());
    }
    let keep_alive = Duration::from(raw.timeouts.keep_alive);
    if keep_alive <= GATEKEEPER_IDLE {
        let text = "Gatekeeper keeps idle connections for 90s and may send into one that is being closed";
        warn("timeouts.keep_alive", format!("{}: {text}", show_duration(keep_alive)));
    }
    let (stale, fresh) = (Duration::from(raw.cache.stale_max_age), Duration::from(raw.cache.verified_ttl));
    if !stale.is_zero() && stale < fresh {
        let text = format!(
            "{} has no effect: a decision is due for a new proof only after cache.verified_ttl ({})",
            show_duration(stale),
            show_duration(fresh)
        );
        warn("cache.stale_max_age", text);
    }
    if raw.limits.keys > raw.limits.concurrent_loads {
        let (keys, loads) = (raw.limits.keys, raw.limits.concurrent_loads);
        let text = format!("{keys} keys may need more than limits.concurrent_loads ({loads}) look-ups");
        warn("limits.keys", text);
    }
    if raw.proxy.contains('@') && gathered.origin("proxy").starts_with("--") {
        let text = "a password on the command line can be read by every user of this machine";
        warn("proxy", format!("{text}; use the environment or the file"));
    }
    warnings
}

const GATEKEEPER_IDLE: Duration = Duration::from_secs(90);
