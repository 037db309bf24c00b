//! The authority's file, for whoever keeps a copy of it elsewhere, so that processes without a common folder
//! share one authority. Written under the folder's lock, and taken over by [`super::SelfMade`] at its next
//! look.

use std::path::PathBuf;

use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;

use super::super::TlsError;
use super::super::files::{self, FileError};
use super::held::{Authorities, HeldError};
use super::issue::Issuer;
use super::store::{AUTHORITY, StateFolder};

/// The file of the authority in a state folder. What is read from it is secret.
pub struct AuthorityFile {
    folder: StateFolder,
}

impl AuthorityFile {
    /// Opens the state folder, and makes it where it is not there.
    ///
    /// # Errors
    /// [`TlsError`]: the folder cannot be used.
    pub fn open(state_dir: PathBuf) -> Result<Self, TlsError> {
        Ok(Self { folder: StateFolder::open(state_dir)? })
    }

    /// What the file holds; `None` where there is none. It blocks for as long as a file takes.
    ///
    /// # Errors
    /// [`TlsError`]: it cannot be read.
    pub fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, TlsError> {
        match files::read(&self.folder.file(AUTHORITY)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(FileError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces what was read by something else. False where the file holds another thing by now; then
    /// nothing is written. It waits for the folder's lock.
    ///
    /// # Errors
    /// [`TlsError`]: `with` is no authority, or the folder cannot be used.
    pub fn replace(&self, was: Option<&[u8]>, with: &[u8]) -> Result<bool, TlsError> {
        let damaged = |error| TlsError::Damaged { path: self.folder.file(AUTHORITY), error };
        Authorities::read(with).map_err(damaged)?;
        let lock = self.folder.lock()?;
        if self.read()?.as_ref().map(|bytes| bytes.as_slice()) != was {
            return Ok(false);
        }
        self.folder.replace(&lock, AUTHORITY, with)?;
        Ok(true)
    }

    /// A new authority, as the file has it; it is written nowhere.
    ///
    /// # Errors
    /// [`TlsError`]: it cannot be made.
    pub fn make(now: Timestamp) -> Result<Zeroizing<Vec<u8>>, TlsError> {
        let pem = Authorities::of(Issuer::new(now)?).to_pem();
        Ok(Zeroizing::new(pem.as_bytes().to_vec()))
    }

    /// The certificates that clients must trust, in PEM, of something that a file holds or is to hold.
    ///
    /// # Errors
    /// [`HeldError`]: it is no authority; never with a byte of a key.
    pub fn bundle(authority: &[u8]) -> Result<String, HeldError> {
        Authorities::read(authority).map(|held| held.bundle())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_wrote_meanwhile_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = AuthorityFile::open(folder.path().join("state")).unwrap();
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let (one, other) = (AuthorityFile::make(now).unwrap(), AuthorityFile::make(now).unwrap());
        assert_eq!(file.read().unwrap(), None);
        assert!(file.replace(None, &one).unwrap());
        assert!(!file.replace(None, &other).unwrap());
        assert!(!file.replace(Some(&other), &other).unwrap());
        assert_eq!(file.read().unwrap().unwrap(), one);
        assert!(file.replace(Some(&one), &other).unwrap());
        assert_eq!(file.read().unwrap().unwrap(), other);
        assert_ne!(AuthorityFile::bundle(&one).unwrap(), AuthorityFile::bundle(&other).unwrap());
    }

    #[test]
    fn what_is_no_authority_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = AuthorityFile::open(folder.path().to_owned()).unwrap();
        assert!(file.replace(None, b"-----BEGIN CERTIFICATE-----").is_err());
        assert!(AuthorityFile::bundle(b"").is_err());
        assert_eq!(file.read().unwrap(), None);
    }
}
