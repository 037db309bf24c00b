//! Pods created without pause while something else happens. They are tried with `dryRun=All`: everything but
//! the storage takes part.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use crate::api::{Answer, Api};
use crate::images::Images;
use crate::support::cluster::pod;
use crate::support::signer::TestSigner;

/// Each Pod has an image of its own, by a tag of its own: Gatekeeper remembers none of the answers.
const TAGS: usize = 2000;
const WORKERS: usize = 2;

pub struct Load {
    path: String,
    /// Whether it is signed, and a Pod of it.
    pods: Arc<Vec<(bool, Value)>>,
}

/// What became of the Pods.
#[derive(Default)]
pub struct Outcomes {
    pub signed_admitted: usize,
    pub signed_denied: Vec<Answer>,
    pub unsigned_denied: usize,
    pub unsigned_admitted: Vec<Answer>,
    /// Denials of unsigned images that do not say so: the provider could not be asked.
    pub undecided: Vec<Answer>,
}

impl Load {
    /// Every second Pod is of an image that nobody signed.
    pub fn new(images: &Images, namespace: &str, signer: &TestSigner) -> Self {
        let (signed, unsigned) = (format!("{namespace}/load-signed"), format!("{namespace}/load-unsigned"));
        images.signed(&signed, signer);
        images.unsigned(&unsigned);
        let pods = (0..TAGS).map(|number| {
            let repository = if number % 2 == 0 { &signed } else { &unsigned };
            let image = images.tag(repository, &format!("t{number}"));
            (number % 2 == 0, pod(namespace, &format!("load-{number}"), &[&image]))
        });
        Self {
            path: format!("/api/v1/namespaces/{namespace}/pods?dryRun=All"),
            pods: Arc::new(pods.collect()),
        }
    }

    /// Creates Pods for as long as `meanwhile` takes.
    pub async fn during<T>(&self, api: &Api, meanwhile: impl Future<Output = T>) -> (T, Outcomes) {
        let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (api, path, pods) = (api.clone(), self.path.clone(), Arc::clone(&self.pods));
                let (stop, next) = (Arc::clone(&stop), Arc::clone(&next));
                tokio::spawn(async move {
                    let mut seen = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let (signed, pod) = &pods[next.fetch_add(1, Ordering::Relaxed) % pods.len()];
                        seen.push((*signed, api.create(&path, pod).await));
                    }
                    seen
                })
            })
            .collect();
        let value = meanwhile.await;
        stop.store(true, Ordering::Relaxed);
        let mut outcomes = Outcomes::default();
        for worker in workers {
            for (signed, answer) in worker.await.expect("a worker") {
                outcomes.add(signed, answer);
            }
        }
        println!("  load: {outcomes}");
        (value, outcomes)
    }
}

impl Outcomes {
    fn add(&mut self, signed: bool, answer: Answer) {
        match (signed, answer.is_success()) {
            (true, true) => self.signed_admitted += 1,
            (true, false) => self.signed_denied.push(answer),
            (false, true) => self.unsigned_admitted.push(answer),
            (false, false) if answer.message().contains("NO_SIGNATURE") => self.unsigned_denied += 1,
            (false, false) => self.undecided.push(answer),
        }
    }

    /// # Panics
    /// When an unsigned image was admitted, a signed one was called unsigned, or nothing happened at all.
    pub fn assert_nothing_wrong(&self) {
        assert!(
            self.unsigned_admitted.is_empty(),
            "admitted though unsigned: {:?}",
            self.unsigned_admitted.first()
        );
        let wrong = self.signed_denied.iter().find(|answer| answer.message().contains("NO_SIGNATURE"));
        assert!(wrong.is_none(), "denied though signed: {wrong:?}");
        assert!(self.signed_admitted > 0 && self.unsigned_denied > 0, "there was no load: {self}");
    }

    /// # Panics
    /// As [`Self::assert_nothing_wrong`], and when any Pod was not decided.
    pub fn assert_nothing_failed(&self) {
        self.assert_nothing_wrong();
        let failed = self.signed_denied.iter().chain(&self.undecided).next();
        assert!(failed.is_none(), "{self}, such as {failed:?}");
    }
}

impl std::fmt::Display for Outcomes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "signed: {} admitted, {} not; unsigned: {} denied, {} undecided, {} admitted",
            self.signed_admitted,
            self.signed_denied.len(),
            self.unsigned_denied,
            self.undecided.len(),
            self.unsigned_admitted.len()
        )
    }
}
