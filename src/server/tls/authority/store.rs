//! The state folder: files that are replaced whole, and a lock, so that several processes may share it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::super::TlsError;

/// The authorities with their keys.
pub(super) const AUTHORITY: &str = "authority.pem";
/// What clients must trust.
pub(super) const BUNDLE: &str = "ca.crt";
/// The server certificate and its key.
pub(super) const SERVER: &str = "server.pem";
const LOCK: &str = "lock";

/// Files that only this process's user may read.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;

/// A folder for state that outlives the process.
pub(super) struct StateFolder {
    path: PathBuf,
}

/// While it is held no other process changes the folder. The system releases it when the process ends.
pub(super) struct Locked {
    _file: File,
}

impl StateFolder {
    /// Opens the folder. One that does not exist is made, for this process's user alone; the permissions of
    /// one that does are the operator's.
    pub(super) fn open(path: PathBuf) -> Result<Self, TlsError> {
        let made = DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(&path);
        match made {
            Ok(()) => Ok(Self { path }),
            Err(source) => Err(TlsError::StateFolder { path, doing: "made", source }),
        }
    }

    /// Where a file of the folder is.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Waits for the lock. Others hold it for as long as a few files take.
    pub(super) fn lock(&self) -> Result<Locked, TlsError> {
        let file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => return Ok(Locked { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let path = self.file(LOCK);
                tracing::info!(path = %path.display(), "waiting for another process to release the lock");
            }
            Err(TryLockError::Error(source)) => return Err(self.lock_error(source)),
        }
        file.lock().map_err(|source| self.lock_error(source))?;
        Ok(Locked { _file: file })
    }

    /// Takes the lock if nobody holds it.
    pub(super) fn try_lock(&self) -> Result<Option<Locked>, TlsError> {
        let file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Locked { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(self.lock_error(source)),
        }
    }

    /// Replaces a file as a whole: readers see the old content or the new, after a power cut too.
    pub(super) fn replace(&self, _lock: &Locked, name: &str, content: &[u8]) -> Result<(), TlsError> {
        let path = self.file(name);
        let write = || {
            let draft = self.file(&format!(".{name}.new"));
            // Left behind by a process that was killed: with the lock in hand it is nobody's.
            ignore_missing(std::fs::remove_file(&draft))?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(&draft)?;
            file.write_all(content)?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|source| TlsError::StateFolder { path: path.clone(), doing: "written", source })
    }

    /// Takes a file with keys away from everybody else, where a mount or a person has opened it.
    pub(super) fn make_private(&self, name: &str) {
        let path = self.file(name);
        let open = |path: &Path| Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o077 != 0);
        if open(&path) == Some(true)
            && let Err(error) = std::fs::set_permissions(&path, Permissions::from_mode(PRIVATE_FILE))
        {
            tracing::warn!("{} can be read by others, and that cannot be changed: {error}", path.display());
        }
    }

    fn lock_file(&self) -> Result<File, TlsError> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(PRIVATE_FILE);
        options.open(self.file(LOCK)).map_err(|source| self.lock_error(source))
    }

    fn lock_error(&self, source: io::Error) -> TlsError {
        TlsError::StateFolder { path: self.file(LOCK), doing: "locked", source }
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
