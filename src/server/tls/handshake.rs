//! What a handshake asks for: the certificate to show and the time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustls::pki_types::UnixTime;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;

use super::Clock;
use super::pair::ServerPair;

/// The pair in force. A handshake before there is one fails with an alert.
#[derive(Default)]
pub(super) struct CurrentPair(ArcSwapOption<ServerPair>);

impl CurrentPair {
    /// Chain and key swap as one, from the next handshake on.
    pub(super) fn put_in_force(&self, pair: ServerPair) {
        self.0.store(Some(Arc::new(pair)));
    }

    /// The pair, once there is one.
    pub(super) fn get(&self) -> Option<Arc<ServerPair>> {
        self.0.load_full()
    }
}

impl ResolvesServerCert for CurrentPair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().as_ref().map(|pair| Arc::clone(&pair.certified))
    }
}

impl fmt::Debug for CurrentPair {
    /// The certificate's fingerprint; never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentPair").field(&self.get()).finish()
    }
}

/// The process's clock, for certificates of clients.
pub(super) struct HandshakeTime(pub(super) Clock);

impl TimeProvider for HandshakeTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from((self.0)().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl fmt::Debug for HandshakeTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandshakeTime")
    }
}
