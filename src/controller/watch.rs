//! One task for each kind, which tells the index what its watch shows.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::Api;
use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::{Backoff, ResetTimerBackoff};
use kube::runtime::watcher::{self, Event, watcher};

use super::Shared;
use super::client::{REQUEST_TIMEOUT, one_line};
use super::failure::Failure;
use super::index::Index;
use super::kinds::{WatchedKind, resource};

/// How long one watch request lasts. A connection that died silently is noticed a little later.
pub(super) const WATCH_SECONDS: u32 = 60;

/// How many objects one answer lists: each may have more than a megabyte, and every kind is listed at once.
const PAGE: u32 = 10;

/// Follows one kind for as long as the runtime lives, in whichever version the API serves.
pub(super) async fn follow(shared: Arc<Shared>, kind: usize, watched: &'static WatchedKind) {
    let mut version = shared.version(kind, watched);
    while let Some(other) = follow_as(&shared, kind, watched, version).await {
        shared.is_served_as(kind, watched, other);
        version = other;
    }
}

/// Follows a version until the API serves the kind in another one alone, and gives that.
async fn follow_as(
    shared: &Shared,
    kind: usize,
    watched: &'static WatchedKind,
    version: &'static str,
) -> Option<&'static str> {
    let api = api(shared, watched, version);
    let config = watcher::Config::default().timeout(WATCH_SECONDS).page_size(PAGE);
    let mut events = watcher(api, config).backoff(ResetTimerBackoff::new(Delay::default(), QUIET)).boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                // A list that only begins has shown nothing yet.
                let has_answered = !matches!(event, Event::Init);
                shared.change(|index| take(index, kind, event));
                if has_answered {
                    shared.works(kind);
                }
            }
            Err(error) => match Failure::from(&error) {
                Failure::NotInstalled => match served_elsewhere(shared, watched, version).await {
                    Ok(other) => return Some(other),
                    Err(failure) => shared.fails(kind, watched, failure),
                },
                failure => shared.fails(kind, watched, failure),
            },
        }
    }
    None
}

fn api(shared: &Shared, watched: &WatchedKind, version: &str) -> Api<DynamicObject> {
    Api::all_with(shared.connection.client.clone(), &resource(watched, version))
}

/// Another version of the same form in which the API serves the kind. What keeps it from saying so is no proof
/// that the kind is not installed.
async fn served_elsewhere(
    shared: &Shared,
    watched: &WatchedKind,
    version: &str,
) -> Result<&'static str, Failure> {
    let other = watched.versions().find(|other| *other != version).ok_or(Failure::NotInstalled)?;
    let api = api(shared, watched, other);
    match tokio::time::timeout(REQUEST_TIMEOUT, api.list(&ListParams::default().limit(1))).await {
        Ok(Ok(_)) => Ok(other),
        Ok(Err(error)) => Err(Failure::from(&error)),
        Err(late) => Err(Failure::Unreachable(one_line(&late))),
    }
}

fn take(index: &mut Index, kind: usize, event: Event<DynamicObject>) {
    match event {
        Event::Init => index.begin(kind),
        Event::InitApply(object) => index.arrive(kind, &object),
        Event::InitDone => index.finish(kind),
        Event::Apply(object) => index.apply(kind, &object),
        Event::Delete(object) => index.delete(kind, &object),
    }
}

/// How long a watch that fails waits before it tries again: half a second at first, five at last.
#[derive(Debug)]
pub(super) struct Delay(Duration);

/// After a failure this long ago, delays begin anew. A list that begins counts as success to the watcher, so
/// that success alone must not.
pub(super) const QUIET: Duration = Duration::from_secs(30);

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LAST_DELAY: Duration = Duration::from_secs(5);

impl Default for Delay {
    fn default() -> Self {
        Self(FIRST_DELAY)
    }
}

impl Iterator for Delay {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.0;
        self.0 = (delay * 2).min(LAST_DELAY);
        Some(delay)
    }
}

impl Backoff for Delay {
    fn reset(&mut self) {
        *self = Self::default();
    }
}
