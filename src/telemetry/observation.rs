//! What the rest of the program tells metrics.

use std::time::Duration;

use jiff::Timestamp;

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

impl RequestPath {
    /// Every path.
    pub const ALL: [Self; 6] = [
        Self::Verify,
        Self::Mutate,
        Self::RatifyV1Verify,
        Self::RatifyV1Mutate,
        Self::RatifyV2Verify,
        Self::RatifyV2Mutate,
    ];

    /// The path as it is routed, and the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "/verify",
            Self::Mutate => "/mutate",
            Self::RatifyV1Verify => "/ratify/gatekeeper/v1/verify",
            Self::RatifyV1Mutate => "/ratify/gatekeeper/v1/mutate",
            Self::RatifyV2Verify => "/ratify/gatekeeper/v2/verify",
            Self::RatifyV2Mutate => "/ratify/gatekeeper/v2/mutate",
        }
    }
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

impl RequestResult {
    /// Every result.
    pub const ALL: [Self; 7] = [
        Self::Answered,
        Self::Undecided,
        Self::Unreadable,
        Self::TimedOut,
        Self::TooLarge,
        Self::Overloaded,
        Self::NotReady,
    ];

    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Undecided => "undecided",
            Self::Unreadable => "unreadable",
            Self::TimedOut => "timedOut",
            Self::TooLarge => "tooLarge",
            Self::Overloaded => "overloaded",
            Self::NotReady => "notReady",
        }
    }

    /// Were its keys looked at?
    pub(super) fn was_answered(self) -> bool {
        matches!(self, Self::Answered | Self::Undecided)
    }
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// What is known of one of Gatekeeper's webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookState {
    /// How long the API server waits for it.
    pub timeout: Duration,
    /// Whether that is no longer than this server's own deadline.
    pub too_short: bool,
    /// Whether objects are admitted where it does not answer.
    pub fails_open: bool,
}

/// What is known of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationState {
    /// When this configuration was put in force; `None` where it was not.
    pub last_success: Option<Timestamp>,
    /// Errors in what was read last.
    pub errors: usize,
    /// Warnings in what was read last.
    pub warnings: usize,
    /// How often a plan was put in force.
    pub generation: u64,
}

/// What is known of the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterState {
    /// Kinds of resources that were not read in whole yet.
    pub unread_kinds: usize,
    /// Since when the Kubernetes API cannot be asked; `None` where it can.
    pub outage_since: Option<Timestamp>,
    /// Whether this replica writes statuses.
    pub leads: bool,
    /// Statuses that were written.
    pub status_writes: u64,
    /// Statuses that could not be written.
    pub status_failures: u64,
    /// Kinds whose served definition drops what is written.
    pub outdated_definitions: usize,
}
