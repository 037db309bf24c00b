//! Statuses as they are computed and written, with chosen times and without an API.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::index::{Index, ObjectName};
use super::super::kinds::KINDS;
use super::super::{Cluster, Connection};
use super::grant::Reader;
use super::judged::Judged;
use super::ledger::{Ledger, Next};
use super::wanted::{Wanted, wanted};
use super::write::Writer;
use crate::crd::{ConvertOptions, LastGood, Origin};
use crate::secret::{Beyond, SecretName, SecretState, Secrets, ServiceAccountState};
use crate::trust::key_source::{KeySets, KeySourceError, SourceState};

/// A cluster of objects, what they mean, and what their statuses say.
struct World {
    index: Index,
    documents: LastGood,
    keys: BTreeMap<Arc<str>, SourceState>,
    secrets: Secrets,
    judged: Judged,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).expect("time")
}

fn kind(name: &str) -> usize {
    KINDS.iter().position(|watched| watched.kind == name).expect("a kind")
}

impl World {
    fn of(objects: &[Value]) -> Self {
        let mut world = Self {
            index: Index::default(),
            documents: LastGood::new(),
            keys: BTreeMap::new(),
            secrets: Secrets::default(),
            judged: Judged::default(),
        };
        for object in objects {
            world.apply(object);
        }
        world.read();
        world
    }

    fn apply(&mut self, object: &Value) {
        let kind = kind(object["kind"].as_str().expect("kind"));
        self.index.apply(kind, &serde_json::from_value(object.clone()).expect("object"));
    }

    fn read(&mut self) {
        let options = ConvertOptions {
            origin: Origin::Cluster,
            release_namespace: "hallmark-system".into(),
            ..ConvertOptions::files(at(0))
        };
        let snapshot = self.index.snapshot();
        let configuration = self.documents.follow(&snapshot.documents, &[], &options);
        self.judged = Judged {
            configuration: Arc::new(configuration),
            keys: KeySets::of(self.keys.clone()),
            generations: Arc::new(snapshot.generations),
        };
    }

    fn name(&self, resource: &str) -> ObjectName {
        let mut names = self.judged.generations.keys();
        names.find(|name| name.to_string() == resource).expect("an object").clone()
    }

    fn wanted(&self, resource: &str) -> Wanted {
        let name = self.name(resource);
        let user = "system:serviceaccount:hallmark-system:other".to_owned();
        let reader = Reader { prefix: "hallmark".to_owned(), user };
        wanted(&name, self.judged.generations[&name], &self.judged.sorted(), &self.secrets, &reader)
    }

    /// The status of an object that has `present`.
    fn status(&self, resource: &str, present: Option<&Value>, seconds: i64) -> Value {
        let watched = self.name(resource).watched().expect("a kind");
        self.wanted(resource).rendered(watched, present, at(seconds))
    }
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    let group = if kind.ends_with("Executor") {
        "config.ratify.sh/v2alpha1"
    } else {
        "config.ratify.deislabs.io/v1beta1"
    };
    let mut metadata = json!({"name": name, "generation": 3});
    if let Some((namespace, name)) = name.split_once('/') {
        metadata = json!({"name": name, "namespace": namespace, "generation": 3});
    }
    json!({"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec})
}

fn store() -> Value {
    object("Store", "store-oras", json!({"name": "oras"}))
}

fn verifier(kmp: &str) -> Value {
    object(
        "Verifier",
        "verifier-notation",
        json!({"name": "notation", "artifactTypes": "application/vnd.cncf.notary.signature", "parameters": {
            "verificationCertStores": {"ca": {"certs": [kmp]}},
            "trustPolicyDoc": {"version": "1.0", "trustPolicies": [{
                "name": "default", "registryScopes": ["*"], "signatureVerification": {"level": "strict"},
                "trustStores": ["ca:certs"], "trustedIdentities": ["*"],
            }]},
        }}),
    )
}

fn file_source(name: &str) -> Value {
    object("KeyManagementProvider", name, json!({"type": "file", "parameters": {"path": "/keys"}}))
}

fn condition<'s>(status: &'s Value, kind: &str) -> &'s Value {
    let conditions = status["conditions"].as_array().expect("conditions");
    conditions.iter().find(|condition| condition["type"] == kind).expect("the condition")
}

#[test]
fn a_resource_in_force_has_ratifys_keys_and_conditions() {
    let world = World::of(&[store(), verifier("certs"), file_source("certs")]);
    let status = world.status("Verifier verifier-notation", None, 0);
    assert_eq!(status["issuccess"], true, "{status}");
    assert_eq!((&status["error"], &status["brieferror"]), (&json!(""), &json!("")));
    assert_eq!(status["observedGeneration"], 3);
    assert!(status.get("lastfetchedtime").is_none(), "a Verifier fetches nothing");
    let ready = condition(&status, "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("True"), &json!("InForce")));
    assert_eq!(ready["lastTransitionTime"], "2023-11-14T22:13:20Z");
    assert_eq!(ready["observedGeneration"], 3);
}

#[test]
fn a_verifier_that_names_a_missing_provider_says_so() {
    let world = World::of(&[store(), verifier("absent")]);
    let status = world.status("Verifier verifier-notation", None, 0);
    assert_eq!(status["issuccess"], false);
    assert!(status["error"].as_str().expect("text").contains("absent"), "{status}");
    let brief = status["brieferror"].as_str().expect("text");
    assert!(!brief.is_empty() && brief.chars().count() <= 100, "{brief}");
    assert_eq!(condition(&status, "Ready")["reason"], "Refused");
}

#[test]
fn notices_and_warnings_are_said_beside_success() {
    let world = World::of(&[store(), verifier("certs"), file_source("certs"), file_source("spare")]);
    let status = world.status("KeyManagementProvider spare", None, 0);
    assert_eq!(status["issuccess"], true, "{status}");
    let remarks = condition(&status, "Remarks");
    assert_eq!(remarks["status"], "True");
    assert!(remarks["message"].as_str().expect("text").starts_with("warning: "), "{remarks}");
    assert_eq!(remarks["reason"], "Warnings");
}

#[test]
fn a_bad_edit_leaves_the_last_good_version_serving_and_says_both() {
    let mut world = World::of(&[store(), verifier("certs"), file_source("certs")]);
    let mut bad = verifier("certs");
    bad["spec"]["nonsense"] = json!(true);
    bad["metadata"]["generation"] = json!(4);
    world.apply(&bad);
    world.read();
    let status = world.status("Verifier verifier-notation", None, 0);
    assert_eq!(status["issuccess"], false);
    assert_eq!(status["observedGeneration"], 4);
    assert_eq!(condition(&status, "Ready")["reason"], "LastGoodServes");
    assert!(status["error"].as_str().expect("text").contains("nonsense"), "{status}");
}

#[test]
fn a_time_of_transition_moves_only_with_the_status() {
    let mut world = World::of(&[store(), verifier("certs"), file_source("certs")]);
    let first = world.status("Verifier verifier-notation", None, 0);
    let later = world.status("Verifier verifier-notation", Some(&first), 60);
    assert_eq!(first, later);
    world.apply(&verifier("absent"));
    world.documents = LastGood::new();
    world.read();
    let broken = world.status("Verifier verifier-notation", Some(&later), 120);
    assert_eq!(condition(&broken, "Ready")["lastTransitionTime"], "2023-11-14T22:15:20Z");
    assert_eq!(
        condition(&broken, "Remarks")["lastTransitionTime"],
        condition(&first, "Remarks")["lastTransitionTime"]
    );
}

#[test]
fn a_key_source_that_fails_says_why_and_so_does_who_needs_it() {
    let mut world = World::of(&[store(), verifier("certs"), file_source("certs")]);
    let failure = KeySourceError::NotFound { path: "/keys".into() };
    let state = SourceState { failure: Some(failure), checked_at: Some(at(0)), ..SourceState::default() };
    world.keys.insert("KeyManagementProvider certs".into(), state);
    world.read();
    let status = world.status("KeyManagementProvider certs", None, 0);
    assert_eq!(status["issuccess"], false);
    assert_eq!(status["error"], "/keys does not exist");
    assert_eq!(condition(&status, "Ready")["reason"], "NoKeys");
    let status = world.status("Verifier verifier-notation", None, 0);
    assert_eq!(status["issuccess"], false, "{status}");
    assert_eq!(status["error"], "KeyManagementProvider certs gives no keys; its status says why");
    assert_eq!(condition(&status, "Ready")["reason"], "NoKeys");
}

#[test]
fn what_may_not_be_read_comes_with_the_role_to_apply() {
    let provider = json!({"name": "k8Secrets", "secrets": [{"secretName": "regcred"}]});
    let spec = json!({"name": "oras", "parameters": {"authProvider": provider}});
    let world = World::of(&[object("NamespacedStore", "team/store-oras", spec)]);
    let name = SecretName { namespace: "team".into(), name: "regcred".into() };
    assert!(world.judged.configuration.named_by_namespaces.secrets.contains(&name));
    world.secrets.set(name, SecretState::Forbidden);
    let status = world.status("NamespacedStore team/store-oras", None, 0);
    assert_eq!(status["issuccess"], false);
    let error = status["error"].as_str().expect("text");
    for part in [
        "metadata: {name: hallmark-namespacedstore-store-oras, namespace: team}",
        "- {apiGroups: [\"\"], resources: [secrets], resourceNames: [regcred], verbs: [get, list, watch]}",
        "- {kind: ServiceAccount, name: other, namespace: hallmark-system}",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let yaml = error.split_once('\n').expect("lines").1;
    assert_eq!(crate::crd::yaml::read_documents(yaml).iter().filter(|one| one.content.is_ok()).count(), 2);
    let brief = status["brieferror"].as_str().expect("text");
    assert!(brief.contains("may not read"), "{brief}");
}

#[test]
fn a_secret_that_is_not_read_is_said_with_the_true_reason() {
    let provider =
        json!({"name": "k8Secrets", "serviceAccountName": "puller", "secrets": [{"secretName": "a"}]});
    let spec = json!({"name": "oras", "parameters": {"authProvider": provider}});
    let world = World::of(&[object("NamespacedStore", "team/store-oras", spec)]);
    let name = |name: &str| SecretName { namespace: "team".into(), name: name.into() };
    let error = || world.status("NamespacedStore team/store-oras", None, 0)["error"].clone();
    let account = ("team".into(), "puller".into());
    world.secrets.set_service_account(account, ServiceAccountState::Found(vec![name("listed")]));
    assert_eq!(error(), "");
    world.secrets.set(name("listed"), SecretState::Forbidden);
    assert!(error().to_string().contains("resourceNames: [listed]"), "{}", error());
    world.secrets.set(name("listed"), SecretState::Missing);
    assert_eq!(error(), "there is no Secret team/listed");
    world.secrets.set(name("listed"), SecretState::Beyond(Beyond::Length { limit: 7 }));
    assert_eq!(error(), "Secret team/listed is too long: at most 7 bytes of one are read");
    world.secrets.set(name("listed"), SecretState::Beyond(Beyond::Number));
    assert_eq!(error(), "Secret team/listed is not read: too many are named; name fewer");
}

#[test]
fn a_store_that_lists_secrets_does_without_the_account_that_it_does_not_name() {
    let account = || ("hallmark-system".into(), "default".into());
    for (provider, state, ready) in [
        (
            json!({"name": "k8Secrets", "secrets": [{"secretName": "pull"}]}),
            ServiceAccountState::Forbidden,
            true,
        ),
        (
            json!({"name": "k8Secrets", "secrets": [{"secretName": "pull"}]}),
            ServiceAccountState::Missing,
            true,
        ),
        (json!({"name": "k8Secrets"}), ServiceAccountState::Forbidden, false),
        (
            json!({"name": "k8Secrets", "secrets": [{"secretName": "pull"}], "serviceAccountName": "default"}),
            ServiceAccountState::Missing,
            false,
        ),
    ] {
        let spec = json!({"name": "oras", "parameters": {"authProvider": provider}});
        let world = World::of(&[object("Store", "store-oras", spec)]);
        world.secrets.set_service_account(account(), state);
        let status = world.status("Store store-oras", None, 0);
        assert_eq!(status["issuccess"], ready, "{provider}: {status}");
    }
}

#[test]
fn an_executor_says_which_secret_of_its_stores_is_missing() {
    let root = include_str!("../../../tests/fixtures/demo/root.crt");
    let spec = json!({
        "scopes": ["registry.example"],
        "verifiers": [{"name": "notation", "type": "notation", "parameters": {
            "certificates": [{"type": "ca", "inline": {"certs": root}}],
        }}],
        "stores": [{"type": "registry-store", "parameters": {
            "credential": {"provider": "static", "secretName": "regcred"},
        }}],
        "policyEnforcer": {"type": "threshold-policy", "parameters": {
            "policy": {"rules": [{"verifierName": "notation"}]},
        }},
    });
    let world = World::of(&[object("NamespacedExecutor", "team/build", spec)]);
    assert_eq!(world.status("NamespacedExecutor team/build", None, 0)["succeeded"], true);
    let name = SecretName { namespace: "team".into(), name: "regcred".into() };
    world.secrets.set(name, SecretState::Missing);
    let status = world.status("NamespacedExecutor team/build", None, 0);
    assert_eq!(status["succeeded"], false);
    assert_eq!(status["error"], "there is no Secret team/regcred");
}

#[test]
fn what_a_store_may_not_read_is_not_said_of_a_certificate_store_of_its_name() {
    let provider = json!({"name": "k8Secrets", "secrets": [{"secretName": "regcred"}]});
    let spec = json!({"name": "oras", "parameters": {"authProvider": provider}});
    let certificates = json!({"provider": "azurekeyvault", "parameters": {}});
    let world = World::of(&[
        object("NamespacedStore", "team/same", spec),
        object("CertificateStore", "team/same", certificates),
    ]);
    let name = SecretName { namespace: "team".into(), name: "regcred".into() };
    world.secrets.set(name, SecretState::Forbidden);
    let says_role =
        |resource: &str| world.status(resource, None, 0)["error"].to_string().contains("kind: Role");
    assert!(says_role("NamespacedStore team/same"));
    assert!(!says_role("CertificateStore team/same"));
}

#[test]
fn texts_are_bounded() {
    let mut bad = verifier("certs");
    for number in 0..500 {
        bad["spec"][format!("nonsense{number}-{}", "x".repeat(100))] = json!(true);
    }
    let world = World::of(&[bad]);
    let status = world.status("Verifier verifier-notation", None, 0);
    assert!(status["error"].as_str().expect("text").chars().count() <= 4096);
    assert!(status["brieferror"].as_str().expect("text").chars().count() <= 100);
}

#[test]
fn an_executor_has_the_keys_of_its_version() {
    let certificates =
        json!({"type": "ca", "inline": {"certs": include_str!("../../../tests/fixtures/demo/root.crt")}});
    let credential = json!({"provider": "static", "secretName": "regcred"});
    let rules = json!([{"verifierName": "notation"}]);
    let good = object(
        "NamespacedExecutor",
        "team/good",
        json!({
            "scopes": ["ghcr.io"],
            "verifiers": [{"name": "notation", "type": "notation", "parameters": {"certificates": [certificates]}}],
            "stores": [{"type": "registry-store", "parameters": {"credential": credential}}],
            "policyEnforcer": {"type": "threshold-policy", "parameters": {"policy": {"rules": rules}}},
        }),
    );
    let mut world = World::of(&[good, object("Executor", "bad", json!({"scopes": []}))]);
    let bad = world.status("Executor bad", None, 0);
    assert_eq!(bad["succeeded"], false, "{bad}");
    assert!(!bad["briefError"].as_str().expect("text").is_empty() && bad.get("issuccess").is_none(), "{bad}");
    let good = world.status("NamespacedExecutor team/good", None, 0);
    assert_eq!((&good["succeeded"], &good["error"]), (&json!(true), &json!("")), "{good}");
    let named = &world.judged.configuration.named_by_namespaces.secrets;
    let name = named.first().expect("a Secret").clone();
    world.secrets.set(name, SecretState::Forbidden);
    world.read();
    let forbidden = world.status("NamespacedExecutor team/good", None, 0);
    assert!(forbidden["error"].to_string().contains("name: hallmark-namespacedexecutor-good"), "{forbidden}");
}

fn write(due: Next) -> Value {
    let Next::Write(status) = due else { panic!("{due:?}") };
    status
}

#[test]
fn a_second_pass_writes_nothing_whether_or_not_the_watch_has_caught_up() {
    let world = World::of(&[store(), verifier("certs"), file_source("certs")]);
    let (name, wanted) = (world.name("Store store-oras"), world.wanted("Store store-oras"));
    let watched = name.watched().expect("a kind");
    let mut ledger = Ledger::default();
    let written = write(ledger.due(&name, watched, &wanted, None, at(0)));
    ledger.wrote(name.clone(), wanted.clone(), None, Some(written.clone()), at(0));
    let due = |ledger: &Ledger, shown: Option<&Value>, seconds: i64| {
        ledger.due(&name, watched, &wanted, shown.cloned().map(Arc::new).as_ref(), at(seconds))
    };
    assert_eq!(due(&ledger, None, 60), Next::Nothing, "the watch shows the old one yet");
    assert_eq!(due(&ledger, Some(&written), 60), Next::Nothing);
    assert_eq!(due(&Ledger::default(), Some(&written), 60), Next::Nothing, "nor does another replica");
}

#[test]
fn two_writers_who_disagree_take_turns_slowly() {
    let world = World::of(&[store(), verifier("certs"), file_source("certs")]);
    let (name, wanted) = (world.name("Store store-oras"), world.wanted("Store store-oras"));
    let watched = name.watched().expect("a kind");
    let mut ledger = Ledger::default();
    let foreign = |number: u32| Some(Arc::new(json!({"issuccess": false, "error": number.to_string()})));
    let mut writes = 0;
    for second in 0..100 {
        let shown = foreign(second);
        if let Next::Write(status) = ledger.due(&name, watched, &wanted, shown.as_ref(), at(second.into())) {
            writes += 1;
            ledger.wrote(name.clone(), wanted.clone(), shown, Some(status), at(second.into()));
        }
    }
    assert_eq!(writes, 4, "now, and again after 30, 60 and 90 seconds");
    let other = Wanted { generation: 4, ..wanted };
    write(ledger.due(&name, watched, &other, foreign(7).as_ref(), at(100)));
}

#[test]
fn an_api_that_drops_conditions_is_not_written_to_again_and_again() {
    let world = World::of(&[store(), verifier("certs"), file_source("certs")]);
    let (name, wanted) = (world.name("Store store-oras"), world.wanted("Store store-oras"));
    let watched = name.watched().expect("a kind");
    let mut ledger = Ledger::default();
    let pruned = super::render::without_conditions(write(ledger.due(&name, watched, &wanted, None, at(0))));
    assert!(super::render::lost_conditions(Some(&pruned)));
    ledger.wrote(name.clone(), wanted.clone(), None, Some(pruned.clone()), at(0));
    let shown = Arc::new(pruned);
    assert_eq!(ledger.due(&name, watched, &wanted, Some(&shown), at(60)), Next::Nothing);
    let other = Wanted { generation: 4, ..wanted };
    write(ledger.due(&name, watched, &other, Some(&shown), at(60)));
}

/// What was judged is about an object that is another by now, or was made anew under the same name.
#[tokio::test]
async fn a_status_about_another_generation_is_not_written() {
    let world = World::of(&[store()]);
    let api = kube::Config::new("http://127.0.0.1:9".parse().expect("URL"));
    let connection = Connection {
        client: kube::Client::try_from(api).expect("client"),
        namespace: "hallmark-system".into(),
        address: "nowhere".into(),
    };
    let shared = Cluster::new(connection, "hallmark".into()).0;
    let mut writer = Writer::new(Arc::clone(&shared), Secrets::default());
    let mut due = |generation: i64| {
        let mut object = store();
        object["metadata"]["generation"] = json!(generation);
        let object = serde_json::from_value(object).expect("object");
        shared.change(|index| index.apply(kind("Store"), &object));
        writer.due(&world.judged, at(0)).0.len()
    };
    assert_eq!(due(3), 1);
    assert_eq!(due(4), 0);
    assert_eq!(due(1), 0);
}
