//! What kinds of values settings take: how each is written, checked and described. Values are checked where
//! they are found, so that a message can name the line, the variable or the flag.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use config::ValueKind;
use url::Url;

use crate::reference::RegistryHost;
use crate::secret::loggable;

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An address with its port.
    Address,
    /// A file or folder. In the settings file, a relative one begins at the file's folder.
    Path,
    /// A whole number.
    Count { min: u64, max: u64 },
    /// A number of bytes.
    Bytes { min: u64, max: u64 },
    /// A duration.
    Duration { min: Duration, max: Duration },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// Levels of logs.
    LogLevels,
    /// Words or the URL of a proxy; it may hold a password.
    Proxy,
    /// The URL of a mirror.
    MirrorUrl,
    /// Scheme, host and port of HTTPS.
    HttpsBase,
    /// The path of a URL.
    UrlPath,
    /// The name of an object in Kubernetes.
    ObjectName,
    /// The name of a namespace in Kubernetes.
    Namespace,
    /// The namespace and name of an object in Kubernetes.
    NamespacedName,
    /// A list.
    List(Item),
    /// A mapping of hosts, or a list of mappings inside it; only the file can say it.
    Nested,
}

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Path,
    DnsName,
    DnsNameOrAddress,
    RegistryHost,
    HostPort,
    PluginName,
    Bypass,
}

impl Kind {
    /// Checks a single text.
    ///
    /// # Errors
    /// Nothing but that it is not what [`Self::expected`] says.
    pub(super) fn read(self, text: &str, folder: Option<&Path>) -> Result<ValueKind, Unfit> {
        let text = text.trim();
        match self {
            Self::Address => fits(text.parse::<SocketAddr>().is_ok(), text),
            Self::Path => path(text, folder),
            Self::Count { min, max } => {
                let count = text.parse::<u64>().map_err(|_| Unfit)?;
                within(count, min, max)
            }
            Self::Bytes { min, max } => within(bytes(text).ok_or(Unfit)?, min, max),
            Self::Duration { min, max } => {
                let duration = duration(text).ok_or(Unfit)?;
                let bounds = min..=max;
                let nanos = u64::try_from(duration.as_nanos()).map_err(|_| Unfit)?;
                if bounds.contains(&duration) { Ok(nanos.into()) } else { Err(Unfit) }
            }
            Self::Choice(words) => fits(words.contains(&text), text),
            Self::Switch => text.parse::<bool>().map(ValueKind::from).map_err(|_| Unfit),
            Self::LogLevels => fits(are_log_levels(text), text),
            Self::Proxy => fits(is_proxy(text), text),
            Self::MirrorUrl => fits(is_mirror(text), text),
            Self::HttpsBase => fits(is_https_base(text), text),
            Self::UrlPath => fits(is_url_path(text), text),
            Self::ObjectName => fits(is_object_name(text), text),
            Self::Namespace => fits(is_label(text), text),
            Self::NamespacedName => fits(
                text.split_once('/').is_some_and(|(space, name)| is_label(space) && is_object_name(name)),
                text,
            ),
            Self::List(item) => Ok(vec![item.read(text, folder)?.into_value()].into()),
            Self::Nested => Err(Unfit),
        }
    }

    /// What it takes, for messages and documentation: "… is not …".
    pub(super) fn expected(self) -> String {
        match self {
            Self::Address => "an address and port, such as 0.0.0.0:6001 or [::]:6001".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Count { min, max } => format!("a whole number of {min} to {max}"),
            Self::Bytes { min, max } => {
                format!("a size of {} to {}, such as 512KiB or 16MiB", show_bytes(min), show_bytes(max))
            }
            Self::Duration { min, max } => {
                let (min, max) = (show_duration(min), show_duration(max));
                format!("a duration of {min} to {max} with its unit, such as 800ms, 2.5s or 1h")
            }
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Switch => "true or false".to_owned(),
            Self::LogLevels => {
                "off, error, warn, info, debug or trace, or a list such as info,hallmark::registry=debug"
                    .to_owned()
            }
            Self::Proxy => "environment, direct, or a URL such as http://proxy.example:3128".to_owned(),
            Self::MirrorUrl => {
                "an http or https URL without user, query and fragment, such as https://mirror.example"
                    .to_owned()
            }
            Self::HttpsBase => {
                "an https URL without path, query and user, such as https://hallmark.hallmark-system:6001"
                    .to_owned()
            }
            Self::UrlPath => "the path of a URL, such as /verify".to_owned(),
            Self::ObjectName => "the name of an object, such as hallmark".to_owned(),
            Self::Namespace => "the name of a namespace, such as hallmark-system".to_owned(),
            Self::NamespacedName => {
                "a namespace and a name, such as gatekeeper-system/gatekeeper-webhook-server-cert".to_owned()
            }
            Self::List(item) => format!("a list, each item {}", item.expected()),
            Self::Nested => "a mapping in the settings file".to_owned(),
        }
    }

    /// The word for the value in the usage of flags.
    pub(super) fn value_name(self) -> &'static str {
        match self {
            Self::Address => "ADDRESS:PORT",
            Self::Path | Self::List(Item::Path) => "PATH",
            Self::Count { .. } => "COUNT",
            Self::Bytes { .. } => "SIZE",
            Self::Duration { .. } => "DURATION",
            Self::Choice(_) => "WORD",
            Self::Switch => "BOOL",
            Self::LogLevels => "LEVEL",
            Self::Proxy | Self::MirrorUrl | Self::HttpsBase => "URL",
            Self::UrlPath => "PATH",
            Self::ObjectName | Self::Namespace => "NAME",
            Self::NamespacedName => "NAMESPACE/NAME",
            Self::List(Item::RegistryHost | Item::HostPort | Item::Bypass) => "HOST",
            Self::List(Item::DnsName | Item::DnsNameOrAddress | Item::PluginName) => "NAME",
            Self::Nested => "MAPPING",
        }
    }

    /// The value as a message may show it: short, and nothing of a secret.
    pub(super) fn shown(self, text: &str) -> String {
        const MAX_CHARS: usize = 80;
        if matches!(self, Self::Proxy | Self::MirrorUrl | Self::HttpsBase) && text.contains(['@', '?', '#']) {
            let shown = Url::parse(text).ok().filter(Url::has_host);
            return shown.map_or_else(|| "the value (not shown)".to_owned(), |url| loggable(&url));
        }
        if text.is_empty() {
            return "nothing".to_owned();
        }
        let short: String = text.chars().take(MAX_CHARS).collect();
        format!("{short:?}{}", if short.len() < text.len() { "…" } else { "" })
    }
}

impl Item {
    pub(super) fn read(self, text: &str, folder: Option<&Path>) -> Result<ValueKind, Unfit> {
        let text = text.trim();
        match self {
            Self::Path => path(text, folder),
            Self::DnsName => fits(is_dns_name(text), text),
            Self::DnsNameOrAddress => fits(is_dns_name(text) || text.parse::<IpAddr>().is_ok(), text),
            Self::RegistryHost | Self::HostPort => fits(RegistryHost::parse(text).is_some(), text),
            Self::PluginName => fits(is_plugin_name(text), text),
            Self::Bypass => fits(is_bypass(text), text),
        }
    }

    /// What one item is, for messages and documentation.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Path => "a path",
            Self::DnsName => "a DNS name",
            Self::DnsNameOrAddress => "a DNS name or address",
            Self::RegistryHost | Self::HostPort => "a host, such as registry.example or 10.0.0.7:5000",
            Self::PluginName => "a plugin name (letters, digits, dots, underscores and dashes)",
            Self::Bypass => "a host, domain or CIDR block, such as .example.org or 10.0.0.0/8",
        }
    }
}

/// A text is not of the kind that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit;

trait IntoValue {
    fn into_value(self) -> config::Value;
}

impl IntoValue for ValueKind {
    fn into_value(self) -> config::Value {
        config::Value::new(None, self)
    }
}

fn fits(fit: bool, text: &str) -> Result<ValueKind, Unfit> {
    if fit { Ok(text.into()) } else { Err(Unfit) }
}

fn within(number: u64, min: u64, max: u64) -> Result<ValueKind, Unfit> {
    if (min..=max).contains(&number) { Ok(number.into()) } else { Err(Unfit) }
}

fn path(text: &str, folder: Option<&Path>) -> Result<ValueKind, Unfit> {
    if text.is_empty() || text.contains('\0') {
        return Err(Unfit);
    }
    let joined = folder.map(|folder| folder.join(text).to_string_lossy().into_owned());
    Ok(joined.unwrap_or_else(|| text.to_owned()).into())
}

/// `2.5s`, `1h 30m`, and `0`, which needs no unit.
fn duration(text: &str) -> Option<Duration> {
    if text == "0" { Some(Duration::ZERO) } else { humantime::parse_duration(text).ok() }
}

pub(super) fn show_duration(duration: Duration) -> String {
    if duration.is_zero() { "0".to_owned() } else { humantime::format_duration(duration).to_string() }
}

const BYTE_UNITS: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// `16MiB`, `16 MiB`, `16Mi` as in Kubernetes, `16MB`, and a bare number of bytes.
fn bytes(text: &str) -> Option<u64> {
    let unit = BYTE_UNITS.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
    let (number, size) = unit.unwrap_or((text, 1));
    number.trim_end().parse::<u64>().ok()?.checked_mul(size)
}

pub(super) fn show_bytes(bytes: u64) -> String {
    let fitting = BYTE_UNITS.iter().filter(|(unit, _)| unit.ends_with("iB"));
    let unit = fitting.into_iter().find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size));
    unit.map_or_else(|| format!("{bytes}B"), |(unit, size)| format!("{}{unit}", bytes / size))
}

/// A level, or targets with levels. A word that is no level would be taken for a target and silence the
/// rest, so it is refused.
fn are_log_levels(text: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_target = |target: &str| {
        !target.is_empty() && target.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':'))
    };
    text.split(',').all(|directive| match directive.trim().split_once('=') {
        Some((target, level)) => is_target(target) && LEVELS.contains(&level),
        None => LEVELS.contains(&directive.trim()),
    })
}

fn is_proxy(text: &str) -> bool {
    let is_url = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    matches!(text, "environment" | "direct") || Url::parse(text).is_ok_and(is_url)
}

fn is_mirror(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn is_https_base(text: &str) -> bool {
    !text.ends_with('/')
        && Url::parse(text).is_ok_and(|url| {
            url.scheme() == "https"
                && url.host_str().is_some_and(|host| !host.is_empty())
                && url.username().is_empty()
                && url.password().is_none()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
        })
}

fn is_url_path(text: &str) -> bool {
    text.starts_with('/')
        && text.len() <= 1024
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-'))
}

/// What Kubernetes takes as the name of most objects, short enough for what is made of it.
fn is_object_name(text: &str) -> bool {
    const MAX_BYTES: usize = 200;
    text.len() <= MAX_BYTES && text.split('.').all(is_label)
}

/// Lower case, digits and dashes, 63 at most, as in names of namespaces.
fn is_label(text: &str) -> bool {
    let alphanumeric = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 63
        && alphanumeric(text.bytes().next())
        && alphanumeric(text.bytes().last())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_dns_name(text: &str) -> bool {
    !text.contains(':') && text.parse::<IpAddr>().is_err() && RegistryHost::parse(text).is_some()
}

fn is_plugin_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_bypass(text: &str) -> bool {
    let host = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    let block = || {
        let (address, bits) = text.split_once('/')?;
        let longest = if address.parse::<IpAddr>().ok()?.is_ipv4() { 32 } else { 128 };
        bits.parse::<u8>().ok().filter(|bits| *bits <= longest)
    };
    text == "*" || RegistryHost::parse(host).is_some() || text.parse::<IpAddr>().is_ok() || block().is_some()
}
