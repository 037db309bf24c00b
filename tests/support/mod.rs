//! What the integration tests share: real parts, a registry with faults on demand, a signer.

pub mod cluster;
pub mod configuration;
pub mod crl;
pub mod parts;
pub mod pki;
pub mod process;
pub mod program;
pub mod registry;
pub mod signer;
