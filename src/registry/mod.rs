//! Reading artifacts: the trait that the decision uses, and its two implementations, an OCI Distribution
//! v1.1 registry over HTTP and an OCI image layout on disk.
//!
//! Three failures are never collapsed: not there, not allowed, could not find out.

pub mod auth;
pub mod http;
pub mod layout;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::oci::{Content, Descriptor};
use crate::reference::{Digest, Repository, Tag};

/// Reads artifacts of repositories. Implementations hash every byte that they return.
pub trait ArtifactStore: Send + Sync + fmt::Debug {
    /// Resolves a tag by GET: the bytes are hashed here and their media type compared.
    fn manifest_by_tag<'a>(
        &'a self,
        repository: &'a Repository,
        tag: &'a Tag,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>>;

    /// What digest the registry says that a tag has now, by HEAD. It may only select among content that
    /// was already hashed here; `None` where the registry does not say.
    fn head_tag<'a>(
        &'a self,
        repository: &'a Repository,
        tag: &'a Tag,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Option<Digest>, FetchError>>;

    /// Reads a manifest or index by digest.
    fn manifest<'a>(
        &'a self,
        repository: &'a Repository,
        digest: &'a Digest,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>>;

    /// Reads a blob of at most `limit` bytes; a descriptor that claims more is refused unread.
    fn blob<'a>(
        &'a self,
        repository: &'a Repository,
        descriptor: &'a Descriptor,
        limit: u64,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>>;

    /// Lists what refers to `subject` by the Referrers API, and on mirrors without it by the tag schema.
    /// Entries are filtered here to `artifact_types` (empty: all), whatever the registry claims to have
    /// filtered.
    fn referrers<'a>(
        &'a self,
        repository: &'a Repository,
        subject: &'a Digest,
        artifact_types: &'a [String],
        reach: Reach,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Referrers, FetchError>>;

    /// Lists what refers to `subject` by the referrers tag schema alone. Entries without artifact type
    /// are kept: their manifests say.
    fn referrers_by_tag<'a>(
        &'a self,
        repository: &'a Repository,
        subject: &'a Digest,
        artifact_types: &'a [String],
        reach: Reach,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Referrers, FetchError>>;

    /// Names the identity under which `repository` is read, so that what one credential may see is never
    /// served from a cache to another. Never the credential itself.
    fn access_scope(&self, repository: &Repository) -> Arc<str>;
}

/// Who is asked for a list of referrers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The first that lists something: mirrors in their order, and last the registry itself.
    Nearest,
    /// The registry itself, because a mirror lists no more than it happens to hold.
    Upstream,
}

/// A list of referrers.
#[derive(Clone, Debug, Default)]
pub struct Referrers {
    /// The entries, in the registry's order, without duplicates.
    pub entries: Vec<Descriptor>,
    /// False where the registry has no Referrers API (404, or no image index): ask the tag schema.
    pub supported: bool,
    /// True where pages or entries beyond the limits were left unread.
    pub truncated: bool,
    /// True where a mirror gave the list: the registry itself may list others.
    pub by_mirror: bool,
}

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The registry answered, and says that it is not there.
    #[error("{what} is not there ({detail})")]
    NotFound {
        /// What was asked for.
        what: String,
        /// The registry's own words, shortened.
        detail: String,
    },
    /// The registry, or its token service, refuses.
    #[error("{what} is not allowed ({detail})")]
    Denied {
        /// What was asked for.
        what: String,
        /// The registry's own words, or which rule of ours kept a credential back.
        detail: String,
    },
    /// It could not be found out: connection, TLS, 429, 5xx.
    #[error("{what} could not be read ({detail})")]
    Unavailable {
        /// What was asked for.
        what: String,
        /// What went wrong.
        detail: String,
    },
    /// The deadline passed.
    #[error("{what} was not answered within the deadline")]
    Deadline {
        /// What was asked for.
        what: String,
    },
    /// The answer breaks the protocol: another digest, too many bytes, a media type that does not fit.
    #[error("{what} was answered wrongly ({detail})")]
    Invalid {
        /// What was asked for.
        what: String,
        /// What is wrong.
        detail: String,
    },
}

/// What travels with every read of one decision.
#[derive(Clone, Debug)]
pub struct FetchContext {
    /// When the read gives up. `tokio`'s clock, so that tests can stop it.
    pub deadline: Instant,
    /// What was asked of the network so far.
    pub trace: Arc<FetchTrace>,
}

impl FetchContext {
    /// A context that ends after `budget`.
    pub fn within(budget: Duration) -> Self {
        Self { deadline: Instant::now() + budget, trace: Arc::default() }
    }
}

/// What one decision asked of the network: counted for metrics and tests, listed for `hallmark verify`.
#[derive(Debug, Default)]
pub struct FetchTrace {
    requests: AtomicU64,
    records: Mutex<Vec<RequestRecord>>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// Method and URL, without anything secret.
    pub what: String,
    /// The status, or why there is none.
    pub result: String,
    /// Bytes of the body that were read.
    pub bytes: u64,
    /// When it started, for counting round trips.
    pub started: Instant,
    /// How long it took.
    pub took: Duration,
}

impl FetchTrace {
    /// More requests of one decision than this are counted and not listed.
    const MAX_RECORDS: usize = 512;

    /// Records one request.
    pub fn record(&self, record: RequestRecord) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut records) = self.records.lock()
            && records.len() < Self::MAX_RECORDS
        {
            records.push(record);
        }
    }

    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The requests, in order of completion.
    pub fn records(&self) -> Vec<RequestRecord> {
        self.records.lock().map(|records| records.clone()).unwrap_or_default()
    }
}
