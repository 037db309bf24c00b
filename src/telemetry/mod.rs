//! Logs and metrics. Labels are bounded: no image, no error text and no address is ever one. What is counted
//! and logged is told by the edges; lower layers know nothing of this.

mod exposition;
mod log;
mod metrics;
mod names;
mod observation;
mod process;
mod verdict_log;

#[cfg(test)]
mod tests;

pub use log::init;
pub use metrics::{CONTENT_TYPE, InFlight, Metrics};
pub use names::reference_markdown;
pub use observation::{
    ClusterState, ConfigurationState, KeySourceState, RequestObservation, RequestPath, RequestResult,
    WebhookState,
};
pub use verdict_log::VerdictLog;
