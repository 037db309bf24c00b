//! Deadlines, shared look-ups and faults, with the clock stopped: time passes only where everything waits.

use std::sync::Arc;
use std::time::Duration;

use hallmark::engine::{Answer, EngineSettings, Question};
use hallmark::outcome::{ReasonCode, Verdict};
use hallmark::trust::policy::Level;
use tokio::time::Instant;

use super::memory_store::{MemoryStore, Mood};
use super::world::{Bench, Configuration, expect, expect_verified, statement, target};
use crate::support::signer::{KeyKind, TestSigner};

const BUDGET: Duration = Duration::from_millis(2500);

struct Stopped {
    bench: Bench,
    store: Arc<MemoryStore>,
    signer: TestSigner,
    image: String,
}

impl Stopped {
    async fn new(mood: Mood) -> Self {
        Self::with(mood, EngineSettings::default()).await
    }

    async fn with(mood: Mood, settings: EngineSettings) -> Self {
        let signer = TestSigner::new(KeyKind::P256);
        let store = MemoryStore::signed(&signer);
        store.be(mood);
        let image = format!("registry.example/team/app@{}", target("app").digest);
        let stopped = Self { bench: Bench::new(settings), store, signer, image };
        stopped.configure(Configuration::trusting(&[&stopped.signer])).await;
        stopped
    }

    async fn configure(&self, configuration: Configuration) {
        let plan = configuration.plan(self.store.clone()).await;
        self.bench.engine.put_in_force(plan.into());
    }

    /// The answer, and how long it took.
    async fn ask(&self) -> (Answer, Duration) {
        let started = Instant::now();
        let answer = self.bench.engine.ask(Question::cluster(&self.image), BUDGET).await;
        (answer, started.elapsed())
    }
}

#[track_caller]
fn expect_late(answer: &Answer) {
    expect(&answer.outcome, Verdict::Inconclusive, ReasonCode::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn a_late_look_up_goes_on_and_the_next_question_finds_its_answer() {
    // Three round trips of 2 s each.
    let stopped = Stopped::new(Mood::Slow(Duration::from_secs(2))).await;
    let (answer, took) = stopped.ask().await;
    expect_late(&answer);
    assert_eq!(took, BUDGET);
    tokio::time::advance(Duration::from_secs(4)).await;
    while stopped.bench.engine.loads_in_flight() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (answer, took) = stopped.ask().await;
    expect_verified(&answer.outcome);
    assert_eq!((took, answer.trace.is_none(), stopped.store.asked()), (Duration::ZERO, true, 4));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_counts_from_the_start_of_the_shared_look_up() {
    let stopped = Stopped::new(Mood::Silent).await;
    let question = Question::cluster(&stopped.image);
    let first = stopped.bench.engine.ask(question, BUDGET);
    let second = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        stopped.ask().await
    };
    let (first, (second, took)) = tokio::join!(first, second);
    expect_late(&first);
    expect_late(&second);
    assert_eq!(took, Duration::from_millis(1000), "what the first one had left");
    let (third, took) = stopped.ask().await;
    expect_late(&third);
    assert_eq!(took, Duration::ZERO, "at once");
    assert_eq!(stopped.bench.engine.loads_in_flight(), 1, "one look-up for all of them");
}

#[tokio::test(start_paused = true)]
async fn four_template_kinds_in_one_webhook_call_stay_inside_its_time() {
    for mood in [Mood::Silent, Mood::Deaf, Mood::Slow(Duration::from_secs(1))] {
        let stopped = Stopped::new(mood).await;
        let started = Instant::now();
        // Gatekeeper asks once for each kind, one after another.
        for _ in 0..4 {
            let _ = stopped.ask().await;
        }
        assert!(started.elapsed() < Duration::from_secs(3), "{mood:?}: {:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn kinds_that_ask_after_a_failure_stay_inside_the_webhooks_time_too() {
    // The look-up itself is given up within the webhook's time.
    let settings = EngineSettings { load_bound: Duration::from_secs(2), ..EngineSettings::default() };
    let stopped = Stopped::with(Mood::Silent, settings).await;
    let started = Instant::now();
    for _ in 0..4 {
        expect_late(&stopped.ask().await.0);
    }
    assert_eq!(started.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn an_undecided_answer_is_remembered_for_three_seconds_and_then_asked_anew() {
    let settings = EngineSettings { load_bound: Duration::from_secs(1), ..EngineSettings::default() };
    let stopped = Stopped::with(Mood::Silent, settings).await;
    let (answer, took) = stopped.ask().await;
    expect_late(&answer);
    assert_eq!(took, Duration::from_secs(1));
    let asked = stopped.store.asked();
    stopped.store.be(Mood::Answers);
    tokio::time::advance(Duration::from_millis(2999)).await;
    expect_late(&stopped.ask().await.0);
    assert_eq!(stopped.store.asked(), asked);
    tokio::time::advance(Duration::from_millis(2)).await;
    expect_verified(&stopped.ask().await.0.outcome);
}

#[tokio::test(start_paused = true)]
async fn an_unrelated_edit_during_a_slow_look_up_neither_starts_another_nor_moves_the_deadline() {
    let stopped = Stopped::new(Mood::Silent).await;
    expect_late(&stopped.ask().await.0);
    let asked = stopped.store.asked();
    let edited = Configuration::trusting(&[&stopped.signer]).change(|settings| {
        settings.statements.push(statement("registry.example/other", Level::Audit));
    });
    stopped.configure(edited).await;
    let (answer, took) = stopped.ask().await;
    expect_late(&answer);
    assert_eq!((took, stopped.store.asked()), (Duration::ZERO, asked));
    assert_eq!(stopped.bench.engine.loads_in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_matters_starts_a_look_up_of_its_own() {
    let stopped = Stopped::new(Mood::Silent).await;
    expect_late(&stopped.ask().await.0);
    stopped.store.be(Mood::Answers);
    let stranger = TestSigner::new(KeyKind::P256);
    stopped.configure(Configuration::trusting(&[&stopped.signer, &stranger])).await;
    let (answer, took) = stopped.ask().await;
    expect_verified(&answer.outcome);
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn another_way_of_reading_starts_a_look_up_of_its_own() {
    let stopped = Stopped::new(Mood::Silent).await;
    expect_late(&stopped.ask().await.0);
    stopped.store.be(Mood::Answers);
    let mut edited = Configuration::trusting(&[&stopped.signer]);
    edited.stores = vec![hallmark::engine::settings::StoreSettings {
        ca_pem: None,
        name: "store-oras".into(),
        plain_http: true,
        credentials: hallmark::engine::settings::CredentialSettings::Anonymous,
        cosign_tags: false,
        referrers_ttl: None,
        refused: None,
    }];
    stopped.configure(edited).await;
    expect_verified(&stopped.ask().await.0.outcome);
}

#[tokio::test(start_paused = true)]
async fn what_an_old_configuration_could_not_find_out_is_not_remembered_under_a_new_one() {
    let settings = EngineSettings { load_bound: Duration::from_secs(5), ..EngineSettings::default() };
    let stopped = Stopped::with(Mood::Silent, settings).await;
    expect_late(&stopped.ask().await.0);
    stopped.configure(Configuration::trusting(&[&stopped.signer])).await;
    stopped.store.be(Mood::Answers);
    while stopped.bench.engine.loads_in_flight() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    expect_verified(&stopped.ask().await.0.outcome);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_never_ends_is_given_up() {
    let stopped = Stopped::new(Mood::Deaf).await;
    expect_late(&stopped.ask().await.0);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(stopped.bench.engine.loads_in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_panics_is_an_internal_fault_at_once() {
    let stopped = Stopped::new(Mood::Panics).await;
    let (answer, took) = stopped.ask().await;
    expect(&answer.outcome, Verdict::Inconclusive, ReasonCode::Internal);
    assert_eq!(took, Duration::ZERO);
    stopped.store.be(Mood::Answers);
    tokio::time::advance(Duration::from_secs(4)).await;
    expect_verified(&stopped.ask().await.0.outcome);
    let tag = "registry.example/team/app:v1";
    stopped.store.be(Mood::Panics);
    let resolved = stopped.bench.engine.resolve(Question::cluster(tag), BUDGET).await;
    assert!(resolved.is_err());
}

#[tokio::test(start_paused = true)]
async fn more_look_ups_than_may_run_are_refused_quickly_and_remembered_answers_are_not() {
    let settings = EngineSettings { concurrent_loads: 1, ..EngineSettings::default() };
    let stopped = Stopped::with(Mood::Answers, settings).await;
    expect_verified(&stopped.ask().await.0.outcome);
    stopped.store.be(Mood::Silent);
    let ask = |name: &'static str| {
        let image = format!("registry.example/{name}@{}", target("app").digest);
        let engine = stopped.bench.engine.clone();
        async move { engine.ask(Question::cluster(&image), BUDGET).await }
    };
    expect_late(&ask("one").await);
    let started = Instant::now();
    expect(&ask("two").await.outcome, Verdict::Inconclusive, ReasonCode::Overloaded);
    expect_verified(&stopped.ask().await.0.outcome);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_is_due_stands_when_the_registry_is_late() {
    let stopped = Stopped::new(Mood::Answers).await;
    expect_verified(&stopped.ask().await.0.outcome);
    stopped.bench.clock.advance(3601);
    stopped.store.be(Mood::Silent);
    for expected in [BUDGET, Duration::ZERO] {
        let (answer, took) = stopped.ask().await;
        expect_verified(&answer.outcome);
        assert!(answer.outcome.stale);
        assert_eq!(took, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_leaves_the_look_up_running() {
    let stopped = Stopped::new(Mood::Slow(Duration::from_secs(1))).await;
    let asked = stopped.bench.engine.ask(Question::cluster(&stopped.image), BUDGET);
    let gone = tokio::time::timeout(Duration::from_millis(100), asked).await;
    assert!(gone.is_err());
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (answer, took) = stopped.ask().await;
    expect_verified(&answer.outcome);
    assert_eq!((took, stopped.store.asked()), (Duration::ZERO, 4));
}
