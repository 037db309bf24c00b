//! Asking responders and list servers. Plain HTTP only: what comes back is signed, and a TLS server's own
//! certificate would need the very check that is being made. An `https` address is answered as unreachable.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, StatusCode};
use url::Url;

use crate::transport::{BodyError, GuardedClient, read_bounded};
use crate::x509::crl::MAX_CRL_BYTES;
use crate::x509::ocsp::MAX_RESPONSE_BYTES;

/// One thing to ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// An OCSP responder.
    Ocsp {
        /// Its address, as the certificate writes it.
        url: String,
        /// The DER of the request.
        request: Bytes,
    },
    /// A revocation list.
    Crl {
        /// Its address, as the certificate or list writes it.
        url: String,
    },
}

impl Query {
    /// The address.
    pub fn url(&self) -> &str {
        match self {
            Self::Ocsp { url, .. } | Self::Crl { url } => url,
        }
    }

    /// Most bytes of an answer that are read.
    pub fn limit(&self) -> usize {
        match self {
            Self::Ocsp { .. } => MAX_RESPONSE_BYTES,
            Self::Crl { .. } => MAX_CRL_BYTES,
        }
    }

    /// How long an answer may take, body included.
    pub fn patience(&self) -> Duration {
        match self {
            Self::Ocsp { .. } => Duration::from_secs(2),
            Self::Crl { .. } => Duration::from_secs(5),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    /// The address is no `http` URL, or names a host that must not be asked.
    #[error("the address is not asked: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// No connection, or it broke.
    #[error("not reachable: {reason}")]
    Unreachable {
        /// Why.
        reason: String,
    },
    /// Another HTTP status than 200; redirects are not followed.
    #[error("HTTP status {status}")]
    Status {
        /// Which.
        status: u16,
    },
    /// More bytes than are read.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// How many are read.
        limit: usize,
    },
    /// It took too long.
    #[error("no answer in {} ms", .patience.as_millis())]
    Timeout {
        /// How long was waited.
        patience: Duration,
    },
}

/// Asks the network. Implementations answer within [`Query::patience`] and with at most [`Query::limit`] bytes.
pub trait RevocationFetcher: Send + Sync + fmt::Debug {
    /// Asks once.
    fn fetch<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Bytes, FetchFailure>>;
}

/// Asks over HTTP, through a client that follows no redirects and refuses addresses after name resolution. A
/// certificate names the hosts, so its client is built with [`AddressPolicy::PUBLIC`] unless the operator
/// configured that responders have private addresses.
///
/// [`AddressPolicy::PUBLIC`]: crate::transport::AddressPolicy::PUBLIC
#[derive(Clone, Debug)]
pub struct HttpFetcher {
    client: GuardedClient,
}

impl HttpFetcher {
    /// A fetcher that asks through `client`.
    pub fn new(client: GuardedClient) -> Self {
        Self { client }
    }

    fn request(&self, query: &Query) -> Result<RequestBuilder, FetchFailure> {
        let url = http_url(query.url())?;
        match query {
            Query::Crl { .. } => self.build(Method::GET, url),
            Query::Ocsp { request, .. } => self.ask_responder(url, request),
        }
    }

    /// A short request travels in the path, where HTTP caches understand it (RFC 6960 appendix A).
    fn ask_responder(&self, url: Url, request: &Bytes) -> Result<RequestBuilder, FetchFailure> {
        match url_with(&url, request) {
            Some(url) => self.build(Method::GET, url),
            None => {
                let post = self.build(Method::POST, url)?;
                Ok(post.header(CONTENT_TYPE, "application/ocsp-request").body(request.clone()))
            }
        }
    }

    fn build(&self, method: Method, url: Url) -> Result<RequestBuilder, FetchFailure> {
        self.client
            .request(method, url)
            .map_err(|refused| FetchFailure::Refused { reason: refused.to_string() })
    }

    async fn ask(&self, query: &Query) -> Result<Bytes, FetchFailure> {
        let response = self.request(query)?.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(FetchFailure::Status { status: response.status().as_u16() });
        }
        let limit = query.limit();
        read_bounded(response, limit as u64).await.map_err(|error| match error {
            BodyError::TooLong { .. } => FetchFailure::TooLarge { limit },
            error => FetchFailure::Unreachable { reason: error.to_string() },
        })
    }
}

impl RevocationFetcher for HttpFetcher {
    fn fetch<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Bytes, FetchFailure>> {
        Box::pin(async move {
            let patience = query.patience();
            tokio::time::timeout(patience, self.ask(query))
                .await
                .unwrap_or(Err(FetchFailure::Timeout { patience }))
        })
    }
}

fn http_url(url: &str) -> Result<Url, FetchFailure> {
    let refused = |reason: &str| FetchFailure::Refused { reason: reason.to_owned() };
    let url = Url::parse(url).map_err(|_| refused("it is no URL"))?;
    if url.scheme() == "http" { Ok(url) } else { Err(refused("only http is supported")) }
}

/// `url` with `request` as its last segment; `None` where that does not fit.
fn url_with(url: &Url, request: &[u8]) -> Option<Url> {
    const TOO_LONG: usize = 255;
    let encoded = STANDARD.encode(request);
    if encoded.len() >= TOO_LONG || url.query().is_some() {
        return None;
    }
    let escaped = encoded.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    Url::parse(&format!("{}/{escaped}", url.as_str().trim_end_matches('/'))).ok()
}

fn unreachable(error: reqwest::Error) -> FetchFailure {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map_or(String::new(), |cause| format!(": {cause}"));
    FetchFailure::Unreachable { reason: format!("{error}{cause}") }
}
