//! What the integration tests share: real parts, a registry with faults on demand, a signer.

pub mod parts;
pub mod registry;
pub mod signer;
