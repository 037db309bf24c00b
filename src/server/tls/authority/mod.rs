//! An authority of the process's own: made once, kept in the state folder, renewed before it ends, and the
//! server certificates that it signs.
//!
//! What is kept is never replaced in silence: clients trust it. A damaged or lost authority is an error
//! that says what to do; only a server certificate that cannot be used is made anew, because nobody but
//! this process depends on it. Processes that share the folder share the authority; each shows a server
//! certificate of its own, with the names that its settings say.

mod held;
mod issue;
mod rotation;
mod shared;
mod store;

#[cfg(test)]
mod tests;

pub use held::HeldError;
pub use issue::IssueError;
pub use shared::AuthorityFile;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use secrecy::zeroize::Zeroizing;

use crate::x509::Certificate;

use super::Announcement;
use super::LEARNING;
use super::TlsError;
use super::files::{self, FileError};
use super::handshake::CurrentPair;
use super::names::{Name, names_of};
use super::once::Complaint;
use super::pair::ServerPair;
use held::{Authorities, push_block};
use issue::{Issued, Issuer, later};
use rotation::two_thirds;
use store::{AUTHORITY, BUNDLE, Locked, SERVER, StateFolder};

const DAY: i64 = 24 * 3600;

/// Steps that can be due at one time, with one to spare: after years of standing still an authority is
/// announced, signs and the old one is forgotten.
const MAX_STEPS: usize = 4;

/// The authority, the names it makes server certificates out to, and where both are kept.
pub(super) struct SelfMade {
    folder: StateFolder,
    names: Vec<Name>,
    provider: Arc<CryptoProvider>,
    held: Authorities,
    content: [u8; 32],
    announcement: Announcement,
    /// Whether clients were told of the authority that signed the server certificate in force.
    is_known: bool,
    /// Fingerprint of the authority that signed the server certificate in force.
    signer: Option<[u8; 32]>,
    /// When another authority came to sign that clients were not told of before.
    unannounced: Option<Timestamp>,
    /// Which change of the signing authority was told last.
    told: Option<Timestamp>,
    unusable: Complaint,
}

impl SelfMade {
    /// Opens the state folder, makes an authority if there is none, and puts a server certificate in force.
    /// `names` are sorted and each there once.
    ///
    /// # Errors
    /// [`TlsError`]: the folder cannot be used, or what is kept there is damaged.
    pub(super) fn start(
        state_dir: PathBuf,
        names: Vec<Name>,
        announcement: Announcement,
        provider: Arc<CryptoProvider>,
        now: Timestamp,
        current: &CurrentPair,
    ) -> Result<Self, TlsError> {
        let is_known = announcement.is_made();
        let folder = StateFolder::open(state_dir)?;
        let lock = folder.lock()?;
        let (held, content) = match load(&folder)? {
            Some(loaded) => loaded,
            None => make(&folder, &lock, now)?,
        };
        let (signer, unannounced, told, unusable) = (None, None, None, Complaint::default());
        let mut this = Self {
            folder,
            names,
            provider,
            held,
            content,
            announcement,
            is_known,
            signer,
            unannounced,
            told,
            unusable,
        };
        this.settle(&lock, now)?;
        this.tell();
        match this.kept_pair(now) {
            Some(pair) => this.put_in_force(pair, current),
            None => this.renew(Some(&lock), now, current)?,
        }
        Ok(this)
    }

    /// Takes over what another process changed, takes the step that is due, and renews the server
    /// certificate. What no client was told of gives way at once.
    pub(super) fn poll(&mut self, now: Timestamp, current: &CurrentPair) {
        // Before the file is read: it holds by now what was announced.
        let is_announced = self.announcement.is_made();
        let announced = self.held.fingerprints();
        let kept = self.keep(now);
        if self.is_known && !announced.contains(&self.held.issuing.certificate.fingerprint()) {
            self.unannounced = Some(now);
        }
        self.tell();
        let renewed = self.renew_if_due(now, current);
        self.is_known |= is_announced && kept.is_ok() && self.is_of_the_issuing();
        match kept.and(renewed) {
            Ok(()) => self.unusable.clear(),
            Err(error) => self.unusable.raise(&error, "what is in force stays, and it is tried each second"),
        }
    }

    /// Why no client can check the certificate in force, where that is so.
    pub(super) fn not_ready(&self) -> Option<String> {
        let why = self.unusable.text().unwrap_or(
            "clients were told of no authority of this process yet; a certificate of the one that they are told of \
             is shown within a second",
        );
        (!self.is_known).then(|| format!("the server certificate cannot be checked: {why}"))
    }

    /// What clients must trust, in PEM.
    pub(super) fn bundle(&self) -> String {
        self.held.bundle()
    }

    fn keep(&mut self, now: Timestamp) -> Result<(), TlsError> {
        self.take_over()?;
        let written = files::read(&self.folder.file(BUNDLE));
        let is_written = written.is_ok_and(|written| *written == self.held.bundle().as_bytes());
        if is_written && self.held.due(now).is_none() {
            return Ok(());
        }
        // Whoever has the lock is doing the same; the result is taken over at the next look.
        let Some(lock) = self.folder.try_lock()? else { return Ok(()) };
        self.settle(&lock, now)
    }

    /// Reads the authorities again if their file changed.
    fn take_over(&mut self) -> Result<(), TlsError> {
        let path = self.folder.file(AUTHORITY);
        let bytes = files::read(&path)?;
        let content = files::content_of(&[&bytes]);
        if content != self.content {
            self.held =
                Authorities::read(&bytes).map_err(|error| TlsError::Damaged { path: path.clone(), error })?;
            self.content = content;
            tracing::info!(path = %path.display(), "another process changed the authority; it is taken over");
        }
        Ok(())
    }

    /// Takes every step that is due and writes what changed. What is held changes only once it is written.
    fn settle(&mut self, lock: &Locked, now: Timestamp) -> Result<(), TlsError> {
        self.take_over()?;
        if self.held.due(now).is_some() {
            let mut ahead = Authorities::read(self.held.to_pem().as_bytes())
                .map_err(|error| TlsError::Damaged { path: self.folder.file(AUTHORITY), error })?;
            for _ in 0..MAX_STEPS {
                let Some(step) = ahead.due(now) else { break };
                ahead.take(step, now)?;
            }
            self.content = write(&self.folder, lock, &ahead)?;
            self.held = ahead;
        }
        self.write_bundle(lock)
    }

    fn write_bundle(&self, lock: &Locked) -> Result<(), TlsError> {
        let bundle = self.held.bundle();
        match files::read(&self.folder.file(BUNDLE)) {
            Ok(written) if *written == bundle.as_bytes() => Ok(()),
            _ => self.folder.replace(lock, BUNDLE, bundle.as_bytes()),
        }
    }

    /// Logs from when a new authority will sign: when it is announced, by whichever process, and again at
    /// each start.
    fn tell(&mut self) {
        let signs_from = self.held.switches_at();
        if let Some(time) = signs_from
            && self.told != signs_from
        {
            tracing::warn!(
                bundle = %self.folder.file(BUNDLE).display(),
                signs_from = %time,
                "the authority will be replaced: until then every client (caBundle of Providers) needs the bundle \
                 as it is now"
            );
        }
        self.told = signs_from;
    }

    /// The server certificate that an earlier process left, if it is as good as a new one.
    fn kept_pair(&self, now: Timestamp) -> Option<ServerPair> {
        let path = self.folder.file(SERVER);
        let bytes = match files::read(&path) {
            Ok(bytes) => {
                self.folder.make_private(SERVER);
                bytes
            }
            Err(FileError::Missing { .. }) => return None,
            Err(error) => {
                tracing::warn!("{error}: a new server certificate is made");
                return None;
            }
        };
        match ServerPair::read(&bytes, &bytes, &self.provider) {
            Ok(pair) => self.is_as_wanted(&pair.leaf, now).then_some(pair),
            Err(error) => {
                tracing::warn!("{}: {error}: a new server certificate is made", path.display());
                None
            }
        }
    }

    fn is_as_wanted(&self, leaf: &Certificate, now: Timestamp) -> bool {
        names_of(leaf.der()).as_ref() == Some(&self.names)
            && !is_due(leaf, now)
            && leaf.signed_by(&self.held.issuing.certificate)
    }

    fn renew_if_due(&mut self, now: Timestamp, current: &CurrentPair) -> Result<(), TlsError> {
        let is_current = self.is_of_the_issuing();
        let is_good = current.get().is_some_and(|pair| !is_due(&pair.leaf, now));
        let learns = self.unannounced.is_some_and(|since| now < later(since, LEARNING));
        if is_good && (is_current || learns) {
            return Ok(());
        }
        let lock = self.folder.try_lock().unwrap_or_default();
        self.renew(lock.as_ref(), now, current)
    }

    /// Whether the authority that issues now signed the certificate in force.
    fn is_of_the_issuing(&self) -> bool {
        self.signer == Some(self.held.issuing.certificate.fingerprint())
    }

    /// Makes a server certificate and puts it in force, then keeps it: without a lock, or where it cannot be
    /// written, it serves all the same.
    fn renew(
        &mut self,
        lock: Option<&Locked>,
        now: Timestamp,
        current: &CurrentPair,
    ) -> Result<(), TlsError> {
        let Issued { certificate, key } = self.held.issuing.issue(&self.names, now)?;
        let mut pem = Zeroizing::new(String::new());
        push_block(&mut pem, "CERTIFICATE", &certificate);
        push_block(&mut pem, "PRIVATE KEY", key.secret_der());
        self.put_in_force(ServerPair::of(vec![certificate], key, &self.provider)?, current);
        match lock {
            Some(lock) => self.folder.replace(lock, SERVER, pem.as_bytes()),
            None => Ok(()),
        }
    }

    fn put_in_force(&mut self, pair: ServerPair, current: &CurrentPair) {
        let names: Vec<String> = self.names.iter().map(Name::to_string).collect();
        tracing::info!(
            names = names.join(", "),
            issuer = pair.leaf.issuer(),
            not_after = %pair.leaf.not_after(),
            bundle = %self.folder.file(BUNDLE).display(),
            "a server certificate of the process's own is in force"
        );
        self.signer = Some(self.held.issuing.certificate.fingerprint());
        current.put_in_force(pair);
    }
}

/// True from two thirds of a certificate's life on, and before it begins: then a clock was wrong.
fn is_due(leaf: &Certificate, now: Timestamp) -> bool {
    now < leaf.not_before() || now >= two_thirds(leaf)
}

/// The authorities that are kept, with what tells their file's content from another.
fn load(folder: &StateFolder) -> Result<Option<(Authorities, [u8; 32])>, TlsError> {
    let path = folder.file(AUTHORITY);
    let bytes = match files::read(&path) {
        Ok(bytes) => bytes,
        Err(FileError::Missing { .. }) => return never_made(folder).map(|()| None),
        Err(FileError::Empty { .. }) => {
            return Err(TlsError::Damaged { path, error: HeldError::NoIssuer });
        }
        Err(error) => return Err(error.into()),
    };
    folder.make_private(AUTHORITY);
    let held = Authorities::read(&bytes).map_err(|error| TlsError::Damaged { path, error })?;
    Ok(Some((held, files::content_of(&[&bytes]))))
}

/// The bundle is written after the authority: where it stands alone, an authority that clients trust is lost.
fn never_made(folder: &StateFolder) -> Result<(), TlsError> {
    let bundle = folder.file(BUNDLE);
    match files::read(&bundle) {
        Err(FileError::Missing { .. }) => Ok(()),
        _ => Err(TlsError::Lost { path: folder.file(AUTHORITY), bundle }),
    }
}

fn make(folder: &StateFolder, lock: &Locked, now: Timestamp) -> Result<(Authorities, [u8; 32]), TlsError> {
    let held = Authorities::of(Issuer::new(now)?);
    let content = write(folder, lock, &held)?;
    tracing::info!(
        bundle = %folder.file(BUNDLE).display(),
        subject = held.issuing.certificate.subject(),
        "an authority was made; clients (caBundle of Providers) need the bundle"
    );
    Ok((held, content))
}

fn write(folder: &StateFolder, lock: &Locked, held: &Authorities) -> Result<[u8; 32], TlsError> {
    let pem = held.to_pem();
    folder.replace(lock, AUTHORITY, pem.as_bytes())?;
    Ok(files::content_of(&[pem.as_bytes()]))
}
