//! The samples, and what must come out for each (`tests/fixtures/README.md`).

use super::registry::REPOSITORY;
use crate::outcome::{ReasonCode, Verdict};

/// One sample image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) tag: &'static str,
    verdict: Verdict,
    code: ReasonCode,
    /// True where its signer's certificate names the revocation list.
    needs_list: bool,
}

/// Every sample, in the order in which they are shown.
pub(super) const SAMPLES: [Sample; 8] = [
    sample("signed-jws", Verdict::Verified, ReasonCode::Verified, false),
    sample("signed-cose", Verdict::Verified, ReasonCode::Verified, true),
    sample("unsigned", Verdict::Unsigned, ReasonCode::NoSignature, false),
    sample("stranger", Verdict::Rejected, ReasonCode::UntrustedSigner, false),
    sample("other-image", Verdict::Rejected, ReasonCode::SubjectMismatch, false),
    sample("expired", Verdict::Rejected, ReasonCode::SignatureExpired, false),
    sample("revoked", Verdict::Rejected, ReasonCode::CertificateRevoked, true),
    sample("tampered", Verdict::Rejected, ReasonCode::IntegrityFailed, false),
];

const fn sample(tag: &'static str, verdict: Verdict, code: ReasonCode, needs_list: bool) -> Sample {
    Sample { tag, verdict, code, needs_list }
}

impl Sample {
    /// The name as people say it, without the registry.
    pub(super) fn name(&self) -> String {
        format!("{REPOSITORY}:{}", self.tag)
    }

    /// What must come out. Without the revocation list, a signature whose certificate names it is undecided.
    pub(super) fn expected(&self, has_list: bool) -> (Verdict, ReasonCode) {
        if self.needs_list && !has_list {
            (Verdict::Inconclusive, ReasonCode::RevocationUnknown)
        } else {
            (self.verdict, self.code)
        }
    }

    /// The samples that need the revocation list.
    pub(super) fn needing_list() -> impl Iterator<Item = &'static Self> {
        SAMPLES.iter().filter(|sample| sample.needs_list)
    }
}
