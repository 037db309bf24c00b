//! Reading an OCI Distribution v1.1 registry over HTTP.
//!
//! One read goes: endpoints (mirrors in order, upstream last) → authorisation (what is known of the host's
//! challenge) → exchange (permit, guarded client, bounded body) → redirects → challenge, once → retries →
//! status → content checks. Every byte that leaves here as [`Content`] was hashed here.
//!
//! What is shared between configurations (connections, tokens, budgets) is in [`RegistryResources`].

mod answer;
mod authorize;
pub mod challenge;
mod document;
mod endpoint;
mod exchange;
pub mod link;
mod realm;
mod referrers;
mod resources;
mod retry;
mod send;
mod settings;
mod token;

pub use resources::RegistryResources;
pub use settings::{HostSettings, MirrorSettings, RegistryLimits, RegistrySettings};

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use moka::sync::Cache;
use reqwest::Method;
use tokio::time::Instant;

use super::auth::{Action, CredentialRequest, Keychain};
use super::{ArtifactStore, FetchContext, FetchError, Reach, Referrers};
use crate::oci::{Content, Descriptor};
use crate::reference::{Digest, Repository, Tag};
use answer::Answer;
use endpoint::{Endpoint, endpoints};
use referrers::Wanted;
use send::Ask;

/// The largest manifest or index that is read (OCI Distribution v1.1, "Pushing Manifests").
pub const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// Repositories of which it is kept where they are read.
const MAX_REPOSITORIES: u64 = 4096;

/// Reads registries under one configuration. Making one is cheap.
pub struct HttpRegistry {
    settings: RegistrySettings,
    keychain: Arc<dyn Keychain>,
    resources: Arc<RegistryResources>,
    endpoints: Cache<Repository, Arc<[Endpoint]>>,
}

impl fmt::Debug for HttpRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRegistry").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl HttpRegistry {
    /// Joins settings, credentials, and what outlives them.
    pub fn new(
        settings: RegistrySettings,
        keychain: Arc<dyn Keychain>,
        resources: Arc<RegistryResources>,
    ) -> Self {
        Self { settings, keychain, resources, endpoints: Cache::new(MAX_REPOSITORIES) }
    }

    fn endpoints(&self, repository: &Repository) -> Arc<[Endpoint]> {
        if let Some(known) = self.endpoints.get(repository) {
            return known;
        }
        let found: Arc<[Endpoint]> = endpoints(&self.settings, repository).into();
        self.endpoints.insert(repository.clone(), Arc::clone(&found));
        found
    }

    /// Asks one endpoint after another until one gives content that passes `check`.
    async fn read(
        &self,
        repository: &Repository,
        context: &FetchContext,
        kind: Lookup,
        ask: impl Fn(&Endpoint) -> Result<Ask, FetchError> + Send,
        check: impl Fn(Answer) -> Result<Content, FetchError> + Send,
    ) -> Result<Content, FetchError> {
        let mut last = None;
        for endpoint in self.endpoints(repository).iter() {
            if kind == Lookup::Tag && !endpoint.resolves_tags {
                continue;
            }
            let context = share_of(context, endpoint);
            let answer = match ask(endpoint) {
                Ok(ask) => self.fetch(endpoint, &ask, &context).await,
                Err(error) => Err(error),
            };
            match answer.and_then(&check) {
                Ok(content) => return Ok(content),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| no_endpoint(repository)))
    }

    async fn read_manifest(
        &self,
        repository: &Repository,
        reference: &str,
        digest: Option<&Digest>,
        context: &FetchContext,
    ) -> Result<Content, FetchError> {
        let what = match digest {
            Some(digest) => format!("manifest {repository}@{digest}"),
            None => format!("tag {repository}:{reference}"),
        };
        let kind = if digest.is_some() { Lookup::Digest } else { Lookup::Tag };
        let ask = |endpoint: &Endpoint| {
            let url = endpoint.url("manifests", reference)?;
            Ok(Ask {
                what: what.clone(),
                method: Method::GET,
                url,
                accept: document::MANIFEST_TYPES,
                limit: MAX_MANIFEST_BYTES,
            })
        };
        self.read(repository, context, kind, ask, |answer| document::manifest(answer, &what, digest)).await
    }

    async fn head(
        &self,
        repository: &Repository,
        tag: &Tag,
        context: &FetchContext,
    ) -> Result<Option<Digest>, FetchError> {
        let mut last = None;
        for endpoint in self.endpoints(repository).iter().filter(|one| one.resolves_tags) {
            let ask = Ask {
                what: format!("tag {repository}:{tag}"),
                method: Method::HEAD,
                url: endpoint.url("manifests", tag.as_str())?,
                accept: document::MANIFEST_TYPES,
                limit: 0,
            };
            match self.fetch(endpoint, &ask, &share_of(context, endpoint)).await {
                Ok(answer) => return Ok(answer.header("docker-content-digest").and_then(|d| d.parse().ok())),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| no_endpoint(repository)))
    }

    async fn read_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        limit: u64,
        context: &FetchContext,
    ) -> Result<Content, FetchError> {
        let what = format!("blob {repository}@{}", descriptor.digest);
        document::declared_size(descriptor, limit, &what)?;
        let reference = descriptor.digest.to_string();
        let ask = |endpoint: &Endpoint| {
            let url = endpoint.url("blobs", &reference)?;
            Ok(Ask { what: what.clone(), method: Method::GET, url, accept: "*/*", limit: descriptor.size })
        };
        let check = |answer| document::blob(answer, &what, descriptor);
        self.read(repository, context, Lookup::Digest, ask, check).await
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lookup {
    Digest,
    Tag,
}

/// A mirror that does not answer may use half of the time that is left, so that upstream is still asked.
fn share_of(context: &FetchContext, endpoint: &Endpoint) -> FetchContext {
    let mut own = context.clone();
    if endpoint.is_mirror {
        let now = Instant::now();
        own.deadline = now + context.deadline.saturating_duration_since(now) / 2;
    }
    own
}

fn no_endpoint(repository: &Repository) -> FetchError {
    FetchError::Unavailable { what: repository.to_string(), detail: "no host answers for it".to_owned() }
}

impl ArtifactStore for HttpRegistry {
    fn manifest_by_tag<'a>(
        &'a self,
        repository: &'a Repository,
        tag: &'a Tag,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>> {
        Box::pin(self.read_manifest(repository, tag.as_str(), None, context))
    }

    fn head_tag<'a>(
        &'a self,
        repository: &'a Repository,
        tag: &'a Tag,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Option<Digest>, FetchError>> {
        Box::pin(self.head(repository, tag, context))
    }

    fn manifest<'a>(
        &'a self,
        repository: &'a Repository,
        digest: &'a Digest,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>> {
        Box::pin(
            async move { self.read_manifest(repository, &digest.to_string(), Some(digest), context).await },
        )
    }

    fn blob<'a>(
        &'a self,
        repository: &'a Repository,
        descriptor: &'a Descriptor,
        limit: u64,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>> {
        Box::pin(self.read_blob(repository, descriptor, limit, context))
    }

    fn referrers<'a>(
        &'a self,
        repository: &'a Repository,
        subject: &'a Digest,
        artifact_types: &'a [String],
        reach: Reach,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Referrers, FetchError>> {
        let wanted = Wanted { repository, subject, artifact_types, reach };
        Box::pin(self.list_referrers(wanted, context))
    }

    fn referrers_by_tag<'a>(
        &'a self,
        repository: &'a Repository,
        subject: &'a Digest,
        artifact_types: &'a [String],
        reach: Reach,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Referrers, FetchError>> {
        let wanted = Wanted { repository, subject, artifact_types, reach };
        Box::pin(self.list_referrers_by_tag(wanted, context))
    }

    fn access_scope(&self, repository: &Repository) -> Arc<str> {
        let scopes: Vec<_> = self
            .endpoints(repository)
            .iter()
            .map(|endpoint| self.keychain.scope(&endpoint.credential_request()))
            .collect();
        match scopes.as_slice() {
            [one] => Arc::clone(one),
            several => several.join(",").into(),
        }
    }
}

impl Endpoint {
    fn credential_request(&self) -> CredentialRequest {
        CredentialRequest {
            host: self.host.clone(),
            repository: Arc::clone(&self.repository),
            action: Action::Pull,
        }
    }
}
