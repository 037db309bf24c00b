//! Keys and certificates that are written into a resource: read once, never refreshed.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use std::time::Duration;

use super::{KeyContent, KeySet, KeySource, KeySourceError, read_material};

/// A source whose value is in the configuration.
#[derive(Clone, Debug)]
pub struct InlineSource {
    pem: String,
    content: KeyContent,
}

impl InlineSource {
    /// A source with this text.
    pub fn new(pem: String, content: KeyContent) -> Self {
        Self { pem, content }
    }

    /// Reads the text.
    ///
    /// # Errors
    /// [`KeySourceError::Material`] where it holds no keys or certificates.
    pub fn read(&self, now: Timestamp) -> Result<KeySet, KeySourceError> {
        const ORIGIN: &str = "inline value";
        let keys = read_material(self.pem.as_bytes(), self.content, ORIGIN)
            .map_err(|error| KeySourceError::Material { origin: ORIGIN.to_owned(), error })?;
        Ok(KeySet::new(keys, now))
    }
}

impl KeySource for InlineSource {
    fn refresh(&self, now: Timestamp) -> BoxFuture<'_, Result<KeySet, KeySourceError>> {
        Box::pin(std::future::ready(self.read(now)))
    }

    fn refresh_interval(&self) -> Option<Duration> {
        None
    }
}
