//! A folder of the demo's own below the system's folder for temporary files, removed with its owner.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The folder; dropping it removes it with everything in it.
#[derive(Debug)]
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// A new folder that nobody else can enter.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(super) fn make() -> std::io::Result<Self> {
        const SHORT: usize = 8;
        let random: String = uuid::Uuid::new_v4().simple().to_string().chars().take(SHORT).collect();
        let path = std::env::temp_dir().join(format!("hallmark-demo-{random}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and says where it is.
    pub(super) fn write(&self, name: &str, text: &str) -> std::io::Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be removed stays for the system's own cleaning.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
