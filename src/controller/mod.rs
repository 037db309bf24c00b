//! The Kubernetes API's side of the configuration: every custom resource is watched, and a plain index holds
//! what the watches have shown. Whoever decides reads documents from it, as from files.
//!
//! ```text
//! API ──watch, one task a kind──> Index ──documents──> app::follow ──> crd ──> plans
//! ```
//!
//! Only this module and `crd` know of the `kube` crate.

mod client;
mod failure;
mod index;
mod kinds;
mod trouble;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::task::JoinHandle;

pub use self::client::{ConnectError, Connection};
use self::failure::Failure;
use self::index::Index;
use self::kinds::{KINDS, WatchedKind};
use self::trouble::Troubles;
use crate::crd::Document;

/// What the Kubernetes API has shown so far; shared by cloning.
#[derive(Clone, Debug)]
pub struct Cluster(Arc<Shared>);

/// What the tasks share.
#[derive(Debug)]
struct Shared {
    connection: Connection,
    index: Mutex<Index>,
    troubles: Mutex<Troubles>,
}

/// Watches, which end when this is dropped.
#[derive(Debug)]
pub struct Watches(Vec<JoinHandle<()>>);

impl Drop for Watches {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Cluster {
    /// Nothing is read yet.
    pub fn new(connection: Connection) -> Self {
        let (index, troubles) = Default::default();
        Self(Arc::new(Shared { connection, index, troubles }))
    }

    /// Starts to watch every kind.
    pub fn watch(&self) -> Watches {
        let follow = |(kind, watched)| tokio::spawn(watch::follow(Arc::clone(&self.0), kind, watched));
        Watches(KINDS.iter().enumerate().map(follow).collect())
    }

    /// The namespace that Hallmark is installed in.
    pub fn namespace(&self) -> &Arc<str> {
        &self.0.connection.namespace
    }

    /// Another number whenever documents may say something else than before.
    pub fn generation(&self) -> u64 {
        self.0.index().generation()
    }

    /// Every object as a document, in an order that does not depend on when it came.
    pub fn documents(&self) -> Vec<Document> {
        self.0.index().snapshot().documents
    }

    /// True once every kind was read in whole, or is known not to be installed. Until then an object may be
    /// missing that would have vetoed.
    pub fn is_complete(&self) -> bool {
        self.0.index().is_complete()
    }

    /// Why it is not complete, where that is so, in a line that names the API's address.
    pub fn waiting_for(&self, now: Timestamp) -> Option<String> {
        let unread = self.0.index().unread();
        if unread == 0 {
            return None;
        }
        let address = &self.0.connection.address;
        let kinds = KINDS.len();
        let begin = format!(
            "{unread} of {kinds} kinds of resources are not read from the Kubernetes API at {address} yet"
        );
        let troubles = self.0.troubles();
        if let Some(outage) = troubles.outage(now)
            && let Failure::Unreachable(why) = &outage.failure
        {
            return Some(format!("{begin}; it cannot be asked since {}: {why}", outage.since));
        }
        let forbidden = KINDS.iter().enumerate().find_map(|(kind, watched)| {
            let failure = &troubles.of(kind, now)?.failure;
            matches!(failure, Failure::Forbidden(_)).then(|| watched.rule())
        });
        Some(match forbidden {
            Some(rule) => format!("{begin}; the service account's ClusterRole lacks the rule {rule}"),
            None => begin,
        })
    }
}

impl Shared {
    /// A panic elsewhere leaves at worst one object as it was before.
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A watch has shown something.
    fn works(&self, kind: usize) {
        if self.troubles().overcome(kind) {
            tracing::info!(address = %self.connection.address, "the Kubernetes API answers again");
        }
    }

    /// A watch has failed.
    fn fails(&self, kind: usize, watched: &WatchedKind, failure: Failure) {
        let is_news = self.troubles().fail(kind, failure.clone(), Timestamp::now());
        let resources = format!("{}.{}", watched.plural, watched.group);
        match failure {
            Failure::NotInstalled => {
                if self.index().not_installed(kind) {
                    tracing::info!(
                        resources,
                        "the kind is not installed, and is looked for again; to install it: \
                         hallmark crds | kubectl apply --server-side --force-conflicts -f -"
                    );
                }
            }
            Failure::Expired => tracing::debug!(resources, "what was known is too old and is listed anew"),
            Failure::Forbidden(said) if is_news => {
                let rule = watched.rule();
                tracing::error!(
                    resources,
                    said,
                    rule,
                    "watching is forbidden: the ClusterRole lacks the rule"
                );
            }
            Failure::Unreachable(why) if is_news => tracing::warn!(
                address = %self.connection.address,
                why,
                "the Kubernetes API cannot be asked; what was read before stays in force"
            ),
            Failure::Forbidden(_) | Failure::Unreachable(_) => {}
        }
    }
}
