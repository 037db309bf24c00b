//! What people read: the same values that Gatekeeper gets, as text and as JSON. Nothing is computed for
//! reports alone.

pub mod configuration;
pub mod image;
mod rule_words;
