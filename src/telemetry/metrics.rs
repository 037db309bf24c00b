//! What the process counts, as OpenMetrics text.

use std::time::Duration;

use jiff::Timestamp;

use crate::engine::Engine;
use crate::outcome::Outcome;

/// The media type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A path of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestPath {
    /// `/verify`.
    Verify,
    /// `/mutate`.
    Mutate,
    /// `/ratify/gatekeeper/v1/verify`.
    RatifyV1Verify,
    /// `/ratify/gatekeeper/v1/mutate`.
    RatifyV1Mutate,
    /// `/ratify/gatekeeper/v2/verify`.
    RatifyV2Verify,
    /// `/ratify/gatekeeper/v2/mutate`.
    RatifyV2Mutate,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestResult {
    /// Every key has an item.
    Answered,
    /// `systemError` names keys that are undecided.
    Undecided,
    /// It was no request that can be read (400).
    Unreadable,
    /// Its body did not come in time (408).
    TimedOut,
    /// It was too large (413).
    TooLarge,
    /// Too many requests were in flight.
    Overloaded,
    /// No configuration was in force.
    NotReady,
}

/// One request, when it ends.
#[derive(Clone, Copy, Debug)]
pub struct RequestObservation {
    /// Which path.
    pub path: RequestPath,
    /// How it ended.
    pub result: RequestResult,
    /// How many distinct keys it had; 0 where that was not read.
    pub items: usize,
    /// From the end of its head to its answer.
    pub took: Duration,
}

/// What is known of one key source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySourceState {
    /// Keys or certificates that may be used.
    pub keys: usize,
    /// The earliest end of validity among them.
    pub earliest_expiry: Option<Timestamp>,
    /// When the set was last read.
    pub last_success: Option<Timestamp>,
    /// True where the last attempt failed.
    pub failed: bool,
}

/// What is known of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationState {
    /// When a configuration was last put in force.
    pub last_success: Option<Timestamp>,
    /// Errors in what was read last.
    pub errors: usize,
    /// Warnings in what was read last.
    pub warnings: usize,
    /// How often a plan was put in force.
    pub generation: u64,
}

/// Every metric of the process.
#[derive(Debug)]
pub struct Metrics {
    _engine: Engine,
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct InFlight {}

impl Metrics {
    /// Metrics of a process whose decisions `engine` makes; what the engine counts is read when asked.
    pub fn new(engine: Engine) -> Self {
        Self { _engine: engine }
    }

    /// Counts a request in flight until the guard is dropped.
    pub fn request_started(&self) -> InFlight {
        InFlight {}
    }

    /// Counts a request that ended, overloaded ones included.
    pub fn observe_request(&self, observation: RequestObservation) {
        let _ = observation;
    }

    /// Counts what was decided about one key of a verification request.
    pub fn observe_decision(&self, outcome: &Outcome) {
        let _ = outcome;
    }

    /// Sets the cap of unique signatures.
    pub fn set_signature_cap(&self, cap: usize) {
        let _ = cap;
    }

    /// Sets what is known of the configuration.
    pub fn set_configuration(&self, state: ConfigurationState) {
        let _ = state;
    }

    /// Sets what is known of one key source.
    pub fn set_key_source(&self, name: &str, state: KeySourceState) {
        let _ = (name, state);
    }

    /// Forgets key sources that are no longer configured.
    pub fn keep_key_sources(&self, configured: &[&str]) {
        let _ = configured;
    }

    /// Sets when the server's certificate ends.
    pub fn set_certificate_expiry(&self, not_after: Timestamp) {
        let _ = not_after;
    }

    /// The text of every metric, of media type [`CONTENT_TYPE`].
    pub fn encode(&self) -> String {
        String::new()
    }
}
