//! Policy: what must hold for an image.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::field::{Field, Notes, did_you_mean};
use super::kind::Version;
use super::resource::Resource;
use crate::engine::settings::{Quantifier, RuleSettings, ThresholdRule};
use crate::outcome::Evidence;

const NAME: &str = "ratify-policy";
const TYPES: &[&str] = &["config-policy", "threshold-policy", "rego-policy"];

/// The deepest threshold tree, and the most rules of one node.
const MAX_DEPTH: usize = 8;
const MAX_RULES: usize = 64;

/// The most rules of a whole tree, and the most artifact types that are listed: all are looked at for each
/// candidate of each image.
const MAX_PARTS: usize = 256;

/// Converts a Policy; a refused one says why.
pub(super) fn convert(resource: &mut Resource) -> RuleSettings {
    let name = resource.key.name.clone();
    let notes = &mut resource.notes;
    let root = Field::root(&resource.node, "", notes.line);
    let rule = match (notes.refusal(), root.member("spec")) {
        (None, Some(spec)) => {
            let policy_type = policy_type(resource.version, &name, &root, &spec, notes);
            policy_type.and_then(|policy_type| from_spec(&policy_type, &name, &spec, notes))
        }
        _ => None,
    };
    match (notes.refusal(), rule) {
        (None, Some(rule)) => rule,
        (reason, _) => {
            RuleSettings::Refused { name, reason: reason.unwrap_or_else(|| "it cannot be read".to_owned()) }
        }
    }
}

/// The type: `spec.type` in v1beta1, `metadata.name` in v1alpha1.
fn policy_type(
    version: Version,
    name: &str,
    root: &Field<'_>,
    spec: &Field<'_>,
    notes: &mut Notes,
) -> Option<String> {
    let place = root.member("metadata").and_then(|metadata| metadata.member("name"));
    let place = place.unwrap_or_else(|| root.absent("metadata.name"));
    let typed = spec.member("type").is_some();
    match (version, name) {
        (Version::V1Alpha1, "configpolicy") => Some("config-policy".to_owned()),
        (Version::V1Alpha1, "regopolicy") => Some("rego-policy".to_owned()),
        // As the API shows, and `kubectl get` exports, what was applied in v1alpha1.
        (Version::V1Beta1, "configpolicy" | "regopolicy") if !typed => {
            let known = name.replace("policy", "-policy");
            let remedy = format!("write metadata.name: {NAME} and spec.type: {known}");
            notes.warning(&place, format!("{name} is the name of a v1alpha1 Policy"), remedy);
            Some(known)
        }
        // Written while v1beta1 was in the making.
        (Version::V1Alpha1, NAME) if typed => written_type(spec, notes),
        (Version::V1Alpha1, _) => {
            notes.error(
                &place,
                format!("{name} is not in force: a v1alpha1 Policy is called configpolicy"),
                "rename it",
            );
            None
        }
        (Version::V1Beta1 | Version::V2, NAME) => written_type(spec, notes),
        (Version::V1Beta1 | Version::V2, _) => {
            notes.error(
                &place,
                format!("{name} is not in force: the Policy must be called {NAME}"),
                "rename it",
            );
            None
        }
    }
}

/// `spec.type`; Ratify's own name of a type within its code is understood too.
fn written_type(spec: &Field<'_>, notes: &mut Notes) -> Option<String> {
    let written = spec.required_text("type", notes, "write type: config-policy")?;
    let fold = |text: &str| text.to_ascii_lowercase().replace('-', "");
    let Some(known) = TYPES.iter().find(|known| fold(known) == fold(written)) else {
        return Some(written.to_owned());
    };
    if *known != written {
        let field = spec.member("type").unwrap_or_else(|| spec.absent("type"));
        notes.warning(&field, format!("{written} is read as {known}"), format!("write {known}"));
    }
    Some((*known).to_owned())
}

fn from_spec(
    policy_type: &str,
    name: &Arc<str>,
    spec: &Field<'_>,
    notes: &mut Notes,
) -> Option<RuleSettings> {
    spec.only(&["type", "parameters"], &[], notes);
    let parameters = spec.member("parameters");
    if parameters.as_ref().is_some_and(|parameters| !parameters.is_map(notes)) {
        return None;
    }
    match policy_type {
        "config-policy" => by_artifact_type(name, parameters, notes),
        "threshold-policy" => threshold_policy(name, spec, parameters, notes),
        "rego-policy" => {
            let field = spec.member("type").unwrap_or_else(|| spec.absent("type"));
            let remedy = "use config-policy, or decide in a ConstraintTemplate";
            notes.error(&field, "rego-policy is not supported in this release", remedy);
            None
        }
        other => {
            let field = spec.member("type").unwrap_or_else(|| spec.absent("type"));
            let remedy = match other {
                "config" | "rego" => did_you_mean(&format!("{other}-policy"), TYPES),
                _ => did_you_mean(other, TYPES),
            };
            notes.error(&field, format!("{other} is no type of Policy"), remedy);
            None
        }
    }
}

fn by_artifact_type(
    name: &Arc<str>,
    parameters: Option<Field<'_>>,
    notes: &mut Notes,
) -> Option<RuleSettings> {
    let mut listed = BTreeMap::new();
    let mut default = Quantifier::All;
    let mut evidence = Evidence::First;
    if let Some(parameters) = parameters {
        let without_effect =
            [("passthroughEnabled", "it belongs to rego-policy, and Hallmark decides itself")];
        parameters.only(&["artifactVerificationPolicies", "evidence"], &without_effect, notes);
        evidence = evidence_of(&parameters, notes)?;
        if let Some(policies) = parameters.member("artifactVerificationPolicies") {
            policies.is_map(notes);
            let count = policies.members().count();
            if count > MAX_PARTS {
                notes.error(&policies, format!("has {count} entries; {MAX_PARTS} are read"), "use default");
                return None;
            }
            for (artifact_type, field) in policies.members() {
                match (artifact_type, quantifier(&field, notes)?) {
                    ("default", quantifier) => default = quantifier,
                    (_, quantifier) => {
                        listed.insert(artifact_type.to_owned(), quantifier);
                    }
                }
            }
        }
    }
    Some(RuleSettings::ByArtifactType { name: name.clone(), listed, default, evidence })
}

fn quantifier(field: &Field<'_>, notes: &mut Notes) -> Option<Quantifier> {
    match field.text(notes)? {
        "any" => Some(Quantifier::Any),
        "all" => Some(Quantifier::All),
        other => {
            notes.error(
                field,
                format!("{other:?} is neither any nor all"),
                did_you_mean(other, &["any", "all"]),
            );
            None
        }
    }
}

fn evidence_of(parameters: &Field<'_>, notes: &mut Notes) -> Option<Evidence> {
    let Some(field) = parameters.member("evidence") else { return Some(Evidence::First) };
    match field.text(notes)? {
        "first" => Some(Evidence::First),
        "all" => Some(Evidence::All),
        other => {
            notes.error(&field, format!("{other:?} is neither first nor all"), "");
            None
        }
    }
}

/// A tree of thresholds over named verifiers, as in Ratify v2; in a Policy it is Hallmark's own type.
pub(super) fn threshold_policy(
    name: &Arc<str>,
    spec: &Field<'_>,
    parameters: Option<Field<'_>>,
    notes: &mut Notes,
) -> Option<RuleSettings> {
    let Some(parameters) = parameters else {
        notes.error(&spec.absent("parameters"), "is missing", "write policy: with threshold and rules");
        return None;
    };
    parameters.only(&["policy", "evidence"], &[], notes);
    let evidence = evidence_of(&parameters, notes)?;
    let Some(root) = parameters.member("policy").filter(|root| root.is_map(notes)) else {
        notes.error(&parameters.absent("policy"), "is missing", "write threshold and rules");
        return None;
    };
    if let Some(verifier) = root.member("verifierName") {
        notes.error(&verifier, "the root of the tree names no verifier", "move it into rules");
        return None;
    }
    let field = root.clone();
    let root = threshold_rule(&root, MAX_DEPTH, notes)?;
    let count = parts(&root);
    if count > MAX_PARTS {
        notes.error(&field, format!("has {count} rules; {MAX_PARTS} are read"), "ask for fewer");
        return None;
    }
    Some(RuleSettings::Threshold { name: name.clone(), root, evidence })
}

/// How many rules there are, this one and those in it.
fn parts(rule: &ThresholdRule) -> usize {
    match rule {
        ThresholdRule::AtLeast { rules, .. } => rules.iter().map(parts).sum::<usize>().saturating_add(1),
        ThresholdRule::Signatures { .. } => 1,
    }
}

fn threshold_rule(field: &Field<'_>, depth: usize, notes: &mut Notes) -> Option<ThresholdRule> {
    if depth == 0 {
        notes.error(field, format!("the tree is deeper than {MAX_DEPTH} levels"), "");
        return None;
    }
    if !field.is_map(notes) {
        return None;
    }
    if let Some(verifier) = field.member_text("verifierName", notes) {
        if let Some(nested) = field.member("rules") {
            let message =
                "asks for evidence about a signature, and signatures of signatures are not looked at";
            notes.error(&nested, message, "list rules about the image beside this one");
            return None;
        }
        field.only(&["verifierName", "signatures"], &[], notes);
        let count = match field.member("signatures") {
            Some(count) => count_of(&count, 1, usize::MAX, notes)?,
            None => 1,
        };
        return Some(ThresholdRule::Signatures { verifier: verifier.into(), count });
    }
    field.only(&["threshold", "rules"], &[], notes);
    let Some(items) = field.member("rules").and_then(|rules| rules.items(notes)) else {
        notes.error(&field.absent("rules"), "is missing", "list rules with verifierName, or nested rules");
        return None;
    };
    if items.is_empty() || items.len() > MAX_RULES {
        notes.error(
            &field.absent("rules"),
            format!("has {} entries; 1 to {MAX_RULES} are allowed", items.len()),
            "",
        );
        return None;
    }
    let rules: Vec<_> = items.iter().filter_map(|item| threshold_rule(item, depth - 1, notes)).collect();
    let threshold = match field.member("threshold") {
        Some(threshold) => count_of(&threshold, 0, items.len(), notes)?,
        None => 0,
    };
    // As in Ratify v2, 0 asks for all of them.
    let threshold = if threshold == 0 { items.len() } else { threshold };
    Some(ThresholdRule::AtLeast { threshold, rules })
}

fn count_of(field: &Field<'_>, least: usize, most: usize, notes: &mut Notes) -> Option<usize> {
    let count = usize::try_from(field.whole_number(notes)?).unwrap_or(usize::MAX);
    if count < least || count > most {
        let range =
            if most == usize::MAX { format!("at least {least}") } else { format!("{least} to {most}") };
        notes.error(field, format!("{count} is not allowed: {range}"), "");
        return None;
    }
    Some(count)
}
