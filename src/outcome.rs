//! What was found out about one image: never a bool.
//!
//! `Verified` and `NotRequired` admit; `Unsigned`, `Rejected` and `Inconclusive` do not. An `Outcome` is
//! what Gatekeeper, the command line and reports all read; nothing is computed for one of them alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::line;
use crate::oci::{Content, Descriptor};
use crate::reference::Digest;

/// The answer about one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[must_use]
pub enum Verdict {
    /// The rule is satisfied by signatures that cover the digest.
    Verified,
    /// A trust policy at level `skip` covers the image: admitted, nothing claimed.
    NotRequired,
    /// Looked everywhere, found no candidate.
    Unsigned,
    /// Candidates were found, and each was refuted; or no trust policy covers the image.
    Rejected,
    /// Could not find out: registry, key source, deadline, configuration.
    Inconclusive,
}

impl Verdict {
    /// True for the two verdicts that admit an image.
    pub fn admits(self) -> bool {
        matches!(self, Self::Verified | Self::NotRequired)
    }

    /// The word in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::NotRequired => "notRequired",
            Self::Unsigned => "unsigned",
            Self::Rejected => "rejected",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// Declares the closed list of reason codes with what each means, so that documentation and code cannot
/// drift apart.
macro_rules! reason_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
        /// Why an image got its verdict. The list is closed and documented; codes are never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ReasonCode { $($(#[doc = $doc])+ $variant,)+ }

        impl ReasonCode {
            /// Every code, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as it is written in answers, metrics and logs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// One paragraph of meaning, for the generated documentation.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc, "\n",)+),)+ }
            }
        }
    };
}

reason_codes! {
    /// The rule is satisfied.
    Verified = "VERIFIED",
    /// A trust policy at level `skip` covers the image.
    SkippedByPolicy = "SKIPPED_BY_POLICY",
    /// The registry holds no signature of a kind that the configuration asks for.
    NoSignature = "NO_SIGNATURE",
    /// No trust policy covers the image's repository.
    NoApplicablePolicy = "NO_APPLICABLE_POLICY",
    /// The rule needs more or other signatures than were found valid.
    RuleNotSatisfied = "RULE_NOT_SATISFIED",
    /// A signature is malformed, or its bytes do not verify.
    IntegrityFailed = "INTEGRITY_FAILED",
    /// A signature covers another artifact than the one asked for.
    SubjectMismatch = "SUBJECT_MISMATCH",
    /// A signature is not by a trusted signer.
    UntrustedSigner = "UNTRUSTED_SIGNER",
    /// A signature's own expiry has passed.
    SignatureExpired = "SIGNATURE_EXPIRED",
    /// A certificate was not valid at the time that counts, or the timestamp does not hold.
    TimestampFailed = "TIMESTAMP_FAILED",
    /// A certificate of the signer is revoked.
    CertificateRevoked = "CERTIFICATE_REVOKED",
    /// Whether a certificate is revoked could not be found out.
    RevocationUnknown = "REVOCATION_UNKNOWN",
    /// A verification plugin is missing, not allowed, too old, failed, or refused.
    PluginFailed = "PLUGIN_FAILED",
    /// A required user metadata entry is not in the signed payload.
    MetadataMissing = "METADATA_MISSING",
    /// A signature could not be read from the registry.
    SignatureUnreadable = "SIGNATURE_UNREADABLE",
    /// More candidates than `limits.signatures_per_image`, and none tried was good.
    TooManySignatures = "TOO_MANY_SIGNATURES",
    /// The key is no image reference.
    InvalidReference = "INVALID_REFERENCE",
    /// The registry has no such image.
    ImageNotFound = "IMAGE_NOT_FOUND",
    /// The registry refused: credentials are missing, wrong, or not enough.
    RegistryDenied = "REGISTRY_DENIED",
    /// The registry could not be reached, failed, or throttles, or its credentials could not be read.
    RegistryUnavailable = "REGISTRY_UNAVAILABLE",
    /// The registry answered something that breaks the protocol, such as bytes with another digest.
    RegistryInvalid = "REGISTRY_INVALID",
    /// The deadline passed; the work goes on and the next question finds its answer.
    DeadlineExceeded = "DEADLINE_EXCEEDED",
    /// A key source could not be read and none of its keys is held.
    KeySourceUnavailable = "KEY_SOURCE_UNAVAILABLE",
    /// A resource that this decision needs is refused, missing or not supported.
    ConfigInvalid = "CONFIG_INVALID",
    /// The cap of unique signatures is reached and its overflow mode is `refuse`.
    SignatureCapReached = "SIGNATURE_CAP_REACHED",
    /// No configuration is in force yet.
    NotReady = "NOT_READY",
    /// Too many requests are in flight.
    Overloaded = "OVERLOADED",
    /// A fault of Hallmark's own; the log has more under the trace id.
    Internal = "INTERNAL",
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why, in one line, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The code that rules and dashboards match on.
    pub code: ReasonCode,
    /// One line with the facts.
    pub message: String,
    /// What a person can do; empty where there is nothing to do.
    pub remediation: String,
}

impl Reason {
    /// A reason whose message is one line whatever is in it.
    pub fn new(code: ReasonCode, message: impl Into<String>, remediation: impl Into<String>) -> Self {
        let line = |text: String| line::within_chars(text, MAX_CHARS).into_owned();
        Self { code, message: line(message.into()), remediation: line(remediation.into()) }
    }
}

/// The most characters of a message, and of a remedy.
const MAX_CHARS: usize = 512;

/// One of the validations of the Notary Project's verification workflow, or of another kind of signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// The envelope is well-formed and its signature verifies over its bytes.
    Integrity,
    /// The certificate chain ends in a trusted anchor and the leaf is a trusted identity.
    Authenticity,
    /// The signature's expiry has not passed.
    Expiry,
    /// Every certificate was valid at the time that counts.
    AuthenticTimestamp,
    /// No certificate is revoked.
    Revocation,
    /// What a verification plugin demands.
    Plugin,
    /// The signed payload describes the artifact asked for.
    Subject,
    /// The signed payload holds the metadata asked for.
    UserMetadata,
}

impl Check {
    /// The name in answers and conformance cases.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::Authenticity => "authenticity",
            Self::Expiry => "expiry",
            Self::AuthenticTimestamp => "authenticTimestamp",
            Self::Revocation => "revocation",
            Self::Plugin => "plugin",
            Self::Subject => "descriptor",
            Self::UserMetadata => "userMetadata",
        }
    }
}

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// It passed.
    Passed,
    /// It failed and the policy enforces it.
    Failed(Reason),
    /// It failed and the policy only logs it.
    Logged(Reason),
    /// The policy, or what the signature is, makes it not apply.
    Skipped,
}

/// One line of what was found about a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// How it ended.
    pub result: CheckResult,
}

/// How one candidate signature ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureResult {
    /// It counts for the rule.
    Valid,
    /// It was refuted.
    Refuted,
    /// It could not be found out.
    Undecided,
}

impl SignatureResult {
    /// The word in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Refuted => "refuted",
            Self::Undecided => "undecided",
        }
    }
}

/// Who signed: set only where authenticity was established.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The leaf certificate's subject (RFC 4514), or the identity.
    pub subject: String,
    /// The leaf certificate's issuer (RFC 4514).
    pub issuer: String,
    /// SHA-256 of the leaf certificate's DER, lower-case hexadecimal.
    pub fingerprint: String,
}

/// What was found about one candidate signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureReport {
    /// Digest of the signature's manifest.
    pub digest: Digest,
    /// The kind of signature, for example `notation`.
    pub kind: &'static str,
    /// Artifact type of the candidate, as in Ratify's reports.
    pub artifact_type: String,
    /// `spec.name` of the Verifier that judged it.
    pub verifier: Arc<str>,
    /// How it ended.
    pub result: SignatureResult,
    /// Why, where it does not count.
    pub reason: Option<Reason>,
    /// Who signed, where that was authenticated.
    pub signer: Option<Signer>,
    /// The signing time that the signature or its timestamp states.
    pub signing_time: Option<Timestamp>,
    /// Whether that time is vouched for by a timestamp authority or signing authority.
    pub signing_time_trusted: bool,
    /// The signature's own expiry.
    pub expiry: Option<Timestamp>,
    /// Every check that was made, in order.
    pub findings: Vec<Finding>,
}

impl SignatureReport {
    /// The failures that the policy only logged.
    pub fn logged_failures(&self) -> impl Iterator<Item = (Check, &Reason)> {
        self.findings.iter().filter_map(|finding| match &finding.result {
            CheckResult::Logged(reason) => Some((finding.check, reason)),
            _ => None,
        })
    }
}

/// How much evidence was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The search stopped when the rule was satisfied.
    #[default]
    First,
    /// Every candidate was looked at, up to the cap.
    All,
}

impl Evidence {
    /// The word in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::All => "all",
        }
    }
}

/// Which settings decided: the same on every replica that has the same configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyIdentity {
    /// Name of the Policy resource, or `default`.
    pub name: Arc<str>,
    /// Hash of the settings that are effective for the image.
    pub id: Arc<str>,
}

impl PolicyIdentity {
    /// The policy of what is decided without any.
    pub fn none() -> Self {
        Self { name: "none".into(), id: "".into() }
    }
}

/// The digest that a decision is about. It can only be made from bytes that were hashed here, so nothing
/// can be `Verified` without them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoundSubject {
    digest: Digest,
    media_type: Arc<str>,
    size: u64,
}

impl BoundSubject {
    /// Binds to hashed bytes.
    pub fn of(content: &Content) -> Self {
        Self {
            digest: content.digest().clone(),
            media_type: content.media_type().into(),
            size: content.bytes().len() as u64,
        }
    }

    /// The digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The media type under which the bytes were found.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The number of bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What a signed payload must describe to cover this subject.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.to_string(),
            digest: self.digest.clone(),
            size: self.size,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }
}

/// Everything that is answered about one image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Outcome {
    verdict: Verdict,
    /// What the decision is bound to; `None` where the image was never read.
    subject: Option<BoundSubject>,
    /// Why.
    pub reason: Reason,
    /// The candidates that were judged, those that count first.
    pub signatures: Vec<SignatureReport>,
    /// How much was looked at.
    pub evidence: Evidence,
    /// Which settings decided.
    pub policy: PolicyIdentity,
    /// When the facts behind the decision were last proven.
    pub proven_at: Option<Timestamp>,
    /// A `Verified` decision that could not be proven anew and still stands.
    pub stale: bool,
}

impl Outcome {
    /// A rule satisfied by signatures over `subject`.
    pub fn verified(
        subject: BoundSubject,
        reason: Reason,
        signatures: Vec<SignatureReport>,
        evidence: Evidence,
        policy: PolicyIdentity,
        proven_at: Timestamp,
    ) -> Self {
        Self {
            verdict: Verdict::Verified,
            subject: Some(subject),
            reason,
            signatures,
            evidence,
            policy,
            proven_at: Some(proven_at),
            stale: false,
        }
    }

    /// An image for which the policy asks for nothing. The digest is known only where something else
    /// needed it.
    pub fn not_required(subject: Option<BoundSubject>, reason: Reason, policy: PolicyIdentity) -> Self {
        Self::bare(Verdict::NotRequired, subject, reason, policy)
    }

    /// An image without candidates.
    pub fn unsigned(subject: BoundSubject, reason: Reason, policy: PolicyIdentity) -> Self {
        Self::bare(Verdict::Unsigned, Some(subject), reason, policy)
    }

    /// An image whose candidates are refuted, or that no policy covers.
    pub fn rejected(
        subject: Option<BoundSubject>,
        reason: Reason,
        signatures: Vec<SignatureReport>,
        policy: PolicyIdentity,
    ) -> Self {
        Self { signatures, ..Self::bare(Verdict::Rejected, subject, reason, policy) }
    }

    /// An image about which nothing could be found out.
    pub fn inconclusive(
        subject: Option<BoundSubject>,
        reason: Reason,
        signatures: Vec<SignatureReport>,
        policy: PolicyIdentity,
    ) -> Self {
        Self { signatures, ..Self::bare(Verdict::Inconclusive, subject, reason, policy) }
    }

    fn bare(verdict: Verdict, subject: Option<BoundSubject>, reason: Reason, policy: PolicyIdentity) -> Self {
        Self {
            verdict,
            subject,
            reason,
            signatures: Vec::new(),
            evidence: Evidence::First,
            policy,
            proven_at: None,
            stale: false,
        }
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What the decision is bound to.
    pub fn subject(&self) -> Option<&BoundSubject> {
        self.subject.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_short_line_whatever_is_in_it() {
        let long = format!("of a\nstranger\u{202e}{}", "€".repeat(1000));
        let reason = Reason::new(ReasonCode::RegistryInvalid, long, "ask\u{200b} them");
        assert!(reason.message.starts_with("of a stranger €") && reason.message.ends_with("€…"));
        assert_eq!((reason.message.chars().count(), reason.remediation.as_str()), (MAX_CHARS, "ask them"));
    }
}
