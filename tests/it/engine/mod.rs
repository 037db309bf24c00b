//! The decision, over a registry that answers rightly, wrongly, late and not at all.

mod cap;
mod configuration;
mod deadlines;
mod executors;
mod mandatory;
mod memory_store;
mod mirrors;
mod mutation;
mod recollection;
mod requests;
mod rules;
mod search;
mod stale;
pub mod world;
