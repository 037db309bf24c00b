//! The file of the authorities that vouch for Gatekeeper's client certificate: the seam to the server, and what a
//! process that starts again knows of the former ones.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::overlap::Overlap;
use super::said::Said;

/// Told whenever the file has another content.
pub(super) type Changed = Arc<dyn Fn() + Send + Sync>;

/// The file, and what was written into it last.
pub(super) struct ClientFile {
    path: PathBuf,
    changed: Changed,
    written: Option<String>,
    unwritten: Said,
}

impl ClientFile {
    /// Nothing is read or written yet.
    pub(super) fn new(path: PathBuf, changed: Changed) -> Self {
        let (written, unwritten) = Default::default();
        Self { path, changed, written, unwritten }
    }

    /// What an earlier process left, as far as it still counts; what does not is taken out of the file.
    pub(super) fn resume(&mut self, now: Timestamp) -> Overlap {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Overlap::default(),
            Err(error) => {
                tracing::warn!("{} cannot be read: {error}; it is written anew", self.path.display());
                return Overlap::default();
            }
        };
        match Overlap::resume(&text, now) {
            Ok(mut overlap) => {
                self.write(&mut overlap, now);
                overlap
            }
            Err(why) => {
                tracing::warn!("{} {why}; it is written anew", self.path.display());
                Overlap::default()
            }
        }
    }

    /// Writes the authorities, if there are any and the file has others.
    pub(super) fn write(&mut self, overlap: &mut Overlap, now: Timestamp) {
        let authorities = overlap.at(now).len();
        let text = overlap.to_pem();
        if authorities == 0 || self.written.as_deref() == Some(text.as_str()) {
            return;
        }
        match replace(&self.path, text.as_bytes()) {
            Ok(()) => {
                self.unwritten.clear();
                tracing::info!(
                    file = %self.path.display(),
                    authorities,
                    former = overlap.former().len(),
                    "the authorities of Gatekeeper's client certificate changed"
                );
                self.written = Some(text);
                (self.changed)();
            }
            Err(error) => {
                let text = format!("{} cannot be written: {error}", self.path.display());
                if self.unwritten.is_news(&text) {
                    tracing::error!("{text}; it is tried again, and what is in force stays");
                }
            }
        }
    }
}

/// Replaces a file as a whole: the server reads the old content or the new.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension("new");
    let mut file = std::fs::File::create(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::provider::tests::{HOUR, at, authority};
    use super::*;
    use crate::x509::certificates_from_pem_or_der;

    #[test]
    fn the_server_is_told_of_each_content_once_it_is_there_and_of_the_same_never_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/clients.pem");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let changed: Changed = {
            let (path, seen) = (path.clone(), Arc::clone(&seen));
            Arc::new(move || seen.lock().unwrap().push(std::fs::read(&path).unwrap()))
        };
        let (one, other) = (authority("one", 400 * HOUR), authority("other", 400 * HOUR));
        let start = || ClientFile::new(path.clone(), Arc::clone(&changed));
        let mut file = start();
        let mut overlap = file.resume(at(0));
        file.write(&mut overlap, at(0));
        assert!(seen.lock().unwrap().is_empty(), "without an authority nothing is written");
        for _ in 0..2 {
            overlap.take(vec![one.clone()], at(0));
            file.write(&mut overlap, at(0));
        }
        overlap.take(vec![other.clone()], at(60));
        file.write(&mut overlap, at(60));
        let read = |bytes: &Vec<u8>| certificates_from_pem_or_der(bytes).unwrap();
        let told: Vec<_> = seen.lock().unwrap().iter().map(read).collect();
        assert_eq!(told, [vec![one.clone()], vec![other.clone(), one.clone()]]);

        // It starts again: the former one counts for as long as was said, and not in the file either after that.
        assert_eq!(start().resume(at(120)).at(at(120)), [other.clone(), one]);
        start().resume(at(60 + HOUR));
        assert_eq!(read(&std::fs::read(&path).unwrap()), [other]);
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----").unwrap();
        assert!(start().resume(at(0)).at(at(0)).is_empty());
    }
}
