//! A small load client: what an image costs cold, cached alone and cached in tens, in CPU time of the
//! server, requests at the registry and latency. `make bench` runs it; it grows into the comparison.
//!
//! Figures are per key and printed as they were measured, with counts where a count says more than a time.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::cast_sign_loss,
    reason = "this is a program whose output people read"
)]

mod client;
mod floor;
mod process;
#[path = "../support/mod.rs"]
mod support;
#[path = "../it/engine/world.rs"]
mod world;

use std::time::{Duration, Instant};

use anyhow::Context as _;

use client::{Client, Series, request_body};
use floor::Floor;
use process::Provider;
use support::registry::{Faults, IMAGE_MANIFEST, TestRegistry, image_manifest, sha256};
use support::signer::{JWS, KeyKind, SIGNATURE_TYPE, SignOptions, Target, TestSigner};

/// The provider's allocator, so that the floor differs in nothing but its work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DEFAULT_IMAGES: usize = 1000;
const BATCH: usize = 10;
/// Each cached phase asks for every image this many times.
const ROUNDS: usize = 5;
/// How often the provider and the floor take turns.
const TURNS: usize = 9;

fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed before"))?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, folder] = arguments.as_slice()
        && first == floor::ARGUMENT
    {
        return floor::serve(std::path::Path::new(folder));
    }
    let images = match std::env::var("IMAGES") {
        Ok(count) => count.parse().context("IMAGES is a number")?,
        Err(_) => DEFAULT_IMAGES,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(run(images))
}

async fn run(images: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let registry = TestRegistry::start(Faults::default()).await;
    let signer = TestSigner::new(KeyKind::Rsa(2048));
    println!("signing {images} images (RSA-2048, one signature each)");
    let keys: Vec<String> = (0..images).map(|number| push_signed(&registry, &signer, number)).collect();
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, support::configuration::aks_shaped(&signer.root_pem(), true))?;
    let state = folder.path().join("state");
    let provider = Provider::start(&config, &state).await?;
    println!("start to ready            {:>9.1} ms", provider.ready_after.as_secs_f64() * 1e3);
    println!("resident, idle            {:>9} KiB", provider.resident_kib()?);
    let client = Client::new(&provider.url, &state.join("ca.crt"))?;
    registry.clear_log();
    let bench = Bench { provider, client, registry, signer };
    bench.phase("cold, alone", &keys, 1, 1).await?;
    bench.phase("cached, alone", &keys, 1, ROUNDS).await?;
    bench.phase("cached, in tens", &keys, BATCH, ROUNDS * 4).await?;
    let floor = Floor::start(folder.path())?;
    bench.beside_floor("cached, alone", &floor, &keys, 1).await?;
    bench.beside_floor("cached, in tens", &floor, &keys, BATCH).await?;
    drop(floor);
    bench.engine_alone(&keys).await?;
    println!("resident, {images} images held {:>7} KiB", bench.provider.resident_kib()?);
    Ok(())
}

struct Bench {
    provider: Provider,
    client: Client,
    registry: TestRegistry,
    signer: TestSigner,
}

impl Bench {
    async fn phase(&self, name: &str, keys: &[String], batch: usize, rounds: usize) -> anyhow::Result<()> {
        let requests = self.registry.log().len();
        let cpu = self.provider.cpu()?;
        let mut all = Series { verified: 0, latencies: Vec::new() };
        for _ in 0..rounds {
            let series = self.client.ask(keys, batch).await?;
            all.verified += series.verified;
            all.latencies.extend(series.latencies);
        }
        let asked = keys.len() * rounds;
        anyhow::ensure!(all.verified == asked, "{name}: {} of {asked} keys were verified", all.verified);
        let cpu = self.provider.cpu()? - cpu;
        let requests = self.registry.log().len() - requests;
        println!(
            "{name:<16} {asked:>7} keys  {:>8.1} us CPU a key  {:>5.2} requests a key  p50 {:>6} us  p99 {:>6} us",
            cpu.as_secs_f64() * 1e6 / asked as f64,
            requests as f64 / asked as f64,
            percentile(&mut all.latencies, 50).as_micros(),
            percentile(&mut all.latencies, 99).as_micros(),
        );
        Ok(())
    }
}

impl Bench {
    /// Cached answers beside those of a server that only answers, in turns: the machine's noise meets both.
    async fn beside_floor(
        &self,
        name: &str,
        floor: &Floor,
        keys: &[String],
        batch: usize,
    ) -> anyhow::Result<()> {
        let some = keys.get(..batch.min(keys.len())).context("keys")?;
        let (body, bytes) = (request_body(some), self.client.answer(some).await?.len());
        let requests = keys.len().div_ceil(batch);
        let (mut ours, mut floors) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let before = self.provider.cpu()?;
            self.client.ask(keys, batch).await?;
            ours.push(self.provider.cpu()? - before);
            floors.push(floor.cpu(requests, &body, bytes).await?);
        }
        let median = |mut of: Vec<Duration>| percentile(&mut of, 50).as_secs_f64() * 1e6 / requests as f64;
        let (ours, floor) = (median(ours), median(floors));
        println!(
            "{name:<16} {ours:>8.1} us CPU a request of {bytes} bytes, {:.2} times the floor of {floor:.1} us",
            ours / floor
        );
        Ok(())
    }
}

impl Bench {
    /// The decision without server and protocol, in this process: what a remembered answer costs.
    async fn engine_alone(&self, keys: &[String]) -> anyhow::Result<()> {
        let world = world::Bench::new(hallmark::engine::EngineSettings::default());
        let store = std::sync::Arc::new(world::http_registry());
        let plan = world::Configuration::trusting(&[&self.signer]).plan(store).await;
        world.engine.put_in_force(plan.into());
        for _ in 0..2 {
            let started = Instant::now();
            for key in keys {
                let question = hallmark::engine::Question::cluster(key);
                let outcome = world.engine.ask(question, world::PATIENCE).await.outcome;
                anyhow::ensure!(outcome.verdict().admits(), "{outcome:?}");
            }
            println!(
                "engine alone     {:>7} keys  {:>8.2} us a key",
                keys.len(),
                micros(started, keys.len())
            );
        }
        let (held, ..) = world.engine.unique_signatures();
        println!(
            "engine alone, bytes accounted for a signature {:>6}",
            world.engine.unique_signature_bytes() / held
        );
        Ok(())
    }
}

fn micros(started: Instant, keys: usize) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / keys as f64
}

fn percentile(latencies: &mut [Duration], percent: usize) -> Duration {
    latencies.sort();
    let index = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
    latencies.get(index).copied().unwrap_or_default()
}

fn push_signed(registry: &TestRegistry, signer: &TestSigner, number: usize) -> String {
    let repository = format!("team/app{}", number % 20);
    let manifest = image_manifest(&format!("image {number}"));
    let target = Target {
        media_type: IMAGE_MANIFEST.to_owned(),
        digest: sha256(&manifest),
        size: manifest.len() as u64,
    };
    let digest = registry.push_image(&repository, None, &format!("image {number}"));
    debug_assert_eq!(digest, target.digest);
    let envelope = signer.sign(&target, &SignOptions::default());
    registry.attach_signature(&repository, &digest, SIGNATURE_TYPE, JWS, &envelope);
    format!("{}/{repository}@{digest}", registry.host())
}
