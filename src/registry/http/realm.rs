//! Which token service may be asked at all, before anybody decides whether it may see a credential.

use url::{Host, Url};

use super::endpoint::Endpoint;
use crate::secret::loggable;

/// The realm's URL. Realms are a registry's word, and following one blindly is how credentials were stolen
/// and internal services reached (CVE-2026-48978, CVE-2025-27403).
///
/// HTTPS, or HTTP where the registry itself is asked so and the realm has its host and port; no user
/// information; an address instead of a name only where it is the registry's own host or an operator named it.
///
/// # Errors
/// The reason, for people.
pub(super) fn checked(realm: &str, endpoint: &Endpoint) -> Result<Url, String> {
    let refused = |shown: &str, why: &str| Err(format!("token realm {shown} is refused: {why}"));
    if realm.len() > MAX_BYTES || !realm.is_ascii() {
        return refused("of the registry", "it is too long, or not ASCII");
    }
    let Ok(url) = Url::parse(realm) else {
        return refused("of the registry", "it is no URL");
    };
    let shown = loggable(&url);
    if !url.username().is_empty() || url.password().is_some() {
        return refused(&shown, "it holds user information");
    }
    match url.scheme() {
        "https" => {}
        "http" if endpoint.plain_http && endpoint.is_origin_of(&url) => {}
        "http" => return refused(&shown, "plain HTTP is only for the registry's own host and port"),
        _ => return refused(&shown, "its scheme is not https"),
    }
    match url.host() {
        Some(Host::Domain(_)) => Ok(url),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) if endpoint.is_host_of(&url) || is_named(endpoint, &url) => {
            Ok(url)
        }
        _ => refused(&shown, "an address instead of a name is only for the registry's own host"),
    }
}

/// Has an operator named the URL's host as a token service of this registry?
pub(super) fn is_named(endpoint: &Endpoint, url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    let named = |allowed: &String| {
        let allowed = allowed.to_ascii_lowercase();
        (allowed == host && url.port().is_none()) || Some(allowed) == with_port
    };
    endpoint.settings.allowed_realm_hosts.iter().any(named)
}

const MAX_BYTES: usize = 2048;
