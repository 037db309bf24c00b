//! What rules ask for, in words.

use crate::engine::settings::{MandatoryRule, Quantifier, RuleSettings, ThresholdRule};
use crate::outcome::Evidence;

/// A count with its word.
pub(super) fn many(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// What a rule asks for.
pub(super) fn rule(rule: &RuleSettings) -> String {
    match rule {
        RuleSettings::OneValidSignature => {
            "no Policy; one valid signature of a configured Verifier admits an image".to_owned()
        }
        RuleSettings::Refused { name, reason } => {
            format!("{} is NOT IN FORCE ({reason}): every image is undecided", policy(name))
        }
        RuleSettings::ByArtifactType { name, listed, default, evidence } => {
            let mut parts: Vec<String> =
                listed.iter().map(|(kind, wanted)| format!("{kind}: {}", quantifier(*wanted))).collect();
            let rest = if listed.is_empty() { "every type" } else { "every other type" };
            parts.push(format!("{rest} that is found and claimed: {}", quantifier(*default)));
            format!("{}; {}{}", policy(name), parts.join("; "), evidence_words(*evidence))
        }
        RuleSettings::Threshold { name, root, evidence } => {
            format!("{}; {}{}", policy(name), threshold(root), evidence_words(*evidence))
        }
    }
}

/// Whose rule it is: an Executor's is known by the Executor.
fn policy(name: &str) -> String {
    if name.contains("Executor ") { name.to_owned() } else { format!("Policy {name}") }
}

/// Holds beside the rule.
pub(super) fn mandatory_words(mandatory: &MandatoryRule) -> String {
    let words = match &mandatory.rule {
        RuleSettings::OneValidSignature => "at least one valid signature of it".to_owned(),
        RuleSettings::Refused { reason, .. } => format!("NOT IN FORCE ({reason}): every image is undecided"),
        other if mandatory.scopes.is_some() => rule(other),
        other => format!("{}, counting only Verifiers of the cluster", rule(other)),
    };
    let scopes = mandatory.scopes.iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
    let of = if scopes.is_empty() { String::new() } else { format!(" for images of {}", scopes.join(", ")) };
    format!("and, mandatory in every namespace{of}, {}: {words}", mandatory.resource)
}

fn quantifier(wanted: Quantifier) -> &'static str {
    match wanted {
        Quantifier::Any => "at least one valid",
        Quantifier::All => "at least one, and all of them valid",
    }
}

fn evidence_words(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::First => "",
        Evidence::All => "; every signature is looked at",
    }
}

fn threshold(rule: &ThresholdRule) -> String {
    match rule {
        ThresholdRule::AtLeast { threshold: wanted, rules } => {
            let parts: Vec<_> = rules.iter().map(threshold).collect();
            match (parts.as_slice(), *wanted == parts.len()) {
                ([only], true) => only.clone(),
                (_, true) => format!("all of ({})", parts.join("; ")),
                _ => format!("at least {wanted} of ({})", parts.join("; ")),
            }
        }
        ThresholdRule::Signatures { verifier, count } => {
            format!("at least {} of {verifier}", many(*count, "valid signature"))
        }
    }
}
