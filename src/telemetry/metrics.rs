//! What the process counts, as OpenMetrics text. What the engine counts itself is read when somebody asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::exposition::Exposition;
use super::observation::{
    ClusterState, ConfigurationState, KeySourceState, RequestObservation, RequestPath, RequestResult,
    WebhookState,
};
use crate::engine::Engine;
use crate::outcome::{Outcome, ReasonCode, Verdict};

/// The media type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    counts: Arc<Counts>,
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct InFlight(Arc<Counts>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What was told so far.
#[derive(Debug)]
pub(super) struct Counts {
    pub engine: Engine,
    pub started: Timestamp,
    /// One for each of [`RequestPath::ALL`].
    pub paths: Vec<PathCounts>,
    pub in_flight: AtomicUsize,
    decisions: Vec<AtomicU64>,
    pub stale: AtomicU64,
    pub signature_cap: AtomicUsize,
    pub certificate_expiry: AtomicI64,
    configuration: Mutex<ConfigurationState>,
    cluster: Mutex<ClusterState>,
    key_sources: Mutex<BTreeMap<String, KeySourceState>>,
    providers: Mutex<BTreeMap<String, bool>>,
    webhooks: Mutex<BTreeMap<&'static str, WebhookState>>,
}

/// What was told of one path. Every series is there from the start: one that appears with its first event
/// hides that event from `rate`.
#[derive(Debug)]
pub(super) struct PathCounts {
    pub path: RequestPath,
    pub results: [(RequestResult, AtomicU64); RequestResult::ALL.len()],
    pub seconds: Histogram,
    pub items: Histogram,
}

impl PathCounts {
    fn new(path: RequestPath) -> Self {
        Self {
            path,
            results: RequestResult::ALL.map(|result| (result, AtomicU64::new(0))),
            seconds: Histogram::new(SECONDS),
            items: Histogram::new(ITEMS),
        }
    }
}

/// Every verdict, for the label.
pub(super) const VERDICTS: [Verdict; 5] =
    [Verdict::Verified, Verdict::NotRequired, Verdict::Unsigned, Verdict::Rejected, Verdict::Inconclusive];

impl Metrics {
    /// Metrics of a process whose decisions `engine` makes.
    pub fn new(engine: Engine) -> Self {
        let counts = Arc::new(Counts::new(engine));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Exposition(Arc::clone(&counts))));
        Self { registry, counts }
    }

    /// Counts a request in flight until the guard is dropped.
    pub fn request_started(&self) -> InFlight {
        self.counts.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(&self.counts))
    }

    /// Counts a request that ended, overloaded ones included.
    pub fn observe_request(&self, observation: RequestObservation) {
        let RequestObservation { path, result, items, took } = observation;
        let Some(counts) = self.counts.paths.iter().find(|counts| counts.path == path) else { return };
        if let Some((_, count)) = counts.results.iter().find(|(known, _)| *known == result) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if result.was_answered() {
            counts.seconds.observe(took.as_secs_f64());
            // A count of keys is far below what a float holds exactly.
            let items = u32::try_from(items).unwrap_or(u32::MAX);
            counts.items.observe(f64::from(items));
        }
    }

    /// Counts what was decided about one key of a verification request.
    pub fn observe_decision(&self, outcome: &Outcome) {
        if let Some(counter) = self.counts.decision(outcome.verdict(), outcome.reason.code) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if outcome.stale {
            self.counts.stale.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sets the cap of unique signatures.
    pub fn set_signature_cap(&self, cap: usize) {
        self.counts.signature_cap.store(cap, Ordering::Relaxed);
    }

    /// Sets what is known of the configuration. Without a time, that of the last success stays.
    pub fn set_configuration(&self, state: ConfigurationState) {
        let mut known = locked(&self.counts.configuration);
        let last_success = state.last_success.or(known.last_success);
        *known = ConfigurationState { last_success, ..state };
    }

    /// Sets what is known of the cluster.
    pub fn set_cluster(&self, state: ClusterState) {
        *locked(&self.counts.cluster) = state;
    }

    /// Sets what is known of one key source.
    pub fn set_key_source(&self, name: &str, state: KeySourceState) {
        locked(&self.counts.key_sources).insert(name.to_owned(), state);
    }

    /// Forgets key sources that are no longer configured.
    pub fn keep_key_sources(&self, configured: &BTreeSet<&str>) {
        locked(&self.counts.key_sources).retain(|name, _| configured.contains(name.as_str()));
    }

    /// Sets when the server's certificate ends.
    pub fn set_certificate_expiry(&self, not_after: Timestamp) {
        self.counts.certificate_expiry.store(not_after.as_second(), Ordering::Relaxed);
    }

    /// Sets whether a Provider object is as it must be.
    pub fn set_gatekeeper_provider(&self, name: &str, is_kept: bool) {
        locked(&self.counts.providers).insert(name.to_owned(), is_kept);
    }

    /// Sets what is known of Gatekeeper's webhooks of one kind; `None` where there are none.
    pub fn set_gatekeeper_webhook(&self, kind: &'static str, state: Option<WebhookState>) {
        let mut webhooks = locked(&self.counts.webhooks);
        match state {
            Some(state) => webhooks.insert(kind, state),
            None => webhooks.remove(kind),
        };
    }

    /// The text of every metric, of media type [`CONTENT_TYPE`].
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Counts {
    fn new(engine: Engine) -> Self {
        Self {
            engine,
            started: Timestamp::now(),
            paths: RequestPath::ALL.map(PathCounts::new).into(),
            in_flight: AtomicUsize::new(0),
            decisions: (0..VERDICTS.len() * ReasonCode::ALL.len()).map(|_| AtomicU64::new(0)).collect(),
            stale: AtomicU64::new(0),
            signature_cap: AtomicUsize::new(0),
            certificate_expiry: AtomicI64::new(0),
            configuration: Mutex::default(),
            cluster: Mutex::default(),
            key_sources: Mutex::default(),
            providers: Mutex::default(),
            webhooks: Mutex::default(),
        }
    }

    /// The counter of one verdict with one reason code.
    fn decision(&self, verdict: Verdict, code: ReasonCode) -> Option<&AtomicU64> {
        let verdict = VERDICTS.iter().position(|known| *known == verdict)?;
        let code = ReasonCode::ALL.iter().position(|known| *known == code)?;
        self.decisions.get(verdict * ReasonCode::ALL.len() + code)
    }

    /// How often a verdict was given with a reason code.
    pub(super) fn decided(&self, verdict: Verdict, code: ReasonCode) -> u64 {
        self.decision(verdict, code).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    pub(super) fn configuration(&self) -> ConfigurationState {
        *locked(&self.configuration)
    }

    pub(super) fn cluster(&self) -> ClusterState {
        *locked(&self.cluster)
    }

    pub(super) fn providers(&self) -> Vec<(String, bool)> {
        locked(&self.providers).iter().map(|(name, is_kept)| (name.clone(), *is_kept)).collect()
    }

    pub(super) fn webhooks(&self) -> Vec<(&'static str, WebhookState)> {
        locked(&self.webhooks).iter().map(|(kind, state)| (*kind, *state)).collect()
    }

    pub(super) fn key_sources(&self) -> Vec<(String, KeySourceState)> {
        locked(&self.key_sources).iter().map(|(name, state)| (name.clone(), *state)).collect()
    }
}

/// Values are whole after each assignment, so a panic elsewhere leaves nothing half-done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bounds of durations: fine where remembered decisions are, and at the deadlines.
const SECONDS: [f64; 18] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 2.0, 2.5,
    3.0, 10.0,
];

/// Bounds of keys in a request.
const ITEMS: [f64; 9] = [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0];
