//! What the parts of an Executor need to know of it.

use super::convert_options::ConvertOptions;
use super::secret_name::Reach;

/// What the parts of an Executor need to know of it.
pub(super) struct Context<'a> {
    /// What it is called.
    pub(super) key: &'a str,
    /// The namespace that it may not leave, and where Secrets are.
    pub(super) reach: &'a Reach,
    /// What conversion needs to know.
    pub(super) options: &'a ConvertOptions,
}
