//! Waiting for conditions with a deadline. Nothing here waits for time to pass.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(100);

/// The deadline of what takes seconds, for a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until `condition` gives a value.
///
/// # Panics
/// When it is late; the message says what was waited for and what was seen last.
pub async fn until<T, E, F>(what: &str, limit: Duration, mut condition: impl FnMut() -> F) -> T
where
    E: Display,
    F: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    loop {
        match condition().await {
            Ok(value) => return value,
            Err(seen) if started.elapsed() > limit => {
                panic!("{what}: not within {} s; last seen: {seen}", limit.as_secs())
            }
            Err(_) => tokio::time::sleep(STEP).await,
        }
    }
}
