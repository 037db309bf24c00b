//! `hallmark demo`: the real provider on loopback, answering for sample images that are embedded here.
//!
//! The samples were made once by the real `notation` (`tests/fixtures/README.md`). Nothing here is part of
//! what decides: a small registry and a server of one revocation list stand in for the world outside.

mod images;
mod loopback;
mod registry;
mod revocation_list;
mod world;

pub use world::World;

#[cfg(test)]
mod tests;
