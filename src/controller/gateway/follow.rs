//! One object, followed by its name: narrow roles allow no more.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::StreamExt as _;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::said::Said;
use crate::controller::failure::Failure;
use crate::controller::watch::{Delay, QUIET, WATCH_SECONDS};

/// What is known of an object.
#[derive(Debug)]
pub(super) enum Seen<K> {
    /// It was not read yet; and why not, where something is wrong.
    Unknown(Option<String>),
    /// Its kind is not installed.
    NotInstalled,
    /// It is not there.
    Missing,
    /// It is there.
    Found(Arc<K>),
}

impl<K> Clone for Seen<K> {
    fn clone(&self) -> Self {
        match self {
            Self::Unknown(why) => Self::Unknown(why.clone()),
            Self::NotInstalled => Self::NotInstalled,
            Self::Missing => Self::Missing,
            Self::Found(object) => Self::Found(Arc::clone(object)),
        }
    }
}

/// Starts to follow an object; `what` names it in the log. It ends when nobody looks any more.
pub(super) fn follow<K>(api: Api<K>, name: &str, what: String) -> watch::Receiver<Seen<K>>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let (sender, receiver) = watch::channel(Seen::Unknown(None));
    let name = name.to_owned();
    tokio::spawn(async move {
        tokio::select! {
            () = tell(api, &name, &what, &sender) => {}
            () = sender.closed() => {}
        }
    });
    receiver
}

async fn tell<K>(api: Api<K>, name: &str, what: &str, sender: &watch::Sender<Seen<K>>)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let config = watcher::Config::default().fields(&format!("metadata.name={name}")).timeout(WATCH_SECONDS);
    let mut events = watcher(api, config).backoff(ResetTimerBackoff::new(Delay::default(), QUIET)).boxed();
    let is_meant = |object: &K| object.meta().name.as_deref() == Some(name);
    let (mut listed, mut said) = (None, Said::default());
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed = None,
            Ok(Event::InitApply(object)) => listed = Some(object).filter(is_meant).or(listed),
            Ok(Event::InitDone) => {
                said.clear();
                sender.send_replace(listed.take().map_or(Seen::Missing, |object| Seen::Found(object.into())));
            }
            Ok(Event::Apply(object)) if is_meant(&object) => {
                sender.send_replace(Seen::Found(object.into()));
            }
            Ok(Event::Delete(object)) if is_meant(&object) => {
                sender.send_replace(Seen::Missing);
            }
            Ok(Event::Apply(_) | Event::Delete(_)) => {}
            Err(error) => fail(Failure::from(&error), what, &mut said, sender),
        }
    }
}

/// What was read before stays.
fn fail<K>(failure: Failure, what: &str, said: &mut Said, sender: &watch::Sender<Seen<K>>) {
    let why = match failure {
        Failure::NotInstalled => {
            sender.send_if_modified(|seen| {
                let is_news = !matches!(seen, Seen::NotInstalled);
                *seen = Seen::NotInstalled;
                is_news
            });
            return;
        }
        Failure::Expired => return,
        Failure::Forbidden(why) => format!("reading it is forbidden: {why}"),
        Failure::Unreachable(why) => format!("the Kubernetes API cannot be asked: {why}"),
    };
    if said.is_news(&why) {
        tracing::warn!("{what}: {why}; it is tried again, and what was read before stays");
    }
    sender.send_if_modified(|seen| match seen {
        Seen::Unknown(before) if before.as_ref() != Some(&why) => {
            *before = Some(why);
            true
        }
        _ => false,
    });
}
