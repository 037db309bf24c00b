//! The one list of metrics: exposition and documentation both come from it.

use std::fmt::Write;

use prometheus_client::metrics::MetricType;

/// One metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    /// The name; the exposition adds `_total` to counters and `_info` to informations.
    pub name: &'static str,
    pub kind: MetricType,
    /// Its labels, for people.
    pub labels: &'static str,
    pub help: &'static str,
}

impl Name {
    /// The name of its samples; a histogram's end in `_bucket`, `_sum` and `_count`.
    pub(super) fn sample(&self) -> String {
        let suffix = match self.kind {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        format!("{}{suffix}", self.name)
    }
}

/// Declares each metric as a constant and all of them as a list.
macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, $labels:literal, $help:literal;)+) => {
        $(pub(super) const $constant: Name =
            Name { name: $name, kind: MetricType::$kind, labels: $labels, help: $help };)+

        /// Every metric, in the order of exposition.
        pub(super) const METRICS: &[Name] = &[$($constant,)+];
    };
}

metrics! {
    REQUESTS = "hallmark_requests", Counter, "path, result",
        "Requests that ended; result is answered, undecided, unreadable, timedOut, tooLarge, overloaded or notReady";
    REQUEST_SECONDS = "hallmark_request_duration_seconds", Histogram, "path",
        "From the end of a request's head to its answer, overloaded and unreadable requests left out";
    REQUEST_ITEMS = "hallmark_request_items", Histogram, "path",
        "Distinct keys of a request";
    REQUESTS_IN_FLIGHT = "hallmark_requests_in_flight", Gauge, "",
        "Requests that are being answered";
    DECISIONS = "hallmark_decisions", Counter, "verdict",
        "Keys of verification requests by verdict, remembered decisions included";
    DECISION_REASONS = "hallmark_decision_reasons", Counter, "verdict, code",
        "The same by reason code, as listed in docs/answers.md";
    STALE_DECISIONS = "hallmark_stale_decisions", Counter, "",
        "Answers verified that could not be proven anew and still stood";
    DECISION_CACHE = "hallmark_decision_cache", Counter, "result",
        "Questions that a remembered decision answered (hit) and those that needed a look-up (miss)";
    UNIQUE_SIGNATURES = "hallmark_unique_signatures", Gauge, "",
        "Distinct signatures that are held verified";
    UNIQUE_SIGNATURES_CAP = "hallmark_unique_signatures_cap", Gauge, "",
        "How many of them may be held: the setting limits.unique_signatures";
    UNIQUE_SIGNATURES_EVICTED = "hallmark_unique_signatures_evicted", Counter, "",
        "Signatures that made room for others";
    UNIQUE_SIGNATURES_REFUSED = "hallmark_unique_signatures_refused", Counter, "",
        "Signatures for which there was no room: SIGNATURE_CAP_REACHED";
    LOADS_IN_FLIGHT = "hallmark_loads_in_flight", Gauge, "",
        "Look-ups that are running";
    LOADS = "hallmark_loads", Counter, "",
        "Look-ups that ended";
    REGISTRY_REQUESTS = "hallmark_registry_requests", Counter, "",
        "Requests to registries and token services that look-ups made";
    HOST_LOADS = "hallmark_host_loads", Counter, "host, result",
        "Look-ups that ended, by registry; result is decided or undecided. A registry has a series of its own once an image of it was verified, up to 50 of them; all others are other";
    REVOCATION_REQUESTS = "hallmark_revocation_requests", Counter, "kind, result",
        "Requests to OCSP responders (ocsp) and for revocation lists (crl); result is succeeded where the answer can be used, else failed";
    REVOCATION_OLDEST = "hallmark_revocation_oldest_data_timestamp_seconds", Gauge, "kind",
        "When the oldest answer or list that was used in the last three hours was made, as it says itself; 0 where none was used";
    CONFIG_SUCCESS = "hallmark_config_last_success_timestamp_seconds", Gauge, "",
        "When a configuration was last put in force; 0 before the first";
    CONFIG_DIAGNOSTICS = "hallmark_config_diagnostics", Gauge, "severity",
        "Errors and warnings in the configuration that was read last";
    PLAN_GENERATION = "hallmark_plan_generation", Gauge, "",
        "How often a plan was put in force";
    KEY_SOURCE_KEYS = "hallmark_key_source_keys", Gauge, "source",
        "Keys and certificates of a source that may be used; 500 sources have metrics, the cluster's first";
    KEY_SOURCE_EXPIRY = "hallmark_key_source_earliest_expiry_timestamp_seconds", Gauge, "source",
        "The earliest end of validity among them, where one has an end";
    KEY_SOURCE_SUCCESS = "hallmark_key_source_last_success_timestamp_seconds", Gauge, "source",
        "When the source was last read; 0 if never";
    KEY_SOURCE_FAILED = "hallmark_key_source_failed", Gauge, "source",
        "1 where the last attempt to read the source failed";
    CLUSTER_UNREAD = "hallmark_kubernetes_unread_kinds", Gauge, "",
        "Kinds of resources that were not read from the Kubernetes API yet; not ready before it is 0";
    CLUSTER_OUTAGE = "hallmark_kubernetes_outage_start_timestamp_seconds", Gauge, "",
        "Since when the Kubernetes API cannot be asked; 0 while it can";
    CLUSTER_LEADS = "hallmark_status_leader", Gauge, "",
        "1 where this replica holds the Lease and writes the status of resources";
    STATUS_WRITES = "hallmark_status_writes", Counter, "",
        "Statuses of resources that were written";
    STATUS_FAILURES = "hallmark_status_write_failures", Counter, "",
        "Statuses that could not be written";
    OUTDATED_DEFINITIONS = "hallmark_outdated_definitions", Gauge, "",
        "Kinds whose served definition is older than Hallmark's and drops a part of their status";
    CERTIFICATE_EXPIRY = "hallmark_server_certificate_not_after_timestamp_seconds", Gauge, "",
        "When the server's certificate ends; 0 while there is none";
    PROVIDER_KEPT = "hallmark_gatekeeper_provider_kept", Gauge, "provider",
        "1 where the Provider object is as it must be; 0 where it is somebody else's or cannot be written";
    WEBHOOK_TIMEOUT = "hallmark_gatekeeper_webhook_timeout_seconds", Gauge, "webhook",
        "How long the API server waits for Gatekeeper; webhook is validating or mutating";
    WEBHOOK_TOO_SHORT = "hallmark_gatekeeper_webhook_timeout_too_short", Gauge, "webhook",
        "1 where that is no longer than timeouts.verify or timeouts.mutate";
    WEBHOOK_FAILS_OPEN = "hallmark_gatekeeper_webhook_fails_open", Gauge, "webhook",
        "1 where objects are admitted unchecked when Gatekeeper does not answer: failurePolicy Ignore";
    BUILD = "hallmark_build", Info, "version",
        "The version that runs";
    PROCESS_START = "process_start_time_seconds", Gauge, "",
        "When the process started";
    PROCESS_CPU = "process_cpu_seconds", Counter, "",
        "Processor time of the process";
    PROCESS_MEMORY = "process_resident_memory_bytes", Gauge, "",
        "Memory of the process";
    PROCESS_FILES = "process_open_fds", Gauge, "",
        "File descriptors of the process";
}

/// The document of every metric, in Markdown: `docs/metrics.md`.
pub fn reference_markdown() -> String {
    let mut text = String::from(OPENING);
    for metric in METRICS {
        let labels: Vec<String> =
            metric.labels.split(", ").filter(|label| !label.is_empty()).map(|l| format!("`{l}`")).collect();
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            metric.sample(),
            metric.kind.as_str(),
            labels.join(", "),
            metric.help
        );
    }
    text.push_str(CLOSING);
    text
}

const OPENING: &str = "\
<!-- Written by `UPDATE_DOCS=1 cargo test --test it settings::`; change src/telemetry/names.rs instead. -->
# Metrics

`GET /metrics` on the health port, in OpenMetrics text. No label holds an image or the text of an error: how many
series there are depends on the configuration, never on what strangers ask. `path` is one of the six paths of
the endpoint, `source` is the name of a key source, `host` is a registry of which an image was verified: at most
50, and `other` for the rest.

| metric | kind | labels | what it is |
| --- | --- | --- | --- |
";

const CLOSING: &str = "
## What to watch

| question | expression |
| --- | --- |
| Are images refused? | `sum by (verdict) (rate(hallmark_decisions_total{verdict=~\"unsigned\\|rejected\"}[5m])) > 0` |
| Can nothing be found out? | `rate(hallmark_decisions_total{verdict=\"inconclusive\"}[5m]) > 0` |
| Does an outage last? | `rate(hallmark_stale_decisions_total[5m]) > 0` |
| Which registry cannot be asked? | `sum by (host) (rate(hallmark_host_loads_total{result=\"undecided\"}[5m])) > 0` |
| Does revocation data grow old? | `time() - (hallmark_revocation_oldest_data_timestamp_seconds > 0) > 7 * 86400` |
| Are responders and list servers away? | `rate(hallmark_revocation_requests_total{result=\"failed\"}[5m]) > 0` |
| Are requests turned away? | `sum(rate(hallmark_requests_total{result=\"overloaded\"}[5m])) > 0` |
| Is the cap too small? | `rate(hallmark_unique_signatures_evicted_total[1h]) > 0 or rate(hallmark_unique_signatures_refused_total[1h]) > 0` |
| Is a part of the configuration not in force? | `hallmark_config_diagnostics{severity=\"error\"} > 0` |
| Does a trusted certificate end soon? | `hallmark_key_source_earliest_expiry_timestamp_seconds - time() < 30 * 86400` |
| Does a key source fail? | `hallmark_key_source_failed == 1` |
| Can the Kubernetes API be asked? | `hallmark_kubernetes_outage_start_timestamp_seconds > 0` |
| Does nobody write statuses? | `sum(hallmark_status_leader) == 0` |
| Are the served definitions too old? | `hallmark_outdated_definitions > 0` |
| Does the server's certificate end soon? | `hallmark_server_certificate_not_after_timestamp_seconds - time() < 7 * 86400` |
";
