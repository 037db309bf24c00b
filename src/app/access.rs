//! Registry access as the Stores of a plan configure it, joined with what the process settings say of
//! hosts. What outlives a configuration (connections, tokens, files of credentials) is kept here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::RegistryProcessSettings;
use crate::engine::settings::{CredentialSettings, StoreSettings};
use crate::registry::ArtifactStore;
use crate::registry::auth::{
    Anonymous, DockerConfigFile, HelperSettings, Keychain, Keychains, KubernetesSecrets,
    default_docker_config,
};
use crate::registry::http::{HttpRegistry, RegistryResources, RegistrySettings};
use crate::secret::Secrets;
use crate::transport::TrustedRoots;

/// Builds stores that share connections, tokens and files of credentials.
#[derive(Debug)]
pub(super) struct RegistryAccess {
    settings: RegistrySettings,
    resources: Arc<RegistryResources>,
    files: Mutex<BTreeMap<PathBuf, Arc<DockerConfigFile>>>,
    secrets: Secrets,
}

impl RegistryAccess {
    pub(super) fn new(settings: &RegistryProcessSettings, secrets: Secrets) -> Self {
        Self {
            settings: RegistrySettings {
                plain_http: false,
                hosts: settings.hosts.clone(),
                default_roots: settings.roots.clone(),
                proxy: settings.proxy.clone(),
                limits: settings.limits.clone(),
            },
            resources: Arc::new(RegistryResources::new(settings.concurrency)),
            files: Mutex::default(),
            secrets,
        }
    }

    /// Does beforehand what the first image would wait for. Blocks for some ten milliseconds.
    pub(super) fn prepare(&self) {
        let resources = Arc::clone(&self.resources);
        HttpRegistry::new(self.settings.clone(), Arc::new(Anonymous), resources).prepare();
    }

    /// The store that these Stores make up together.
    pub(super) fn store(&self, stores: &[StoreSettings]) -> Arc<dyn ArtifactStore> {
        let settings = RegistrySettings {
            plain_http: stores.iter().any(|store| store.plain_http),
            default_roots: with_authorities(&self.settings.default_roots, stores),
            ..self.settings.clone()
        };
        let keychain = Arc::new(Keychains(self.keychains(stores)));
        Arc::new(HttpRegistry::new(settings, keychain, Arc::clone(&self.resources)))
    }

    /// Another number whenever a file or Secret of credentials may say something else than before.
    pub(super) fn revision(&self) -> u64 {
        let files: Vec<_> = self.lock().values().cloned().collect();
        files.iter().map(|file| file.revision()).fold(self.secrets.revision(), u64::wrapping_add)
    }

    fn keychains(&self, stores: &[StoreSettings]) -> Vec<Arc<dyn Keychain>> {
        let unnamed = [CredentialSettings::DockerConfig(None)];
        let mut wanted: Vec<&CredentialSettings> = Vec::new();
        let named = stores.iter().map(|store| &store.credentials);
        for credentials in named.chain(unnamed.iter().filter(|_| stores.is_empty())) {
            if !wanted.contains(&credentials) {
                wanted.push(credentials);
            }
        }
        wanted.into_iter().map(|credentials| self.keychain(credentials)).collect()
    }

    fn keychain(&self, credentials: &CredentialSettings) -> Arc<dyn Keychain> {
        match credentials {
            CredentialSettings::Anonymous => Arc::new(Anonymous),
            CredentialSettings::Static(credentials) => Arc::clone(credentials) as Arc<dyn Keychain>,
            CredentialSettings::KubernetesSecrets { secrets, service_account, account_required } => {
                let (named, account) = (secrets.clone(), service_account.clone());
                Arc::new(KubernetesSecrets::new(self.secrets.clone(), named, account, *account_required))
            }
            CredentialSettings::DockerConfig(Some(path)) => self.file(path, DockerConfigFile::required),
            CredentialSettings::DockerConfig(None) => {
                match default_docker_config(|variable| std::env::var_os(variable)) {
                    Some(path) => self.file(&path, DockerConfigFile::optional),
                    None => Arc::new(Anonymous),
                }
            }
        }
    }

    fn file(
        &self,
        path: &Path,
        open: impl FnOnce(PathBuf, HelperSettings) -> DockerConfigFile,
    ) -> Arc<dyn Keychain> {
        let mut files = self.lock();
        if let Some(file) = files.get(path) {
            return Arc::clone(file) as Arc<dyn Keychain>;
        }
        let file = Arc::new(open(path.to_owned(), HelperSettings::default()));
        files.insert(path.to_owned(), Arc::clone(&file));
        file
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, Arc<DockerConfigFile>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The roots of the process, and besides them the authorities that Stores name.
fn with_authorities(roots: &TrustedRoots, stores: &[StoreSettings]) -> TrustedRoots {
    let mut pems: Vec<&str> = stores.iter().filter_map(|store| store.ca_pem.as_deref()).collect();
    if pems.is_empty() {
        return roots.clone();
    }
    if let TrustedRoots::SystemAnd(pem) | TrustedRoots::Only(pem) = roots {
        pems.push(pem);
    }
    let pem = pems.join("\n").into();
    match roots {
        TrustedRoots::Only(_) => TrustedRoots::Only(pem),
        TrustedRoots::System | TrustedRoots::SystemAnd(_) => TrustedRoots::SystemAnd(pem),
    }
}
