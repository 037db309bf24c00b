//! The cases beside each template: an object, what Hallmark finds about its images, and what must be said.

use std::collections::BTreeMap;

use hallmark::externaldata::Shape;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{Found, body};
use super::gatekeeper::{Wire, external_data};
use super::policy::{Policy, Reviewed};
use super::source::{Rego, TEMPLATES};
use super::{read, yaml};

/// Where Gatekeeper's audit cuts a message, in bytes.
const MESSAGE_BYTES: usize = 256;

/// One entry of `cases/cases.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// What is shown.
    pub name: String,
    /// `parameters` of the constraint.
    #[serde(default = "nothing")]
    pub parameters: Value,
    /// The object; `images` makes a Pod of it.
    object: Option<Value>,
    images: Option<Vec<String>>,
    /// As the API server says it; CREATE where it is absent, `none` as in an audit.
    operation: Option<String>,
    /// The Pod before an UPDATE.
    old_images: Option<Vec<String>>,
    /// Whether the kind's schema refuses the parameters. What the Rego does with them is shown all the same.
    #[serde(default)]
    pub refused_by_schema: bool,
    /// What Hallmark finds, by key. Exactly these keys are asked about, in one call.
    #[serde(default)]
    answers: BTreeMap<String, Found>,
    /// How each message begins; none: admitted.
    #[serde(default)]
    pub refused: Vec<String>,
}

fn nothing() -> Value {
    json!({})
}

/// The cases of a template.
pub fn cases(template: &str) -> Vec<Case> {
    let cases = yaml(&read(&format!("templates/{template}/cases/cases.yaml")));
    serde_json::from_value(cases).unwrap_or_else(|error| panic!("{template}: {error}"))
}

/// A Pod of namespace `team` with a container for each image.
pub fn pod(images: &[String]) -> Value {
    crate::support::cluster::pod("team", "app", images)
}

/// A review of an object, as Gatekeeper hands an admission request to Rego.
pub fn review(object: &Value, old: Option<&Value>, operation: &str) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let metadata = &object["metadata"];
    json!({
        "uid": "00000000-0000-0000-0000-000000000000",
        "kind": {"group": group, "version": version, "kind": object["kind"]},
        "resource": {"group": group, "version": version, "resource": "ignored"},
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "operation": operation,
        "userInfo": {"username": "someone"},
        "object": object,
        "oldObject": old,
    })
}

impl Case {
    /// The review.
    pub fn review(&self) -> Value {
        let object = match (&self.object, &self.images) {
            (Some(object), None) => object.clone(),
            (None, Some(images)) => pod(images),
            _ => panic!("{}: object or images", self.name),
        };
        let old = self.old_images.as_deref().map(pod);
        let mut review = review(&object, old.as_ref(), self.operation.as_deref().unwrap_or("CREATE"));
        if self.operation.as_deref() == Some("none") {
            review.as_object_mut().expect("review").remove("operation");
        }
        review
    }

    /// What `external_data` gives in this case.
    pub fn answer(&self) -> Value {
        let found: Vec<(String, Found)> =
            self.answers.iter().map(|(key, found)| (key.clone(), found.clone())).collect();
        external_data(&Wire::ok(body(Shape::Canonical, &found)))
    }

    /// The one call that is made, if any is.
    pub fn call(&self) -> Option<Value> {
        let keys: Vec<&String> = self.answers.keys().collect();
        (!keys.is_empty()).then(|| json!({"provider": "hallmark", "keys": keys}))
    }

    /// Runs the case.
    pub fn run(&self, policy: &Policy) -> Reviewed {
        policy.review(&self.review(), &self.parameters, Some(self.answer()))
    }

    /// Holds messages against what the case expects, in any order.
    pub fn check(&self, at: &str, messages: &[&str]) {
        for message in messages {
            assert!(message.len() < MESSAGE_BYTES, "{at}: {} bytes: {message}", message.len());
            let expected = self.refused.iter().any(|start| message.starts_with(start));
            assert!(expected, "{at}: not expected: {message}");
        }
        for start in &self.refused {
            let said = messages.iter().any(|message| message.starts_with(start));
            assert!(said, "{at}: {start} is not said: {messages:#?}");
        }
        assert_eq!(messages.len(), self.refused.len(), "{at}: {messages:#?}");
    }
}

#[test]
fn every_case_gives_what_it_says_in_both_versions_of_rego() {
    for template in TEMPLATES {
        for rego in Rego::BOTH {
            let policy = Policy::shipped(template, rego);
            for case in cases(template) {
                let at = format!("{template} {rego:?}: {}", case.name);
                let reviewed = case.run(&policy);
                let calls: Vec<Value> = case.call().into_iter().collect();
                assert_eq!(reviewed.calls, calls, "{at}");
                case.check(&at, &reviewed.messages());
            }
        }
    }
}
