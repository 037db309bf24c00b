//! The composition root: makes what is shared, joins it, and starts the tasks. It decides nothing.

mod access;
pub mod demo;
mod follow;
mod gateway;
pub mod judge;
mod planner;
pub mod provider;
mod settling;
mod shared;
