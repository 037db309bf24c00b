//! One read of one endpoint: authorisation, redirects, retries.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Method;
use url::Url;

use super::answer::{Answer, failure, is_transient};
use super::authorize::{Authorization, Authorizer};
use super::document::invalid;
use super::endpoint::Endpoint;
use super::exchange::{Exchange, ExchangeError, exchange};
use super::realm::is_named;
use super::retry::Retries;
use super::{FetchContext, FetchError, HttpRegistry};
use crate::reference::RegistryHost;
use crate::secret::loggable;
use crate::transport::{AddressPolicy, ClientSettings, GuardedClient, TrustedRoots};

/// What is asked for.
pub(super) struct Ask {
    /// In words, for errors.
    pub(super) what: String,
    /// GET or HEAD: nothing else is sent, and nothing else would be redirected.
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) accept: &'static str,
    /// The largest body that is read.
    pub(super) limit: u64,
}

impl HttpRegistry {
    /// The answer, where its status is 200.
    pub(super) async fn fetch(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        context: &FetchContext,
    ) -> Result<Answer, FetchError> {
        let answer = self.fetch_any(endpoint, ask, context).await?;
        if answer.status.as_u16() == 200 { Ok(answer) } else { Err(failure(&answer, &ask.what)) }
    }

    /// The answer, whatever it says, but for what asks to be authorised or to be asked again.
    pub(super) async fn fetch_any(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        context: &FetchContext,
    ) -> Result<Answer, FetchError> {
        let host = self.resources.host(&endpoint.base);
        let mut authorizer = Authorizer::new(self, endpoint, host, &ask.what, context);
        let mut retries = Retries::new(self.settings.limits.attempts, context.deadline);
        loop {
            let authorization = authorizer.authorization().await?;
            let (why, pause) = match self.follow(endpoint, ask, authorization.as_ref(), context).await {
                Ok(answer) if is_transient(answer.status) => {
                    (failure(&answer, &ask.what), answer.retry_after(Timestamp::now()))
                }
                Ok(answer) if !matches!(answer.status.as_u16(), 401 | 403) => return Ok(answer),
                Ok(answer) if authorizer.should_try_again(&answer) => continue,
                Ok(answer) => return Err(authorizer.refusal(&answer)),
                Err(ExchangeError::Transient(error)) => (error, None),
                Err(ExchangeError::Final(error)) => return Err(error),
            };
            retries.pause(why, pause).await?;
        }
    }

    /// Sends the request and follows redirects, the authorisation staying behind at another origin.
    async fn follow(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        authorization: Option<&Authorization>,
        context: &FetchContext,
    ) -> Result<Answer, ExchangeError> {
        let mut url = ask.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let client = self.client_for(&url, endpoint, &ask.what).map_err(ExchangeError::Final)?;
            let request = Exchange {
                client: &client,
                method: ask.method.clone(),
                authorization: authorization.and_then(|known| known.header_for(endpoint, &url)),
                accept: ask.accept,
                form: None,
                limit: ask.limit,
                url: url.clone(),
            };
            let host = if endpoint.is_origin_of(&url) {
                self.resources.host(&endpoint.base)
            } else {
                self.resources.host(&url.origin().ascii_serialization())
            };
            let answer = exchange(request, &host, &ask.what, context).await?;
            if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            url = redirect(endpoint, &answer).map_err(|why| ExchangeError::Final(invalid(&ask.what, why)))?;
        }
        let why = format!("more than {MAX_REDIRECTS} redirects");
        Err(ExchangeError::Final(invalid(&ask.what, why)))
    }

    /// The client for a URL. The registry's own host has its own settings. Another host, which only the
    /// registry names, has the settings an operator gave for it, else the registry's roots; it never sees
    /// the registry's client certificate, and may not be loopback unless the registry is or an operator named it.
    pub(super) fn client_for(
        &self,
        url: &Url,
        endpoint: &Endpoint,
        what: &str,
    ) -> Result<GuardedClient, FetchError> {
        let own = endpoint.is_host_of(url);
        if let Some(client) = endpoint.client.get().filter(|_| own) {
            return Ok(client.clone());
        }
        let other = if own { None } else { self.named_host(url) };
        let trusted = own || other.is_some() || endpoint.host.is_loopback() || is_named(endpoint, url);
        let host_settings = other.unwrap_or_else(|| Arc::clone(&endpoint.settings));
        let certificate = if own || !Arc::ptr_eq(&host_settings, &endpoint.settings) {
            host_settings.certificate.clone()
        } else {
            None
        };
        let settings = ClientSettings {
            certificate,
            addresses: if trusted { AddressPolicy::NAMED } else { AddressPolicy::REFERRED },
            ..self.client_settings(host_settings.roots.clone())
        };
        let client = self.resources.client(&settings).map_err(|error| FetchError::Unavailable {
            what: what.to_owned(),
            detail: format!("settings for {}: {error}", url.host_str().unwrap_or_default()),
        })?;
        Ok(if own { endpoint.client.get_or_init(|| client).clone() } else { client })
    }

    /// The client for a registry that an operator named, with nothing that differs from the process's settings
    /// but its roots.
    fn client_settings(&self, roots: Option<TrustedRoots>) -> ClientSettings {
        ClientSettings {
            roots: roots.unwrap_or_else(|| self.settings.default_roots.clone()),
            proxy: self.settings.proxy.clone(),
            connect_timeout: self.settings.limits.connect_timeout,
            ..ClientSettings::default()
        }
    }

    /// Builds the client of all hosts without settings of their own, so that the first image does not wait for
    /// it: the system's roots may be hundreds of files. Blocks; what is wrong is said when somebody asks.
    pub fn prepare(&self) {
        let _ = self.resources.client(&self.client_settings(None));
    }

    /// The settings that an operator gave for the URL's host.
    fn named_host(&self, url: &Url) -> Option<Arc<super::HostSettings>> {
        let name = url.host_str()?;
        let text = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        self.settings.hosts.get(&RegistryHost::parse(&text)?).cloned()
    }
}

/// Where a redirect leads: HTTPS anywhere, plain HTTP only on the host of a registry that is itself asked
/// over plain HTTP.
fn redirect(endpoint: &Endpoint, answer: &Answer) -> Result<Url, String> {
    let location = answer.header("location").ok_or("a redirect without a location")?;
    let url = answer.url.join(location).map_err(|_| "a redirect to what is no URL".to_owned())?;
    let shown = loggable(&url);
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("the redirect to {shown} holds user information"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if endpoint.plain_http && endpoint.is_host_of(&url) => Ok(url),
        _ => Err(format!("the redirect to {shown} is not https")),
    }
}

const MAX_REDIRECTS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::auth::Anonymous;
    use crate::registry::http::{RegistryResources, RegistrySettings};

    #[tokio::test]
    async fn the_first_image_finds_its_client_prepared() {
        let resources = Arc::<RegistryResources>::default();
        let registry =
            HttpRegistry::new(RegistrySettings::default(), Arc::new(Anonymous), Arc::clone(&resources));
        registry.prepare();
        assert_eq!(resources.clients_held(), 1);
        let repository = "registry.example/app:1".parse::<crate::reference::Reference>().expect("reference");
        let endpoints = registry.endpoints(repository.repository());
        let url = Url::parse("https://registry.example/v2/").expect("URL");
        registry.client_for(&url, &endpoints[0], "a test").expect("client");
        assert_eq!(resources.clients_held(), 1);
    }
}
