//! Whether a client is let in: a chain to an authority in force, and one of the wanted names.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};

use crate::x509::Certificate;

use super::Clock;
use super::names::{Name, names_of};

/// A refusal is logged this often, in seconds: whoever can connect can cause one.
const REFUSAL_PAUSE: i64 = 10;

/// The longest list of names of a refused client that is logged, in characters.
const LOGGED_NAMES: usize = 300;

/// Checks client certificates by the authorities that are in force at each handshake. While there are none
/// it lets nobody in.
pub(super) struct ClientVerifier {
    authorities: ArcSwapOption<Authorities>,
    names: Vec<String>,
    provider: Arc<CryptoProvider>,
    clock: Clock,
    refusals: Mutex<Refusals>,
}

struct Authorities(Arc<dyn ClientCertVerifier>);

#[derive(Default)]
struct Refusals {
    logged: Option<Timestamp>,
    unlogged: u64,
}

impl ClientVerifier {
    /// A verifier that lets nobody in yet. `names`: DNS names of which a certificate must have one; empty
    /// for any.
    pub(super) fn new(names: &[String], provider: Arc<CryptoProvider>, clock: Clock) -> Self {
        Self {
            authorities: ArcSwapOption::empty(),
            names: names.iter().map(|name| name.to_ascii_lowercase()).collect(),
            provider,
            clock,
            refusals: Mutex::default(),
        }
    }

    /// Puts authorities in force, or none, so that nobody is let in.
    ///
    /// # Errors
    /// What the TLS library says of one of them; what was in force stays.
    pub(super) fn put_in_force(&self, certificates: &[Certificate]) -> Result<(), Error> {
        if certificates.is_empty() {
            self.authorities.store(None);
            return Ok(());
        }
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate.der().to_vec().into())?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
                .build()
                .map_err(|error| Error::General(error.to_string()))?;
        self.authorities.store(Some(Arc::new(Authorities(verifier))));
        Ok(())
    }

    /// True while there is an authority to check by.
    pub(super) fn is_set(&self) -> bool {
        self.authorities.load().is_some()
    }

    fn check_names(&self, leaf: &CertificateDer<'_>) -> Result<(), Error> {
        if self.names.is_empty() {
            return Ok(());
        }
        let names = names_of(leaf).ok_or(CertificateError::BadEncoding)?;
        let wanted = |name: &Name| matches!(name, Name::Dns(name) if self.names.contains(name));
        if names.iter().any(wanted) {
            return Ok(());
        }
        let names: Vec<String> = names.iter().map(Name::to_string).collect();
        self.log_refusal(&format_args!(
            "none of its names is wanted: it has [{:.LOGGED_NAMES$}], wanted is one of [{}]",
            names.join(", ").escape_debug().to_string(),
            self.names.join(", "),
        ));
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    /// An authority that was replaced by one of the same name, as cert-controller does, is another authority,
    /// not a broken signature: the alert says so.
    fn refused(&self, error: Error) -> Error {
        if error == Error::InvalidCertificate(CertificateError::BadSignature) {
            self.log_refusal(&"its authority has the name of one in force and another key");
            return CertificateError::UnknownIssuer.into();
        }
        self.log_refusal(&error);
        error
    }

    /// Logs why a client was refused, now and then. Gatekeeper's own log says only which alert it got.
    fn log_refusal(&self, why: &dyn fmt::Display) {
        let now = (self.clock)();
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let paused = |logged: Timestamp| (0..REFUSAL_PAUSE).contains(&(now.as_second() - logged.as_second()));
        if refusals.logged.is_some_and(paused) {
            refusals.unlogged += 1;
            return;
        }
        let unlogged = std::mem::take(&mut refusals.unlogged);
        refusals.logged = Some(now);
        drop(refusals);
        tracing::warn!(refused_since_last_line = unlogged, "a client certificate was refused: {why}");
    }
}

impl ClientCertVerifier for ClientVerifier {
    /// None are named: during a rotation a client would hold its certificate back because a hint is old.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let authorities = self.authorities.load();
        let Some(authorities) = authorities.as_ref() else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        let verified = authorities.0.verify_client_cert(end_entity, intermediates, now);
        let verified = verified.map_err(|error| self.refused(error))?;
        self.check_names(end_entity)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").field("set", &self.is_set()).field("names", &self.names).finish()
    }
}
