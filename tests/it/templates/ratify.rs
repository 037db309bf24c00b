//! Templates that read answers as those of Ratify's library do, on Hallmark's answers for Ratify's paths: the
//! same fields, the same comparisons, the same gaps. Hallmark's answers must leave those gaps no room.

use hallmark::externaldata::{Shape, failure_response};
use serde_json::{Value, json};

use super::answers::{Found, body};
use super::cases::{pod, review};
use super::gatekeeper::{Wire, external_data};
use super::policy::{Policy, Reviewed};
use super::source::Rego;

/// A template's Rego, the path that it is used on, and what its keys begin with.
struct Template {
    rego: &'static str,
    shape: Shape,
    prefix: &'static str,
}

const fn template(rego: &'static str, shape: Shape, prefix: &'static str) -> Template {
    Template { rego, shape, prefix }
}

const TEMPLATES: [Template; 7] = [
    template(include_str!("ratify/verification.rego"), Shape::RatifyV1, ""),
    template(include_str!("ratify/verification-namespaced.rego"), Shape::RatifyV1, "[team]"),
    template(include_str!("ratify/verification-v2.rego"), Shape::RatifyV2, ""),
    template(include_str!("ratify/verification-namespaced-v2.rego"), Shape::RatifyV2, "[team]"),
    template(include_str!("ratify/issuer.rego"), Shape::RatifyV1, ""),
    template(include_str!("ratify/notation.rego"), Shape::RatifyV1, ""),
    template(include_str!("ratify/nested.rego"), Shape::RatifyV1, ""),
];

const GOOD: &str = "registry.example/team/good:1";

impl Template {
    /// Reviews a Pod with these images, about which Hallmark finds this.
    fn reviewed(&self, images: &[(&str, &str)], issuer: &str) -> Reviewed {
        let keyed: Vec<(String, Found)> = images
            .iter()
            .map(|(image, found)| (format!("{}{image}", self.prefix), (*found).into()))
            .collect();
        self.given(images, issuer, &Wire::ok(body(self.shape, &keyed)))
    }

    fn given(&self, images: &[(&str, &str)], issuer: &str, wire: &Wire) -> Reviewed {
        let images: Vec<String> = images.iter().map(|(image, _)| (*image).to_owned()).collect();
        let review = review(&pod(&images), None, "CREATE");
        let parameters = json!({"issuer": issuer});
        let reviewed =
            Policy::text(Rego::V0, self.rego).review(&review, &parameters, Some(external_data(wire)));
        let keys: Vec<String> = images.iter().map(|image| format!("{}{image}", self.prefix)).collect();
        assert_eq!(reviewed.calls[0]["keys"], json!(keys));
        reviewed
    }
}

const ISSUER: &str = "CN=ca,O=Acme,C=US";

#[test]
fn they_admit_what_is_verified() {
    for template in TEMPLATES {
        let reviewed = template.reviewed(&[(GOOD, "verified")], ISSUER);
        assert_eq!(reviewed.violations, [] as [Value; 0], "{}", template.rego);
    }
}

#[test]
fn they_refuse_everything_else_that_hallmark_answers() {
    let bad = "registry.example/team/bad:1";
    for template in TEMPLATES {
        for found in [
            "unsigned",
            "rejected",
            "REGISTRY_UNAVAILABLE",
            "DEADLINE_EXCEEDED",
            "CONFIG_INVALID",
            "INVALID_REFERENCE",
        ] {
            for images in [vec![(bad, found)], vec![(GOOD, "verified"), (bad, found)]] {
                let reviewed = template.reviewed(&images, ISSUER);
                assert!(!reviewed.violations.is_empty(), "{found} is admitted by\n{}", template.rego);
            }
        }
        let overloaded = Wire::ok(failure_response(false, "OVERLOADED: too many requests are in flight"));
        for wire in [overloaded, Wire::Failed("connection refused"), Wire::ok(Vec::new())] {
            let reviewed = template.given(&[(bad, "")], ISSUER, &wire);
            assert!(!reviewed.violations.is_empty(), "{wire:?} is admitted by\n{}", template.rego);
        }
    }
}

#[test]
fn an_issuer_that_did_not_sign_is_refused() {
    let [.., issuer, _, _] = TEMPLATES;
    let reviewed = issuer.reviewed(&[(GOOD, "verified")], "CN=other,O=Acme,C=US");
    assert_eq!(reviewed.messages(), [format!("{GOOD} is not signed by CN=other,O=Acme,C=US")]);
}

/// Why a template and a path must be of one generation.
#[test]
fn a_template_on_the_path_of_the_other_generation_refuses_nothing() {
    let [v1, _, v2, ..] = TEMPLATES;
    for (rego, shape) in [(v1.rego, Shape::RatifyV2), (v2.rego, Shape::RatifyV1)] {
        let crossed = template(rego, shape, "");
        let reviewed = crossed.reviewed(&[("registry.example/team/bad:1", "unsigned")], ISSUER);
        assert_eq!(reviewed.violations, [] as [Value; 0], "then the warning in docs/answers.md can go");
    }
}
