//! Runs named scenarios one after another against one cluster and says how each went.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Instant;

use futures_util::FutureExt as _;

use crate::world::World;

pub type Running<'w> = Pin<Box<dyn Future<Output = ()> + 'w>>;

/// A scenario and its name.
pub struct Scenario {
    pub name: &'static str,
    pub run: for<'w> fn(&'w mut World) -> Running<'w>,
}

/// Runs what `SCENARIO` names, else what the arguments are part of, else all.
pub fn run(all: &[Scenario]) -> ExitCode {
    let chosen = match chosen(all) {
        Ok(chosen) => chosen,
        Err(error) => {
            eprintln!("e2e: {error}");
            return ExitCode::from(2);
        }
    };
    if chosen.is_empty() {
        println!("e2e: none of {} scenarios was asked for", all.len());
        return ExitCode::SUCCESS;
    }
    let folder = folder();
    // A backtrace of the runner says nothing about a scenario.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("{place}: {}", panic.payload_as_str().unwrap_or("a panic without words"));
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("runtime").block_on(run_all(&chosen, &folder))
}

fn chosen(all: &[Scenario]) -> Result<Vec<&Scenario>, String> {
    if let Some(name) = std::env::var("SCENARIO").ok().filter(|name| !name.is_empty()) {
        let found: Vec<&Scenario> = all.iter().filter(|scenario| scenario.name == name).collect();
        let names: Vec<&str> = all.iter().map(|scenario| scenario.name).collect();
        return match found.is_empty() {
            true => Err(format!("there is no scenario {name}; there are {}", names.join(", "))),
            false => Ok(found),
        };
    }
    // What `cargo test FILTER` hands to every test program.
    let filters: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let asked = |scenario: &&Scenario| {
        filters.is_empty() || filters.iter().any(|filter| scenario.name.contains(filter.as_str()))
    };
    Ok(all.iter().filter(asked).collect())
}

/// Of this run alone: two may go on at once.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("e2e-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("logs")).expect("folder");
    folder
}

async fn run_all(scenarios: &[&Scenario], folder: &Path) -> ExitCode {
    let started = Instant::now();
    let logs = folder.join("logs");
    println!("e2e: logs are in {}", logs.display());
    let Ok(mut world) = AssertUnwindSafe(World::start(folder)).catch_unwind().await else {
        eprintln!("e2e: the cluster did not start; logs are in {}", logs.display());
        return ExitCode::FAILURE;
    };
    println!("e2e: the cluster is up ({:.1} s)", started.elapsed().as_secs_f64());
    let mut failed = Vec::new();
    for scenario in scenarios {
        if !run_one(scenario, &mut world).await {
            failed.push(scenario.name);
        }
        if AssertUnwindSafe(world.reset()).catch_unwind().await.is_err() {
            failed.push("cleaning up; what came after it was not run");
            break;
        }
    }
    drop(world);
    println!(
        "e2e: {} scenarios, {} failed ({:.0} s)",
        scenarios.len(),
        failed.len(),
        started.elapsed().as_secs_f64()
    );
    if failed.is_empty() {
        // Nobody reads the logs of what went well.
        let _ = std::fs::remove_dir_all(folder);
        return ExitCode::SUCCESS;
    }
    eprintln!("e2e: failed: {}; logs are in {}", failed.join(", "), logs.display());
    ExitCode::FAILURE
}

async fn run_one(scenario: &Scenario, world: &mut World) -> bool {
    let begun = Instant::now();
    let passed = AssertUnwindSafe((scenario.run)(world)).catch_unwind().await.is_ok();
    let word = if passed { "ok" } else { "FAILED" };
    println!("scenario {} ... {word} ({:.1} s)", scenario.name, begun.elapsed().as_secs_f64());
    passed
}
