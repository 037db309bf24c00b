//! Registry hosts, normalised once so that every later comparison is a comparison of equal texts.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// A registry's host and optional port, lower-cased. `docker.io`, `index.docker.io` and
/// `registry-1.docker.io` are one registry and print as `docker.io`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryHost {
    text: Arc<str>,
}

impl RegistryHost {
    /// Normalises a host that [`super::Reference::parse`] has split off and checked; `None` where it is
    /// no host name, IPv4 address or bracketed IPv6 address with an optional port.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let (name, port) = split_port(&lower)?;
        if let Some(port) = port {
            let number: u16 = port.parse().ok()?;
            if number == 0 || port.starts_with('0') || port.starts_with('+') {
                return None;
            }
        }
        if let Some(inner) = name.strip_prefix('[') {
            inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
        } else if !is_host_name(name) {
            return None;
        }
        let canonical = match lower.as_str() {
            "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
            _ => lower,
        };
        Some(Self { text: canonical.into() })
    }

    /// Host and port as they are compared and printed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host without its port; an IPv6 address without brackets.
    pub fn name(&self) -> &str {
        let name = split_port(&self.text).map_or(&*self.text, |(name, _)| name);
        name.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(name)
    }

    /// The port, where one is written.
    pub fn port(&self) -> Option<u16> {
        split_port(&self.text).and_then(|(_, port)| port).and_then(|port| port.parse().ok())
    }

    /// The authority that requests go to: Docker Hub's API lives on another host than its name.
    pub fn authority(&self) -> &str {
        if &*self.text == "docker.io" { "registry-1.docker.io" } else { &self.text }
    }

    /// True for `localhost`, 127.0.0.0/8 and `::1`.
    pub fn is_loopback(&self) -> bool {
        let name = self.name();
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// True for names that only resolve inside a cluster: a single label, `.svc` and `.svc.cluster.local`.
    pub fn is_cluster_local(&self) -> bool {
        let name = self.name();
        if name.parse::<IpAddr>().is_ok() {
            return false;
        }
        !name.contains('.') || name.ends_with(".svc") || name.ends_with(".svc.cluster.local")
    }
}

/// Splits `host[:port]`, leaving the brackets of an IPv6 address on the host.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let (inner, rest) = text.split_once(']')?;
        let name = text.get(..=inner.len())?;
        return match rest {
            "" => Some((name, None)),
            _ => Some((name, Some(rest.strip_prefix(':')?))),
        };
    }
    match text.split_once(':') {
        Some((name, port)) => Some((name, Some(port))),
        None => Some((text, None)),
    }
}

fn is_host_name(name: &str) -> bool {
    const MAX_NAME: usize = 253;
    const MAX_LABEL: usize = 63;
    !name.is_empty()
        && name.len() <= MAX_NAME
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= MAX_LABEL
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
