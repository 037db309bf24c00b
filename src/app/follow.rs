//! Follows the configured files, the cluster's resources and the keys that both name: what changes is seen
//! within seconds, and what is bad never replaces what is good.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::settling::Settling;
use crate::controller::{Cluster, Judged, Read};
use crate::crd::source::{LoadedDocuments, read_paths};
use crate::crd::{Configuration, ConvertOptions, LastGood, Origin};
use crate::engine::diagnostic::Severity;
use crate::engine::settings::NamespacedResources;
use crate::secret::Secrets;
use crate::trust::key_source::{KeySets, KeySourceSettings, KeySources};
use crate::trust::store::KeySourceName;

/// How often files are looked at.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// Reads the configuration again and again.
pub(super) struct Follower {
    paths: Vec<PathBuf>,
    /// Names of the plugins that signatures may name.
    plugins: Vec<String>,
    cluster: Option<Followed>,
    documents: Arc<Mutex<LastGood>>,
    /// Of the files as last read.
    fingerprint: Option<[u8; 32]>,
    reading: Reading,
    sources: KeySources,
    source_settings: BTreeMap<KeySourceName, KeySourceSettings>,
    secrets: Secrets,
}

/// A cluster whose resources are read beside the files.
struct Followed {
    cluster: Cluster,
    namespaced: NamespacedResources,
    settling: Settling,
    read: Read,
}

/// What was read last.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What the documents mean.
    pub configuration: Arc<Configuration>,
    /// What the key sources hold.
    pub keys: KeySets,
    /// True once every path could be read in whole. Until then a document is missing that could have
    /// vetoed, so nothing can be decided; afterwards the last good version serves.
    pub complete: bool,
}

impl Follower {
    /// Nothing is read yet.
    pub(super) fn new(paths: Vec<PathBuf>, plugins: Vec<String>, secrets: Secrets) -> Self {
        Self {
            paths,
            plugins,
            cluster: None,
            documents: Arc::default(),
            fingerprint: None,
            reading: Reading::default(),
            sources: KeySources::default(),
            source_settings: BTreeMap::new(),
            secrets,
        }
    }

    /// Reads a cluster's resources too.
    pub(super) fn with_cluster(self, cluster: Cluster, namespaced: NamespacedResources) -> Self {
        let (settling, read) = Default::default();
        Self { cluster: Some(Followed { cluster, namespaced, settling, read }), ..self }
    }

    /// Looks once. True where something changed that a plan depends on.
    pub(super) async fn look(&mut self, now: Timestamp) -> bool {
        let documents_changed = self.read_documents(now).await;
        let keys = self.sources.refresh(&self.reading.keys, now).await;
        let keys_changed = !keys.same_content(&self.reading.keys);
        self.reading.keys = keys;
        documents_changed || keys_changed
    }

    /// What was read last.
    pub(super) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// What is to be said of the cluster's resources; nothing before all of them were read.
    pub(super) fn judged(&self) -> Option<Judged> {
        let followed = self.cluster.as_ref().filter(|_| self.reading.complete)?;
        let Reading { configuration, keys, .. } = &self.reading;
        Some(Judged::new(Arc::clone(configuration), keys.clone(), &followed.read))
    }

    async fn read_documents(&mut self, now: Timestamp) -> bool {
        // Until the cluster was read in whole, an object is missing that could have vetoed.
        if self.cluster.as_ref().is_some_and(|followed| !followed.cluster.is_complete()) {
            return false;
        }
        let paths = self.paths.clone();
        let loaded = match tokio::task::spawn_blocking(move || read_paths(&paths)).await {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::error!(%error, "reading the configuration failed; what was read before holds");
                return false;
            }
        };
        let cluster_changed = self.cluster.as_mut().is_some_and(Followed::has_settled);
        if self.fingerprint == Some(loaded.fingerprint) && !cluster_changed {
            return false;
        }
        self.fingerprint = Some(loaded.fingerprint);
        self.convert(loaded, now).await
    }

    /// Converts what was read. That takes as long as it takes to read every certificate of every tenant, so
    /// it is done beside whoever answers.
    async fn convert(&mut self, mut loaded: LoadedDocuments, now: Timestamp) -> bool {
        let mut options = ConvertOptions { plugins: self.plugins.clone(), ..ConvertOptions::files(now) };
        if let Some(followed) = &mut self.cluster {
            options.origin = Origin::Cluster;
            options.release_namespace = Arc::clone(followed.cluster.namespace());
            options.namespaced = followed.namespaced;
            followed.read = followed.cluster.read();
            loaded.documents.append(&mut followed.read.documents);
        }
        let unread = !loaded.unreadable.is_empty()
            || loaded.diagnostics.iter().any(|said| said.severity == Severity::Error);
        let documents = Arc::clone(&self.documents);
        let LoadedDocuments { documents: read, unreadable, diagnostics, .. } = loaded;
        let follow = move || {
            // A panic leaves the last good versions as they were.
            let mut documents = documents.lock().unwrap_or_else(PoisonError::into_inner);
            documents.follow(&read, &unreadable, &options)
        };
        let mut configuration = match tokio::task::spawn_blocking(follow).await {
            Ok(configuration) => configuration,
            Err(error) => {
                tracing::error!(%error, "the configuration cannot be converted; what was in force stays");
                return false;
            }
        };
        // What is said of files goes before what is said of resources.
        configuration.diagnostics.splice(0..0, diagnostics);
        self.follow_sources(configuration.plans().flat_map(|plan| plan.key_sources.clone()).collect());
        self.reading.configuration = Arc::new(configuration);
        self.reading.complete |= !unread;
        true
    }

    /// A source that is configured otherwise than before is asked at once.
    fn follow_sources(&mut self, settings: BTreeMap<KeySourceName, KeySourceSettings>) {
        let changed: BTreeSet<_> = settings
            .iter()
            .filter(|(name, settings)| self.source_settings.get(*name) != Some(settings))
            .map(|(name, _)| Arc::clone(name))
            .collect();
        self.sources = KeySources::build(&settings, &self.secrets);
        self.source_settings = settings;
        self.reading.keys = std::mem::take(&mut self.reading.keys).with_due(&changed);
    }
}

impl Followed {
    /// True where resources changed and the burst of changes is over.
    fn has_settled(&mut self) -> bool {
        self.settling.look(self.cluster.generation())
    }
}
