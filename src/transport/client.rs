//! Building a client.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Identity, Method, NoProxy, Proxy, RequestBuilder, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::addresses::{AddressPolicy, GuardedResolver, RefusedAddress};
use super::install_crypto_provider;

/// How a client is built. Equal settings may share one client and its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// Which server certificates are believed.
    pub roots: TrustedRoots,
    /// What the client shows where a server asks for a certificate.
    pub certificate: Option<ClientCertificate>,
    /// Whether and which proxy is used.
    pub proxy: ProxySettings,
    /// Which addresses may be connected to.
    pub addresses: AddressPolicy,
    /// How long resolving, connecting and the TLS handshake may take together.
    pub connect_timeout: Duration,
    /// How many idle connections are kept for each host.
    pub idle_connections: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            roots: TrustedRoots::default(),
            certificate: None,
            proxy: ProxySettings::default(),
            addresses: AddressPolicy::NAMED,
            connect_timeout: Duration::from_secs(2),
            idle_connections: 32,
            idle_timeout: Duration::from_secs(50),
        }
    }
}

/// Which server certificates are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustedRoots {
    /// The system's roots.
    #[default]
    System,
    /// The system's roots and those of a PEM bundle.
    SystemAnd(Arc<str>),
    /// Those of a PEM bundle alone.
    Only(Arc<str>),
}

/// A client certificate and its private key.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// Certificate chain, leaf first, and private key, in PEM.
    pub pem: SecretString,
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.pem.expose_secret() == other.pem.expose_secret()
    }
}

impl Eq for ClientCertificate {}

/// Whether and which proxy is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxySettings {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment.
    #[default]
    Environment,
    /// No proxy, whatever the environment says.
    Direct,
    /// One proxy for everything but the hosts named.
    Explicit {
        /// The proxy, with user and password where it wants them; [`std::fmt::Debug`] hides them.
        url: ProxyUrl,
        /// Comma-separated hosts, domains and CIDR blocks that are asked directly, as in `NO_PROXY`.
        bypass: String,
    },
}

/// A proxy's URL, which may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(pub Url);

impl std::fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::secret::loggable(&self.0))
    }
}

/// Why a client could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The CA bundle is no PEM, or holds no certificate.
    #[error("the CA bundle cannot be read: {0}")]
    Roots(String),
    /// The client certificate or its key cannot be used.
    #[error("the client certificate cannot be used: {0}")]
    Certificate(String),
    /// The proxy cannot be used.
    #[error("the proxy cannot be used: {0}")]
    Proxy(String),
    /// Anything else, such as a system without any root certificate.
    #[error("no HTTP client could be built: {0}")]
    Other(String),
}

/// A client that refuses addresses by its [`AddressPolicy`], whether a name resolves to them or a URL
/// holds them.
#[derive(Clone, Debug)]
pub struct GuardedClient {
    client: reqwest::Client,
    addresses: AddressPolicy,
}

impl GuardedClient {
    /// Builds a client, installing the TLS provider first.
    ///
    /// # Errors
    /// [`ClientError`] says which setting is wrong.
    pub fn build(settings: &ClientSettings) -> Result<Self, ClientError> {
        install_crypto_provider();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("hallmark/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .dns_resolver(GuardedResolver(settings.addresses))
            .connect_timeout(settings.connect_timeout)
            .pool_max_idle_per_host(settings.idle_connections)
            .pool_idle_timeout(settings.idle_timeout)
            .tcp_nodelay(true);
        builder = match &settings.roots {
            TrustedRoots::System => builder,
            TrustedRoots::SystemAnd(pem) => builder.tls_certs_merge(certificates(pem)?),
            TrustedRoots::Only(pem) => builder.tls_certs_only(certificates(pem)?),
        };
        if let Some(certificate) = &settings.certificate {
            builder = builder.identity(identity(certificate)?);
        }
        builder = match &settings.proxy {
            ProxySettings::Environment => builder,
            ProxySettings::Direct => builder.no_proxy(),
            ProxySettings::Explicit { url, bypass } => builder.proxy(proxy(url, bypass)?),
        };
        let client = builder.build().map_err(|error| ClientError::Other(words(&error)))?;
        Ok(Self { client, addresses: settings.addresses })
    }

    /// Starts a request.
    ///
    /// # Errors
    /// [`RefusedAddress`] where the URL itself names an address or a metadata service that is refused.
    pub fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, RefusedAddress> {
        self.addresses.check_url(&url)?;
        Ok(self.client.request(method, url))
    }

    #[cfg(test)]
    pub(super) fn client_for_test(&self) -> &reqwest::Client {
        &self.client
    }
}

fn certificates(pem: &str) -> Result<Vec<Certificate>, ClientError> {
    let found =
        Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| ClientError::Roots(words(&error)))?;
    if found.is_empty() {
        return Err(ClientError::Roots("it holds no certificate".to_owned()));
    }
    Ok(found)
}

fn identity(certificate: &ClientCertificate) -> Result<Identity, ClientError> {
    Identity::from_pem(certificate.pem.expose_secret().as_bytes())
        .map_err(|error| ClientError::Certificate(words(&error)))
}

fn proxy(url: &ProxyUrl, bypass: &str) -> Result<Proxy, ClientError> {
    let proxy = Proxy::all(url.0.clone()).map_err(|error| ClientError::Proxy(words(&error)))?;
    Ok(proxy.no_proxy(NoProxy::from_string(bypass)))
}

/// The refusal behind a failed request, where its host resolved to an address that is refused.
pub fn refusal(error: &reqwest::Error) -> Option<RefusedAddress> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<RefusedAddress>() {
            return Some(refusal.clone());
        }
        cause = error.source();
    }
    None
}

/// True where TLS was offered and the answer was no TLS at all: most likely the host speaks plain HTTP.
pub fn answered_without_tls(error: &reqwest::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| is_no_tls(cause, 0))
}

fn is_no_tls(error: &(dyn std::error::Error + 'static), depth: usize) -> bool {
    const MAX_DEPTH: usize = 16;
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return matches!(error, rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType));
    }
    // An I/O error names the cause of its inner error, never the inner error itself.
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    depth < MAX_DEPTH
        && (inner.is_some_and(|inner| is_no_tls(inner, depth + 1))
            || error.source().is_some_and(|cause| is_no_tls(cause, depth + 1)))
}

/// What went wrong, outermost cause first, without the URL: its query may be secret.
pub fn words(error: &reqwest::Error) -> String {
    let mut said = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if said.last() != Some(&text) {
            said.push(text);
        }
        cause = error.source();
    }
    if said.is_empty() {
        return if error.is_timeout() { "timed out".to_owned() } else { "the request failed".to_owned() };
    }
    said.join(": ")
}
