//! A folder with `tls.crt` and `tls.key`, looked at again and again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::CryptoProvider;

use super::LEARNING;
use super::files::{self, FileError};
use super::handshake::CurrentPair;
use super::once::Complaint;
use super::pair::{PairError, ServerPair};

/// The folder, and which of its contents is in force.
pub(super) struct PairFolder {
    folder: PathBuf,
    provider: Arc<CryptoProvider>,
    in_force: Option<[u8; 32]>,
    /// What is to be in force, and when it was seen first.
    learning: Option<([u8; 32], Timestamp)>,
    unusable: Complaint,
    dates: Complaint,
}

/// Why the folder's pair is not taken.
#[derive(Debug, thiserror::Error)]
enum FolderError {
    /// One of its files cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// They are no pair.
    #[error("{folder}/tls.crt and tls.key: {error}", folder = .folder.display())]
    Pair {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        error: PairError,
    },
    /// A pair outside its validity would replace one that is valid.
    #[error(
        "{folder}/tls.crt is valid from {not_before} to {not_after}, and the certificate in force is valid now",
        folder = .folder.display()
    )]
    OutOfDate {
        /// The folder.
        folder: PathBuf,
        /// Start of its validity.
        not_before: Timestamp,
        /// End of its validity.
        not_after: Timestamp,
    },
}

struct Found {
    content: [u8; 32],
    /// None where the content is what is in force.
    pair: Option<ServerPair>,
}

impl PairFolder {
    /// Nothing read yet.
    pub(super) fn new(folder: PathBuf, provider: Arc<CryptoProvider>) -> Self {
        let (in_force, learning, unusable, dates) = Default::default();
        Self { folder, provider, in_force, learning, unusable, dates }
    }

    /// Reads both files and puts them in force if they are a pair that is no step back.
    pub(super) fn poll(&mut self, now: Timestamp, current: &CurrentPair) {
        match self.take(now, current) {
            Ok(()) => self.unusable.clear(),
            Err(error) if self.in_force.is_none() => {
                self.unusable.raise(&error, "every handshake fails until there is a pair");
            }
            Err(error) => self.unusable.raise(&error, "the pair read before stays in force"),
        }
        self.complain_of_dates(now, current);
    }

    /// Why there is no pair, where that is so.
    pub(super) fn not_ready(&self) -> Option<String> {
        let nothing = || self.unusable.text().unwrap_or("it was not read yet").to_owned();
        self.in_force.is_none().then(nothing)
    }

    fn take(&mut self, now: Timestamp, current: &CurrentPair) -> Result<(), FolderError> {
        let Found { content, pair: Some(pair) } = self.find()? else { return Ok(()) };
        if let Some(good) = current.get().filter(|current| current.leaf.valid_at(now)) {
            if !pair.leaf.valid_at(now) {
                let (not_before, not_after) = (pair.leaf.not_before(), pair.leaf.not_after());
                return Err(FolderError::OutOfDate { folder: self.folder.clone(), not_before, not_after });
            }
            if pair.has_another_issuer(&good) && !self.is_learnt(content, now) {
                return Ok(());
            }
        }
        tracing::info!(
            folder = %self.folder.display(),
            subject = pair.leaf.subject(),
            not_after = %pair.leaf.not_after(),
            fingerprint = hex::encode(pair.leaf.fingerprint()),
            "a server certificate is in force"
        );
        if let Some(flaw) = pair.flaw() {
            tracing::warn!("{}/tls.crt: Gatekeeper will refuse it: {flaw}", self.folder.display());
        }
        current.put_in_force(pair);
        self.in_force = Some(content);
        self.learning = None;
        Ok(())
    }

    /// Whether clients had the time to learn of what was found.
    fn is_learnt(&mut self, found: [u8; 32], now: Timestamp) -> bool {
        let (_, since) = *match &mut self.learning {
            Some(learning) if learning.0 == found => learning,
            learning => {
                tracing::info!(
                    folder = %self.folder.display(),
                    seconds = LEARNING,
                    "a server certificate of another authority will be shown, once clients had the time to learn of it"
                );
                learning.insert((found, now))
            }
        };
        now.as_second() >= since.as_second().saturating_add(LEARNING)
    }

    /// Between the reads the folder may have been swapped: what does not fit is read once more.
    fn find(&self) -> Result<Found, FolderError> {
        match self.find_once() {
            Err(FolderError::Pair { .. }) => self.find_once(),
            found => found,
        }
    }

    fn find_once(&self) -> Result<Found, FolderError> {
        let file = |name: &str| files::read(&Path::new(&self.folder).join(name));
        let (chain, key) = (file("tls.crt")?, file("tls.key")?);
        let content = files::content_of(&[&chain, &key]);
        if self.in_force == Some(content) {
            return Ok(Found { content, pair: None });
        }
        let pair = ServerPair::read(&chain, &key, &self.provider)
            .map_err(|error| FolderError::Pair { folder: self.folder.clone(), error })?;
        Ok(Found { content, pair: Some(pair) })
    }

    fn complain_of_dates(&mut self, now: Timestamp, current: &CurrentPair) {
        match current.get() {
            Some(pair) if !pair.leaf.valid_at(now) => {
                let (from, to) = (pair.leaf.not_before(), pair.leaf.not_after());
                let folder = self.folder.display();
                let what = format!("{folder}/tls.crt is valid from {from} to {to} only");
                self.dates.raise(&what, "clients refuse it; renew it");
            }
            _ => self.dates.clear(),
        }
    }
}
