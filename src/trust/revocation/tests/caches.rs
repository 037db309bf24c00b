//! What is asked how often, on a clock that only moves when told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;
use crate::x509::test_authority::{Authority, List, Says, Wanted};

const LIST: &str = "http://crl.test/list";
const RESPONDER: &str = "http://ocsp.test";

/// Answers after a second, counting; what it answers can be changed.
#[derive(Debug, Default)]
struct Slow {
    served: Mutex<Served>,
    asked: AtomicUsize,
}

impl Slow {
    fn serve(&self, url: &str, answer: Vec<u8>) {
        self.served.lock().unwrap().0.insert(url.to_owned(), Ok(answer.into()));
    }

    fn go_down(&self) {
        self.served.lock().unwrap().0.clear();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl RevocationFetcher for Slow {
    fn fetch<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Bytes, FetchFailure>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let refused = Err(FetchFailure::Unreachable { reason: "connection refused".to_owned() });
            self.served.lock().unwrap().0.get(query.url()).cloned().unwrap_or(refused)
        })
    }
}

struct World {
    fetcher: Arc<Slow>,
    checker: RevocationChecker,
    root: Authority,
    leaf: Authority,
}

impl World {
    fn new(wanted: &Wanted) -> Self {
        Self::with(wanted, CheckerSettings::default())
    }

    fn with(wanted: &Wanted, settings: CheckerSettings) -> Self {
        let root = Authority::root("root");
        let leaf = root.issue(wanted);
        let fetcher = Arc::new(Slow::default());
        let checker = RevocationChecker::new(Arc::<Slow>::clone(&fetcher), settings);
        Self { fetcher, checker, root, leaf }
    }

    fn listed() -> Self {
        let world = Self::new(&Wanted::leaf("leaf", 2).with_lists(&[LIST]));
        world.serve_list(&List::numbered(1));
        world
    }

    fn serve_list(&self, list: &List) {
        self.fetcher.serve(LIST, self.root.list(list));
    }

    fn respond(&self, says: &Says) {
        let answer = self.root.respond(&self.root.certificate, &self.leaf.certificate, says);
        self.fetcher.serve(RESPONDER, answer);
    }

    async fn ask_within(&self, now: Timestamp, patience: Duration) -> (&'static str, u32) {
        let chain = [self.leaf.certificate.clone(), self.root.certificate.clone()];
        let evidence = self.checker.check(&chain, now, Instant::now() + patience).await;
        (word(&evidence.certificates.first().unwrap().status(None)), evidence.requests)
    }

    async fn ask(&self, now: Timestamp) -> (&'static str, u32) {
        self.ask_within(now, Duration::from_secs(60)).await
    }
}

#[tokio::test(start_paused = true)]
async fn one_load_serves_everybody_who_asks_meanwhile() {
    let world = World::listed();
    let answers = join_all((0..50).map(|_| world.ask(now()))).await;
    assert!(answers.iter().all(|(status, _)| *status == "OK"));
    assert_eq!(answers.iter().map(|(_, requests)| requests).sum::<u32>(), 1);
    assert_eq!(world.fetcher.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_waiting_and_not_the_load() {
    let world = World::listed();
    for _ in 0..5 {
        assert_eq!(world.ask_within(now(), Duration::from_millis(100)).await.0, "Unknown");
    }
    assert_eq!(world.ask(now()).await, ("OK", 0));
    assert_eq!(world.fetcher.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_fetched_although_a_responder_took_all_the_time_there_was() {
    let world = World::new(&Wanted::leaf("leaf", 2).with_responders(&[RESPONDER]).with_lists(&[LIST]));
    world.serve_list(&List::numbered(1));
    let chain = [world.leaf.certificate.clone(), world.root.certificate.clone()];
    let evidence = world.checker.check(&chain, now(), Instant::now() + Duration::from_millis(900)).await;
    assert!(evidence.is_late());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.ask_within(now(), Duration::from_millis(10)).await, ("OK", 0));
}

#[tokio::test(start_paused = true)]
async fn certificates_are_asked_about_at_once() {
    let root = Authority::root("root");
    let middle = root.issue(&Wanted::authority("middle", 2).with_lists(&["http://crl.test/root"]));
    let leaf = middle.issue(&Wanted::leaf("leaf", 3).with_lists(&["http://crl.test/middle"]));
    let fetcher = Arc::new(Slow::default());
    fetcher.serve("http://crl.test/root", root.list(&List::numbered(1)));
    fetcher.serve("http://crl.test/middle", middle.list(&List::numbered(1)));
    let checker = RevocationChecker::new(Arc::<Slow>::clone(&fetcher), CheckerSettings::default());
    let chain = [leaf.certificate, middle.certificate, root.certificate];
    let start = Instant::now();
    let evidence = checker.check(&chain, now(), start + Duration::from_secs(60)).await;
    assert_eq!(decide(&evidence, None, now()).status, ChainStatus::Ok);
    assert!(start.elapsed() < Duration::from_millis(1500));
}

#[tokio::test(start_paused = true)]
async fn what_is_good_is_not_asked_again_before_its_time() {
    let world = World::listed();
    assert_eq!(world.ask(now()).await, ("OK", 1));
    tokio::time::advance(Duration::from_hours(11)).await;
    assert_eq!(world.ask(now()).await, ("OK", 0));
    tokio::time::advance(Duration::from_hours(2)).await;
    assert_eq!(world.ask(now()).await, ("OK", 1));
}

#[tokio::test(start_paused = true)]
async fn a_list_is_asked_for_again_when_its_next_update_has_passed() {
    let world = World::listed();
    world.serve_list(&List { next_update: Some("20270102"), ..List::numbered(1) });
    assert_eq!(world.ask(now()).await, ("OK", 1));
    world.serve_list(&List::numbered(2).revoking(2, "20270102", Some(1)));
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(world.ask(now()).await, ("OK", 0));
    assert_eq!(world.ask(day("2027-01-03")).await, ("Revoked", 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_keeps_serving_an_expired_list_is_asked_once_in_a_while() {
    let world = World::listed();
    world.serve_list(&List { next_update: Some("20260101"), ..List::numbered(1) });
    for _ in 0..5 {
        assert_eq!(world.ask(now()).await.0, "Unknown");
    }
    assert_eq!(world.fetcher.asked(), 1);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(world.ask(now()).await, ("Unknown", 1));
}

#[tokio::test(start_paused = true)]
async fn failures_are_remembered_for_a_short_while() {
    let world = World::listed();
    world.fetcher.go_down();
    assert_eq!(world.ask(now()).await, ("Unknown", 1));
    world.serve_list(&List::numbered(1));
    assert_eq!(world.ask(now()).await, ("Unknown", 0));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(world.ask(now()).await, ("OK", 1));
}

#[tokio::test(start_paused = true)]
async fn an_outage_leaves_in_place_what_is_still_good() {
    let world = World::listed();
    assert_eq!(world.ask(now()).await, ("OK", 1));
    world.fetcher.go_down();
    tokio::time::advance(Duration::from_hours(13)).await;
    assert_eq!(world.ask(now()).await, ("OK", 1));
    assert_eq!(world.ask(now()).await, ("OK", 0));
    assert_eq!(world.ask(day("2035-02-01")).await.0, "Unknown");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_know_is_asked_for_again_soon() {
    let world = World::new(&Wanted::leaf("leaf", 2).with_responders(&[RESPONDER]));
    world.respond(&Says::unknown());
    assert_eq!(world.ask(now()).await, ("Unknown", 1));
    assert_eq!(world.ask(now()).await, ("Unknown", 0));
    world.respond(&Says::good());
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(world.ask(now()).await, ("OK", 1));
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(world.ask(now()).await, ("OK", 0));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_in_the_cache_still_counts() {
    let settings = CheckerSettings { list_bytes: 100, ..CheckerSettings::default() };
    let world = World::with(&Wanted::leaf("leaf", 2).with_lists(&[LIST]), settings);
    world.serve_list(&List::numbered(1));
    assert_eq!(world.ask(now()).await.0, "OK");
    assert_eq!(world.ask(now()).await.0, "OK");
}

#[tokio::test(start_paused = true)]
async fn a_list_is_remembered_under_the_issuer_that_signed_it() {
    let world = World::listed();
    assert_eq!(world.ask(now()).await, ("OK", 1));
    let impostor = Authority::root("root");
    let leaf = impostor.issue(&Wanted::leaf("leaf", 2).with_lists(&[LIST]));
    let chain = [leaf.certificate, impostor.certificate];
    let deadline = Instant::now() + Duration::from_secs(60);
    let evidence = world.checker.check(&chain, now(), deadline).await;
    assert_eq!(word(&evidence.certificates.first().unwrap().status(None)), "Unknown");
}

#[tokio::test(start_paused = true)]
async fn figures_tell_successes_failures_and_how_old_the_data_is_that_is_used() {
    let world = World::listed();
    let crl = || world.checker.figures()[1].1;
    assert_eq!(crl(), RevocationFigures::default());
    world.ask(now()).await;
    assert_eq!(crl(), RevocationFigures { succeeded: 1, failed: 0, oldest: Some(day("2025-01-01")) });
    world.serve_list(&List { this_update: "20260101", ..List::numbered(2) });
    tokio::time::advance(Duration::from_hours(13)).await;
    assert_eq!(crl().oldest, None, "nobody used it lately");
    world.ask(now()).await;
    assert_eq!(crl(), RevocationFigures { succeeded: 2, failed: 0, oldest: Some(day("2026-01-01")) });
    world.fetcher.go_down();
    tokio::time::advance(Duration::from_hours(13)).await;
    world.ask(now()).await;
    assert_eq!(crl(), RevocationFigures { succeeded: 2, failed: 1, oldest: Some(day("2026-01-01")) });
    assert_eq!(world.checker.figures()[0], ("ocsp", RevocationFigures::default()));
}
