//! One request and its answer: a place in the host's budget, the deadline, bounded bytes, a record.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::answer::Answer;
use super::document::invalid;
use super::resources::HostState;
use super::{FetchContext, FetchError};
use crate::registry::RequestRecord;
use crate::secret::loggable;
use crate::transport::{
    BodyError, GuardedClient, RefusedAddress, answered_without_tls, read_bounded, refusal, words,
};

/// One request, with everything that goes with it.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a GuardedClient,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) accept: &'a str,
    /// Only ever set by whoever has asked `may`.
    pub(super) authorization: Option<HeaderValue>,
    /// A form to post.
    pub(super) form: Option<String>,
    /// The largest body of a 200 that is read.
    pub(super) limit: u64,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// The same will happen again.
    Final(FetchError),
    /// It may be different a moment later.
    Transient(FetchError),
}

/// Sends one request and reads the whole answer, within the deadline.
pub(super) async fn exchange(
    request: Exchange<'_>,
    host: &HostState,
    what: &str,
    context: &FetchContext,
) -> Result<Answer, ExchangeError> {
    let late = || ExchangeError::Final(FetchError::Deadline { what: what.to_owned() });
    if host.is_silent() {
        return Err(ExchangeError::Final(FetchError::Unavailable {
            what: what.to_owned(),
            detail: "connections to the host timed out several times in a row".to_owned(),
        }));
    }
    let permit = timeout_at(context.deadline, host.permits.acquire()).await;
    let started = Instant::now();
    if permit.is_err() || started >= context.deadline {
        return Err(late());
    }
    let shown = format!("{} {}", request.method, loggable(&request.url));
    let result = match timeout_at(context.deadline, send(request, host, what)).await {
        Ok(result) => result,
        Err(_) => Err(late()),
    };
    let (result_words, bytes) = match &result {
        Ok(answer) => (answer.status.as_u16().to_string(), answer.body.len() as u64),
        Err(ExchangeError::Final(error) | ExchangeError::Transient(error)) => (error.to_string(), 0),
    };
    let took = started.elapsed();
    context.trace.record(RequestRecord { what: shown, result: result_words, bytes, started, took });
    result
}

async fn send(request: Exchange<'_>, host: &HostState, what: &str) -> Result<Answer, ExchangeError> {
    let (limit, url) = (request.limit, request.url.clone());
    let mut builder =
        request.client.request(request.method, request.url).map_err(|error| refused(what, &error))?;
    builder = builder.header(ACCEPT, request.accept);
    if let Some(authorization) = request.authorization {
        builder = builder.header(AUTHORIZATION, authorization);
    }
    if let Some(form) = request.form {
        builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
    }
    let response = match builder.send().await {
        Ok(response) => response,
        Err(error) => {
            if error.is_connect() && error.is_timeout() {
                host.note_connection(false);
            }
            return Err(broken(what, &error));
        }
    };
    host.note_connection(true);
    let (status, headers) = (response.status(), response.headers().clone());
    let limit = if status == StatusCode::OK { limit } else { MAX_ERROR_BYTES };
    let body = match read_bounded(response, limit).await {
        Ok(body) => body,
        // What an error says beyond the limit is not needed to know that it is one.
        Err(BodyError::TooLong { .. }) if status != StatusCode::OK => bytes::Bytes::new(),
        Err(error @ BodyError::TooLong { .. }) => {
            return Err(ExchangeError::Final(invalid(what, error.to_string())));
        }
        Err(error @ BodyError::Broken(_)) => return Err(transient(what, error.to_string())),
    };
    Ok(Answer { status, headers, body, url })
}

fn broken(what: &str, error: &reqwest::Error) -> ExchangeError {
    match refusal(error) {
        Some(refusal) => refused(what, &refusal),
        None if answered_without_tls(error) => ExchangeError::Final(FetchError::Unavailable {
            what: what.to_owned(),
            detail: "the host answers without TLS; to allow plain HTTP, set useHttp: true in a Store for loopback \
                     and cluster-local hosts, or name the host in the setting registry.plain_http_hosts"
                .to_owned(),
        }),
        None => transient(what, words(error)),
    }
}

fn refused(what: &str, refusal: &RefusedAddress) -> ExchangeError {
    ExchangeError::Final(FetchError::Denied { what: what.to_owned(), detail: refusal.to_string() })
}

fn transient(what: &str, detail: String) -> ExchangeError {
    ExchangeError::Transient(FetchError::Unavailable { what: what.to_owned(), detail })
}

const MAX_ERROR_BYTES: u64 = 64 * 1024;
