//! Which hosts are asked for a repository, and by which URLs.

use std::sync::{Arc, OnceLock};

use url::{ParseError, Url};

use super::{FetchError, HostSettings, MirrorSettings, RegistrySettings};
use crate::reference::{RegistryHost, Repository};
use crate::transport::GuardedClient;

/// One place where a repository may be read.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// The host that is asked, which credentials are looked up for.
    pub(super) host: RegistryHost,
    /// The repository's path on that host.
    pub(super) repository: Arc<str>,
    /// `scheme://authority`.
    pub(super) base: Arc<str>,
    base_url: Result<Url, ParseError>,
    /// The client for the host itself, once it is there.
    pub(super) client: OnceLock<GuardedClient>,
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
    let base = base(host, plain_http);
    found.push(Endpoint {
        host: host.clone(),
        repository: repository.path().into(),
        base_url: Url::parse(&base),
        base,
        client: OnceLock::new(),
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
    let base = base(&host, plain_http);
    Some(Endpoint {
        base_url: Url::parse(&base),
        base,
        client: OnceLock::new(),
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
        let path = format!("/v2/{}/{collection}/{reference}", self.repository);
        let mut url = self.base_url.clone().map_err(|error| FetchError::Invalid {
            what: format!("{}{path}", self.base),
            detail: format!("this is no URL ({error})"),
        })?;
        url.set_path(&path);
        Ok(url)
    }

    /// True where the URL is of this very registry: scheme, host and port.
    pub(super) fn is_origin_of(&self, url: &Url) -> bool {
        self.base_url.as_ref().is_ok_and(|base| {
            base.scheme() == url.scheme()
                && base.host() == url.host()
                && base.port_or_known_default() == url.port_or_known_default()
        })
    }

    /// True where the URL's host is this registry's, on whatever port.
    pub(super) fn is_host_of(&self, url: &Url) -> bool {
        self.base_url.as_ref().is_ok_and(|base| base.host() == url.host())
    }
}
