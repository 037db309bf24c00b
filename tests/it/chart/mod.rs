//! The Helm chart, rendered by the real `helm`: what operators get for the values they give.

mod access;
mod certificates;
mod documents;
mod files;
mod objects;
mod options;
mod ratify;
mod release;
mod rendered;
mod settings;
mod trust;

use std::path::PathBuf;

/// Folder of the chart.
fn chart() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("helm/hallmark")
}

/// The value sets: each is also given to a real API server.
fn value_sets() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/chart/values");
    let mut sets: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("value sets")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    sets.sort();
    sets
}
