//! Who is trusted, where, and how strictly: trust policies, trust stores, key sources and revocation.

pub mod key_source;
pub mod policy;
pub mod revocation;
pub mod store;
