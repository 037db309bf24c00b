//! The rule of one scope: which Policy it is, and whether what it names exists.

use super::converted::{Converted, Item};
use super::kind::Kind;
use super::node::Node;
use super::resource_key::Namespace;
use super::rule_names::missing_verifier;
use crate::engine::diagnostic::Severity;
use crate::engine::settings::RuleSettings;
use crate::verifier::VerifierSettings;

/// The rule of one scope; `None` where it has no Policy.
pub(super) fn rule(
    scope: &Namespace,
    resources: &mut [Converted],
    verifiers: &[VerifierSettings],
) -> Option<RuleSettings> {
    let mut policies: Vec<&mut Converted> = resources
        .iter_mut()
        .filter(|resource| resource.key.kind == Kind::Policy && resource.key.namespace == *scope)
        .collect();
    if policies.len() > 1 {
        let names: Vec<_> = policies.iter().map(|policy| policy.key.name.to_string()).collect();
        let called: Vec<_> = policies.iter().map(|policy| policy.notes.resource.as_str()).collect();
        let message = format!("only one Policy may decide, and there are {}", called.join(" and "));
        for policy in &mut policies {
            policy.notes.say(Severity::Error, (None, ""), message.clone(), "keep one of them");
        }
        return Some(RuleSettings::Refused { name: names.join(", ").into(), reason: message });
    }
    let policy = policies.into_iter().next()?;
    let Item::Policy(rule) = &policy.item else { return None };
    let rule = rule.clone();
    say_unclaimed(&rule, verifiers, policy);
    let Some(missing) = missing_verifier(&rule, verifiers) else { return Some(rule) };
    let message = format!("there is no Verifier whose spec.name is {missing}");
    let field = "spec.parameters.policy";
    let line = policy.node.line_at(field);
    policy.notes.say(Severity::Error, (line, field), message.clone(), "correct verifierName");
    Some(RuleSettings::Refused { name: policy.key.name.clone(), reason: message })
}

/// A listed artifact type that no Verifier claims can never be satisfied.
fn say_unclaimed(rule: &RuleSettings, verifiers: &[VerifierSettings], policy: &mut Converted) {
    let RuleSettings::ByArtifactType { listed, .. } = rule else { return };
    for wanted in listed.keys() {
        let claims = |types: &[String]| types.iter().any(|claimed| claimed == wanted || claimed == "*");
        if !verifiers.iter().any(|verifier| claims(verifier.artifact_types())) {
            let field = "spec.parameters.artifactVerificationPolicies";
            let message = format!("no Verifier claims {wanted}, so no image satisfies this Policy");
            let line = line_of(&policy.node, field, wanted);
            let remedy = "add a Verifier for it, or remove the line";
            policy.notes.say(Severity::Warning, (line, field), message, remedy);
        }
    }
}

/// The line of a member whose name may hold dots.
fn line_of(node: &Node, path: &str, name: &str) -> Option<u32> {
    let parent = path.split('.').try_fold(node, |node, step| node.get(step))?;
    parent.member(name)?.line
}
