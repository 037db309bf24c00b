//! The endpoint over real TLS connections: Gatekeeper's protocol as it is spoken, badly spoken and abused.

mod answers;
mod client;
mod deadlines;
mod documents;
mod health;
mod requests;
mod stopping;

use std::sync::Arc;

use client::Client;
use hallmark::config::ServerSettings;
use hallmark::engine::{Engine, EngineSettings};
use hallmark::server::tls::TlsState;
use hallmark::server::{Running, ServerParts, start};
use hallmark::telemetry::Metrics;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engine::world::World;

const VERIFY: &str = "/verify";
const MUTATE: &str = "/mutate";
const V1: &str = "/ratify/gatekeeper/v1/verify";
const V2: &str = "/ratify/gatekeeper/v2/verify";
const MUTATIONS: [&str; 4] = [
    MUTATE,
    "/ratify/gatekeeper/v1/mutate",
    "/ratify/gatekeeper/v2/mutate",
    "/ratify/gatekeeper/v2/mutate/anything/below",
];

/// A server on free ports of loopback with a certificate of its own making.
struct Server {
    running: Running,
    tls: Arc<TlsState>,
    _state: TempDir,
}

impl Server {
    fn start(engine: Engine, settings: ServerSettings) -> Self {
        let state = tempfile::tempdir().expect("folder");
        let loopback = "127.0.0.1:0".parse().expect("address");
        let settings = ServerSettings {
            listen: loopback,
            health_listen: loopback,
            state_dir: state.path().to_owned(),
            ..settings
        };
        let tls = TlsState::start(&settings, Arc::new(Timestamp::now)).expect("certificate");
        let metrics = Arc::new(Metrics::new(engine.clone()));
        let parts = ServerParts {
            settings,
            engine,
            metrics,
            tls: Arc::clone(&tls),
            waiting_for: Arc::new(|| None),
            gatekeeper_waits_for: Arc::new(|| None),
        };
        Self { running: start(parts).expect("it listens"), tls, _state: state }
    }

    fn client(&self) -> Client {
        Client::new(self.running.address(), &self.tls.ca_bundle().expect("bundle"))
    }
}

/// A server before an engine before a registry.
struct Stage {
    world: World,
    server: Server,
    client: Client,
}

impl Stage {
    async fn new() -> Self {
        Self::with(ServerSettings::default()).await
    }

    async fn with(settings: ServerSettings) -> Self {
        Self::before(World::with(EngineSettings::default()).await, settings)
    }

    fn before(world: World, settings: ServerSettings) -> Self {
        let server = Server::start(world.engine().clone(), settings);
        let client = server.client();
        Self { world, server, client }
    }

    /// What is answered to these keys, with status 200.
    async fn ask(&self, path: &str, keys: &[&str]) -> Value {
        let answer = self.client.post(path, &request(keys)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

fn request(keys: &[&str]) -> String {
    json!({
        "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
        "kind": "ProviderRequest",
        "request": {"keys": keys},
    })
    .to_string()
}

fn items(answer: &Value) -> &Vec<Value> {
    answer["response"]["items"].as_array().expect("items")
}

fn system_error(answer: &Value) -> &str {
    answer["response"]["systemError"].as_str().expect("systemError")
}

/// The committed schema of a path's answers.
fn schema_of(path: &str) -> &'static str {
    match path {
        VERIFY | V1 => include_str!("../../../docs/schemas/verify-v1.json"),
        V2 => include_str!("../../../docs/schemas/verify-v2.json"),
        _ => include_str!("../../../docs/schemas/mutate.json"),
    }
}

#[track_caller]
fn assert_valid(path: &str, answer: &Value) {
    let schema = serde_json::from_str(schema_of(path)).expect("schema");
    let schema = jsonschema::validator_for(&schema).expect("schema");
    let complaints: Vec<String> = schema.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:#?}\n{answer:#}");
}
