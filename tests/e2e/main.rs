//! End to end: etcd, kube-apiserver, Gatekeeper (webhook, audit and mutation), a registry and Hallmark as plain
//! processes on loopback, and named scenarios that assert on what the real components say.
//!
//! `make e2e SCENARIO=name` runs one; `make parts` installs what it needs. Exit status 1 when a scenario
//! fails, 2 when there is none of the name that was asked for.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::string_slice,
    reason = "this is a program whose output people read, and it fails by panicking as tests do"
)]

mod admission;
mod api;
mod chart;
mod cluster;
mod gatekeeper;
mod guide;
mod hallmark_process;
mod helm;
mod images;
mod kubectl;
mod load;
mod objects;
mod pki;
mod runner;
mod samples;
mod scenarios;
mod service;
mod stand_in;
#[path = "../support/mod.rs"]
mod support;
mod wait;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    hallmark::transport::install_crypto_provider();
    runner::run(&scenarios::all())
}
