//! A provider that answers anything but the truth: no template admits.

use hallmark::externaldata::Shape;
use serde_json::{Value, json};

use super::answers::{Found, body};
use super::cases::{pod, review};
use super::gatekeeper::{Wire, external_data};
use super::policy::{Policy, Reviewed};
use super::source::{ASKING, Rego};

const IMAGE: &str = "registry.example/team/app:1";

/// What stands where something else should.
fn junk() -> [Value; 10] {
    [
        Value::Null,
        json!(false),
        json!(7),
        json!(""),
        json!("true"),
        json!("verified \u{1f512}\n"),
        json!([]),
        json!([true]),
        json!({}),
        json!({"isSuccess": true}),
    ]
}

/// A template with parameters under which the genuine answer about [`IMAGE`] admits.
struct Stand {
    policy: Policy,
    parameters: Value,
    key: &'static str,
    genuine: Value,
    at: String,
}

impl Stand {
    fn each() -> impl Iterator<Item = Self> {
        ASKING.iter().flat_map(|template| Rego::BOTH.map(|rego| Self::of(template, rego)))
    }

    fn of(template: &str, rego: Rego) -> Self {
        let key = match template {
            "image-verification-namespaced" => "[team]registry.example/team/app:1",
            _ => IMAGE,
        };
        let signer = |name: &str| json!({"subject": format!("CN={name},O=Acme,C=US")});
        let parameters = json!({"signers": [signer("release"), signer("audit")], "minimum": 2});
        let found = json!({"signers": ["release", "audit"], "evidence": "all"});
        let found: Found = serde_json::from_value(found).expect("found");
        let genuine = serde_json::from_slice(&body(Shape::Canonical, &[(key.to_owned(), found)]));
        Self {
            policy: Policy::shipped(template, rego),
            parameters,
            key,
            genuine: genuine.expect("an answer is JSON"),
            at: format!("{template} {rego:?}"),
        }
    }

    fn given(&self, answer: &Value) -> Reviewed {
        let answer = answer.clone();
        let review = review(&pod(&[IMAGE.to_owned()]), None, "CREATE");
        self.policy.review(&review, &self.parameters, move |_| answer.clone())
    }

    fn refuses(&self, what: &str, answer: &Value) {
        let reviewed = self.given(answer);
        let messages = reviewed.messages();
        assert!(!messages.is_empty(), "{}: admitted: {what}: {answer:#}", self.at);
        for message in messages {
            assert!(message.len() < 256, "{}: {what}: {message}", self.at);
        }
    }

    /// The genuine answer with something else in one place.
    fn with(&self, pointer: &str, value: Value) -> Value {
        let mut answer = self.genuine.clone();
        *answer.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        answer
    }

    /// Everything that a provider may send instead.
    fn wires(&self) -> Vec<(&'static str, Wire)> {
        let good = self.genuine.to_string().into_bytes();
        let item = &self.genuine["response"]["items"][0];
        let (key, value) = (self.key, &item["value"]);
        let items = |items: Value| self.with("/response/items", items);
        let ok = |answer: Value| Wire::ok(answer.to_string().into_bytes());
        let refused = json!({"key": key, "value": {"isSuccess": false}});
        let both = json!({"key": key, "value": value, "error": "beside a value"});
        let extra = json!([{"key": "registry.example/team/other:1", "value": value}]);
        vec![
            ("an empty object under 503", Wire::Answered { status: 503, body: b"{}".to_vec() }),
            ("an empty object", Wire::ok(b"{}".to_vec())),
            ("an empty body", Wire::ok(Vec::new())),
            ("null", Wire::ok(b"null".to_vec())),
            ("a page", Wire::ok(b"<html>It works!</html>".to_vec())),
            ("no answer", Wire::Failed("Post \"https://hallmark\": context deadline exceeded")),
            ("a good body under 500", Wire::Answered { status: 500, body: good.clone() }),
            ("a good body under 404", Wire::Answered { status: 404, body: good }),
            ("another kind and nothing in it", ok(json!({"kind": "Status", "apiVersion": "v1"}))),
            ("no response", ok(self.with("/response", Value::Null))),
            ("no items", ok(items(Value::Null))),
            ("an empty list of items", ok(items(json!([])))),
            ("the key is not answered, another is", ok(items(extra))),
            ("the key in other letters", ok(items(json!([{"key": key.to_uppercase(), "value": value}])))),
            ("the key with a blank", ok(items(json!([{"key": format!("{key} "), "value": value}])))),
            ("neither value nor error", ok(items(json!([{"key": key}])))),
            ("value and error", ok(items(json!([both])))),
            ("an error that sounds good", ok(items(json!([{"key": key, "error": "verified"}])))),
            ("an error of blanks", ok(items(json!([{"key": key, "error": " "}])))),
            ("good and bad", ok(items(json!([item, refused])))),
            ("bad and good", ok(items(json!([refused, item])))),
            ("good, and an error", ok(items(json!([item, {"key": key, "error": "x"}])))),
            ("the same twice", ok(items(json!([item, item])))),
            ("a system error beside a good item", ok(self.with("/response/systemError", json!("late")))),
            ("a blank system error", ok(self.with("/response/systemError", json!(" ")))),
            (
                "the answer of another generation",
                ok(items(json!([{"key": key, "value": {"succeeded": true}}]))),
            ),
            ("a bare true", ok(items(json!([{"key": key, "value": true}])))),
        ]
    }
}

#[test]
fn the_genuine_answer_admits_fresh_or_from_gatekeepers_cache() {
    for stand in Stand::each() {
        let mut answer = external_data(&Wire::ok(stand.genuine.to_string().into_bytes()));
        for status in [200, 0] {
            answer["status_code"] = json!(status);
            assert_eq!(stand.given(&answer).violations, [] as [Value; 0], "{}", stand.at);
        }
    }
}

#[test]
fn nothing_that_a_provider_may_send_instead_admits() {
    for stand in Stand::each() {
        for (what, wire) in stand.wires() {
            stand.refuses(what, &external_data(&wire));
        }
        stand.refuses(
            "what Gatekeeper gives for an unknown Provider",
            &json!({
                "responses": null, "errors": null, "status_code": 400,
                "system_error": "key is not found in provider cache",
            }),
        );
        for answer in junk() {
            stand.refuses("no answer of external_data", &answer);
        }
    }
}

/// Each part that makes an answer positive, replaced by each kind of thing, and left out.
#[test]
fn no_part_of_a_positive_answer_can_be_something_else() {
    for stand in Stand::each() {
        let genuine = external_data(&Wire::ok(stand.genuine.to_string().into_bytes()));
        let parts = [
            "/responses",
            "/responses/0",
            "/responses/0/0",
            "/responses/0/1",
            "/responses/0/1/isSuccess",
            "/responses/0/1/verdict",
            "/system_error",
            "/status_code",
        ];
        for part in parts {
            for value in junk() {
                // The one kind of thing that belongs there.
                if part == "/system_error" && value == json!("") {
                    continue;
                }
                let mut answer = genuine.clone();
                *answer.pointer_mut(part).expect("part") = value;
                stand.refuses(part, &answer);
            }
            let (holder, name) = part.rsplit_once('/').expect("part");
            let mut answer = genuine.clone();
            if let Some(holder) = answer.pointer_mut(holder).and_then(Value::as_object_mut) {
                holder.remove(name).expect("part");
                stand.refuses(part, &answer);
            }
        }
    }
}

/// A refusal whose words are not words is a refusal all the same.
#[test]
fn whatever_a_refusal_says_it_refuses() {
    for stand in Stand::each() {
        let mut answer = external_data(&Wire::ok(stand.genuine.to_string().into_bytes()));
        answer["responses"][0][1]["isSuccess"] = json!(false);
        let long = json!("\u{1f512}\n\"".repeat(2000));
        for value in junk().into_iter().chain([long]) {
            for part in ["reason", "digest", "signatures", "evidence", "policy"] {
                let mut answer = answer.clone();
                answer["responses"][0][1][part] = value.clone();
                stand.refuses(part, &answer);
            }
            for part in ["code", "message", "remediation"] {
                let mut answer = answer.clone();
                answer["responses"][0][1]["reason"][part] = value.clone();
                stand.refuses(part, &answer);
            }
        }
    }
}
