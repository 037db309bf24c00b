//! Which hosts are asked for a repository, and by which URLs.

use std::sync::Arc;

use url::Url;

use super::{FetchError, HostSettings, MirrorSettings, RegistrySettings};
use crate::reference::{RegistryHost, Repository};

/// One place where a repository may be read.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// The host that is asked, which credentials are looked up for.
    pub(super) host: RegistryHost,
    /// The repository's path on that host.
    pub(super) repository: Arc<str>,
    /// `scheme://authority`.
    pub(super) base: Arc<str>,
    /// The host's own settings.
    pub(super) settings: Arc<HostSettings>,
    /// The scheme is http, because the host may be asked so.
    pub(super) plain_http: bool,
    /// Another registry's content.
    pub(super) is_mirror: bool,
    /// Its word on a tag counts.
    pub(super) resolves_tags: bool,
}

/// The mirrors of the repository's registry in order, and last the registry itself.
pub(super) fn endpoints(settings: &RegistrySettings, repository: &Repository) -> Vec<Endpoint> {
    let host = repository.host();
    let own = settings.host(host);
    let mut found: Vec<_> =
        own.mirrors.iter().filter_map(|mirror| mirror_endpoint(settings, mirror, repository)).collect();
    let plain_http = settings.allows_plain_http(host);
    found.push(Endpoint {
        host: host.clone(),
        repository: repository.path().into(),
        base: base(host, plain_http),
        settings: own,
        plain_http,
        is_mirror: false,
        resolves_tags: true,
    });
    found
}

fn mirror_endpoint(
    settings: &RegistrySettings,
    mirror: &MirrorSettings,
    repository: &Repository,
) -> Option<Endpoint> {
    let name = mirror.url.host_str()?;
    let text = mirror.url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
    let host = RegistryHost::parse(&text)?;
    let plain_http = mirror.url.scheme() == "http";
    if plain_http && !settings.allows_plain_http(&host) {
        tracing::warn!(mirror = %host, "mirror left out: plain HTTP is not allowed for its host");
        return None;
    }
    let prefix = mirror.url.path().trim_matches('/');
    let path = match prefix {
        "" => repository.path().to_owned(),
        prefix => format!("{prefix}/{}", repository.path()),
    };
    Some(Endpoint {
        base: base(&host, plain_http),
        settings: settings.host(&host),
        repository: path.into(),
        plain_http,
        is_mirror: true,
        resolves_tags: mirror.resolves_tags,
        host,
    })
}

fn base(host: &RegistryHost, plain_http: bool) -> Arc<str> {
    let scheme = if plain_http { "http" } else { "https" };
    format!("{scheme}://{}", host.authority()).into()
}

impl Endpoint {
    /// The URL of something in the repository.
    pub(super) fn url(&self, collection: &str, reference: &str) -> Result<Url, FetchError> {
        let text = format!("{}/v2/{}/{collection}/{reference}", self.base, self.repository);
        Url::parse(&text).map_err(|error| FetchError::Invalid {
            what: text.clone(),
            detail: format!("this is no URL ({error})"),
        })
    }

    /// True where the URL is of this very registry: scheme, host and port.
    pub(super) fn is_origin_of(&self, url: &Url) -> bool {
        Url::parse(&self.base).is_ok_and(|base| base.origin() == url.origin())
    }

    /// True where the URL's host is this registry's, on whatever port.
    pub(super) fn is_host_of(&self, url: &Url) -> bool {
        Url::parse(&self.base).is_ok_and(|base| base.host() == url.host())
    }
}
