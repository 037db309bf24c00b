//! Integration tests: one binary, a module per feature.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "test code has no users outside its binary"
)]

#[path = "../support/mod.rs"]
mod support;

mod signer;
