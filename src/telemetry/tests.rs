//! The exposition, read back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::names::METRICS;
use super::*;
use crate::engine::{Engine, EngineParts, EngineSettings};
use crate::outcome::{Outcome, PolicyIdentity, Reason, ReasonCode};
use crate::transport::{ClientSettings, GuardedClient};
use crate::trust::revocation::{CheckerSettings, HttpFetcher, RevocationChecker};

fn engine(runtime: &Runtime) -> Engine {
    let client = GuardedClient::build(&ClientSettings::default()).expect("client");
    let fetcher = Arc::new(HttpFetcher::new(client));
    Engine::new(EngineParts {
        settings: EngineSettings::default(),
        clock: Arc::new(Timestamp::now),
        revocation: RevocationChecker::new(fetcher, CheckerSettings::default()),
        runtime: runtime.handle().clone(),
    })
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("timestamp")
}

/// The samples of an exposition: name with labels, and value. Panics where a line is none.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.pop(), Some("# EOF"), "{text}");
    let mut described = BTreeSet::new();
    let mut samples = BTreeMap::new();
    for line in lines {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            assert!(matches!(words.next(), Some("HELP" | "TYPE" | "UNIT")), "{line}");
            described.insert(words.next().expect("a name").to_owned());
            assert!(words.next().is_some_and(|rest| !rest.is_empty()), "{line}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().expect("a name");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{line}");
        assert!(described.iter().any(|known| name.starts_with(known.as_str())), "{line} is not described");
        assert_eq!(series.contains('{'), series.ends_with('}'), "{line}");
        let before = samples.insert(series.to_owned(), value.parse().expect("a number"));
        assert_eq!(before, None, "{series} is written twice");
    }
    samples
}

#[test]
fn every_documented_metric_is_exposed_and_no_other() {
    let runtime = Runtime::new().expect("runtime");
    let metrics = Metrics::new(engine(&runtime));
    metrics.set_key_source("inline", KeySourceState { earliest_expiry: Some(at(9)), ..Default::default() });
    metrics.observe_decision(&rejected());
    metrics.set_gatekeeper_provider("hallmark", true);
    let webhook = WebhookState { timeout: Duration::from_secs(3), too_short: false, fails_open: true };
    metrics.set_gatekeeper_webhook("validating", Some(webhook));
    let text = metrics.encode();
    assert_eq!(
        samples(&text).get("hallmark_gatekeeper_webhook_timeout_seconds{webhook=\"validating\"}"),
        Some(&3.0)
    );
    let names: BTreeSet<String> = samples(&text)
        .keys()
        .filter_map(|series| series.split('{').next())
        .map(|name| {
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
        })
        .map(str::to_owned)
        .collect();
    let documented: BTreeSet<String> = METRICS.iter().map(names::Name::sample).collect();
    assert_eq!(names, documented);
    let document = reference_markdown();
    for metric in METRICS {
        let row = format!("| `{}` | {} |", metric.sample(), metric.kind.as_str());
        assert!(document.contains(&row), "{row}");
        let name = metric.name;
        assert!(name.starts_with("hallmark_") || name.starts_with("process_"), "{name}");
        assert!(!name.ends_with("_total") && !name.ends_with("_info"), "{name}");
    }
}

fn rejected() -> Outcome {
    let policy = PolicyIdentity { name: "default".into(), id: "0".into() };
    let reason = Reason::new(ReasonCode::UntrustedSigner, "why", "");
    Outcome::rejected(None, reason, Vec::new(), policy)
}

#[test]
fn what_was_told_is_counted() {
    let runtime = Runtime::new().expect("runtime");
    let metrics = Metrics::new(engine(&runtime));
    let observation = RequestObservation {
        path: RequestPath::RatifyV1Verify,
        result: RequestResult::Answered,
        items: 3,
        took: Duration::from_micros(600),
    };
    metrics.observe_request(observation);
    metrics.observe_request(RequestObservation { result: RequestResult::Overloaded, ..observation });
    metrics.observe_decision(&rejected());
    let mut stale = rejected();
    stale.stale = true;
    metrics.observe_decision(&stale);
    let running = metrics.request_started();
    metrics.set_signature_cap(200);
    metrics.set_certificate_expiry(at(77));
    metrics.set_configuration(ConfigurationState { last_success: Some(at(5)), ..Default::default() });
    metrics.set_configuration(ConfigurationState {
        last_success: None,
        errors: 2,
        warnings: 1,
        generation: 4,
    });
    let samples = samples(&metrics.encode());
    let v1 = "path=\"/ratify/gatekeeper/v1/verify\"";
    for (series, value) in [
        (format!("hallmark_requests_total{{{v1},result=\"answered\"}}"), 1.0),
        (format!("hallmark_requests_total{{{v1},result=\"overloaded\"}}"), 1.0),
        ("hallmark_requests_total{path=\"/verify\",result=\"answered\"}".to_owned(), 0.0),
        (format!("hallmark_request_duration_seconds_count{{{v1}}}"), 1.0),
        (format!("hallmark_request_duration_seconds_bucket{{le=\"0.0005\",{v1}}}"), 0.0),
        (format!("hallmark_request_duration_seconds_bucket{{le=\"0.001\",{v1}}}"), 1.0),
        (format!("hallmark_request_items_sum{{{v1}}}"), 3.0),
        ("hallmark_requests_in_flight".to_owned(), 1.0),
        ("hallmark_decisions_total{verdict=\"rejected\"}".to_owned(), 2.0),
        ("hallmark_decisions_total{verdict=\"verified\"}".to_owned(), 0.0),
        ("hallmark_decision_reasons_total{verdict=\"rejected\",code=\"UNTRUSTED_SIGNER\"}".to_owned(), 2.0),
        ("hallmark_stale_decisions_total".to_owned(), 1.0),
        ("hallmark_unique_signatures_cap".to_owned(), 200.0),
        ("hallmark_server_certificate_not_after_timestamp_seconds".to_owned(), 77.0),
        ("hallmark_config_last_success_timestamp_seconds".to_owned(), 5.0),
        ("hallmark_config_diagnostics{severity=\"error\"}".to_owned(), 2.0),
        ("hallmark_config_diagnostics{severity=\"warning\"}".to_owned(), 1.0),
        ("hallmark_plan_generation".to_owned(), 4.0),
        (format!("hallmark_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(samples.get(&series), Some(&value), "{series}");
    }
    assert!(samples["process_resident_memory_bytes"] > 1e6);
    drop(running);
    assert!(metrics.encode().contains("hallmark_requests_in_flight 0\n"));
}

#[test]
fn a_key_source_that_is_no_longer_configured_is_forgotten() {
    let runtime = Runtime::new().expect("runtime");
    let metrics = Metrics::new(engine(&runtime));
    let state =
        KeySourceState { keys: 2, earliest_expiry: Some(at(100)), last_success: Some(at(50)), failed: true };
    metrics.set_key_source("keep", state);
    metrics.set_key_source("a \"quoted\"\nname", KeySourceState::default());
    let both = samples(&metrics.encode());
    assert_eq!(both["hallmark_key_source_keys{source=\"keep\"}"], 2.0);
    assert_eq!(both["hallmark_key_source_failed{source=\"keep\"}"], 1.0);
    assert_eq!(both["hallmark_key_source_earliest_expiry_timestamp_seconds{source=\"keep\"}"], 100.0);
    assert_eq!(both["hallmark_key_source_keys{source=\"a \\\"quoted\\\"\\nname\"}"], 0.0);
    metrics.keep_key_sources(&["keep"].into());
    let text = metrics.encode();
    assert!(text.contains("source=\"keep\"") && !text.contains("quoted"));
}

#[test]
fn the_number_of_series_does_not_depend_on_what_is_asked() {
    let runtime = Runtime::new().expect("runtime");
    let metrics = Metrics::new(engine(&runtime));
    let before = samples(&metrics.encode()).len();
    for path in RequestPath::ALL {
        for result in RequestResult::ALL {
            let took = Duration::from_millis(1);
            metrics.observe_request(RequestObservation { path, result, items: 1, took });
        }
    }
    assert_eq!(samples(&metrics.encode()).len(), before);
    assert!(before < 400, "{before}");
}
