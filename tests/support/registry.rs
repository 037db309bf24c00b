//! A registry on a loopback port, in this process, with faults on demand. It speaks just enough HTTP/1.1
//! to answer wrongly in every way that a registry, its token service or something between can.
//!
//! ```ignore
//! let registry = TestRegistry::start(Faults::default()).await;
//! let image = registry.push_manifest("team/app", Some("v1"), IMAGE_MANIFEST, bytes);
//! let signature = registry.attach_signature("team/app", &image, SIGNATURE_TYPE, JWS, envelope);
//! // … read from registry.host() …
//! assert_eq!(registry.log().len(), 4);
//! ```
//! It runs on the test's own runtime and ends with it. Nothing sleeps: what is slow waits for
//! [`TestRegistry::release`]. Unit tests include this file by path, so it uses nothing of the crate.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "included by several test binaries, each uses its own part"
)]

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

pub const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The user that Basic and Bearer authentication know.
pub const USER: &str = "robot";
/// That user's password.
pub const PASSWORD: &str = "correct-horse";
/// The identity token that the token service takes by POST.
pub const IDENTITY_TOKEN: &str = "identity-of-robot";

/// How the registry behaves from the start.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub auth: Auth,
    pub tls: Tls,
    pub referrers: ReferrersApi,
    /// Referrers are listed without their artifact type.
    pub omit_artifact_types: bool,
    /// Everything is listed, whatever is filtered for.
    pub ignore_filter: bool,
    /// `OCI-Filters-Applied` is sent although `ignore_filter` is set.
    pub claim_filter: bool,
    /// HEAD answers without `Docker-Content-Digest`.
    pub omit_digest_header: bool,
    /// A tag `sha256-HEX` resolves to the manifest with that digest, as GitLab's does.
    pub gitlab_tags: bool,
    /// What `expires_in` says; absent where `None`.
    pub token_lifetime: Option<u64>,
    /// What goes wrong at which step, until its times are used up.
    pub steps: Vec<Fault>,
}

/// What the registry wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    #[default]
    None,
    /// `USER` and `PASSWORD`.
    Basic,
    /// A token of its own realm `/token`, for `USER` and `PASSWORD` or `IDENTITY_TOKEN`.
    Bearer,
    /// As `Bearer`, and anonymous callers get a token that can pull.
    PublicBearer,
    /// A challenge with this realm instead; `/token` answers as for `Bearer`.
    Realm(String),
    /// This `WWW-Authenticate` value, or none where empty.
    Challenge(String),
}

/// What the connection is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    #[default]
    Plain,
    /// A certificate of [`TestRegistry::ca_pem`] for 127.0.0.1 and localhost.
    Trusted,
    /// A certificate of that CA for another name.
    OtherName,
    /// As `Trusted`, and the client must show a certificate of the same CA
    /// ([`TestRegistry::client_pem`]).
    ClientCertificate,
    /// Hangs up on the TLS greeting.
    HangUp,
}

/// How the Referrers API answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReferrersApi {
    #[default]
    Supported,
    /// So many entries a page; links are absolute and relative in turn.
    Paged(usize),
    /// Each page links to itself.
    Looping,
    /// Each page is empty and links to a further one.
    EndlessEmptyPages,
    /// The first page links to this URL.
    LinkTo(String),
    /// 404 without an error body; the tag schema lists the referrers.
    Missing,
    /// 404 with this error code; the tag schema lists the referrers.
    NotFound(&'static str),
    /// 200 with a login page; the tag schema lists the referrers.
    LoginPage,
    /// An empty index, while the tag schema lists the referrers.
    EmptyWithTags,
}

/// One thing that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    pub step: Step,
    /// How many requests it befalls; `None` is all.
    pub times: Option<u64>,
    pub act: Act,
}

impl Fault {
    pub fn always(step: Step, act: Act) -> Self {
        Self { step, times: None, act }
    }

    pub fn times(times: u64, step: Step, act: Act) -> Self {
        Self { step, times: Some(times), act }
    }
}

/// Which requests are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Any,
    Token,
    /// Manifests by tag, HEAD and GET.
    Tag,
    /// Manifests by digest.
    Manifest,
    Referrers,
    Blob,
    /// Requests whose path and query contain this.
    Containing(String),
}

/// What happens instead of the right answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A status with an error body of this code, and `Retry-After` where given.
    Status { status: u16, code: &'static str, retry_after: Option<&'static str> },
    /// A redirect (307) to this URL; `{path}` stands for the path and query asked for.
    Redirect(String),
    /// Another status, headers and body altogether.
    Reply { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// The right answer under another content type; none where empty.
    ContentType(String),
    /// The right answer with one byte changed.
    WrongBytes,
    /// The right answer and one byte more.
    LongBody,
    /// Announces the right length and hangs up halfway.
    BrokenBody,
    /// A body without end.
    EndlessBody,
    /// The right answer, half of it, and the rest after [`TestRegistry::release`].
    SlowBody,
    /// Nothing until [`TestRegistry::release`], then the right answer.
    Blocked,
    /// Hangs up without an answer.
    HangUp,
}

impl Act {
    pub fn status(status: u16) -> Self {
        Self::Status { status, code: "UNKNOWN", retry_after: None }
    }

    pub fn retry_after(status: u16, retry_after: &'static str) -> Self {
        Self::Status { status, code: "TOOMANYREQUESTS", retry_after: Some(retry_after) }
    }
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Logged {
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The `Authorization` header, scheme and all.
    pub authorization: Option<String>,
    /// All headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Logged {
    pub fn had_authorization(&self) -> bool {
        self.authorization.is_some()
    }

    pub fn is(&self, step: &Step) -> bool {
        step_matches(step, &self.path)
    }
}

/// The registry. Dropping it closes the listener.
pub struct TestRegistry {
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

struct Shared {
    host: String,
    scheme: &'static str,
    pki: Pki,
    state: Mutex<State>,
    tokens: AtomicU64,
    gate: watch::Sender<bool>,
    arrived: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    faults: Faults,
    repositories: HashMap<String, RepositoryContent>,
    blobs: HashMap<String, Vec<u8>>,
    /// Token, the scope it was given for, and whether it can pull.
    issued: HashMap<String, (String, bool)>,
    log: Vec<Logged>,
}

#[derive(Default)]
struct RepositoryContent {
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    tags: HashMap<String, String>,
    /// Subject digest and descriptor, in the order of pushing.
    referrers: Vec<(String, Value)>,
}

struct Pki {
    ca_pem: String,
    client_pem: String,
    acceptor: Option<TlsAcceptor>,
}

impl TestRegistry {
    /// Starts listening on a free loopback port.
    pub async fn start(faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback port");
        let port = listener.local_addr().expect("address").port();
        let shared = Arc::new(Shared {
            host: format!("127.0.0.1:{port}"),
            scheme: if faults.tls == Tls::Plain { "http" } else { "https" },
            pki: Pki::new(&faults.tls),
            state: Mutex::new(State { faults, ..State::default() }),
            tokens: AtomicU64::new(0),
            gate: watch::channel(false).0,
            arrived: watch::channel(0).0,
        });
        let listener = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { shared, listener }
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.shared.host
    }

    /// Scheme, host and port.
    pub fn url(&self) -> String {
        format!("{}://{}", self.shared.scheme, self.shared.host)
    }

    /// The CA that made the server's certificate.
    pub fn ca_pem(&self) -> &str {
        &self.shared.pki.ca_pem
    }

    /// A client certificate of the same CA with its key.
    pub fn client_pem(&self) -> &str {
        &self.shared.pki.client_pem
    }

    /// Stores a manifest and gives its digest. One with a `subject` is listed as a referrer of it.
    pub fn push_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: &[u8],
    ) -> String {
        let digest = sha256(bytes);
        self.push_manifest_as(repository, tag, media_type, bytes, &digest);
        digest
    }

    /// As [`Self::push_manifest`], under a digest of the caller's choice, such as a SHA-512 or a wrong one.
    pub fn push_manifest_as(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: &[u8],
        digest: &str,
    ) {
        let mut state = self.shared.state();
        let content = state.repositories.entry(repository.to_owned()).or_default();
        content.manifests.insert(digest.to_owned(), (media_type.to_owned(), bytes.to_vec()));
        if let Some(tag) = tag {
            content.tags.insert(tag.to_owned(), digest.to_owned());
        }
        if let Some(referrer) = referrer(media_type, bytes, digest) {
            content.referrers.retain(|(_, old)| old["digest"] != digest);
            content.referrers.push(referrer);
        }
    }

    /// Points a tag at a digest.
    pub fn tag(&self, repository: &str, tag: &str, digest: &str) {
        let mut state = self.shared.state();
        let content = state.repositories.entry(repository.to_owned()).or_default();
        content.tags.insert(tag.to_owned(), digest.to_owned());
    }

    /// Adds an entry to what refers to `subject`, whatever it says.
    pub fn list_referrer(&self, repository: &str, subject: &str, descriptor: Value) {
        let mut state = self.shared.state();
        let content = state.repositories.entry(repository.to_owned()).or_default();
        content.referrers.push((subject.to_owned(), descriptor));
    }

    /// Nothing refers to `subject` any more.
    pub fn forget_referrers(&self, repository: &str, subject: &str) {
        let mut state = self.shared.state();
        if let Some(content) = state.repositories.get_mut(repository) {
            content.referrers.retain(|(of, _)| of != subject);
        }
    }

    /// Stores a blob and gives its digest.
    pub fn push_blob(&self, bytes: &[u8]) -> String {
        let digest = sha256(bytes);
        self.shared.state().blobs.insert(digest.clone(), bytes.to_vec());
        digest
    }

    /// Stores an image: a manifest that differs by `name`. Gives its digest.
    pub fn push_image(&self, repository: &str, tag: Option<&str>, name: &str) -> String {
        self.push_blob(b"{}");
        self.push_manifest(repository, tag, IMAGE_MANIFEST, &image_manifest(name))
    }

    /// Attaches `envelope` to the image with the given digest, in the form that the released CLIs write.
    /// Gives the digest of the signature's manifest.
    pub fn attach_signature(
        &self,
        repository: &str,
        subject: &str,
        artifact_type: &str,
        envelope_type: &str,
        envelope: &[u8],
    ) -> String {
        let (subject_type, subject_size) = {
            let state = self.shared.state();
            let found = state.repositories.get(repository).and_then(|content| content.manifests.get(subject));
            found.map_or((IMAGE_MANIFEST.to_owned(), 0), |(media_type, bytes)| {
                (media_type.clone(), bytes.len())
            })
        };
        let blob = self.push_blob(envelope);
        let config = self.push_blob(b"{}");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": {"mediaType": artifact_type, "digest": config, "size": 2},
            "layers": [{"mediaType": envelope_type, "digest": blob, "size": envelope.len()}],
            "subject": {"mediaType": subject_type, "digest": subject, "size": subject_size},
        });
        self.push_manifest(repository, None, IMAGE_MANIFEST, manifest.to_string().as_bytes())
    }

    /// Adds something that goes wrong.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().faults.steps.push(fault);
    }

    /// Everything goes right from now on.
    pub fn clear_faults(&self) {
        self.shared.state().faults.steps.clear();
    }

    /// Changes the standing behaviour.
    pub fn change(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.state().faults);
    }

    /// Forgets every token that was given out.
    pub fn revoke_tokens(&self) {
        self.shared.state().issued.clear();
    }

    /// Lets everything go on that waits, now and later.
    pub fn release(&self) {
        self.shared.gate.send_replace(true);
    }

    /// Makes what is to wait wait again.
    pub fn hold(&self) {
        self.shared.gate.send_replace(false);
    }

    /// Every request so far.
    pub fn log(&self) -> Vec<Logged> {
        self.shared.state().log.clone()
    }

    /// How many requests of one kind there were so far.
    pub fn count(&self, step: &Step) -> usize {
        self.shared.state().log.iter().filter(|logged| logged.is(step)).count()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.shared.state().log.clear();
        self.shared.arrived.send_replace(0);
    }

    /// Waits until so many requests have arrived since the log was last cleared.
    pub async fn wait_for_requests(&self, count: usize) {
        let mut arrived = self.shared.arrived.subscribe();
        arrived.wait_for(|so_far| *so_far >= count).await.expect("registry");
    }
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// `sha256:` and the digest.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(openssl::sha::sha256(bytes)))
}

/// An image manifest that differs by `name`.
pub fn image_manifest(name: &str) -> Vec<u8> {
    let config = sha256(b"{}");
    json!({
        "schemaVersion": 2,
        "mediaType": IMAGE_MANIFEST,
        "config": {"mediaType": EMPTY, "digest": config, "size": 2},
        "layers": [],
        "annotations": {"name": name},
    })
    .to_string()
    .into_bytes()
}

impl Pki {
    fn new(tls: &Tls) -> Self {
        if matches!(tls, Tls::Plain | Tls::HangUp) {
            return Self { ca_pem: String::new(), client_pem: String::new(), acceptor: None };
        }
        use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
        let ca_key = KeyPair::generate().expect("key");
        let mut ca = CertificateParams::new(Vec::new()).expect("parameters");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(rcgen::DnType::CommonName, "Test registry CA");
        let ca_certificate = ca.self_signed(&ca_key).expect("CA");
        let issuer = Issuer::new(ca, ca_key);
        let issue = |names: &[&str]| {
            let key = KeyPair::generate().expect("key");
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let certificate =
                CertificateParams::new(names).expect("names").signed_by(&key, &issuer).expect("certificate");
            (certificate, key)
        };
        let names: &[&str] =
            if *tls == Tls::OtherName { &["other.example"] } else { &["127.0.0.1", "localhost"] };
        let (server, server_key) = issue(names);
        let (client, client_key) = issue(&["client.example"]);
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions");
        let builder = if *tls == Tls::ClientCertificate {
            let mut roots = RootCertStore::empty();
            roots.add(ca_certificate.der().clone()).expect("root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("verifier"))
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let config = builder.with_single_cert(vec![server.der().clone()], key).expect("server");
        Self {
            ca_pem: ca_certificate.pem(),
            client_pem: format!("{}{}", client.pem(), client_key.serialize_pem()),
            acceptor: Some(TlsAcceptor::from(Arc::new(config))),
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let hang_up = shared.state().faults.tls == Tls::HangUp;
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            match shared.pki.acceptor.clone() {
                _ if hang_up => drop(stream),
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = connection(stream, &shared).await;
                    }
                }
                None => {
                    let _ = connection(stream, &shared).await;
                }
            }
        });
    }
}

/// Answers requests until the peer or a fault ends the connection.
async fn connection<S: AsyncRead + AsyncWrite + Unpin>(stream: S, shared: &Shared) -> std::io::Result<()> {
    const TLS_HANDSHAKE: u8 = 0x16;
    let mut stream = BufReader::new(stream);
    if stream.fill_buf().await?.first() == Some(&TLS_HANDSHAKE) {
        // What real servers say to whoever speaks TLS to their plain port.
        return stream.get_mut().write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
    }
    while let Some(request) = read_request(&mut stream).await? {
        let (fault, reply) = {
            let mut state = shared.state();
            state.log.push(request.clone());
            let fault = take_fault(&mut state.faults.steps, &request.path);
            (fault, shared.answer(&mut state, &request))
        };
        shared.arrived.send_modify(|count| *count += 1);
        let head_only = request.method == "HEAD";
        if write_reply(stream.get_mut(), shared, &request, fault, reply, head_only).await?.is_none() {
            return Ok(());
        }
    }
    Ok(())
}

async fn read_request<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
) -> std::io::Result<Option<Logged>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("").to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Logged {
        method,
        path,
        authorization: headers.get("authorization").cloned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }))
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), body }.with("Content-Type", content_type)
    }

    fn error(status: u16, code: &str) -> Self {
        let body = json!({"errors": [{"code": code, "message": format!("{code} says the registry")}]});
        Self::new(status, "application/json", body.to_string().into_bytes())
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(old, _)| !old.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    fn head(&self, length: Option<usize>) -> String {
        let mut head = format!("HTTP/1.1 {} Said\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match length {
            Some(length) => head.push_str(&format!("Content-Length: {length}\r\n\r\n")),
            None => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        }
        head
    }
}

/// Writes the reply as the fault wants it; `None` where the connection ends with it.
async fn write_reply<S: AsyncWrite + Unpin>(
    stream: &mut S,
    shared: &Shared,
    request: &Logged,
    fault: Option<Act>,
    reply: Reply,
    head_only: bool,
) -> std::io::Result<Option<()>> {
    let mut gate = shared.gate.subscribe();
    let reply = match fault {
        None => reply,
        Some(Act::Status { status, code, retry_after }) => {
            Reply::error(status, code).with("Retry-After", retry_after.unwrap_or(""))
        }
        Some(Act::Redirect(target)) => Reply::new(307, "text/html", b"moved".to_vec())
            .with("Location", &target.replace("{path}", &request.path)),
        Some(Act::Reply { status, headers, body }) => Reply { status, headers, body },
        Some(Act::ContentType(content_type)) => reply.with("Content-Type", &content_type),
        Some(Act::WrongBytes) => {
            let mut reply = reply;
            if let Some(last) = reply.body.last_mut() {
                *last ^= 1;
            }
            reply
        }
        Some(Act::LongBody) => {
            let mut reply = reply;
            reply.body.push(b'\n');
            reply
        }
        Some(Act::HangUp) => return Ok(None),
        Some(Act::Blocked) => {
            let _ = gate.wait_for(|open| *open).await;
            reply
        }
        Some(Act::BrokenBody) => {
            stream.write_all(reply.head(Some(reply.body.len())).as_bytes()).await?;
            stream.write_all(&reply.body[..reply.body.len() / 2]).await?;
            return Ok(None);
        }
        Some(Act::SlowBody) => {
            let (first, rest) = reply.body.split_at(reply.body.len() / 2);
            stream.write_all(reply.head(Some(reply.body.len())).as_bytes()).await?;
            stream.write_all(first).await?;
            stream.flush().await?;
            let _ = gate.wait_for(|open| *open).await;
            stream.write_all(rest).await?;
            stream.flush().await?;
            return Ok(Some(()));
        }
        Some(Act::EndlessBody) => {
            stream.write_all(reply.head(None).as_bytes()).await?;
            let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
            loop {
                stream.write_all(chunk.as_bytes()).await?;
            }
        }
    };
    stream.write_all(reply.head(Some(reply.body.len())).as_bytes()).await?;
    if !head_only {
        stream.write_all(&reply.body).await?;
    }
    stream.flush().await?;
    Ok(Some(()))
}

fn take_fault(steps: &mut [Fault], path: &str) -> Option<Act> {
    let fault = steps.iter_mut().find(|fault| fault.times != Some(0) && step_matches(&fault.step, path))?;
    if let Some(times) = &mut fault.times {
        *times -= 1;
    }
    Some(fault.act.clone())
}

fn step_matches(step: &Step, path: &str) -> bool {
    let manifest = path.split_once("/manifests/").map(|(_, reference)| reference);
    match step {
        Step::Any => true,
        Step::Token => path.starts_with("/token"),
        Step::Tag => manifest.is_some_and(|reference| !reference.contains(':')),
        Step::Manifest => manifest.is_some_and(|reference| reference.contains(':')),
        Step::Referrers => path.contains("/referrers/"),
        Step::Blob => path.contains("/blobs/"),
        Step::Containing(text) => path.contains(text.as_str()),
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    fn answer(&self, state: &mut State, request: &Logged) -> Reply {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if path == "/token" {
            return self.token(state, request, query);
        }
        let Some(rest) = path.strip_prefix("/v2/") else { return Reply::error(404, "NOT_FOUND") };
        for (kind, separator) in [("m", "/manifests/"), ("b", "/blobs/"), ("r", "/referrers/")] {
            let Some((repository, reference)) = rest.split_once(separator) else { continue };
            if let Some(refusal) = self.refusal(state, request, repository) {
                return refusal;
            }
            return match kind {
                "m" => manifest(state, repository, reference, request.method == "HEAD"),
                "b" => blob(state, reference),
                _ => self.referrers(state, repository, reference, query),
            };
        }
        Reply::error(404, "NOT_FOUND")
    }

    /// The 401 for a request that may not pass.
    fn refusal(&self, state: &State, request: &Logged, repository: &str) -> Option<Reply> {
        let authorization = request.authorization.as_deref().unwrap_or("");
        let scope = format!("repository:{repository}:pull");
        let own_realm = format!("{}/token", self.origin());
        let (passes, realm) = match &state.faults.auth {
            Auth::None => return None,
            Auth::Challenge(challenge) => {
                return Some(Reply::error(401, "UNAUTHORIZED").with("WWW-Authenticate", challenge));
            }
            Auth::Basic => (authorization == basic(), String::new()),
            Auth::Bearer | Auth::PublicBearer | Auth::Realm(_) => {
                let token = authorization.strip_prefix("Bearer ").unwrap_or("");
                let passes = state.issued.get(token).is_some_and(|(given, pull)| *pull && *given == scope);
                let realm = match &state.faults.auth {
                    Auth::Realm(realm) => realm.clone(),
                    _ => own_realm,
                };
                (passes, realm)
            }
        };
        if passes {
            return None;
        }
        let challenge = match &state.faults.auth {
            Auth::Basic => "Basic realm=\"a, registry\"".to_owned(),
            _ => {
                let error = if authorization.is_empty() { "" } else { ",error=\"insufficient_scope\"" };
                format!("Bearer realm=\"{realm}\",service=\"test registry\",scope=\"{scope}\"{error}")
            }
        };
        Some(Reply::error(401, "UNAUTHORIZED").with("WWW-Authenticate", &challenge))
    }

    fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    fn token(&self, state: &mut State, request: &Logged, query: &str) -> Reply {
        let post = request.method == "POST";
        let parameters = parameters(if post { &request.body } else { query });
        let scope = parameters.get("scope").cloned().unwrap_or_default();
        let known = match &request.authorization {
            _ if post => parameters.get("refresh_token").is_some_and(|token| token == IDENTITY_TOKEN),
            Some(authorization) if *authorization == basic() => true,
            Some(_) => return Reply::error(401, "UNAUTHORIZED"),
            None => false,
        };
        if post && !known {
            return Reply::error(401, "UNAUTHORIZED");
        }
        let pull = known || state.faults.auth == Auth::PublicBearer;
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        let token = format!("token-{number}");
        state.issued.insert(token.clone(), (scope, pull));
        let mut body = json!({ if post { "access_token" } else { "token" }: token });
        if let Some(lifetime) = state.faults.token_lifetime {
            body["expires_in"] = lifetime.into();
        }
        Reply::new(200, "application/json", body.to_string().into_bytes())
    }

    fn referrers(&self, state: &State, repository: &str, subject: &str, query: &str) -> Reply {
        let parameters = parameters(query);
        let wanted = parameters.get("artifactType");
        let mut entries = listed(state, repository, subject);
        if let Some(wanted) = wanted
            && !state.faults.ignore_filter
        {
            entries.retain(|entry| entry.get("artifactType").is_none_or(|found| found == wanted));
        }
        let page: usize = parameters.get("page").and_then(|page| page.parse().ok()).unwrap_or(0);
        let path = format!("/v2/{repository}/referrers/{subject}");
        let next = |page: usize| match page % 2 {
            0 => format!("<{path}?page={page}>; rel=\"next\""),
            _ => format!("<{}{path}?page={page}>; rel=next", self.origin()),
        };
        let link = match &state.faults.referrers {
            ReferrersApi::Missing => return Reply::new(404, "text/plain", b"404 page not found\n".to_vec()),
            ReferrersApi::NotFound(code) => return Reply::error(404, code),
            ReferrersApi::LoginPage => return Reply::new(200, "text/html", b"<html>log in</html>".to_vec()),
            ReferrersApi::Supported => String::new(),
            ReferrersApi::EmptyWithTags => {
                entries.clear();
                String::new()
            }
            ReferrersApi::Paged(size) => {
                let more = entries.len() > (page + 1) * size;
                entries = entries.into_iter().skip(page * size).take(*size).collect();
                if more { next(page + 1) } else { String::new() }
            }
            ReferrersApi::Looping => format!("<{}>; rel=\"next\"", path),
            ReferrersApi::EndlessEmptyPages => {
                entries.clear();
                next(page + 1)
            }
            ReferrersApi::LinkTo(target) => format!("<{target}>; rel=\"next\""),
        };
        let filtered = wanted.is_some() && (!state.faults.ignore_filter || state.faults.claim_filter);
        Reply::new(200, IMAGE_INDEX, index(&entries))
            .with("Link", &link)
            .with("OCI-Filters-Applied", if filtered { "artifactType" } else { "" })
    }
}

/// What refers to `subject`, as an index lists it.
fn listed(state: &State, repository: &str, subject: &str) -> Vec<Value> {
    let Some(content) = state.repositories.get(repository) else { return Vec::new() };
    let entries = content.referrers.iter().filter(|(of, _)| of == subject).map(|(_, entry)| entry.clone());
    entries
        .map(|mut entry| {
            if state.faults.omit_artifact_types
                && let Some(entry) = entry.as_object_mut()
            {
                entry.remove("artifactType");
            }
            entry
        })
        .collect()
}

fn index(entries: &[Value]) -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": entries}).to_string().into_bytes()
}

fn manifest(state: &State, repository: &str, reference: &str, head: bool) -> Reply {
    let Some(content) = state.repositories.get(repository) else { return Reply::error(404, "NAME_UNKNOWN") };
    let as_digest = reference.replacen('-', ":", 1);
    let digest = if reference.contains(':') {
        reference.to_owned()
    } else if let Some(digest) = content.tags.get(reference) {
        digest.clone()
    } else if state.faults.gitlab_tags && content.manifests.contains_key(&as_digest) {
        as_digest
    } else {
        return tag_schema(state, repository, reference);
    };
    let Some((media_type, bytes)) = content.manifests.get(&digest) else {
        return Reply::error(404, "MANIFEST_UNKNOWN");
    };
    let shown = if head && state.faults.omit_digest_header { "" } else { digest.as_str() };
    Reply::new(200, media_type, bytes.clone()).with("Docker-Content-Digest", shown)
}

/// The referrers tag, which pushers keep where there is no Referrers API.
fn tag_schema(state: &State, repository: &str, tag: &str) -> Reply {
    let supported = matches!(
        state.faults.referrers,
        ReferrersApi::Supported
            | ReferrersApi::Paged(_)
            | ReferrersApi::Looping
            | ReferrersApi::EndlessEmptyPages
            | ReferrersApi::LinkTo(_)
    );
    let subjects = state.repositories.get(repository).into_iter().flat_map(|content| &content.referrers);
    let subject = subjects.map(|(subject, _)| subject).find(|subject| {
        let (algorithm, value) = subject.split_once(':').expect("digest");
        tag == format!("{algorithm}-{}", value.get(..64).unwrap_or(value))
    });
    match subject {
        Some(subject) if !supported => {
            Reply::new(200, IMAGE_INDEX, index(&listed(state, repository, subject)))
        }
        _ => Reply::error(404, "MANIFEST_UNKNOWN"),
    }
}

fn blob(state: &State, digest: &str) -> Reply {
    match state.blobs.get(digest) {
        Some(bytes) => Reply::new(200, "application/octet-stream", bytes.clone()),
        None => Reply::error(404, "BLOB_UNKNOWN"),
    }
}

/// The subject's digest and the entry under which the Referrers API lists a manifest.
fn referrer(media_type: &str, bytes: &[u8], digest: &str) -> Option<(String, Value)> {
    let manifest: Value = serde_json::from_slice(bytes).ok()?;
    let subject = manifest.get("subject")?.get("digest")?.as_str()?.to_owned();
    let artifact_type =
        manifest.get("artifactType").or_else(|| manifest.get("config")?.get("mediaType")).cloned();
    let mut entry = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
    if let Some(artifact_type) = artifact_type {
        entry["artifactType"] = artifact_type;
    }
    if let Some(annotations) = manifest.get("annotations") {
        entry["annotations"] = annotations.clone();
    }
    Some((subject, entry))
}

fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")))
}

fn parameters(query: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
