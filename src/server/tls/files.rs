//! Reading the small files that certificates are kept in. The content is read anew each time, so that no
//! swapped link and no kept timestamp hides a change.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

/// The longest file that is read, in bytes. Bundles of every public authority have a quarter of it.
const LIMIT: u64 = 1024 * 1024;

/// Why a file gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file.
    #[error("{path} does not exist; it is looked for each second", path = .path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// It is there and cannot be read.
    #[error("{path} cannot be read: {source}; let this process's user read it", path = .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, a device or a pipe, which may never end.
    #[error("{path} is no regular file", path = .path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// It has no content.
    #[error("{path} is empty", path = .path.display())]
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// It is longer than what is read.
    #[error("{path} is longer than {LIMIT} bytes", path = .path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
    },
}

/// Reads a file whole. What was read is wiped from memory when dropped: it may be a key.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing { path: path.to_owned() },
        _ => FileError::Unreadable { path: path.to_owned(), source: error },
    };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(FileError::NoFile { path: path.to_owned() });
    }
    // Allocated once where the size is told truly, so that no copy of a key is left behind by growing.
    let size = usize::try_from(metadata.len().min(LIMIT)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
    let file = File::open(path).map_err(failed)?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 {
        0 => Err(FileError::Empty { path: path.to_owned() }),
        length if length > LIMIT => Err(FileError::TooLong { path: path.to_owned() }),
        _ => Ok(bytes),
    }
}

/// What tells one content from another: SHA-256 over the parts and their lengths. A key is compared
/// without being kept.
pub(super) fn content_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = openssl::sha::Sha256::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finish()
}
