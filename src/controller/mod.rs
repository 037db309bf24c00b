//! The Kubernetes API's side of the configuration: every custom resource is watched, and a plain index holds
//! what the watches have shown. Whoever decides reads documents from it, as from files.
//!
//! ```text
//! API ──watch, one task a kind──> Index ──documents──> app::follow ──> crd ──> plans
//!  ^                                                        │
//!  └──status, by the holder of the Lease──── Judged <────────┘
//! ```
//!
//! Only this module and `crd` know of the `kube` crate.

mod client;
mod counts;
mod failure;
pub mod gateway;
mod index;
mod kinds;
mod lease;
mod secrets;
mod status;
mod trouble;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;

pub use self::client::{ConnectError, Connection};
use self::counts::Counts;
use self::failure::Failure;
use self::index::{Index, ObjectName};
use self::kinds::{KINDS, WatchedKind};
use self::lease::Candidate;
pub use self::secrets::SecretWatches;
pub use self::status::Judged;
use self::status::Writer;
use self::trouble::Troubles;
use crate::crd::Document;
use crate::secret::Secrets;
use crate::telemetry::ClusterState;

/// How long the end waits for the Lease to be given up.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// What the Kubernetes API has shown so far; shared by cloning.
#[derive(Clone, Debug)]
pub struct Cluster(Arc<Shared>);

/// What the tasks share.
#[derive(Debug)]
struct Shared {
    connection: Connection,
    /// Of the Lease; names of Roles that are printed begin with it.
    name: Arc<str>,
    index: Mutex<Index>,
    troubles: Mutex<Troubles>,
    /// Kinds that the API serves in another version than the preferred one.
    versions: Mutex<BTreeMap<usize, &'static str>>,
    /// Tells whenever the index shows something else.
    touched: channel::Sender<u64>,
    /// Whether this replica writes statuses.
    leads: channel::Sender<bool>,
    counts: Counts,
}

/// A reading of every object.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// Every object as a document, in an order that does not depend on when it came.
    pub documents: Vec<Document>,
    generations: Arc<BTreeMap<ObjectName, i64>>,
}

/// The controller's tasks, which end when this is dropped.
#[derive(Debug)]
pub struct Tasks {
    tasks: Vec<JoinHandle<()>>,
    candidate: JoinHandle<()>,
    stop: channel::Sender<bool>,
}

impl Tasks {
    /// Gives up the Lease, so that another replica need not wait, and ends.
    pub async fn stop(mut self) {
        // An error means that nobody takes part any more.
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(STOP_TIMEOUT, &mut self.candidate).await;
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.candidate.abort();
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Cluster {
    /// Nothing is read yet.
    pub fn new(connection: Connection, name: Arc<str>) -> Self {
        let (index, troubles, versions, counts) = Default::default();
        let (touched, leads) = (channel::Sender::new(0), channel::Sender::new(false));
        Self(Arc::new(Shared { connection, name, index, troubles, versions, touched, leads, counts }))
    }

    /// Starts to watch every kind, and to write what is `judged` as status while this replica holds the
    /// Lease.
    pub fn start(&self, judged: channel::Receiver<Option<Judged>>, secrets: Secrets) -> Tasks {
        let shared = || Arc::clone(&self.0);
        let follow = |(kind, watched)| tokio::spawn(watch::follow(shared(), kind, watched));
        let mut tasks: Vec<JoinHandle<()>> = KINDS.iter().enumerate().map(follow).collect();
        let leads = self.0.leads.subscribe();
        tasks.push(tokio::spawn(Writer::new(shared(), secrets).run(judged, leads)));
        let stop = channel::Sender::new(false);
        let candidate = tokio::spawn(Candidate::new(shared()).run(stop.subscribe()));
        Tasks { tasks, candidate, stop }
    }

    /// Follows Secrets, into `secrets`.
    pub fn secret_watches(&self, secrets: Secrets) -> SecretWatches {
        SecretWatches::new(self.0.connection.clone(), secrets)
    }

    /// What is counted.
    pub fn state(&self, now: Timestamp) -> ClusterState {
        let (status_writes, status_failures, outdated_definitions) = self.0.counts.read();
        let outage_since = self.0.troubles().outage(now).map(|trouble| trouble.since);
        ClusterState {
            unread_kinds: self.0.index().unread(),
            outage_since,
            leads: *self.0.leads.borrow(),
            status_writes,
            status_failures,
            outdated_definitions,
        }
    }

    /// The way to the API.
    pub fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// The namespace that Hallmark is installed in.
    pub fn namespace(&self) -> &Arc<str> {
        &self.0.connection.namespace
    }

    /// Another number whenever documents may say something else than before.
    pub fn generation(&self) -> u64 {
        self.0.index().generation()
    }

    /// Reads every object.
    pub fn read(&self) -> Read {
        let snapshot = self.0.index().snapshot();
        Read { documents: snapshot.documents, generations: Arc::new(snapshot.generations) }
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
            matches!(failure, Failure::Forbidden(_)).then(|| kinds::rule(watched))
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

    /// Changes the index, and tells of it.
    fn change<T>(&self, change: impl FnOnce(&mut Index) -> T) -> T {
        let mut index = self.index();
        let changed = change(&mut index);
        let touched = index.touched();
        drop(index);
        self.touched.send_if_modified(|known| std::mem::replace(known, touched) != touched);
        changed
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version in which a kind is followed, and its status written.
    fn version(&self, kind: usize, watched: &WatchedKind) -> &'static str {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.get(&kind).copied().unwrap_or(watched.version)
    }

    /// The API serves a kind no longer as it is followed, and does in this version.
    fn is_served_as(&self, kind: usize, watched: &WatchedKind, version: &'static str) {
        let resources = format!("{}.{}", watched.plural, watched.group);
        tracing::info!(resources, version, "the kind is served in another version, and is followed in that");
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, version);
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
                if self.change(|index| index.not_installed(kind)) {
                    tracing::info!(
                        resources,
                        "the kind is not installed, and is looked for again; to install it: \
                         hallmark crds | kubectl apply --server-side --force-conflicts -f -"
                    );
                }
            }
            Failure::Expired => tracing::debug!(resources, "what was known is too old and is listed anew"),
            Failure::Forbidden(said) if is_news => {
                let rule = kinds::rule(watched);
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
