//! When a failed request is sent again.

use std::time::Duration;

use tokio::time::Instant;

use super::FetchError;

/// Counts the attempts of one read and waits between them.
#[derive(Debug)]
pub(super) struct Retries {
    left: u32,
    deadline: Instant,
    pause: Duration,
}

impl Retries {
    pub(super) fn new(attempts: u32, deadline: Instant) -> Self {
        Self { left: attempts.saturating_sub(1), deadline, pause: FIRST_PAUSE }
    }

    /// Waits until the next attempt may start: as long as the registry asked for, else twice as long each
    /// time, give or take a third, so that many callers do not come back together.
    ///
    /// # Errors
    /// `why`, at once, where no attempt is left or the deadline would pass first.
    pub(super) async fn pause(&mut self, why: FetchError, asked: Option<Duration>) -> Result<(), FetchError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(why);
        };
        self.left = left;
        let pause = asked.unwrap_or_else(|| jittered(self.pause));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        // Anything beyond the deadline cannot be waited for; adding it might not even be representable.
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        if pause >= remaining {
            return Err(with_wish(why, asked));
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Keeps what the registry asked for, so that people see why it was not tried again.
fn with_wish(why: FetchError, asked: Option<Duration>) -> FetchError {
    match (why, asked) {
        (FetchError::Unavailable { what, detail }, Some(asked)) => FetchError::Unavailable {
            what,
            detail: format!("{detail}; it asks to come back after {} s", asked.as_secs()),
        },
        (why, _) => why,
    }
}

fn jittered(pause: Duration) -> Duration {
    let [random, ..] = *uuid::Uuid::new_v4().as_bytes();
    // Two thirds to four thirds.
    pause * (512 + u32::from(random) * 2) / 768
}

const FIRST_PAUSE: Duration = Duration::from_millis(75);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn why() -> FetchError {
        FetchError::Unavailable { what: "it".to_owned(), detail: "503".to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_end_with_the_attempts() {
        let start = Instant::now();
        let mut retries = Retries::new(4, start + Duration::from_secs(60));
        let mut pauses = Vec::new();
        loop {
            let before = Instant::now();
            if retries.pause(why(), None).await.is_err() {
                break;
            }
            pauses.push(before.elapsed());
        }
        assert_eq!(pauses.len(), 3, "four attempts have three pauses between them");
        for (pause, base) in pauses.iter().zip([75, 150, 300]) {
            let base = Duration::from_millis(base);
            assert!(*pause >= base * 2 / 3 && *pause <= base * 3 / 2, "{pause:?} around {base:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_registry_asks_for_is_waited_for() {
        let start = Instant::now();
        let mut retries = Retries::new(2, start + Duration::from_secs(60));
        retries.pause(why(), Some(Duration::from_secs(7))).await.expect("time is left");
        assert_eq!(start.elapsed(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_what_comes_after_the_deadline() {
        let start = Instant::now();
        let mut retries = Retries::new(9, start + Duration::from_secs(2));
        let error = retries.pause(why(), Some(Duration::from_secs(30))).await.expect_err("too late");
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(error.to_string().contains("after 30 s"), "{error}");
        let mut retries = Retries::new(9, start);
        assert!(retries.pause(why(), Some(Duration::MAX)).await.is_err());
    }
}
