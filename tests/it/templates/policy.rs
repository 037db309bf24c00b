//! A template's Rego on an interpreter, asked as Gatekeeper asks it.

use std::sync::{Arc, Mutex};

use regorus::{Engine, Value as Term};
use serde_json::{Value, json};

use super::source::{Rego, path};
use super::{read, yaml};

/// A template that was read from its document.
#[derive(Clone)]
pub struct Policy {
    engine: Engine,
    /// The path of its rule `violation`.
    rule: String,
}

/// What one review gave.
#[derive(Debug)]
pub struct Reviewed {
    /// Every violation, `{msg, details}`, in the order of its message.
    pub violations: Vec<Value>,
    /// What `external_data` was called with, each time.
    pub calls: Vec<Value>,
}

impl Reviewed {
    pub fn messages(&self) -> Vec<&str> {
        self.violations.iter().map(|violation| violation["msg"].as_str().expect("msg is a text")).collect()
    }
}

impl Policy {
    /// A shipped template.
    pub fn shipped(template: &str, rego: Rego) -> Self {
        Self::of(&yaml(&read(&path(template, rego))))
    }

    /// The Rego of a ConstraintTemplate.
    pub fn of(template: &Value) -> Self {
        let target = &template["spec"]["targets"][0];
        let (rego, source) = match target["code"].as_array() {
            None => (Rego::V0, target),
            Some(code) => {
                assert_eq!((code.len(), &code[0]["engine"]), (1, &json!("Rego")));
                assert_eq!(code[0]["source"]["version"], "v1");
                (Rego::V1, &code[0]["source"])
            }
        };
        let text = |value: &Value| value.as_str().expect("Rego is a text").to_owned();
        let libraries =
            source["libs"].as_array().map_or_else(Vec::new, |libs| libs.iter().map(text).collect());
        Self::modules(rego, &text(&source["rego"]), &libraries)
    }

    fn modules(rego: Rego, policy: &str, libraries: &[String]) -> Self {
        let mut engine = Engine::new();
        engine.set_rego_v0(rego == Rego::V0);
        // As OPA has it: a builtin that fails is undefined.
        engine.set_strict_builtin_errors(false);
        let package = engine.add_policy("policy.rego".to_owned(), policy.to_owned()).expect("Rego");
        for (number, library) in libraries.iter().enumerate() {
            engine.add_policy(format!("lib{number}.rego"), library.clone()).expect("library");
        }
        Self { engine, rule: format!("{package}.violation") }
    }

    /// Reviews an object. `provider` says what `external_data` gives for the keys that it is called with.
    pub fn review(
        &self,
        review: &Value,
        parameters: &Value,
        provider: impl Fn(&[String]) -> Value + Clone + Send + Sync + 'static,
    ) -> Reviewed {
        let mut engine = self.engine.clone();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let external_data = move |arguments: Vec<Term>| {
            let request = &arguments[0];
            seen.lock().expect("calls").push(as_json(request));
            Ok(keys(request).map_or(Term::Undefined, |keys| Term::from(provider(&keys))))
        };
        engine.add_extension("external_data".to_owned(), 1, Box::new(external_data)).expect("extension");
        engine.set_input(Term::from(json!({"review": review, "parameters": parameters})));
        let found = engine.eval_rule(self.rule.clone()).expect("evaluated");
        // A set is written as an array.
        let Value::Array(mut violations) = as_json(&found) else { panic!("violation is {found}") };
        violations.sort_by_key(|violation| violation["msg"].to_string());
        let calls = calls.lock().expect("calls").clone();
        Reviewed { violations, calls }
    }
}

/// The keys of a call as Gatekeeper reads them: an array of texts, in which null is the empty one. Of a set,
/// or of a key that is no text, the builtin fails.
fn keys(request: &Term) -> Option<Vec<String>> {
    let keys = request["keys"].as_array().ok()?;
    keys.iter()
        .map(|key| match key {
            Term::Null => Some(String::new()),
            key => key.as_string().ok().map(|key| key.to_string()),
        })
        .collect()
}

fn as_json(term: &Term) -> Value {
    serde_json::from_str(&term.to_json_str().expect("JSON")).expect("JSON")
}
