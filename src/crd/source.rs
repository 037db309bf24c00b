//! Documents from files and folders. Content is read anew each time and hashed, so that a change is seen
//! whatever a file's times say and however a mounted volume swaps its links.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Document;
use super::yaml::{MAX_FILE_BYTES, read_documents};
use crate::engine::diagnostic::{Diagnostic, Severity};

/// The most files that are read together.
pub const MAX_FILES: usize = 1000;

/// The most bytes that are read together.
pub const MAX_TOTAL_BYTES: u64 = 16 * 1024 * 1024;

/// How deep folders are searched.
const MAX_DEPTH: usize = 4;

/// What the configured paths hold at one time.
#[derive(Clone, Debug, Default)]
pub struct LoadedDocuments {
    /// Every document, in order of paths.
    pub documents: Vec<Document>,
    /// Files and folders that are there and cannot be read, in whole or in part: what they held before must
    /// not count as deleted.
    pub unreadable: Vec<Arc<Path>>,
    /// What is said about files as files.
    pub diagnostics: Vec<Diagnostic>,
    /// SHA-256 over paths and content: equal where nothing changed.
    pub fingerprint: [u8; 32],
}

/// Reads files, and folders' `*.yaml`, `*.yml` and `*.json` files. Names that begin with a dot are left
/// out below a folder. It blocks: call it where that is allowed, every second to follow changes.
pub fn read_paths(paths: &[PathBuf]) -> LoadedDocuments {
    let mut reader = Reader::default();
    for path in paths {
        reader.path(path);
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    loaded: LoadedDocuments,
    /// Files as the system knows them, to read one that is reached twice only once.
    seen: BTreeSet<PathBuf>,
    bytes: u64,
    hasher: openssl::sha::Sha256,
}

impl Reader {
    fn path(&mut self, path: &Path) {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path, MAX_DEPTH),
            Ok(_) => self.file(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.say(Severity::Error, path, "does not exist", "correct the path");
                self.hash(path, b"");
            }
            Err(error) => self.failed(path, &error.to_string()),
        }
    }

    fn folder(&mut self, path: &Path, depth: usize) {
        let entries = match std::fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => return self.failed(path, &error.to_string()),
        };
        let mut paths: Vec<PathBuf> = entries
            .iter()
            .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
            .map(std::fs::DirEntry::path)
            .collect();
        paths.sort();
        for path in paths {
            // Through links: mounted volumes are made of them.
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && depth == 0 => {
                    self.failed(&path, &format!("folders are searched {MAX_DEPTH} deep"));
                }
                Ok(metadata) if metadata.is_dir() => self.folder(&path, depth.saturating_sub(1)),
                Ok(_) if is_document(&path) => self.file(&path),
                Ok(_) => {}
                // A file that went away between listing and reading is a deletion like any other.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.failed(&path, &error.to_string()),
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(real) {
            return;
        }
        if self.seen.len() > MAX_FILES {
            return self.failed(path, &format!("at most {MAX_FILES} files are read"));
        }
        match read_bounded(path, MAX_TOTAL_BYTES.saturating_sub(self.bytes)) {
            Ok(text) => {
                self.bytes = self.bytes.saturating_add(text.len() as u64);
                self.hash(path, text.as_bytes());
                self.text(path.into(), &text);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.hash(path, b""),
            Err(error) => self.failed(path, &error.to_string()),
        }
    }

    fn text(&mut self, file: Arc<Path>, text: &str) {
        let documents = read_documents(text);
        if documents.is_empty() {
            self.say(Severity::Notice, &file, "holds no document", "");
        }
        if documents.iter().any(|document| document.content.is_err()) {
            self.loaded.unreadable.push(file.clone());
        }
        self.loaded.documents.extend(documents.into_iter().map(|document| Document {
            file: Some(file.clone()),
            line: Some(document.line),
            content: document.content,
        }));
    }

    fn failed(&mut self, path: &Path, why: &str) {
        self.say(Severity::Error, path, &format!("cannot be read: {why}"), "");
        self.loaded.unreadable.push(path.into());
        self.hash(path, why.as_bytes());
    }

    fn hash(&mut self, path: &Path, content: &[u8]) {
        for part in [path.as_os_str().as_encoded_bytes(), content] {
            self.hasher.update(&(part.len() as u64).to_le_bytes());
            self.hasher.update(part);
        }
    }

    fn say(&mut self, severity: Severity, path: &Path, message: &str, remedy: &str) {
        self.loaded.diagnostics.push(Diagnostic {
            severity,
            resource: String::new(),
            file: Some(path.into()),
            line: None,
            field: String::new(),
            message: message.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    fn finish(mut self) -> LoadedDocuments {
        self.loaded.fingerprint = self.hasher.finish();
        self.loaded
    }
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

fn read_bounded(path: &Path, budget: u64) -> io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let limit = budget.min(MAX_FILE_BYTES);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it has more than the {limit} bytes that are read")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}
