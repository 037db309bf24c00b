//! Being built.

pub mod tls;
