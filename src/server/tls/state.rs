//! The parts together: one server configuration for the life of the process, and what is behind it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use tokio::time::MissedTickBehavior;

use super::authority::SelfMade;
use super::client::ClientVerifier;
use super::client_ca::ClientAuthorities;
use super::folder::PairFolder;
use super::handshake::{CurrentPair, HandshakeTime};
use super::names::Name;
use super::{Announcement, CertificateSource, Clock, TlsError, TlsSettings};

/// How often files are looked at. What they say is in force within this time and what reading takes.
const INTERVAL: Duration = Duration::from_secs(1);

/// The kernel's name of this host: in a container, the Pod's.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// TLS of the endpoint: the certificate that is shown, who is let in, and what is behind both.
pub struct TlsState {
    config: Arc<ServerConfig>,
    parts: Arc<Parts>,
}

/// What a look at the files needs; shared with the thread that looks.
struct Parts {
    clock: Clock,
    pair: Arc<CurrentPair>,
    clients: Option<Arc<ClientVerifier>>,
    files: Mutex<Files>,
    not_ready: ArcSwapOption<String>,
    bundle: ArcSwapOption<String>,
}

struct Files {
    certificate: Source,
    clients: Option<ClientAuthorities>,
}

enum Source {
    Folder(PairFolder),
    SelfMade(Box<SelfMade>),
}

impl TlsState {
    /// Reads what there is, and makes the process's own authority where no folder is given. It blocks for
    /// as long as files take. Missing or unusable files of others are no error: [`Self::not_ready`] names
    /// them, and [`Self::watch`] keeps looking.
    ///
    /// # Errors
    /// [`TlsError`] where waiting would not help: settings that contradict each other, a state folder that
    /// cannot be used.
    pub fn start(settings: impl Into<TlsSettings>, clock: Clock) -> Result<Arc<Self>, TlsError> {
        let TlsSettings { certificate, client_ca, client_san, announcement } = settings.into();
        if client_ca.is_none() && !client_san.is_empty() {
            return Err(TlsError::NamesWithoutAuthority { names: client_san });
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = Arc::new(CurrentPair::default());
        let verifier =
            || Arc::new(ClientVerifier::new(&client_san, Arc::clone(&provider), Arc::clone(&clock)));
        let clients = client_ca.is_some().then(verifier);
        let config = server_config(&provider, &pair, clients.as_ref(), &clock).map_err(TlsError::Library)?;
        let files = Files {
            certificate: Source::open(certificate, announcement, &provider, clock(), &pair)?,
            clients: client_ca.map(ClientAuthorities::new),
        };
        let (not_ready, bundle) = Default::default();
        let parts = Parts { clock, pair, clients, files: Mutex::new(files), not_ready, bundle };
        parts.poll();
        Ok(Arc::new(Self { config: Arc::new(config), parts: Arc::new(parts) }))
    }

    /// The configuration to listen with, always the same one: each handshake meets what is in force then.
    pub fn rustls_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// True while there is a certificate to show that clients were told how to check and, where client
    /// certificates are demanded, an authority to check them by. Before that, handshakes fail.
    pub fn is_ready(&self) -> bool {
        self.parts.not_ready.load().is_none()
    }

    /// Why it is not ready, in a line that names the file.
    pub fn not_ready(&self) -> Option<String> {
        self.parts.not_ready.load().as_deref().cloned()
    }

    /// Looks at every file each second, for as long as the runtime lives; dropping the future ends it.
    pub async fn watch(&self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let parts = Arc::clone(&self.parts);
            match tokio::task::spawn_blocking(move || parts.poll()).await {
                Err(error) if error.is_panic() => {
                    tracing::error!("looking at certificate files broke off: {error}; it is tried again");
                }
                // The runtime ends.
                Err(_) => return,
                Ok(()) => {}
            }
        }
    }

    /// Looks at every file once and puts in force what changed. It blocks for as long as files take.
    pub fn poll_once(&self) {
        self.parts.poll();
    }

    /// The authorities that clients must trust to reach this server, in PEM: the bundle for a Provider's
    /// `caBundle`. None where the server certificate comes from a folder.
    pub fn ca_bundle(&self) -> Option<String> {
        self.parts.bundle.load().as_deref().cloned()
    }

    /// When the server certificate in force ends.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.parts.pair.get().map(|pair| pair.leaf.not_after())
    }
}

impl fmt::Debug for TlsState {
    /// Never a key: the certificate in force and whether it is ready.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TlsState");
        shown.field("pair", &self.parts.pair).field("not_ready", &self.not_ready()).finish_non_exhaustive()
    }
}

impl Parts {
    fn poll(&self) {
        let now = (self.clock)();
        let mut files = self.lock();
        match &mut files.certificate {
            Source::Folder(folder) => folder.poll(now, &self.pair),
            Source::SelfMade(authority) => authority.poll(now, &self.pair),
        }
        if let (Some(authorities), Some(verifier)) = (&mut files.clients, &self.clients) {
            authorities.poll(now, verifier);
        }
        self.not_ready.store(files.not_ready().map(Arc::new));
        let bundle = files.bundle();
        if self.bundle.load().as_deref() != bundle.as_ref() {
            self.bundle.store(bundle.map(Arc::new));
        }
    }

    /// A look that broke off left what is in force as it was; the next one starts from there.
    fn lock(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    fn not_ready(&self) -> Option<String> {
        let pair = match &self.certificate {
            Source::Folder(folder) => folder.not_ready().map(|why| format!("no server certificate: {why}")),
            Source::SelfMade(authority) => authority.not_ready(),
        };
        let clients = self.clients.as_ref().and_then(ClientAuthorities::not_ready);
        let clients = clients.map(|why| format!("no authority to check clients by: {why}"));
        pair.or(clients)
    }

    fn bundle(&self) -> Option<String> {
        match &self.certificate {
            Source::Folder(_) => None,
            Source::SelfMade(authority) => Some(authority.bundle()),
        }
    }
}

impl Source {
    fn open(
        settings: CertificateSource,
        announcement: Announcement,
        provider: &Arc<CryptoProvider>,
        now: Timestamp,
        pair: &CurrentPair,
    ) -> Result<Self, TlsError> {
        let provider = Arc::clone(provider);
        Ok(match settings {
            CertificateSource::Folder(folder) => Self::Folder(PairFolder::new(folder, provider)),
            CertificateSource::SelfMade { state_dir, san } => {
                let names = server_names(&san)?;
                Self::SelfMade(Box::new(SelfMade::start(
                    state_dir,
                    names,
                    announcement,
                    provider,
                    now,
                    pair,
                )?))
            }
        })
    }
}

/// The wanted names and those by which every server is reached from its own host.
fn server_names(wanted: &[String]) -> Result<Vec<Name>, TlsError> {
    let parse = |name: &String| Name::parse(name).ok_or_else(|| TlsError::Name { name: name.clone() });
    let mut names = wanted.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let host = std::fs::read_to_string(HOST_NAME).unwrap_or_default();
    let own = ["localhost", "127.0.0.1", "::1", host.trim()];
    names.extend(own.into_iter().filter_map(Name::parse));
    names.sort();
    names.dedup();
    Ok(names)
}

fn server_config(
    provider: &Arc<CryptoProvider>,
    pair: &Arc<CurrentPair>,
    clients: Option<&Arc<ClientVerifier>>,
    clock: &Clock,
) -> Result<ServerConfig, rustls::Error> {
    let time = Arc::new(HandshakeTime(Arc::clone(clock)));
    let config = ServerConfig::builder_with_details(Arc::clone(provider), time)
        .with_protocol_versions(&[&rustls::version::TLS13])?;
    let config = match clients {
        Some(verifier) => config.with_client_cert_verifier(Arc::<ClientVerifier>::clone(verifier)),
        None => config.with_no_client_auth(),
    };
    let mut config = config.with_cert_resolver(Arc::<CurrentPair>::clone(pair));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}
