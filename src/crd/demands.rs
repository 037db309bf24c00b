//! What mandatory resources demand, and whose words count for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::converted::{Converted, Item};
use super::kind::Kind;
use super::linked_verifier::LinkedVerifier;
use crate::engine::diagnostic::Severity;
use crate::engine::settings::{MandatoryRule, RuleSettings};
use crate::verifier::VerifierSettings;

/// A mandatory rule with the verifiers that count for it.
pub(super) struct Mandatory {
    pub(super) kind: Kind,
    pub(super) rule: MandatoryRule,
    pub(super) verifiers: Vec<LinkedVerifier>,
}

/// Everything that is mandatory. `clusters` are the Verifiers of the cluster, and `cluster_rule` its rule.
pub(super) fn of(
    resources: &mut [Converted],
    clusters: &[&LinkedVerifier],
    cluster_rule: Option<&RuleSettings>,
) -> Vec<Mandatory> {
    let policies = resources.iter_mut().filter(|resource| {
        resource.mandatory && resource.key.kind == Kind::Policy && resource.key.namespace.is_none()
    });
    let mut mandatory = Vec::new();
    for policy in policies {
        mandatory.push(Mandatory {
            kind: Kind::Policy,
            rule: MandatoryRule {
                resource: policy.notes.resource.as_str().into(),
                rule: mandatory_rule(policy, cluster_rule, clusters.is_empty()),
                counted: resources_of(clusters),
                scopes: None,
            },
            verifiers: clusters.iter().copied().cloned().collect(),
        });
    }
    mandatory.extend(clusters.iter().filter(|verifier| verifier.mandatory).map(|verifier| Mandatory {
        kind: Kind::Verifier,
        rule: MandatoryRule {
            resource: verifier.key.to_string().into(),
            rule: one_signature_of(verifier),
            counted: resources_of(&[verifier]),
            scopes: None,
        },
        verifiers: vec![(*verifier).clone()],
    }));
    mandatory.extend(resources.iter().filter_map(mandatory_executor));
    mandatory
}

fn resources_of(verifiers: &[&LinkedVerifier]) -> BTreeSet<Arc<str>> {
    verifiers.iter().map(|verifier| verifier.resource().clone()).collect()
}

/// What a mandatory Policy asks for.
fn mandatory_rule(policy: &mut Converted, rule: Option<&RuleSettings>, nobody_counts: bool) -> RuleSettings {
    let mut reason = policy.refusal();
    if reason.is_none() && nobody_counts {
        let message = "is mandatory, and the cluster has no Verifier that could satisfy it";
        policy.notes.say(Severity::Error, (None, ""), message, "add a Verifier to the cluster");
        reason = Some(message.to_owned());
    }
    match (reason, rule) {
        (None, Some(rule)) => rule.clone(),
        (reason, _) => RuleSettings::Refused {
            name: policy.key.name.clone(),
            reason: reason.unwrap_or_else(|| "it cannot be read".to_owned()),
        },
    }
}

/// What a mandatory Executor asks for in its scopes.
fn mandatory_executor(resource: &Converted) -> Option<Mandatory> {
    let Item::Executor(draft) = &resource.item else { return None };
    if !resource.mandatory {
        return None;
    }
    let name: Arc<str> = resource.key.to_string().into();
    let plan = draft.plan(&name);
    let linked = |settings: &VerifierSettings| LinkedVerifier {
        key: resource.key.clone(),
        mandatory: true,
        settings: settings.clone(),
        sources: plan.key_sources.clone(),
    };
    let verifiers: Vec<_> = plan.verifiers.iter().map(linked).collect();
    Some(Mandatory {
        kind: Kind::Executor,
        rule: MandatoryRule {
            resource: name,
            rule: plan.rule.clone(),
            counted: verifiers.iter().map(|verifier| verifier.resource().clone()).collect(),
            scopes: Some(draft.scopes.clone()),
        },
        verifiers,
    })
}

/// What a mandatory Verifier asks for.
fn one_signature_of(verifier: &LinkedVerifier) -> RuleSettings {
    match &verifier.settings {
        VerifierSettings::Refused { name, reason, .. } => {
            RuleSettings::Refused { name: name.clone(), reason: reason.clone() }
        }
        VerifierSettings::Notation(_) => RuleSettings::OneValidSignature,
    }
}
