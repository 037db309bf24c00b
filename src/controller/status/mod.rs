//! What the status of a resource says: Ratify's keys, as its tools read them, and conditions. It is computed
//! from what was read, never asked of anybody; `write` brings it to the API.

mod grant;
mod judged;
mod ledger;
mod render;
#[cfg(test)]
mod tests;
mod wanted;
mod write;

pub use self::judged::Judged;
pub(super) use self::write::Writer;
