//! Writes every metric in the order of the list of names.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric, MetricEncoder, NoLabelSet,
};

use super::metrics::{Counts, PathCounts, VERDICTS};
use super::names::{self, Name};
use super::observation::{KeySourceState, WebhookState};
use super::process;
use crate::outcome::ReasonCode;

/// Reads what was counted when somebody asks for it.
#[derive(Debug)]
pub(super) struct Exposition(pub(super) Arc<Counts>);

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let out = &mut encoder;
        self.requests(out)?;
        self.decisions(out)?;
        self.signatures(out)?;
        self.loads(out)?;
        self.revocation(out)?;
        self.configuration(out)?;
        self.key_sources(out)?;
        self.cluster(out)?;
        gauge(out, names::CERTIFICATE_EXPIRY, self.0.certificate_expiry.load(Ordering::Relaxed))?;
        self.gatekeeper(out)?;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        describe(out, names::BUILD)?.encode_info(&version)?;
        self.process(out)
    }
}

impl Exposition {
    fn requests(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let paths = &self.0.paths;
        let mut encoder = describe(out, names::REQUESTS)?;
        for PathCounts { path, results, .. } in paths {
            for (result, count) in results {
                let labels = [("path", path.as_str()), ("result", result.as_str())];
                count_of(encoder.encode_family(&labels)?, count.load(Ordering::Relaxed))?;
            }
        }
        let mut encoder = describe(out, names::REQUEST_SECONDS)?;
        for PathCounts { path, seconds, .. } in paths {
            seconds.encode(encoder.encode_family(&[("path", path.as_str())])?)?;
        }
        let mut encoder = describe(out, names::REQUEST_ITEMS)?;
        for PathCounts { path, items, .. } in paths {
            items.encode(encoder.encode_family(&[("path", path.as_str())])?)?;
        }
        gauge(out, names::REQUESTS_IN_FLIGHT, self.0.in_flight.load(Ordering::Relaxed))
    }

    fn decisions(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut encoder = describe(out, names::DECISIONS)?;
        for verdict in VERDICTS {
            let count: u64 = ReasonCode::ALL.iter().map(|code| self.0.decided(verdict, *code)).sum();
            count_of(encoder.encode_family(&[("verdict", verdict.as_str())])?, count)?;
        }
        let mut encoder = describe(out, names::DECISION_REASONS)?;
        for verdict in VERDICTS {
            for code in ReasonCode::ALL {
                let count = self.0.decided(verdict, *code);
                if count > 0 {
                    let labels = [("verdict", verdict.as_str()), ("code", code.as_str())];
                    count_of(encoder.encode_family(&labels)?, count)?;
                }
            }
        }
        counter(out, names::STALE_DECISIONS, self.0.stale.load(Ordering::Relaxed))?;
        let (hits, misses) = self.0.engine.counters().decision_cache();
        let mut encoder = describe(out, names::DECISION_CACHE)?;
        for (result, count) in [("hit", hits), ("miss", misses)] {
            count_of(encoder.encode_family(&[("result", result)])?, count)?;
        }
        Ok(())
    }

    fn signatures(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (held, evicted, refused) = self.0.engine.unique_signatures();
        gauge(out, names::UNIQUE_SIGNATURES, held)?;
        gauge(out, names::UNIQUE_SIGNATURES_CAP, self.0.signature_cap.load(Ordering::Relaxed))?;
        counter(out, names::UNIQUE_SIGNATURES_EVICTED, evicted)?;
        counter(out, names::UNIQUE_SIGNATURES_REFUSED, refused)
    }

    fn loads(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        gauge(out, names::LOADS_IN_FLIGHT, self.0.engine.loads_in_flight())?;
        let (loads, requests) = self.0.engine.counters().loads();
        counter(out, names::LOADS, loads)?;
        counter(out, names::REGISTRY_REQUESTS, requests)?;
        let mut encoder = describe(out, names::HOST_LOADS)?;
        for (host, loads) in self.0.engine.counters().loads_by_host() {
            for (result, count) in [("decided", loads.decided), ("undecided", loads.undecided)] {
                count_of(encoder.encode_family(&[("host", &*host), ("result", result)])?, count)?;
            }
        }
        Ok(())
    }

    fn revocation(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.0.engine.revocation();
        let mut encoder = describe(out, names::REVOCATION_REQUESTS)?;
        for (kind, figures) in figures {
            for (result, count) in [("succeeded", figures.succeeded), ("failed", figures.failed)] {
                count_of(encoder.encode_family(&[("kind", kind), ("result", result)])?, count)?;
            }
        }
        let mut encoder = describe(out, names::REVOCATION_OLDEST)?;
        for (kind, figures) in figures {
            encoder.encode_family(&[("kind", kind)])?.encode_gauge(&seconds(figures.oldest))?;
        }
        Ok(())
    }

    fn configuration(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let state = self.0.configuration();
        gauge(out, names::CONFIG_SUCCESS, seconds(state.last_success))?;
        let mut encoder = describe(out, names::CONFIG_DIAGNOSTICS)?;
        for (severity, count) in [("error", state.errors), ("warning", state.warnings)] {
            encoder.encode_family(&[("severity", severity)])?.encode_gauge(&count)?;
        }
        gauge(out, names::PLAN_GENERATION, state.generation)
    }

    fn key_sources(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        type Read = fn(&KeySourceState) -> Option<i64>;
        let metrics: [(Name, Read); 4] = [
            (names::KEY_SOURCE_KEYS, |state| i64::try_from(state.keys).ok()),
            (names::KEY_SOURCE_EXPIRY, |state| state.earliest_expiry.map(|at| at.as_second())),
            (names::KEY_SOURCE_SUCCESS, |state| Some(seconds(state.last_success))),
            (names::KEY_SOURCE_FAILED, |state| Some(i64::from(state.failed))),
        ];
        let sources = self.0.key_sources();
        for (name, read) in metrics {
            let mut encoder = describe(out, name)?;
            for (source, state) in &sources {
                if let Some(value) = read(state) {
                    encoder.encode_family(&[("source", source.as_str())])?.encode_gauge(&value)?;
                }
            }
        }
        Ok(())
    }

    fn cluster(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let state = self.0.cluster();
        gauge(out, names::CLUSTER_UNREAD, state.unread_kinds)?;
        gauge(out, names::CLUSTER_OUTAGE, seconds(state.outage_since))?;
        gauge(out, names::CLUSTER_LEADS, u32::from(state.leads))?;
        counter(out, names::STATUS_WRITES, state.status_writes)?;
        counter(out, names::STATUS_FAILURES, state.status_failures)?;
        gauge(out, names::OUTDATED_DEFINITIONS, state.outdated_definitions)
    }

    fn gatekeeper(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut encoder = describe(out, names::PROVIDER_KEPT)?;
        for (provider, is_kept) in &self.0.providers() {
            encoder.encode_family(&[("provider", provider.as_str())])?.encode_gauge(&i64::from(*is_kept))?;
        }
        type Read = fn(&WebhookState) -> i64;
        let metrics: [(Name, Read); 3] = [
            (names::WEBHOOK_TIMEOUT, |state| i64::try_from(state.timeout.as_secs()).unwrap_or(i64::MAX)),
            (names::WEBHOOK_TOO_SHORT, |state| i64::from(state.too_short)),
            (names::WEBHOOK_FAILS_OPEN, |state| i64::from(state.fails_open)),
        ];
        let webhooks = self.0.webhooks();
        for (name, read) in metrics {
            let mut encoder = describe(out, name)?;
            for (webhook, state) in &webhooks {
                encoder.encode_family(&[("webhook", *webhook)])?.encode_gauge(&read(state))?;
            }
        }
        Ok(())
    }

    fn process(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        gauge(out, names::PROCESS_START, self.0.started.as_second())?;
        let usage = process::usage();
        if let Some(cpu) = usage.cpu_seconds {
            counter(out, names::PROCESS_CPU, cpu)?;
        }
        if let Some(bytes) = usage.resident_bytes {
            gauge(out, names::PROCESS_MEMORY, bytes)?;
        }
        match usage.open_files {
            Some(files) => gauge(out, names::PROCESS_FILES, files),
            None => Ok(()),
        }
    }
}

fn describe<'e>(out: &'e mut DescriptorEncoder<'_>, name: Name) -> Result<MetricEncoder<'e>, fmt::Error> {
    out.encode_descriptor(name.name, name.help, None, name.kind)
}

fn gauge(out: &mut DescriptorEncoder<'_>, name: Name, value: impl EncodeGaugeValue) -> fmt::Result {
    describe(out, name)?.encode_gauge(&value)
}

fn counter(out: &mut DescriptorEncoder<'_>, name: Name, value: impl EncodeCounterValue) -> fmt::Result {
    count_of(describe(out, name)?, value)
}

fn count_of(mut encoder: MetricEncoder<'_>, value: impl EncodeCounterValue) -> fmt::Result {
    encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
}

/// Seconds since 1970; 0 where it never happened.
fn seconds(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::as_second)
}
