//! What a failed read means for an image, in words that say what to do.

use crate::outcome::{Reason, ReasonCode};
use crate::registry::FetchError;

/// The reason for which nothing could be concluded about an image.
pub(super) fn reason(error: &FetchError) -> Reason {
    let (code, remediation) = match error {
        FetchError::NotFound { .. } => {
            (ReasonCode::ImageNotFound, "check the image's name, tag or digest, and that it was pushed")
        }
        FetchError::Denied { .. } => (
            ReasonCode::RegistryDenied,
            "give Hallmark credentials that may pull this repository (Store authProvider), or correct them",
        ),
        FetchError::Unavailable { .. } => (
            ReasonCode::RegistryUnavailable,
            "check that the registry can be reached from Hallmark's network and is not throttling, and, for a private \
             certificate authority, the setting registry.ca_file; it is asked again soon",
        ),
        FetchError::Deadline { .. } => (
            ReasonCode::DeadlineExceeded,
            "the look-up goes on; ask again, and raise the timeouts if the registry is always this slow",
        ),
        FetchError::Invalid { .. } => (
            ReasonCode::RegistryInvalid,
            "the registry, or something between, answers wrongly; compare with another client",
        ),
    };
    Reason::new(code, error.to_string(), remediation)
}

/// The reason for which a candidate does not count, and whether that could still change by itself.
pub(super) fn candidate_reason(error: &FetchError) -> (Reason, bool) {
    let undecided = !matches!(error, FetchError::NotFound { .. } | FetchError::Invalid { .. });
    let message = format!("the signature cannot be read: {error}");
    let remediation = "delete the broken signature from the registry, or sign the image again";
    match undecided {
        true => (Reason { message, ..reason(error) }, true),
        false => (Reason::new(ReasonCode::SignatureUnreadable, message, remediation), false),
    }
}
