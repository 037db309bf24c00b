//! The decision: which verifiers apply to an image, what they found, and what the rule makes of it.

pub mod diagnostic;
pub mod settings;
