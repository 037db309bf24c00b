//! The one table of settings. Flags, environment variables, keys of the file, documentation and the refusal
//! of unknown names come from it; the defaults in it are the ones that are in force.

use std::time::Duration;

use super::kind::{Item, Kind};

/// One setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// The key in the file, with dots between levels.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The value without any source.
    pub default: Preset,
    /// What it does, on one line.
    pub help: &'static str,
    /// Who reads it.
    pub reader: Reader,
}

/// The value of a setting that nobody set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    /// As it would be written in the file.
    Text(&'static str),
    /// There is none, which means this.
    Nothing(&'static str),
}

/// Who reads a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// `serve` and `verify`.
    Both,
    /// `serve` alone.
    Server,
}

/// A group of settings in documentation and help, by the first step of the path; the empty one has those of
/// a single step.
#[derive(Debug)]
pub(super) struct Section {
    pub prefix: &'static str,
    pub title: &'static str,
}

pub(super) const SECTIONS: &[Section] = &[
    Section { prefix: "", title: "Start" },
    Section { prefix: "log", title: "Logs" },
    Section { prefix: "timeouts", title: "Timeouts" },
    Section { prefix: "limits", title: "Limits" },
    Section { prefix: "cache", title: "Caches" },
    Section { prefix: "registry", title: "Registries" },
    Section { prefix: "revocation", title: "Revocation" },
    Section { prefix: "plugin", title: "Verification plugins" },
    Section { prefix: "kubernetes", title: "Kubernetes" },
    Section { prefix: "gatekeeper", title: "Gatekeeper" },
];

impl Setting {
    /// The flag without its dashes.
    pub(super) fn flag(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }

    /// The environment variable.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "__").to_ascii_uppercase())
    }

    /// The first step of the path, empty where there is only one.
    pub(super) fn section(&self) -> &'static str {
        self.path.split_once('.').map_or("", |(section, _)| section)
    }

    /// Only the settings file can say it.
    pub(super) fn is_file_only(&self) -> bool {
        self.kind == Kind::Nested
    }
}

/// What names of environment variables begin with.
pub(super) const PREFIX: &str = "HALLMARK_";

/// The setting with this path.
pub(super) fn find(path: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.path == path)
}

const fn both(path: &'static str, kind: Kind, default: Preset, help: &'static str) -> Setting {
    Setting { path, kind, default, help, reader: Reader::Both }
}

const fn server(path: &'static str, kind: Kind, default: Preset, help: &'static str) -> Setting {
    Setting { path, kind, default, help, reader: Reader::Server }
}

use Preset::{Nothing, Text};

const fn count(min: u64, max: u64) -> Kind {
    Kind::Count { min, max }
}

const fn bytes(min: u64, max: u64) -> Kind {
    Kind::Bytes { min, max }
}

const fn duration(min: Duration, max: Duration) -> Kind {
    Kind::Duration { min, max }
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const ZERO: Duration = Duration::ZERO;
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// Every setting, in the order of documentation.
pub(super) const SETTINGS: &[Setting] = &[
    both(
        "config",
        Kind::List(Item::Path),
        Nothing("nothing is trusted"),
        "Files and folders of resources: what to trust",
    ),
    server("listen", Kind::Address, Text("0.0.0.0:6001"), "Where Gatekeeper asks, over HTTPS"),
    server(
        "health_listen",
        Kind::Address,
        Text("0.0.0.0:9099"),
        "Where /healthz, /readyz and /metrics are asked, over plain HTTP",
    ),
    server(
        "cert_dir",
        Kind::Path,
        Nothing("a certificate of its own making"),
        "Folder of tls.crt and tls.key; not ready while it holds no usable pair",
    ),
    server(
        "client_ca",
        Kind::Path,
        Nothing("no client certificate is asked for"),
        "PEM bundle that client certificates must chain to",
    ),
    server(
        "client_san",
        Kind::List(Item::DnsName),
        Nothing("any"),
        "DNS names of which a client certificate must have one",
    ),
    server(
        "state_dir",
        Kind::Path,
        Nothing(
            "/var/lib/hallmark where it is writable, else hallmark below $XDG_STATE_HOME or ~/.local/state",
        ),
        "Where the CA and certificate of its own making are kept",
    ),
    server(
        "tls_san",
        Kind::List(Item::DnsNameOrAddress),
        Nothing("localhost, the loopback addresses and this host's name"),
        "Further names and addresses of the certificate of its own making",
    ),
    server(
        "mutation_format",
        Kind::Choice(&["tag-and-digest", "digest"]),
        Text("tag-and-digest"),
        "What mutation answers: repo:tag@sha256:… or, as Ratify does, repo@sha256:…",
    ),
    both(
        "proxy",
        Kind::Proxy,
        Text("environment"),
        "The way out: HTTPS_PROXY and its kin (environment), none (direct), or one proxy",
    ),
    both(
        "no_proxy",
        Kind::List(Item::Bypass),
        Nothing("none"),
        "What is asked without the proxy that `proxy` names",
    ),
    both("log.format", Kind::Choice(&["text", "json"]), Text("text"), "How a line of the log looks"),
    both(
        "log.level",
        Kind::LogLevels,
        Text("info"),
        "What is logged; below info, only Hallmark's own events, because those of libraries may hold headers",
    ),
    server(
        "timeouts.verify",
        duration(MILLISECOND, MINUTE),
        Text("2.5s"),
        "How long a verification request may take: less than the Provider's timeout",
    ),
    server(
        "timeouts.mutate",
        duration(MILLISECOND, MINUTE),
        Text("800ms"),
        "How long a mutation request may take: less than the Provider's timeout",
    ),
    both(
        "timeouts.load",
        duration(SECOND, HOUR),
        Text("30s"),
        "When a look-up that nobody waits for any more is given up",
    ),
    server(
        "timeouts.keep_alive",
        duration(SECOND, HOUR),
        Text("120s"),
        "How long an idle connection is kept: longer than Gatekeeper's 90 s",
    ),
    server(
        "timeouts.drain",
        duration(ZERO, HOUR),
        Text("20s"),
        "How long a stop waits for requests in flight",
    ),
    both(
        "limits.unique_signatures",
        count(1, 10_000_000),
        Text("10000"),
        "Distinct signatures that are held verified at once",
    ),
    both(
        "limits.overflow",
        Kind::Choice(&["evict", "refuse"]),
        Text("evict"),
        "When that many are held: the least used makes room, or images that need one more stay undecided",
    ),
    both(
        "limits.signatures_per_image",
        count(1, 10_000),
        Text("100"),
        "Candidates that are tried for one image",
    ),
    both(
        "limits.concurrent_loads",
        count(1, 100_000),
        Text("512"),
        "Images that are looked up at the same time",
    ),
    server(
        "limits.requests_in_flight",
        count(1, 100_000),
        Text("256"),
        "Requests that are answered at the same time; one more is told OVERLOADED",
    ),
    server("limits.body_bytes", bytes(KIB, 64 * MIB), Text("1MiB"), "The longest request body that is read"),
    server("limits.keys", count(1, 10_000), Text("500"), "The most keys of one request"),
    server("limits.key_bytes", bytes(64, 64 * KIB), Text("2KiB"), "The longest key"),
    both("cache.content_bytes", bytes(MIB, 64 * GIB), Text("16MiB"), "Manifests that are kept"),
    both(
        "cache.signature_bytes",
        bytes(MIB, 64 * GIB),
        Text("128MiB"),
        "What is kept of unique signatures; whichever of this and `limits.unique_signatures` is reached first counts",
    ),
    both(
        "cache.other_facts_bytes",
        bytes(MIB, 64 * GIB),
        Text("8MiB"),
        "Facts that are kept of signatures that prove nothing at present",
    ),
    both("cache.decision_bytes", bytes(MIB, 64 * GIB), Text("32MiB"), "Decisions that are kept"),
    both("cache.tags", count(1, 10_000_000), Text("20000"), "Tags whose digest is kept"),
    both("cache.tag_ttl", duration(ZERO, HOUR), Text("30s"), "How long a tag's digest is believed"),
    both(
        "cache.referrers_ttl",
        duration(ZERO, HOUR),
        Text("10s"),
        "How long a list of referrers is believed while no decision stands",
    ),
    both(
        "cache.verified_ttl",
        duration(ZERO, MONTH),
        Text("1h"),
        "When a `verified` decision is proven anew",
    ),
    both(
        "cache.negative_ttl",
        duration(ZERO, HOUR),
        Text("30s"),
        "How long `unsigned` and `rejected` are believed",
    ),
    both(
        "cache.inconclusive_ttl",
        duration(ZERO, MINUTE),
        Text("3s"),
        "How long it is remembered that nothing could be found out",
    ),
    both(
        "cache.stale_max_age",
        duration(ZERO, MONTH),
        Text("24h"),
        "How long after its proof a `verified` decision stands that cannot be proven anew; 0: not at all",
    ),
    both(
        "registry.ca_file",
        Kind::Path,
        Nothing("the system's roots alone"),
        "PEM bundle of CAs that registries' certificates may chain to",
    ),
    both(
        "registry.system_roots",
        Kind::Switch,
        Text("true"),
        "Whether the system's roots count beside `registry.ca_file`",
    ),
    both(
        "registry.plain_http_hosts",
        Kind::List(Item::RegistryHost),
        Nothing("none"),
        "Registries that are asked over plain HTTP, whatever their names",
    ),
    both(
        "registry.hosts",
        Kind::Nested,
        Nothing("none"),
        "What is different for single registries (see below)",
    ),
    both(
        "registry.requests_per_host",
        count(1, 10_000),
        Text("64"),
        "Requests to one host at the same time; a batch of twenty new images begins with forty",
    ),
    both(
        "registry.connect_timeout",
        duration(MILLISECOND, MINUTE),
        Text("2s"),
        "How long connecting to a registry may take",
    ),
    both(
        "registry.token_timeout",
        duration(MILLISECOND, MINUTE),
        Text("10s"),
        "How long asking for a token may take, whoever waits for it",
    ),
    both(
        "registry.attempts",
        count(1, 20),
        Text("4"),
        "How often a request is sent before a connection failure, 429 or 5xx is believed",
    ),
    both(
        "revocation.private_addresses",
        Kind::Switch,
        Text("false"),
        "Whether OCSP responders and CRL servers may have private addresses",
    ),
    both("revocation.list_bytes", bytes(MIB, 64 * GIB), Text("128MiB"), "Revocation lists that are kept"),
    both("revocation.answer_bytes", bytes(MIB, 64 * GIB), Text("8MiB"), "OCSP answers that are kept"),
    both(
        "revocation.max_age",
        duration(SECOND, MONTH),
        Text("12h"),
        "How long a list or answer is used without asking again, however long it says that it is good",
    ),
    both(
        "revocation.retry_after",
        duration(SECOND, HOUR),
        Text("10s"),
        "Shortest time between two requests for the same thing",
    ),
    both("plugin.folder", Kind::Path, Nothing("no plugin is run"), "Folder of verification plugins"),
    both(
        "plugin.allow",
        Kind::List(Item::PluginName),
        Nothing("none"),
        "Names of the plugins that may be run",
    ),
    server(
        "kubernetes.enabled",
        Kind::Switch,
        Text("false"),
        "Whether resources are read from the Kubernetes API too, with their status written there; \
         how it is reached is $KUBECONFIG's business, or the Pod's service account's",
    ),
    server(
        "kubernetes.namespace",
        Kind::Namespace,
        Nothing("$POD_NAMESPACE, else the service account's, else the kubeconfig's"),
        "The namespace that Hallmark is installed in",
    ),
    server(
        "kubernetes.name",
        Kind::ObjectName,
        Text("hallmark"),
        "Name of the Lease and, with -authority behind it, of the Secret of its own authority",
    ),
    server(
        "kubernetes.namespaced_resources",
        Kind::Choice(&["unite", "replace"]),
        Text("unite"),
        "What a namespace's resources do to the cluster's; replace is Ratify's way, and never for mandatory ones",
    ),
    server(
        "gatekeeper.url",
        Kind::HttpsBase,
        Nothing("none"),
        "Where Gatekeeper reaches this provider: the base of the URLs in `gatekeeper.providers`",
    ),
    server(
        "gatekeeper.providers",
        Kind::Nested,
        Nothing("no Provider object is touched"),
        "Provider objects that are created and kept (see below)",
    ),
    server(
        "gatekeeper.owner",
        Kind::ObjectName,
        Nothing("nobody"),
        "The ClusterRole that owns the Provider objects, so that they go when it goes",
    ),
    server(
        "gatekeeper.adopt",
        Kind::Switch,
        Text("false"),
        "Whether Provider objects of these names that somebody else made are taken over",
    ),
    server(
        "gatekeeper.ca",
        Kind::Choice(&["own", "secret"]),
        Text("own"),
        "What goes into their caBundle: an authority of Hallmark's own, kept in a Secret, or `ca.crt` of \
         `gatekeeper.ca_secret`",
    ),
    server(
        "gatekeeper.ca_secret",
        Kind::ObjectName,
        Nothing("none"),
        "A Secret of `kubernetes.namespace`, such as the one of cert-manager that `cert_dir` is mounted from",
    ),
    server(
        "gatekeeper.client_ca",
        Kind::Choice(&["webhook", "secret", "file", "none"]),
        Text("webhook"),
        "What client certificates must chain to: the caBundle of `gatekeeper.webhook`, `ca.crt` of \
         `gatekeeper.client_ca_secret`, the file `client_ca`, or none is asked for",
    ),
    server(
        "gatekeeper.client_ca_secret",
        Kind::NamespacedName,
        Nothing("none"),
        "The Secret of Gatekeeper's authority",
    ),
    server(
        "gatekeeper.webhook",
        Kind::ObjectName,
        Text("gatekeeper-validating-webhook-configuration"),
        "Gatekeeper's ValidatingWebhookConfiguration",
    ),
    server(
        "gatekeeper.mutating_webhook",
        Kind::ObjectName,
        Text("gatekeeper-mutating-webhook-configuration"),
        "Gatekeeper's MutatingWebhookConfiguration",
    ),
];
