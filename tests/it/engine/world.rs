//! An engine over the registry of these tests, with a clock that is set and plans that are swapped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hallmark::engine::settings::{MandatoryRule, PlanSettings, Quantifier, RuleSettings, StoreSettings};
use hallmark::engine::{
    Answer, Engine, EngineParts, EngineSettings, Plan, PlanParts, Plans, Question, Recollection,
};
use hallmark::outcome::{Evidence, Outcome, ReasonCode, Verdict};
use hallmark::reference::RegistryHost;
use hallmark::registry::ArtifactStore;
use hallmark::registry::auth::Anonymous;
use hallmark::registry::http::{HostSettings, HttpRegistry, RegistryResources, RegistrySettings};
use hallmark::transport::ProxySettings;
use hallmark::trust::key_source::{KeyContent, KeySets, KeySourceSettings, KeySources};
use hallmark::trust::policy::{Level, SignatureVerification, Statement, VerifyTimestamp};
use hallmark::trust::revocation::{
    CheckerSettings, FetchFailure, Query, RevocationChecker, RevocationFetcher,
};
use hallmark::trust::store::StoreType;
use hallmark::verifier::{NotationSettings, VerifierSettings};
use jiff::Timestamp;

use crate::support::registry::{Faults, IMAGE_MANIFEST, TestRegistry, image_manifest};
use crate::support::signer::{JWS, KeyKind, SIGNATURE_TYPE, SignOptions, Target, TestSigner};

pub const REPOSITORY: &str = "team/app";
/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// 2026-11-24T12:00:00Z, when every test begins.
pub const NOON: i64 = 1_795_521_600;

/// A clock that stands until it is set.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOON)))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).expect("time")
    }

    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// Answers what it was given, by address, and counts.
#[derive(Debug, Default)]
pub struct Responders {
    pub lists: Mutex<BTreeMap<String, Vec<u8>>>,
    pub down: AtomicBool,
}

impl RevocationFetcher for Responders {
    fn fetch<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Bytes, FetchFailure>> {
        let list = self.lists.lock().expect("lists").get(query.url()).cloned();
        let answer = match list {
            Some(list) if !self.down.load(Ordering::SeqCst) => Ok(list.into()),
            _ => Err(FetchFailure::Refused { reason: "nobody is there".to_owned() }),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// An engine, its clock and what it asks for revocation.
pub struct Bench {
    pub engine: Engine,
    pub clock: TestClock,
    pub responders: Arc<Responders>,
}

impl Bench {
    pub fn new(settings: EngineSettings) -> Self {
        let clock = TestClock::new();
        let responders = Arc::new(Responders::default());
        let checker = CheckerSettings { retry_after: Duration::ZERO, ..CheckerSettings::default() };
        let engine = Engine::new(EngineParts {
            settings,
            clock: {
                let clock = clock.clone();
                Arc::new(move || clock.now())
            },
            revocation: RevocationChecker::new(responders.clone(), checker),
            runtime: tokio::runtime::Handle::current(),
        });
        Self { engine, clock, responders }
    }
}

/// An engine over a registry.
pub struct World {
    pub registry: TestRegistry,
    pub signer: TestSigner,
    pub bench: Bench,
    pub store: Arc<dyn ArtifactStore>,
    recollections: Mutex<BTreeMap<(Option<String>, String), Recollection>>,
}

impl World {
    /// One trusted signer, the default rule, the default settings.
    pub async fn new() -> Self {
        Self::with(EngineSettings::default()).await
    }

    pub async fn with(settings: EngineSettings) -> Self {
        Self::over(TestRegistry::start(Faults::default()).await, settings).await
    }

    pub async fn over(registry: TestRegistry, settings: EngineSettings) -> Self {
        let world = Self {
            registry,
            signer: TestSigner::new(KeyKind::P256),
            bench: Bench::new(settings),
            store: Arc::new(http_registry()),
            recollections: Mutex::default(),
        };
        world.trust(&[&world.signer]).await;
        world
    }

    /// Puts a configuration in force that trusts exactly these.
    pub async fn trust(&self, signers: &[&TestSigner]) {
        self.configure(Configuration::trusting(signers)).await;
    }

    pub async fn configure(&self, configuration: Configuration) {
        self.engine().put_in_force(configuration.plan(Arc::clone(&self.store)).await.into());
    }

    pub async fn configure_namespaces(&self, cluster: Configuration, namespaces: Vec<(&str, Configuration)>) {
        let mut plans: Plans = cluster.plan(Arc::clone(&self.store)).await.into();
        for (namespace, configuration) in namespaces {
            plans.namespaces.insert(namespace.into(), configuration.plan(Arc::clone(&self.store)).await);
        }
        self.engine().put_in_force(plans);
    }

    pub fn engine(&self) -> &Engine {
        &self.bench.engine
    }

    pub fn advance(&self, seconds: i64) {
        self.bench.clock.advance(seconds);
    }

    /// Pushes an image and gives its digest; the tag is its name.
    pub fn push(&self, name: &str) -> String {
        self.registry.push_image(REPOSITORY, Some(name), name)
    }

    /// Pushes an image signed by the trusted signer.
    pub fn push_signed(&self, name: &str) -> String {
        let digest = self.push(name);
        self.sign(&self.signer, name, &SignOptions::default());
        digest
    }

    /// Signs a pushed image; gives the digest of the signature's manifest.
    pub fn sign(&self, signer: &TestSigner, name: &str, options: &SignOptions) -> String {
        let target = target(name);
        let envelope = signer.sign(&target, options);
        self.registry.attach_signature(REPOSITORY, &target.digest, SIGNATURE_TYPE, JWS, &envelope)
    }

    pub fn by_digest(&self, digest: &str) -> String {
        format!("{}/{REPOSITORY}@{digest}", self.registry.host())
    }

    pub fn by_tag(&self, tag: &str) -> String {
        format!("{}/{REPOSITORY}:{tag}", self.registry.host())
    }

    pub async fn ask(&self, image: &str) -> Arc<Outcome> {
        self.answer(image).await.outcome
    }

    pub async fn answer(&self, image: &str) -> Answer {
        self.asked(Question::cluster(image)).await
    }

    /// Asks, and sees in every test that what is recalled is what is answered.
    async fn asked(&self, question: Question<'_>) -> Answer {
        let key = (question.namespace.map(str::to_owned), question.image.to_owned());
        let recollection = self.recollections.lock().expect("recollections").get(&key).cloned();
        let recalled = recollection.and_then(|known| self.engine().recall(&known));
        let answer = self.engine().ask(question, PATIENCE).await;
        if let Some(recalled) = recalled {
            assert!(Arc::ptr_eq(&recalled, &answer.outcome), "{recalled:?} and {answer:?}");
        }
        if let Some(recollection) = answer.recollection.clone() {
            self.recollections.lock().expect("recollections").insert(key, recollection);
        }
        answer
    }

    /// Asks, and says how many requests that made.
    pub async fn ask_counted(&self, image: &str) -> (Arc<Outcome>, usize) {
        self.registry.clear_log();
        let outcome = self.ask(image).await;
        (outcome, self.registry.log().len())
    }

    pub async fn in_namespace(&self, namespace: &str, image: &str) -> Arc<Outcome> {
        self.asked(Question { namespace: Some(namespace), image }).await.outcome
    }

    /// Hangs up on everybody, as a registry does that is down.
    pub fn go_down(&self) {
        use crate::support::registry::{Act, Fault, Step};
        self.registry.clear_faults();
        self.registry.fault(Fault::always(Step::Any, Act::status(503)));
    }

    pub fn come_up(&self) {
        self.registry.clear_faults();
    }
}

pub fn http_registry() -> HttpRegistry {
    http_registry_with(BTreeMap::new())
}

/// With something different for some hosts.
pub fn http_registry_with(hosts: BTreeMap<RegistryHost, Arc<HostSettings>>) -> HttpRegistry {
    let mut settings = RegistrySettings {
        plain_http: true,
        proxy: ProxySettings::Direct,
        hosts,
        ..RegistrySettings::default()
    };
    settings.limits.attempts = 1;
    HttpRegistry::new(settings, Arc::new(Anonymous), Arc::new(RegistryResources::default()))
}

pub fn target(name: &str) -> Target {
    let bytes = image_manifest(name);
    Target {
        media_type: IMAGE_MANIFEST.to_owned(),
        digest: crate::support::registry::sha256(&bytes),
        size: bytes.len() as u64,
    }
}

/// A configuration that tests change before it is in force.
#[derive(Clone)]
pub struct Configuration {
    pub roots: Vec<(Arc<str>, String)>,
    pub verifiers: Vec<VerifierSettings>,
    pub rule: RuleSettings,
    pub stores: Vec<StoreSettings>,
    pub mandatory: Vec<MandatoryRule>,
    pub counted: Option<BTreeSet<Arc<str>>>,
}

impl Configuration {
    /// One verifier with one statement for every repository.
    pub fn trusting(signers: &[&TestSigner]) -> Self {
        let roots: Vec<(Arc<str>, String)> = signers
            .iter()
            .enumerate()
            .map(|(number, signer)| (format!("root-{number}").into(), signer.root_pem()))
            .collect();
        let sources = roots.iter().map(|(name, _)| name.clone()).collect();
        let verifier = NotationSettings {
            resource: "verifier-notation".into(),
            name: "notation".into(),
            artifact_types: vec![SIGNATURE_TYPE.to_owned()],
            statements: vec![statement("*", Level::Strict)],
            trust_stores: BTreeMap::from([((StoreType::Ca, "certs".to_owned()), sources)]),
            required_metadata: Vec::new(),
            plugins: Vec::new(),
        };
        Self {
            roots,
            verifiers: vec![VerifierSettings::Notation(verifier)],
            rule: RuleSettings::default(),
            stores: Vec::new(),
            mandatory: Vec::new(),
            counted: None,
        }
    }

    pub fn rule(mut self, rule: RuleSettings) -> Self {
        self.rule = rule;
        self
    }

    /// Changes the first verifier.
    pub fn change(mut self, change: impl FnOnce(&mut NotationSettings)) -> Self {
        if let Some(VerifierSettings::Notation(settings)) = self.verifiers.first_mut() {
            change(settings);
        }
        self
    }

    /// A second verifier like the first one.
    pub fn and_verifier(mut self, change: impl FnOnce(&mut NotationSettings)) -> Self {
        if let Some(VerifierSettings::Notation(settings)) = self.verifiers.first() {
            let mut settings = settings.clone();
            change(&mut settings);
            self.verifiers.push(VerifierSettings::Notation(settings));
        }
        self
    }

    /// Demands one valid signature of these resources' verifiers, whatever the rule says.
    pub fn demanding(mut self, rule: RuleSettings, counted: &[&str]) -> Self {
        self.mandatory.push(MandatoryRule {
            resource: "Policy baseline".into(),
            rule,
            counted: counted.iter().map(|resource| (*resource).into()).collect(),
            scopes: None,
        });
        self
    }

    pub fn and_refused(mut self, name: &str, artifact_type: &str) -> Self {
        self.verifiers.push(VerifierSettings::Refused {
            resource: name.into(),
            name: name.into(),
            artifact_types: vec![artifact_type.to_owned()],
            reason: "its type is not supported".to_owned(),
        });
        self
    }

    pub async fn plan(self, store: Arc<dyn ArtifactStore>) -> Plan {
        let key_sources: BTreeMap<Arc<str>, KeySourceSettings> = self
            .roots
            .into_iter()
            .map(|(name, pem)| (name, KeySourceSettings::Inline { pem, content: KeyContent::Certificates }))
            .collect();
        let now = Timestamp::from_second(NOON).expect("time");
        let key_sets = KeySources::build(&key_sources, &hallmark::secret::Secrets::default())
            .refresh(&KeySets::default(), now)
            .await;
        let settings = PlanSettings {
            key_sources,
            verifiers: self.verifiers,
            stores: self.stores,
            rule: self.rule,
            mandatory: self.mandatory,
            counted: self.counted,
        };
        Plan::build(settings, PlanParts { key_sets, plugins: BTreeMap::new(), store })
    }
}

pub fn statement(scope: &str, level: Level) -> Statement {
    let skip = level == Level::Skip;
    Statement {
        name: format!("statement for {scope}").into(),
        registry_scopes: vec![scope.to_owned()],
        verification: SignatureVerification {
            level,
            overrides: Vec::new(),
            verify_timestamp: VerifyTimestamp::Always,
        },
        trust_stores: if skip { Vec::new() } else { vec![(StoreType::Ca, "certs".to_owned())] },
        trusted_identities: if skip { Vec::new() } else { vec!["*".to_owned()] },
        global: false,
    }
}

/// Says which outcome it was when it is another one.
#[track_caller]
pub fn expect(outcome: &Arc<Outcome>, verdict: Verdict, code: ReasonCode) {
    assert_eq!((outcome.verdict(), outcome.reason.code), (verdict, code), "{outcome:#?}");
}

#[track_caller]
pub fn expect_verified(outcome: &Arc<Outcome>) {
    expect(outcome, Verdict::Verified, ReasonCode::Verified);
}

/// A rule by artifact type that ends with the first evidence.
pub fn by_type(listed: &[(&str, Quantifier)], default: Quantifier) -> RuleSettings {
    RuleSettings::ByArtifactType {
        name: "policy".into(),
        listed: listed.iter().map(|(kind, quantifier)| ((*kind).to_owned(), *quantifier)).collect(),
        default,
        evidence: Evidence::First,
    }
}
