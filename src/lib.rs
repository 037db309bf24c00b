//! Hallmark: an OPA Gatekeeper external-data provider that decides which container images carry a
//! signature that a cluster trusts. ARCHITECTURE.md has the map; each module says what it is for.

pub mod cache;
pub mod json;
pub mod line;
pub mod oci;
pub mod outcome;
pub mod reference;
pub mod secret;

pub mod notation;
pub mod timestamp;
pub mod x509;

pub mod registry;
pub mod transport;
pub mod trust;
pub mod verifier;

pub mod engine;

pub mod config;
pub mod controller;
pub mod crd;
pub mod externaldata;
pub mod report;
pub mod server;

pub mod app;
pub mod cli;
pub mod telemetry;

#[cfg(test)]
#[path = "../tests/support/signer.rs"]
mod test_signer;
