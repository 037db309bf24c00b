//! Gathers evidence: for every certificate of a chain at once, OCSP first, then revocation lists.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::cache::{Lifetimes, Loaded, SharedLoads};
use super::evidence::{CertificateEvidence, ListEvidence, Proof, RevocationEvidence, Status};
use super::fetch::{Query, RevocationFetcher};
use crate::x509::Certificate;
use crate::x509::crl::{Crl, UnverifiedCrl};
use crate::x509::ocsp::{self, Answer, CertificateStatus, SignedAnswer};

/// How much a checker keeps, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckerSettings {
    /// Bytes of revocation lists that are kept.
    pub list_bytes: u64,
    /// Bytes of OCSP answers that are kept.
    pub answer_bytes: u64,
    /// Longest time that a list or answer is used without asking again, however long it says that it is good.
    pub max_age: Duration,
    /// Shortest time between two requests for the same thing; failures are remembered that long.
    pub retry_after: Duration,
}

impl Default for CheckerSettings {
    fn default() -> Self {
        Self {
            list_bytes: 128 * 1024 * 1024,
            answer_bytes: 8 * 1024 * 1024,
            max_age: Duration::from_hours(12),
            retry_after: Duration::from_secs(10),
        }
    }
}

/// Finds out whether certificates are revoked, and remembers what it was told.
///
/// What is remembered was verified against the issuer that it is remembered under; its dates are looked at again
/// on every use. A list that was not asked for in a while goes first when the bytes are used up.
#[derive(Clone, Debug)]
pub struct RevocationChecker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    fetcher: Arc<dyn RevocationFetcher>,
    answers: SharedLoads<AnswerKey, SignedAnswer>,
    lists: SharedLoads<ListKey, Arc<Crl>>,
    loads: Arc<Loads>,
}

/// What is counted of one kind of revocation data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevocationFigures {
    /// Requests whose answer can be used.
    pub succeeded: u64,
    /// Requests without such an answer.
    pub failed: u64,
    /// When the oldest of what decisions rested on lately was made, as it says itself (thisUpdate).
    pub oldest: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Counts {
    succeeded: AtomicU64,
    failed: AtomicU64,
}

/// How many loads run at once: what they hold while they run is bounded by that.
#[derive(Debug)]
struct Loads {
    answers: Semaphore,
    lists: Semaphore,
    answer_counts: Counts,
    list_counts: Counts,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AnswerKey {
    url: String,
    issuer: [u8; 32],
    certificate: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ListKey {
    url: String,
    issuer: [u8; 32],
}

impl RevocationChecker {
    /// A checker with empty caches.
    pub fn new(fetcher: Arc<dyn RevocationFetcher>, settings: CheckerSettings) -> Self {
        let lifetimes = Lifetimes { max_age: settings.max_age, retry_after: settings.retry_after };
        Self(Arc::new(Shared {
            fetcher,
            answers: SharedLoads::new("ocsp answers", settings.answer_bytes, lifetimes),
            lists: SharedLoads::new("revocation lists", settings.list_bytes, lifetimes),
            loads: Arc::new(Loads {
                answers: Semaphore::new(PARALLEL_ANSWERS),
                lists: Semaphore::new(PARALLEL_LISTS),
                answer_counts: Counts::default(),
                list_counts: Counts::default(),
            }),
        }))
    }

    /// What is counted of OCSP answers and of revocation lists.
    pub fn figures(&self) -> [(&'static str, RevocationFigures); 2] {
        let Shared { answers, lists, loads, .. } = &*self.0;
        let answered = answers.oldest(|signed| signed.answer.this_update);
        let listed = lists.oldest(|list| list.this_update());
        [("ocsp", loads.answer_counts.figures(answered)), ("crl", loads.list_counts.figures(listed))]
    }

    /// Gathers evidence about every certificate of `chain` but its last, the root. Each certificate must be
    /// followed by its issuer, and the chain must end in a configured anchor: the addresses that are asked come
    /// out of these certificates.
    ///
    /// What is not answered at `deadline` is missing from the evidence; the requests go on, and asking again
    /// later finds their answers.
    pub async fn check(
        &self,
        chain: &[Certificate],
        now: Timestamp,
        deadline: Instant,
    ) -> RevocationEvidence {
        let requests = Arc::new(AtomicU32::new(0));
        let pairs = chain.iter().zip(chain.iter().skip(1));
        let certificates = pairs.map(|(certificate, issuer)| {
            let gathering = Gathering {
                shared: Arc::clone(&self.0),
                certificate: certificate.clone(),
                issuer: issuer.clone(),
                now,
                requests: Arc::clone(&requests),
            };
            gathering.within(deadline)
        });
        let certificates = join_all(certificates).await;
        RevocationEvidence { certificates, gathered_at: now, requests: requests.load(Ordering::Relaxed) }
    }
}

struct Gathering {
    shared: Arc<Shared>,
    certificate: Certificate,
    issuer: Certificate,
    now: Timestamp,
    requests: Arc<AtomicU32>,
}

impl Gathering {
    /// The gathering is a task of its own, so that a list is fetched although a responder took all the time
    /// there was: who asks again finds it.
    async fn within(self, deadline: Instant) -> CertificateEvidence {
        let subject = self.certificate.subject();
        let gathering = tokio::spawn(async move { timeout(GATHERING_LIMIT, self.proof()).await });
        let proof = match timeout_at(deadline, gathering).await {
            Ok(Ok(proof)) => proof.unwrap_or(Proof::Late),
            Ok(Err(ended)) => Proof::Missing { why: format!("the check ended early: {ended}") },
            Err(_) => Proof::Late,
        };
        CertificateEvidence { subject, proof }
    }

    async fn proof(&self) -> Proof {
        let certificate = &self.certificate;
        match (self.ask_responders().await, certificate.crl_urls().next().is_none()) {
            (Responders::None, true) => Proof::NonRevokable,
            (Responders::None, false) => {
                Proof::Lists { ocsp_failure: None, lists: self.look_up(certificate).await }
            }
            (Responders::Answered(url, answer), true) => Proof::Ocsp { url, answer },
            (Responders::Answered(url, answer), false) if answer.status != CertificateStatus::Unknown => {
                Proof::Ocsp { url, answer }
            }
            (Responders::Answered(url, _), false) => {
                let ocsp_failure = Some(format!("{url} does not know the certificate"));
                Proof::Lists { ocsp_failure, lists: self.look_up(certificate).await }
            }
            (Responders::Failed(why), true) => Proof::Missing { why },
            (Responders::Failed(why), false) => {
                Proof::Lists { ocsp_failure: Some(why), lists: self.look_up(certificate).await }
            }
        }
    }

    /// The first responder that gives an answer of its own decides, be it that it does not know.
    async fn ask_responders(&self) -> Responders {
        let mut failures = Vec::new();
        for url in self.certificate.ocsp_urls().iter().take(MAX_ADDRESSES) {
            match self.answer(url).await {
                Ok(answer) => return Responders::Answered(url.clone(), answer),
                Err(why) => failures.push(format!("{url}: {why}")),
            }
        }
        if failures.is_empty() { Responders::None } else { Responders::Failed(failures.join("; ")) }
    }

    async fn answer(&self, url: &str) -> Result<Answer, String> {
        let (certificate, issuer, now) = (self.certificate.clone(), self.issuer.clone(), self.now);
        let request = ocsp::request(&certificate, &issuer).ok_or("the certificate cannot be asked about")?;
        let key = AnswerKey {
            url: url.to_owned(),
            issuer: issuer.fingerprint(),
            certificate: certificate.fingerprint(),
        };
        let query = Query::Ocsp { url: url.to_owned(), request: request.into() };
        let load = self.load(query, move |response| {
            let signed =
                SignedAnswer::verify(&response, &certificate, &issuer, now).map_err(|e| e.to_string())?;
            let known = signed.answer.status != CertificateStatus::Unknown;
            let good_until = signed.answer.next_update.filter(|_| known);
            let delegate = signed.revocable_delegate.as_ref();
            // A certificate takes its bytes, and about as much again once it is read.
            let bytes = size_of::<SignedAnswer>() + delegate.map_or(0, |delegate| 2 * delegate.der().len());
            Ok(Loaded { outcome: Ok(signed), good_until, bytes })
        });
        let SignedAnswer { mut answer, revocable_delegate } =
            self.shared.answers.get(key, self.now, load).await?;
        answer.check_dates(self.now).map_err(|error| error.to_string())?;
        if let Some(delegate) = revocable_delegate {
            let due = self.check_delegate(&delegate).await?;
            answer.next_update = answer.next_update.map(|next| due.map_or(next, |due| next.min(due)));
        }
        Ok(answer)
    }

    /// The responder's certificate is not revoked, as its lists say, and when they say that the next are due
    /// (RFC 6960 §4.2.2.2.1). It is by the same issuer. Responders are not asked about it: they would speak for
    /// themselves.
    async fn check_delegate(&self, delegate: &Certificate) -> Result<Option<Timestamp>, String> {
        let proof = Proof::Lists { ocsp_failure: None, lists: self.look_up(delegate).await };
        let evidence = CertificateEvidence { subject: delegate.subject(), proof };
        match evidence.status(None) {
            Status::Ok | Status::NonRevokable => Ok(evidence.next_update()),
            Status::Revoked { at, .. } => Err(format!("the responder's certificate was revoked at {at}")),
            Status::Unknown { why } => {
                Err(format!("whether the responder's certificate is revoked is unknown: {why}"))
            }
        }
    }

    /// Every distribution point must answer; nothing is asked after the first that cannot be used.
    async fn look_up(&self, certificate: &Certificate) -> Vec<ListEvidence> {
        let mut lists = Vec::new();
        for (index, url) in certificate.crl_urls().enumerate() {
            let list = if index < MAX_ADDRESSES {
                self.look_up_in(url, certificate).await
            } else {
                ListEvidence::unusable(url, format!("the certificate names more than {MAX_ADDRESSES} lists"))
            };
            let done = list.unusable.is_some();
            lists.push(list);
            if done {
                break;
            }
        }
        lists
    }

    async fn look_up_in(&self, url: &str, certificate: &Certificate) -> ListEvidence {
        let base = match self.list(url).await {
            Ok(base) => base,
            Err(why) => return ListEvidence::unusable(url, why),
        };
        let delta = self.delta_of(&base).await;
        let (address, certificate, now) = (url.to_owned(), certificate.clone(), self.now);
        let size = base.retained_bytes();
        let look_up = move || {
            let delta = delta.as_ref().map(|delta| delta.as_deref().map_err(Clone::clone));
            ListEvidence::look_up(&address, &base, delta, &certificate, now)
        };
        apart(size, look_up).await.unwrap_or_else(|why| ListEvidence::unusable(url, why))
    }

    /// The first delta list of `base` that can be had; `None` where it names none.
    async fn delta_of(&self, base: &Crl) -> Option<Result<Arc<Crl>, String>> {
        let mut delta = None;
        for url in base.freshest_urls().iter().take(MAX_ADDRESSES) {
            let list = self.list(url).await.map_err(|why| format!("{url}: {why}"));
            let done = list.is_ok();
            delta = Some(list);
            if done {
                break;
            }
        }
        delta
    }

    async fn list(&self, url: &str) -> Result<Arc<Crl>, String> {
        let issuer = self.issuer.clone();
        let key = ListKey { url: url.to_owned(), issuer: issuer.fingerprint() };
        let load = self.load(Query::Crl { url: url.to_owned() }, move |body| {
            let list = UnverifiedCrl::parse(body).and_then(|list| list.verify(&issuer));
            let list = list.map_err(|error| error.to_string())?;
            let (good_until, bytes) = (list.next_update(), list.retained_bytes());
            Ok(Loaded { outcome: Ok(Arc::new(list)), good_until, bytes })
        });
        self.shared.lists.get(key, self.now, load).await
    }

    /// A load that fetches and reads, within bounds of its own.
    fn load<V: Send + 'static>(
        &self,
        query: Query,
        read: impl FnOnce(Bytes) -> Result<Loaded<V>, String> + Send + 'static,
    ) -> impl Future<Output = Loaded<V>> + Send + 'static {
        let fetcher = Arc::clone(&self.shared.fetcher);
        let loads = Arc::clone(&self.shared.loads);
        let requests = Arc::clone(&self.requests);
        async move {
            let work = async {
                let _permit = loads.of(&query).acquire().await.map_err(|error| error.to_string())?;
                requests.fetch_add(1, Ordering::Relaxed);
                let body = fetcher.fetch(&query).await.map_err(|failure| failure.to_string())?;
                apart(body.len(), move || read(body)).await?
            };
            let loaded = timeout(LOAD_LIMIT, work).await;
            let loaded = loaded.unwrap_or_else(|_| Err("too many requests are under way".to_owned()));
            loads.counts(&query).count(loaded.is_ok());
            loaded.unwrap_or_else(Loaded::failed)
        }
    }
}

impl Counts {
    fn count(&self, succeeded: bool) {
        let counter = if succeeded { &self.succeeded } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn figures(&self, oldest: Option<Timestamp>) -> RevocationFigures {
        RevocationFigures {
            succeeded: self.succeeded.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            oldest,
        }
    }
}

impl Loads {
    fn counts(&self, query: &Query) -> &Counts {
        match query {
            Query::Ocsp { .. } => &self.answer_counts,
            Query::Crl { .. } => &self.list_counts,
        }
    }

    fn of(&self, query: &Query) -> &Semaphore {
        match query {
            Query::Ocsp { .. } => &self.answers,
            Query::Crl { .. } => &self.lists,
        }
    }
}

enum Responders {
    /// The certificate names none.
    None,
    /// One answered.
    Answered(String, Answer),
    /// None gave an answer that can be used.
    Failed(String),
}

/// Runs `work` over `bytes` bytes, on a thread of its own where that would hold up others.
async fn apart<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    const QUICK: usize = 256 * 1024;
    if bytes <= QUICK {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|error| format!("reading it ended early: {error}"))
}

/// Most responders, distribution points, and delta lists of a list that are asked about one certificate.
const MAX_ADDRESSES: usize = 8;
const PARALLEL_ANSWERS: usize = 64;
/// Each may hold a list of the largest size.
const PARALLEL_LISTS: usize = 4;
/// Longest time for one certificate, however many addresses it names.
const GATHERING_LIMIT: Duration = Duration::from_secs(60);
/// Longest time for one load, waiting for its turn included.
const LOAD_LIMIT: Duration = Duration::from_secs(30);
