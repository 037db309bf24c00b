//! Integration tests: one binary, a module per feature.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::string_slice,
    reason = "test code fails by panicking and has no users outside its binary"
)]

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod bad_input;
mod chart;
mod config_check;
mod controller;
mod crds;
mod demo;
mod endpoint;
mod engine;
mod fuzz;
mod gateway;
mod image;
mod plugin;
mod real_parts;
mod registry;
mod serve;
mod settings;
mod signer;
mod templates;
mod tls;
mod verify;
