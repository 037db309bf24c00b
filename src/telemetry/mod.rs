//! Logs and metrics. Labels are bounded: no image, no error text and no address is ever one.

mod log;
mod metrics;
mod names;
mod verdict_log;

pub use log::init;
pub use metrics::{
    CONTENT_TYPE, ConfigurationState, InFlight, KeySourceState, Metrics, RequestObservation, RequestPath,
    RequestResult,
};
pub use names::reference_markdown;
pub use verdict_log::VerdictLog;
