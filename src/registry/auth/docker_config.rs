//! The credentials of a docker `config.json`: which fit a repository, in which order.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{BoundCredential, Credential, HostBinding};
use crate::reference::RegistryHost;
use crate::secret::SecretString;

/// A parsed docker `config.json`. Members that are not about credentials are ignored, as docker adds many.
#[derive(Clone, Default)]
pub struct DockerAuths {
    entries: Vec<Entry>,
    helpers: Vec<(RegistryHost, Helper)>,
    store: Option<String>,
    unreadable: Vec<String>,
}

/// Why a file is no docker `config.json`. What is in it is never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DockerConfigError {
    /// It is longer than [`DockerAuths::MAX_BYTES`].
    #[error("it has more than {} bytes", DockerAuths::MAX_BYTES)]
    TooLong,
    /// It is no JSON of the right shape.
    #[error("it is no docker config (line {line}, column {column})")]
    Json {
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
}

/// A credential helper and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Helper {
    /// What follows `docker-credential-`.
    pub(super) suffix: String,
    /// What it is asked for.
    pub(super) server: String,
}

#[derive(Clone)]
struct Entry {
    host: RegistryHost,
    path: Vec<String>,
    credential: Credential,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    auths: BTreeMap<String, AuthEntry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct AuthEntry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<SecretString>,
    identitytoken: Option<SecretString>,
    registrytoken: Option<SecretString>,
}

impl DockerAuths {
    /// The longest file that is read.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads a docker `config.json`. An entry that cannot be read costs only itself, see
    /// [`Self::unreadable`].
    ///
    /// # Errors
    /// [`DockerConfigError`] where the document as a whole is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(DockerConfigError::TooLong);
        }
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|error| DockerConfigError::Json { line: error.line(), column: error.column() })?;
        let mut auths =
            Self { store: document.creds_store.filter(|store| !store.is_empty()), ..Self::default() };
        auths.add_entries(document.auths);
        for (key, suffix) in document.cred_helpers {
            match split_key(&key) {
                Some((host, _)) => auths.helpers.push((host, Helper { suffix, server: key })),
                None => auths.unreadable.push(key),
            }
        }
        Ok(auths)
    }

    /// Reads a `.dockercfg`, the older form: the entries alone.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_legacy(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(DockerConfigError::TooLong);
        }
        let entries = serde_json::from_slice(bytes)
            .map_err(|error| DockerConfigError::Json { line: error.line(), column: error.column() })?;
        let mut auths = Self::default();
        auths.add_entries(entries);
        Ok(auths)
    }

    /// Whether an entry for this host could not be read.
    pub(super) fn is_unreadable_for(&self, host: &RegistryHost) -> bool {
        self.unreadable.iter().filter_map(|key| split_key(key)).any(|(of, _)| of == *host)
    }

    /// Keys of entries that could not be read, for a notice.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// The credentials written into the file that fit a repository, the longest path prefix first.
    pub fn candidates(&self, host: &RegistryHost, repository: &str) -> Vec<BoundCredential> {
        let segments: Vec<&str> = repository.split('/').collect();
        let fits = |entry: &&Entry| {
            entry.host == *host
                && entry.path.len() <= segments.len()
                && entry.path.iter().zip(&segments).all(|(want, have)| want == have)
        };
        let bound = |entry: &Entry| BoundCredential {
            credential: entry.credential.clone(),
            expires: None,
            binding: HostBinding::to(entry.host.clone()),
        };
        self.entries.iter().filter(fits).map(bound).collect()
    }

    /// The helpers to ask for a host: its own, else the store.
    pub(super) fn helpers(&self, host: &RegistryHost) -> Vec<Helper> {
        let own: Vec<_> =
            self.helpers.iter().filter(|(of, _)| of == host).map(|(_, helper)| helper.clone()).collect();
        match &self.store {
            Some(suffix) if own.is_empty() => {
                let server = match host.as_str() {
                    "docker.io" => "https://index.docker.io/v1/".to_owned(),
                    other => other.to_owned(),
                };
                vec![Helper { suffix: suffix.clone(), server }]
            }
            _ => own,
        }
    }

    fn add_entries(&mut self, entries: BTreeMap<String, AuthEntry>) {
        for (key, entry) in entries {
            self.add_entry(&key, entry);
        }
        // The most specific path first; the sort is stable, so that equals keep their order.
        self.entries.sort_by_key(|entry| std::cmp::Reverse(entry.path.len()));
    }

    fn add_entry(&mut self, key: &str, entry: AuthEntry) {
        let Some((host, path)) = split_key(key) else {
            self.unreadable.push(key.to_owned());
            return;
        };
        match entry.credential() {
            Ok(Some(credential)) => self.entries.push(Entry { host, path, credential }),
            // An empty entry is what docker leaves behind where a store holds the credential.
            Ok(None) => {}
            Err(()) => self.unreadable.push(key.to_owned()),
        }
    }
}

impl std::fmt::Debug for DockerAuths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DockerAuths")
            .field("hosts", &self.entries.iter().map(|entry| &entry.host).collect::<Vec<_>>())
            .field("helpers", &self.helpers)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl AuthEntry {
    /// A token outranks a password. `Err` where `auth` cannot be read.
    fn credential(self) -> Result<Option<Credential>, ()> {
        use secrecy::ExposeSecret as _;
        let given = |secret: &SecretString| !secret.expose_secret().is_empty();
        if let Some(token) = self.registrytoken.filter(given) {
            return Ok(Some(Credential::Bearer(token)));
        }
        if let Some(token) = self.identitytoken.filter(given) {
            return Ok(Some(Credential::IdentityToken(token)));
        }
        if let (Some(username), Some(password)) = (self.username.clone(), self.password)
            && !username.is_empty()
        {
            return Ok(Some(user_and_secret(username, password)));
        }
        let Some(auth) = self.auth.filter(|auth| !auth.is_empty()) else {
            return Ok(None);
        };
        let decoded = STANDARD.decode(auth.trim()).map_err(drop)?;
        let text = String::from_utf8(decoded).map_err(drop)?;
        let (username, password) = text.split_once(':').ok_or(())?;
        Ok(Some(user_and_secret(username.to_owned(), password.trim_end_matches('\0').into())))
    }
}

/// By convention of docker's helpers, the user `<token>` marks an identity token.
pub(super) fn user_and_secret(username: String, secret: SecretString) -> Credential {
    if username == "<token>" {
        Credential::IdentityToken(secret)
    } else {
        Credential::Basic { username, password: secret }
    }
}

/// Splits `[scheme://]host[/path]`. The `v1` and `v2` that old clients appended are no path.
fn split_key(key: &str) -> Option<(RegistryHost, Vec<String>)> {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut path: Vec<String> =
        path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
    if path.first().is_some_and(|first| first == "v1" || first == "v2") {
        path.remove(0);
    }
    Some((RegistryHost::parse(host)?, path))
}
