//! The parts of the demo, each by itself; the whole of it is run by `tests/it/demo.rs`.

mod page;
mod registry;
