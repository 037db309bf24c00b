//! Keys and certificates in a file or folder, as a person or a mounted Secret keeps them. The content is
//! read anew each time, so that no trick of timestamps or swapped links hides a change; what is read is
//! small.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::{KeyContent, KeySet, KeySource, KeySourceError, read_material};

/// The longest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The most files of one folder.
pub const MAX_FILES: usize = 256;

/// Changes are seen within this time.
const INTERVAL: Duration = Duration::from_secs(1);

/// A file, or a folder whose files are united. Names that begin with a dot are left out: in a mounted
/// volume they are the machinery of its updates.
#[derive(Clone, Debug)]
pub struct FileSource {
    path: PathBuf,
    content: KeyContent,
}

impl FileSource {
    /// A source at this path.
    pub fn new(path: PathBuf, content: KeyContent) -> Self {
        Self { path, content }
    }

    /// Reads the file or folder. It blocks: call it where that is allowed.
    ///
    /// # Errors
    /// [`KeySourceError`]: one file that cannot be read spoils the set.
    pub fn read(&self, now: Timestamp) -> Result<KeySet, KeySourceError> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| io_error(&self.path, &error))?;
        let files = if metadata.is_dir() { self.folder()? } else { vec![self.path.clone()] };
        let mut keys = Vec::new();
        let mut budget = MAX_FILE_BYTES;
        for file in files {
            let bytes = read_bounded(&file, &mut budget)?;
            let origin = file.display().to_string();
            let read = read_material(&bytes, self.content, &origin);
            keys.extend(read.map_err(|error| KeySourceError::Material { origin, error })?);
        }
        if keys.is_empty() {
            return Err(KeySourceError::Empty { path: self.path.clone() });
        }
        Ok(KeySet::new(keys, now))
    }

    /// The folder's files, by name.
    fn folder(&self) -> Result<Vec<PathBuf>, KeySourceError> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(|error| io_error(&self.path, &error))? {
            let entry = entry.map_err(|error| io_error(&self.path, &error))?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            // Through links: mounted volumes are made of them.
            let metadata = std::fs::metadata(&path).map_err(|error| io_error(&path, &error))?;
            if metadata.is_file() {
                files.push(path);
            }
            if files.len() > MAX_FILES {
                let limit = MAX_FILES as u64;
                return Err(KeySourceError::TooLarge { path: self.path.clone(), limit, unit: "files" });
            }
        }
        files.sort();
        Ok(files)
    }
}

impl KeySource for FileSource {
    fn refresh(&self, now: Timestamp) -> BoxFuture<'_, Result<KeySet, KeySourceError>> {
        let source = self.clone();
        Box::pin(async move {
            let path = source.path.clone();
            tokio::task::spawn_blocking(move || source.read(now))
                .await
                .unwrap_or_else(|error| Err(KeySourceError::Unreadable { path, why: error.to_string() }))
        })
    }

    fn refresh_interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }
}

/// Reads a file within what is left of the budget. Devices and pipes are not opened: they may never end.
fn read_bounded(path: &Path, budget: &mut u64) -> Result<Vec<u8>, KeySourceError> {
    let metadata = std::fs::metadata(path).map_err(|error| io_error(path, &error))?;
    if !metadata.is_file() {
        let why = "it is no file".to_owned();
        return Err(KeySourceError::Unreadable { path: path.to_owned(), why });
    }
    let file = File::open(path).map_err(|error| io_error(path, &error))?;
    let mut bytes = Vec::new();
    let read = file.take(budget.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| io_error(path, &error))?;
    match budget.checked_sub(bytes.len() as u64) {
        Some(rest) => {
            *budget = rest;
            Ok(bytes)
        }
        None => {
            let (path, limit) = (path.to_owned(), MAX_FILE_BYTES);
            Err(KeySourceError::TooLarge { path, limit, unit: "bytes" })
        }
    }
}

fn io_error(path: &Path, error: &io::Error) -> KeySourceError {
    match error.kind() {
        io::ErrorKind::NotFound => KeySourceError::NotFound { path: path.to_owned() },
        _ => KeySourceError::Unreadable { path: path.to_owned(), why: error.to_string() },
    }
}
