//! A template's Rego on an interpreter, asked as Gatekeeper asks it.

use std::sync::{Arc, Mutex};

use regorus::{Engine, Value as Term};
use serde_json::{Value, json};

use super::source::{Rego, path};
use super::{read, yaml};

/// A template that was read from its document. The interpreter is prepared once and then asked many times.
pub struct Policy {
    engine: Mutex<Engine>,
    /// The path of its rule `violation`.
    rule: String,
    provider: Arc<Mutex<StandIn>>,
}

/// What `external_data` gives, and what it was asked.
#[derive(Default)]
struct StandIn {
    answer: Option<Value>,
    calls: Vec<Value>,
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
        assert!(source.get("libs").is_none(), "one module");
        Self::text(rego, source["rego"].as_str().expect("Rego is a text"))
    }

    /// Rego that is in no template.
    pub fn text(rego: Rego, policy: &str) -> Self {
        let mut engine = Engine::new();
        engine.set_rego_v0(rego == Rego::V0);
        // As OPA has it: a builtin that fails is undefined.
        engine.set_strict_builtin_errors(false);
        let provider = Arc::new(Mutex::new(StandIn::default()));
        let asked = Arc::clone(&provider);
        let external_data = move |arguments: Vec<Term>| {
            let request = &arguments[0];
            let mut provider = asked.lock().expect("provider");
            provider.calls.push(as_json(request));
            let answer = provider.answer.clone().filter(|_| has_keys(request));
            Ok(answer.map_or(Term::Undefined, Term::from))
        };
        engine.add_extension("external_data".to_owned(), 1, Box::new(external_data)).expect("extension");
        let package = engine.add_policy("policy.rego".to_owned(), policy.to_owned()).expect("Rego");
        Self { engine: Mutex::new(engine), rule: format!("{package}.violation"), provider }
    }

    /// Reviews an object where `external_data` gives `answer`; `None`: it is undefined.
    pub fn review(&self, review: &Value, parameters: &Value, answer: Option<Value>) -> Reviewed {
        let mut engine = self.engine.lock().expect("engine");
        *self.provider.lock().expect("provider") = StandIn { answer, calls: Vec::new() };
        engine.set_input(Term::from(json!({"review": review, "parameters": parameters})));
        let found = engine.eval_rule(self.rule.clone()).expect("evaluated");
        // A set is written as an array.
        let Value::Array(mut violations) = as_json(&found) else { panic!("violation is {found}") };
        violations.sort_by_key(|violation| violation["msg"].to_string());
        Reviewed { violations, calls: self.provider.lock().expect("provider").calls.clone() }
    }
}

/// Whether Gatekeeper can read the keys of a call: an array of texts, in which null is the empty one. Of a
/// set, or of a key that is no text, the builtin fails.
fn has_keys(request: &Term) -> bool {
    let keys = request["keys"].as_array();
    keys.is_ok_and(|keys| keys.iter().all(|key| *key == Term::Null || key.as_string().is_ok()))
}

fn as_json(term: &Term) -> Value {
    serde_json::from_str(&term.to_json_str().expect("JSON")).expect("JSON")
}
