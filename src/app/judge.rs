//! One answer without a server: what `hallmark verify` and `hallmark config check` use. The configuration is
//! read once, and everything else is what `serve` does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::access::RegistryAccess;
use super::follow::Follower;
pub use super::follow::Reading;
use super::planner::{Planner, StoreChoice};
use super::shared;
use crate::config::Settings;
use crate::engine::{Engine, EngineParts, Question};
use crate::registry::{ArtifactStore, FetchTrace, RequestRecord};
use crate::report::image::JudgedImage;
use crate::secret::Secrets;
use crate::trust::revocation::{FetchFailure, HttpFetcher, Query, RevocationFetcher};

/// Reads a configuration once. `plugins` are the plugins that signatures may name.
pub async fn read_configuration(paths: Vec<PathBuf>, plugins: Vec<String>) -> Reading {
    let mut follower = Follower::new(paths, plugins, Secrets::default());
    follower.look(Timestamp::now()).await;
    follower.reading().clone()
}

/// Decides about images under a configuration that was read once.
#[derive(Clone, Debug)]
pub struct Judge {
    engine: Engine,
    budget: Duration,
    revocation: Arc<FetchTrace>,
}

impl Judge {
    /// Makes everything ready to decide under `reading`. Images are read from `layout` where it is given,
    /// else from registries.
    ///
    /// # Errors
    /// What of the process settings cannot be used.
    pub async fn start(
        settings: &Settings,
        reading: &Reading,
        layout: Option<Arc<dyn ArtifactStore>>,
    ) -> anyhow::Result<Self> {
        let store = match layout {
            Some(layout) => StoreChoice::Given(layout),
            None => {
                StoreChoice::Registries(Arc::new(RegistryAccess::new(&settings.registry, Secrets::default())))
            }
        };
        let planner = Planner { store, plugins: shared::installed_plugins(&settings.plugins).await };
        let revocation = Arc::<FetchTrace>::default();
        let fetcher =
            Recorded { fetcher: shared::revocation_fetcher(settings)?, trace: Arc::clone(&revocation) };
        let engine = Engine::new(EngineParts {
            settings: settings.engine.clone(),
            clock: shared::system_clock(),
            revocation: shared::revocation(settings, Arc::new(fetcher)),
            runtime: Handle::current(),
        });
        engine.put_in_force(planner.plans(&reading.configuration, &reading.keys));
        Ok(Self { engine, budget: settings.engine.load_bound, revocation })
    }

    /// Decides about images, side by side, as for a namespace or for the cluster.
    pub async fn judge(&self, namespace: Option<&str>, images: &[String]) -> Vec<JudgedImage> {
        join_all(images.iter().map(|image| self.judge_one(namespace, image))).await
    }

    /// What was asked of responders and list servers so far.
    pub fn revocation_requests(&self) -> Vec<RequestRecord> {
        self.revocation.records()
    }

    async fn judge_one(&self, namespace: Option<&str>, image: &str) -> JudgedImage {
        let started = Instant::now();
        let answer = self.engine.ask(Question { namespace, image }, self.budget).await;
        JudgedImage {
            asked: image.to_owned(),
            outcome: answer.outcome,
            requests: answer.trace.map(|trace| trace.records()).unwrap_or_default(),
            took: started.elapsed(),
        }
    }
}

/// Asks, and records what was asked.
#[derive(Debug)]
struct Recorded {
    fetcher: HttpFetcher,
    trace: Arc<FetchTrace>,
}

impl RevocationFetcher for Recorded {
    fn fetch<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Bytes, FetchFailure>> {
        Box::pin(async move {
            let started = tokio::time::Instant::now();
            let answer = self.fetcher.fetch(query).await;
            let kind = match query {
                Query::Ocsp { .. } => "OCSP",
                Query::Crl { .. } => "CRL",
            };
            let (result, bytes) = match &answer {
                Ok(bytes) => ("200".to_owned(), bytes.len() as u64),
                Err(failure) => (failure.to_string(), 0),
            };
            let what = format!("{kind} {}", query.url());
            self.trace.record(RequestRecord { what, result, bytes, started, took: started.elapsed() });
            answer
        })
    }
}
