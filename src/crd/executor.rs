//! Ratify v2's Executor and NamespacedExecutor: everything about the images of some repositories in one
//! resource.

use std::sync::Arc;

use super::convert_options::ConvertOptions;
use super::executor_context::Context;
use super::executor_scopes::scopes;
use super::field::{Field, Notes, did_you_mean};
use super::resource::Resource;
use super::rule_names::missing_verifier;
use super::secret_name::Reach;
use super::{executor_store, executor_verifier, policy};
use crate::engine::scope::Scope;
use crate::engine::settings::{PlanSettings, RuleSettings};

/// The most verifiers and stores of one Executor.
const MAX_PARTS: usize = 32;

/// An Executor on its own.
#[derive(Clone, Debug)]
pub(super) struct ExecutorDraft {
    /// What it decides about, even if it is refused. A scope that cannot be read may mean anything.
    pub(super) scopes: Vec<Scope>,
    /// What it asks for, or why it is refused.
    pub(super) body: Result<PlanSettings, String>,
}

impl ExecutorDraft {
    /// What decides about its scopes; `name` is what the Executor is called.
    pub(super) fn plan(&self, name: &Arc<str>) -> PlanSettings {
        match &self.body {
            Ok(plan) => plan.clone(),
            Err(reason) => PlanSettings {
                rule: RuleSettings::Refused { name: name.clone(), reason: reason.clone() },
                ..PlanSettings::default()
            },
        }
    }
}

/// Converts an Executor; a refused one still says what it decides about.
pub(super) fn convert(resource: &mut Resource, options: &ConvertOptions) -> ExecutorDraft {
    let reach = Reach::of(&resource.key, options);
    let key = resource.key.to_string();
    let notes = &mut resource.notes;
    let root = Field::root(&resource.node, "", notes.line);
    let spec = root.member("spec").filter(|spec| spec.node.members().is_some());
    let Some(spec) = spec else {
        let reason = notes.refusal().unwrap_or_else(|| "spec is missing".to_owned());
        return ExecutorDraft { scopes: vec![Scope::Everything], body: Err(reason) };
    };
    let scopes = scopes(&spec, notes);
    let body = match notes.refusal() {
        // What is wrong with it as a whole may change what its parts mean.
        Some(_) => None,
        None => Context { key: &key, reach: &reach, options }.body(&spec, &scopes, notes),
    };
    let body = match (notes.refusal(), body) {
        (None, Some(body)) => Ok(body),
        (reason, _) => Err(reason.unwrap_or_else(|| "it cannot be read".to_owned())),
    };
    ExecutorDraft { scopes, body }
}

impl Context<'_> {
    fn body(&self, spec: &Field<'_>, scopes: &[Scope], notes: &mut Notes) -> Option<PlanSettings> {
        let without_effect = [("concurrency", "images are looked up side by side, within process settings")];
        spec.only(&["scopes", "verifiers", "stores", "policyEnforcer"], &without_effect, notes);
        let mut settings = PlanSettings::default();
        for (index, verifier) in parts(spec, "verifiers", notes).iter().enumerate() {
            let Some(converted) = executor_verifier::convert(verifier, index, self, notes) else { continue };
            if settings.verifiers.iter().any(|other| other.name() == converted.settings.name()) {
                notes.error(verifier, "has the name of another verifier", "give each a name of its own");
            }
            settings.verifiers.push(converted.settings);
            settings.key_sources.extend(converted.sources);
        }
        for (index, store) in parts(spec, "stores", notes).iter().enumerate() {
            settings.stores.extend(executor_store::convert(store, index, scopes, self, notes));
        }
        settings.rule = self.rule(spec, &settings, notes)?;
        Some(settings)
    }

    fn rule(&self, spec: &Field<'_>, settings: &PlanSettings, notes: &mut Notes) -> Option<RuleSettings> {
        let Some(enforcer) = spec.member("policyEnforcer") else {
            if spec.misspelt("policyEnforcer").is_none() {
                let message = "is missing: as in Ratify, nothing is admitted without it";
                notes.error(&spec.absent("policyEnforcer"), message, "write type: threshold-policy");
            }
            return None;
        };
        if !enforcer.is_map(notes) {
            return None;
        }
        enforcer.only(&["type", "parameters"], &[], notes);
        let written = enforcer.required_text("type", notes, "write type: threshold-policy")?;
        if written != "threshold-policy" {
            let field = enforcer.member("type").unwrap_or_else(|| enforcer.absent("type"));
            let remedy = did_you_mean(written, &["threshold-policy"]);
            notes.error(&field, format!("{written} is no policy that can be used here"), remedy);
            return None;
        }
        let parameters = enforcer.member("parameters").filter(|parameters| parameters.is_map(notes));
        let rule = policy::threshold_policy(&self.key.into(), &enforcer, parameters, notes)?;
        if let Some(missing) = missing_verifier(&rule, &settings.verifiers) {
            let field = enforcer.absent("parameters.policy");
            let message = format!("there is no verifier {missing} in this Executor");
            notes.error(&field, message, "correct verifierName");
            return None;
        }
        Some(rule)
    }
}

/// The members of a list that must not be empty, each a mapping.
fn parts<'a>(spec: &Field<'a>, name: &str, notes: &mut Notes) -> Vec<Field<'a>> {
    let Some(field) = spec.member(name) else {
        if spec.misspelt(name).is_none() {
            notes.error(&spec.absent(name), "is missing", "list at least one");
        }
        return Vec::new();
    };
    let items = field.items(notes).unwrap_or_default();
    if items.is_empty() || items.len() > MAX_PARTS {
        notes.error(&field, format!("has {} entries; 1 to {MAX_PARTS} are allowed", items.len()), "");
        return Vec::new();
    }
    items.into_iter().filter(|item| item.is_map(notes)).collect()
}
