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
    /// The parts of what Rego sees without which the answer is not positive.
    parts: Vec<&'static str>,
    at: String,
}

impl Stand {
    fn each() -> impl Iterator<Item = Self> {
        ASKING.iter().flat_map(|template| Rego::BOTH.map(|rego| Self::of(template, rego)))
    }

    /// One version of Rego only: both have the same text.
    fn each_text() -> impl Iterator<Item = Self> {
        ASKING.iter().map(|template| Self::of(template, Rego::V1))
    }

    fn of(template: &str, rego: Rego) -> Self {
        let key = match template {
            "image-verification-namespaced" => "[team]registry.example/team/app:1",
            _ => IMAGE,
        };
        let signer = |name: &str| json!({"subject": format!("CN={name},O=Acme,C=US")});
        let parameters = match template {
            "several-signers" => json!({"signers": [signer("release"), signer("audit")], "minimum": 2}),
            "signer-identity" => json!({"signers": [signer("audit")]}),
            _ => json!({}),
        };
        let found = json!({"signers": ["release", "audit"], "evidence": "all"});
        let found: Found = serde_json::from_value(found).expect("found");
        let genuine = serde_json::from_slice(&body(Shape::Canonical, &[(key.to_owned(), found)]));
        let mut parts = vec![
            "/responses",
            "/responses/0",
            "/responses/0/0",
            "/responses/0/1",
            "/responses/0/1/isSuccess",
            "/responses/0/1/verdict",
            "/system_error",
            "/status_code",
        ];
        if parameters["signers"].is_array() {
            parts.extend([
                "/responses/0/1/signatures",
                "/responses/0/1/signatures/1",
                "/responses/0/1/signatures/1/result",
                "/responses/0/1/signatures/1/signer",
                "/responses/0/1/signatures/1/signer/subject",
            ]);
        }
        if parameters["minimum"].is_number() {
            parts.push("/responses/0/1/evidence");
        }
        Self {
            parts,
            policy: Policy::shipped(template, rego),
            parameters,
            key,
            genuine: genuine.expect("an answer is JSON"),
            at: format!("{template} {rego:?}"),
        }
    }

    fn given(&self, answer: Option<&Value>) -> Reviewed {
        let review = review(&pod(&[IMAGE.to_owned()]), None, "CREATE");
        self.policy.review(&review, &self.parameters, answer.cloned())
    }

    fn refuses(&self, what: &str, answer: Option<&Value>) {
        let reviewed = self.given(answer);
        let messages = reviewed.messages();
        assert!(!messages.is_empty(), "{}: admitted: {what}: {answer:#?}", self.at);
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

    /// What Rego sees of the genuine answer.
    fn seen(&self) -> Value {
        external_data(&Wire::ok(self.genuine.to_string().into_bytes()))
    }

    fn other_answers(&self) -> Vec<(String, Value)> {
        let sent = self.wires().into_iter().map(|(what, wire)| (what.to_owned(), external_data(&wire)));
        let unknown = json!({
            "responses": null, "errors": null, "status_code": 400,
            "system_error": "key is not found in provider cache",
        });
        let junk = junk().into_iter().map(|answer| (format!("the whole answer is {answer}"), answer));
        sent.chain([("the Provider is unknown".to_owned(), unknown)]).chain(junk).collect()
    }

    fn damaged_answers(&self) -> Vec<(String, Value)> {
        let mut answers = Vec::new();
        for part in &self.parts {
            // The one kind of thing that belongs there.
            let belongs = |value: &Value| *part == "/system_error" && *value == json!("");
            for value in junk().into_iter().filter(|value| !belongs(value)) {
                let mut answer = self.seen();
                *answer.pointer_mut(part).expect("part") = value;
                answers.push(((*part).to_owned(), answer));
            }
            let (holder, name) = part.rsplit_once('/').expect("part");
            let mut answer = self.seen();
            if let Some(holder) = answer.pointer_mut(holder).and_then(Value::as_object_mut) {
                holder.remove(name).expect("part");
                answers.push((format!("no {part}"), answer));
            }
        }
        answers
    }

    fn wordless_answers(&self) -> Vec<(String, Value)> {
        let mut refused = self.seen();
        refused["responses"][0][1]["isSuccess"] = json!(false);
        let mut answers = Vec::new();
        for value in junk().into_iter().chain([json!("\u{1f512}\n\"".repeat(2000))]) {
            for part in ["reason", "digest", "signatures", "evidence", "policy"] {
                let mut answer = refused.clone();
                answer["responses"][0][1][part] = value.clone();
                answers.push((part.to_owned(), answer));
            }
            for part in ["code", "message", "remediation"] {
                let mut answer = refused.clone();
                answer["responses"][0][1]["reason"][part] = value.clone();
                answers.push((part.to_owned(), answer));
            }
        }
        answers
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
        let mut answer = stand.seen();
        for status in [200, 0] {
            answer["status_code"] = json!(status);
            assert_eq!(stand.given(Some(&answer)).violations, [] as [Value; 0], "{}", stand.at);
        }
    }
}

#[test]
fn nothing_that_a_provider_may_send_instead_admits() {
    for stand in Stand::each() {
        for (what, answer) in stand.other_answers() {
            stand.refuses(&what, Some(&answer));
        }
        stand.refuses("external_data is undefined", None);
    }
}

/// Each part that makes an answer positive, replaced by each kind of thing, and left out.
#[test]
fn no_part_of_a_positive_answer_can_be_something_else() {
    for stand in Stand::each_text() {
        for (what, answer) in stand.damaged_answers() {
            stand.refuses(&what, Some(&answer));
        }
    }
}

/// A refusal whose words are not words is a refusal all the same.
#[test]
fn whatever_a_refusal_says_it_refuses() {
    for stand in Stand::each_text() {
        for (what, answer) in stand.wordless_answers() {
            stand.refuses(&what, Some(&answer));
        }
    }
}

/// Parameters that are not what the schema asks for admit nothing more.
#[test]
fn no_parameters_admit_what_the_answer_does_not() {
    for mut stand in Stand::each_text() {
        let genuine = stand.seen();
        let mut refused = genuine.clone();
        refused["responses"][0][1]["isSuccess"] = json!(false);
        let needs_signers = stand.parameters["signers"].is_array();
        let asked_for = stand.parameters.clone();
        for value in junk() {
            for field in ["exemptions", "signers", "minimum"] {
                for value in [value.clone(), json!([value])] {
                    stand.parameters = asked_for.clone();
                    stand.parameters[field] = value;
                    stand.refuses(field, Some(&refused));
                    if needs_signers && (field == "signers" || (field == "minimum" && asked_for[field] == 2))
                    {
                        stand.refuses(field, Some(&genuine));
                    }
                }
            }
            stand.parameters = value;
            stand.refuses("parameters", Some(&refused));
            if needs_signers {
                stand.refuses("parameters", Some(&genuine));
            }
        }
    }
}
