//! Names in a rule: what it is called itself, and verifiers that it names and that are not there.

use std::sync::Arc;

use crate::engine::settings::{RuleSettings, ThresholdRule};
use crate::verifier::VerifierSettings;

/// What a rule is called.
pub(super) fn name_of(rule: &RuleSettings) -> Arc<str> {
    match rule {
        RuleSettings::ByArtifactType { name, .. }
        | RuleSettings::Threshold { name, .. }
        | RuleSettings::Refused { name, .. } => name.clone(),
        RuleSettings::OneValidSignature => "default".into(),
    }
}

/// A verifier that a rule names and that is not there.
pub(super) fn missing_verifier(rule: &RuleSettings, verifiers: &[VerifierSettings]) -> Option<Arc<str>> {
    fn first_missing(rule: &ThresholdRule, verifiers: &[VerifierSettings]) -> Option<Arc<str>> {
        match rule {
            ThresholdRule::AtLeast { rules, .. } => {
                rules.iter().find_map(|rule| first_missing(rule, verifiers))
            }
            ThresholdRule::Signatures { verifier: wanted, .. } => {
                let exists = verifiers.iter().any(|verifier| verifier.name() == wanted);
                (!exists).then(|| wanted.clone())
            }
        }
    }
    match rule {
        RuleSettings::Threshold { root, .. } => first_missing(root, verifiers),
        _ => None,
    }
}
