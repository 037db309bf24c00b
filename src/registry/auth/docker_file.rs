//! A docker `config.json` on disk, read again when it changes.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::helper::{HelperSettings, Helpers};
use super::{
    ANONYMOUS_SCOPE, BoundCredential, CredentialRequest, DockerAuths, HostBinding, Keychain, KeychainError,
    fingerprint,
};

/// Where docker looks for its configuration: `$DOCKER_CONFIG/config.json`, else
/// `$HOME/.docker/config.json`. `variable` looks up an environment variable.
pub fn default_docker_config(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let given = |name| variable(name).filter(|value| !value.is_empty());
    match given("DOCKER_CONFIG") {
        Some(folder) => Some(PathBuf::from(folder).join("config.json")),
        None => given("HOME").map(|home| PathBuf::from(home).join(".docker/config.json")),
    }
}

/// Credentials of a docker `config.json`. The file is looked at once a second at most; while it cannot be
/// read, what it last said holds.
#[derive(Debug)]
pub struct DockerConfigFile {
    path: PathBuf,
    required: bool,
    loaded: Mutex<Option<Loaded>>,
    helpers: Helpers,
}

#[derive(Clone, Debug)]
struct Loaded {
    auths: Result<Arc<DockerAuths>, String>,
    stamp: Option<Stamp>,
    looked_at: Instant,
    /// How often it said something new.
    revision: u64,
}

type Stamp = (SystemTime, u64);

impl DockerConfigFile {
    /// A file that must be there: until it was read once, nothing is known, which is not "anonymous".
    pub fn required(path: PathBuf, helpers: HelperSettings) -> Self {
        Self { path, required: true, loaded: Mutex::default(), helpers: Helpers::new(helpers) }
    }

    /// A file that may be absent, which means no credentials.
    pub fn optional(path: PathBuf, helpers: HelperSettings) -> Self {
        Self { required: false, ..Self::required(path, helpers) }
    }

    fn auths(&self) -> Result<Arc<DockerAuths>, KeychainError> {
        let failed = |problem| KeychainError { source_name: self.path.display().to_string(), problem };
        let mut loaded = self.loaded.lock().map_err(|_| failed("it is locked".to_owned()))?;
        let now = Instant::now();
        let fresh = loaded.as_ref().is_some_and(|loaded| now < loaded.looked_at + LOOK_INTERVAL);
        if !fresh {
            *loaded = Some(self.look(loaded.take(), now));
        }
        match loaded.as_ref().map(|loaded| loaded.auths.clone()) {
            Some(Ok(auths)) => Ok(auths),
            Some(Err(problem)) => Err(failed(problem)),
            None => Err(failed("it was not read".to_owned())),
        }
    }

    fn look(&self, before: Option<Loaded>, now: Instant) -> Loaded {
        let stamp = stamp(&self.path);
        if let Some(before) = &before
            && before.stamp == stamp
            && before.auths.is_ok()
        {
            return Loaded { looked_at: now, ..before.clone() };
        }
        let (known, failed_before) =
            before.as_ref().map_or((0, false), |before| (before.revision, before.auths.is_err()));
        let is_first = before.is_none();
        let auths = match read(&self.path) {
            Ok(None) if !self.required => Ok(Arc::default()),
            Ok(None) => Err("it is not there".to_owned()),
            Ok(Some(bytes)) => DockerAuths::parse(&bytes).map(Arc::new).map_err(|error| error.to_string()),
            Err(problem) => Err(problem),
        };
        let auths = match (auths, before.map(|before| before.auths)) {
            (Err(problem), Some(Ok(last_good))) => {
                tracing::warn!(path = %self.path.display(), problem, "docker config unreadable, its last content holds");
                Ok(last_good)
            }
            (auths, _) => auths,
        };
        // What stays unreadable stays the same.
        let same = is_first || (failed_before && auths.is_err());
        let revision = if same { known } else { known.wrapping_add(1) };
        Loaded { auths, stamp, looked_at: now, revision }
    }

    async fn collect(&self, request: &CredentialRequest) -> Result<Vec<BoundCredential>, KeychainError> {
        let auths = self.auths()?;
        let mut found = Vec::new();
        let mut failed = None;
        for helper in auths.helpers(&request.host) {
            match self.helpers.ask(&helper).await {
                Ok(Some(credential)) => {
                    let binding = HostBinding::to(request.host.clone());
                    found.push(BoundCredential { credential, expires: None, binding });
                }
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
        }
        found.extend(auths.candidates(&request.host, &request.repository));
        match failed {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }
}

impl Keychain for DockerConfigFile {
    fn candidates<'a>(
        &'a self,
        request: &'a CredentialRequest,
    ) -> BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>> {
        Box::pin(self.collect(request))
    }

    fn scope(&self, request: &CredentialRequest) -> Arc<str> {
        let Ok(auths) = self.auths() else {
            return format!("unreadable:{}", self.path.display()).into();
        };
        let helpers = auths.helpers(&request.host).into_iter();
        let mut parts: Vec<String> =
            helpers.map(|helper| format!("helper {} {}", helper.suffix, helper.server)).collect();
        let written = auths.candidates(&request.host, &request.repository);
        parts.extend(written.iter().map(BoundCredential::fingerprint));
        if parts.is_empty() {
            return ANONYMOUS_SCOPE.into();
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        format!("docker-config:{}", fingerprint(&parts)).into()
    }

    fn revision(&self) -> u64 {
        // Looks at the file; that it cannot be read is said where credentials are wanted.
        let _ = self.auths();
        let loaded = self.loaded.lock();
        loaded.ok().and_then(|loaded| loaded.as_ref().map(|loaded| loaded.revision)).unwrap_or_default()
    }
}

/// The time and length of the file that the path leads to now, through any symbolic links.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("it is no file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(DockerAuths::MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(Some(bytes))
}

const LOOK_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_revision_changes_with_what_the_file_says_and_with_nothing_else() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("config.json");
        let optional = DockerConfigFile::optional(path.clone(), HelperSettings::default());
        let required = DockerConfigFile::required(path.clone(), HelperSettings::default());
        let revisions = || (optional.revision(), required.revision());
        assert_eq!(revisions(), (0, 0));
        tokio::time::advance(LOOK_INTERVAL).await;
        assert_eq!(revisions(), (0, 0), "what stays absent stays the same");
        std::fs::write(&path, r#"{"auths":{}}"#).expect("file");
        tokio::time::advance(LOOK_INTERVAL).await;
        assert_eq!(revisions(), (1, 1));
        tokio::time::advance(LOOK_INTERVAL).await;
        assert_eq!(revisions(), (1, 1));
    }
}
