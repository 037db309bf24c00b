//! From a challenge to a header: which credential, which token, and when to try another.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{HeaderValue, WWW_AUTHENTICATE};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::answer::{Answer, printable};
use super::challenge::{BearerChallenge, Challenge, choose};
use super::endpoint::Endpoint;
use super::exchange::{Exchange, ExchangeError, exchange};
use super::resources::HostState;
use super::retry::Retries;
use super::token::{Token, TokenError, TokenKey};
use super::{FetchContext, FetchError, HttpRegistry, answer, realm};
use crate::registry::auth::{BoundCredential, Credential, may};
use crate::secret::{ExposeSecret, loggable};
use crate::transport::GuardedClient;

/// A header that opens a registry, and whose credential made it.
#[derive(Clone, Debug)]
pub(super) struct Authorization {
    header: HeaderValue,
    credential: Option<Arc<BoundCredential>>,
}

impl Authorization {
    /// The header, where it may be sent to this URL: to the registry that it was made for, and no other
    /// origin, and only where the credential is bound to it.
    pub(super) fn header_for(&self, endpoint: &Endpoint, url: &Url) -> Option<HeaderValue> {
        let bound = self.credential.as_ref().is_none_or(|credential| may(credential, url));
        (bound && endpoint.is_origin_of(url)).then(|| self.header.clone())
    }
}

/// The authentication of one read: what was tried, what is left.
pub(super) struct Authorizer<'a> {
    registry: &'a HttpRegistry,
    endpoint: &'a Endpoint,
    host: Arc<HostState>,
    what: &'a str,
    context: &'a FetchContext,
    candidates: Option<Vec<Arc<BoundCredential>>>,
    current: usize,
    sent: Sent,
    renewed: bool,
    notes: Vec<String>,
}

/// What went with the last request.
enum Sent {
    Nothing,
    /// A token from the cache, which the registry may have stopped taking.
    Cached(TokenKey, Token),
    /// Everything else: sending it again is of no use.
    Current,
}

impl<'a> Authorizer<'a> {
    pub(super) fn new(
        registry: &'a HttpRegistry,
        endpoint: &'a Endpoint,
        host: Arc<HostState>,
        what: &'a str,
        context: &'a FetchContext,
    ) -> Self {
        Self {
            registry,
            endpoint,
            host,
            what,
            context,
            candidates: None,
            current: 0,
            sent: Sent::Nothing,
            renewed: false,
            notes: Vec::new(),
        }
    }

    /// What to send with the next request: nothing to a host that has never asked for anything.
    pub(super) async fn authorization(&mut self) -> Result<Option<Authorization>, FetchError> {
        let Some(challenge) = self.host.challenge() else {
            self.sent = Sent::Nothing;
            return Ok(None);
        };
        loop {
            match self.answer_with_current(&challenge).await {
                Err(FetchError::Denied { .. }) if self.next_candidate() => {}
                other => return other.map(Some),
            }
        }
    }

    /// Learns from a 401 or 403. True where the request should be sent again, which is at most once for
    /// each credential and once for a token that has grown old.
    pub(super) fn should_try_again(&mut self, answer: &Answer) -> bool {
        if answer.status.as_u16() == 403 {
            return !matches!(self.sent, Sent::Nothing) && self.next_candidate();
        }
        let values = answer.headers.get_all(WWW_AUTHENTICATE).iter();
        let Some(challenge) = choose(values.filter_map(|value| value.to_str().ok())) else {
            return false;
        };
        self.host.remember(challenge);
        match std::mem::replace(&mut self.sent, Sent::Current) {
            Sent::Nothing => true,
            Sent::Cached(key, token) if !self.renewed => {
                self.registry.resources.tokens.forget(&key, &token);
                self.renewed = true;
                true
            }
            Sent::Cached(..) | Sent::Current => self.next_candidate(),
        }
    }

    /// The final refusal: the registry's words, and why a credential was kept back.
    pub(super) fn refusal(self, answer: &Answer) -> FetchError {
        match answer::failure(answer, self.what) {
            FetchError::Denied { what, detail } => {
                let mut parts = vec![detail];
                parts.extend(self.notes);
                FetchError::Denied { what, detail: parts.join("; ") }
            }
            other => other,
        }
    }

    fn next_candidate(&mut self) -> bool {
        let known = self.candidates.as_ref().map_or(0, Vec::len);
        if self.current + 1 < known {
            self.current += 1;
            self.renewed = false;
            return true;
        }
        false
    }

    async fn answer_with_current(&mut self, challenge: &Challenge) -> Result<Authorization, FetchError> {
        let credential = self.credential().await?;
        match challenge {
            Challenge::Basic => self.basic(credential),
            Challenge::Bearer(challenge) => self.bearer(challenge, credential).await,
        }
    }

    /// The credential whose turn it is; `None` where none is configured.
    async fn credential(&mut self) -> Result<Option<Arc<BoundCredential>>, FetchError> {
        if self.candidates.is_none() {
            let request = self.endpoint.credential_request();
            let asked = timeout_at(self.context.deadline, self.registry.keychain.candidates(&request)).await;
            let found = asked
                .map_err(|_| FetchError::Deadline { what: self.what.to_owned() })?
                .map_err(|error| self.unavailable(format!("no credentials: {error}")))?;
            let now = Timestamp::now();
            let found = found.into_iter().filter(|one| one.expires.is_none_or(|expires| now < expires));
            self.candidates = Some(found.map(|one| Arc::new(self.bind(one))).collect());
        }
        Ok(self.candidates.as_ref().and_then(|candidates| candidates.get(self.current)).cloned())
    }

    /// Adds what only the configuration of the host knows.
    fn bind(&self, credential: BoundCredential) -> BoundCredential {
        let binding = credential
            .binding
            .with_realm_hosts(&self.endpoint.settings.allowed_realm_hosts)
            .with_plain_http(self.endpoint.plain_http);
        BoundCredential { binding, ..credential }
    }

    fn basic(&mut self, credential: Option<Arc<BoundCredential>>) -> Result<Authorization, FetchError> {
        self.sent = Sent::Current;
        let Some(credential) = credential else {
            return Err(self.denied("the registry wants a user and a password, and none is configured"));
        };
        let Some(header) = basic_header(&credential.credential) else {
            return Err(self.denied("the registry wants a user and a password, and a token is configured"));
        };
        Ok(Authorization { header, credential: Some(credential) })
    }

    async fn bearer(
        &mut self,
        challenge: &BearerChallenge,
        credential: Option<Arc<BoundCredential>>,
    ) -> Result<Authorization, FetchError> {
        if let Some(bound) = &credential
            && let Credential::Bearer(token) = &bound.credential
        {
            self.sent = Sent::Current;
            let header = sensitive(&format!("Bearer {}", token.expose_secret()))
                .ok_or_else(|| self.denied("the configured token does not fit into a header"))?;
            return Ok(Authorization { header, credential });
        }
        let url = realm::checked(&challenge.realm, self.endpoint).map_err(|why| self.denied(&why))?;
        let credential = self.unless_kept_back(credential, &url);
        let scope = self.scope(challenge);
        let key = TokenKey {
            registry: Arc::clone(&self.endpoint.base),
            scope: scope.clone(),
            credential: credential.as_ref().map(|credential| credential.fingerprint()).unwrap_or_default(),
        };
        let request = self.token_request(url, scope, challenge.service.clone(), credential.clone())?;
        let tokens = &self.registry.resources.tokens;
        let obtained = tokens
            .token(&key, self.context.deadline, || request.run())
            .await
            .map_err(|error| self.token_failure(error))?;
        let header = obtained.token.header.clone();
        self.sent = if obtained.fresh { Sent::Current } else { Sent::Cached(key, obtained.token) };
        Ok(Authorization { header, credential })
    }

    /// A token service that the credential is not bound to is asked anonymously, and people are told.
    fn unless_kept_back(
        &mut self,
        credential: Option<Arc<BoundCredential>>,
        realm: &Url,
    ) -> Option<Arc<BoundCredential>> {
        let credential = credential?;
        if may(&credential, realm) {
            return Some(credential);
        }
        let (registry, realm) = (&self.endpoint.host, loggable(realm));
        tracing::warn!(%registry, %realm, "credential kept back: the token realm is not among its hosts");
        let note = format!(
            "the credential for {registry} was kept back, because its token realm {realm} is not one of its hosts: \
             name the realm's host in allowed_realm_hosts of {registry} if it is right"
        );
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
        None
    }

    /// The scope to ask for: pulling this repository, and never another one's that a registry names. Some
    /// registries have scopes of another form, such as `aws`.
    fn scope(&self, challenge: &BearerChallenge) -> String {
        match &challenge.scope {
            Some(scope) if !scope.contains(':') => scope.clone(),
            _ => format!("repository:{}:pull", self.endpoint.repository),
        }
    }

    fn token_request(
        &self,
        url: Url,
        scope: String,
        service: Option<String>,
        credential: Option<Arc<BoundCredential>>,
    ) -> Result<TokenRequest, FetchError> {
        let client = self.registry.client_for(&url, self.endpoint, self.what)?;
        let limits = &self.registry.settings.limits;
        Ok(TokenRequest {
            host: self.registry.resources.host(&url.origin().ascii_serialization()),
            client,
            url,
            scope,
            service,
            credential,
            attempts: limits.attempts,
            context: FetchContext {
                deadline: Instant::now() + limits.token_timeout,
                trace: Arc::clone(&self.context.trace),
            },
        })
    }

    fn token_failure(&self, error: TokenError) -> FetchError {
        let what = self.what.to_owned();
        match error {
            TokenError::Denied(detail) => {
                let notes = self.notes.iter().map(|note| format!("; {note}")).collect::<String>();
                FetchError::Denied { what, detail: format!("{detail}{notes}") }
            }
            TokenError::Unavailable(detail) => FetchError::Unavailable { what, detail },
            TokenError::Invalid(detail) => FetchError::Invalid { what, detail },
            TokenError::Deadline => FetchError::Deadline { what },
        }
    }

    fn denied(&self, detail: &str) -> FetchError {
        FetchError::Denied { what: self.what.to_owned(), detail: detail.to_owned() }
    }

    fn unavailable(&self, detail: String) -> FetchError {
        FetchError::Unavailable { what: self.what.to_owned(), detail }
    }
}

/// A request for a token, which outlives whoever wanted it first.
struct TokenRequest {
    client: GuardedClient,
    host: Arc<HostState>,
    url: Url,
    scope: String,
    service: Option<String>,
    credential: Option<Arc<BoundCredential>>,
    attempts: u32,
    context: FetchContext,
}

impl TokenRequest {
    async fn run(self) -> Result<Token, TokenError> {
        let what = format!("token of {}", loggable(&self.url));
        let mut retries = Retries::new(self.attempts, self.context.deadline);
        loop {
            let (why, pause) = match exchange(self.exchange(), &self.host, &what, &self.context).await {
                Ok(answer) if answer.status.as_u16() == 200 => {
                    return Token::parse(&answer.body, Timestamp::now())
                        .map_err(|error| of(&self.url, error));
                }
                Ok(answer) if answer::is_transient(answer.status) => {
                    (answer::failure(&answer, &what), answer.retry_after(Timestamp::now()))
                }
                Ok(answer) => return Err(self.refused(&answer)),
                Err(ExchangeError::Transient(error)) => (error, None),
                Err(ExchangeError::Final(error)) => return Err(token_error(error)),
            };
            retries.pause(why, pause).await.map_err(token_error)?;
        }
    }

    /// `GET` with the scope in the query (Docker's token protocol), or for an identity token `POST` of an
    /// OAuth2 refresh-token grant (RFC 6749 §6).
    fn exchange(&self) -> Exchange<'_> {
        let mut parameters: Vec<(&str, &str)> = Vec::new();
        if let Some(service) = &self.service {
            parameters.push(("service", service));
        }
        parameters.push(("scope", &self.scope));
        let credential = self.credential.as_ref().map(|bound| &bound.credential);
        let mut url = self.url.clone();
        let mut form = None;
        if let Some(Credential::IdentityToken(token)) = credential {
            parameters.extend([
                ("grant_type", "refresh_token"),
                ("client_id", "hallmark"),
                ("refresh_token", token.expose_secret()),
            ]);
            let mut text = url::form_urlencoded::Serializer::new(String::new());
            form = Some(text.extend_pairs(parameters).finish());
        } else {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        Exchange {
            client: &self.client,
            method: if form.is_some() { Method::POST } else { Method::GET },
            url,
            accept: "application/json",
            authorization: credential.and_then(basic_header),
            form,
            limit: MAX_TOKEN_BYTES,
        }
    }

    /// Every answer but a token or a passing failure is a refusal: 400 is OAuth2's `invalid_grant`.
    fn refused(&self, answer: &Answer) -> TokenError {
        let detail = format!("token service {} says {}", loggable(&self.url), answer.words());
        match answer.status.as_u16() {
            400 | 401 | 403 | 404 => TokenError::Denied(detail),
            300..=399 => {
                TokenError::Invalid(format!("{detail}: redirects of token services are not followed"))
            }
            _ => TokenError::Invalid(detail),
        }
    }
}

fn of(url: &Url, error: TokenError) -> TokenError {
    match error {
        TokenError::Invalid(detail) => {
            TokenError::Invalid(format!("token service {}: {detail}", loggable(url)))
        }
        other => other,
    }
}

fn token_error(error: FetchError) -> TokenError {
    match error {
        FetchError::Denied { what, detail } | FetchError::NotFound { what, detail } => {
            TokenError::Denied(printable(&format!("{what}: {detail}")))
        }
        FetchError::Unavailable { what, detail } => {
            TokenError::Unavailable(printable(&format!("{what}: {detail}")))
        }
        FetchError::Invalid { what, detail } => TokenError::Invalid(printable(&format!("{what}: {detail}"))),
        FetchError::Deadline { what } => TokenError::Unavailable(format!("{what} was not answered in time")),
    }
}

/// The header of a user and a password; `None` for tokens.
fn basic_header(credential: &Credential) -> Option<HeaderValue> {
    let Credential::Basic { username, password } = credential else {
        return None;
    };
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.expose_secret()))))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

const MAX_TOKEN_BYTES: u64 = 64 * 1024;
