//! What is shown, from answers that are given.

use std::path::Path;

use serde_json::{Value, json};

use super::super::answers::Answers;
use super::super::asker::request;
use super::super::page::Scene;
use super::super::sample::SAMPLES;
use super::super::surprises;

fn scene(missing_list: Option<&str>) -> Scene<'_> {
    Scene {
        provider: "https://127.0.0.1:65535",
        registry: ([127, 0, 0, 1], 65535).into(),
        ca: Path::new("/tmp/hallmark-demo-00000000/ca.crt"),
        configuration: Path::new("/tmp/hallmark-demo-00000000/config.yaml"),
        program: "target/release/hallmark",
        missing_list,
    }
}

/// A provider that answers what every sample must give.
fn answers(scene: &Scene<'_>) -> Answers {
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    for sample in &SAMPLES {
        let (verdict, code) = sample.expected(scene.missing_list.is_none());
        let key = scene.image(sample.tag);
        if verdict == crate::outcome::Verdict::Inconclusive {
            errors.push(format!("{code} {key}"));
            continue;
        }
        let message = format!("it is about sha256:{} and says so", "5".repeat(64));
        items.push(json!({"key": key, "value": {
            "verdict": verdict.as_str(),
            "reason": {"code": code.as_str(), "message": message},
            "signatures": [
                {"result": if verdict.admits() { "valid" } else { "refuted" }, "signer": {"subject": "CN=somebody"}},
            ],
        }}));
    }
    Answers::new(json!({"response": {"items": items, "systemError": errors.join("; ")}}))
}

fn page(scene: &Scene<'_>) -> String {
    let images: Vec<String> = SAMPLES.iter().map(|sample| scene.image(sample.tag)).collect();
    scene.page(&request(&images), &answers(scene))
}

#[test]
fn every_line_but_a_message_in_json_fits_a_hundred_columns() {
    for missing in [None, Some("127.0.0.1:26801 cannot be used (Address already in use (os error 98))")] {
        for line in page(&scene(missing)).lines().filter(|line| !line.contains("\"message\":")) {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn a_row_says_image_verdict_signer_and_reason_with_a_digest_that_can_be_read() {
    let page = page(&scene(None));
    let row = |tag: &str| page.lines().find(|line| line.starts_with(&format!(" demo/app:{tag} "))).unwrap();
    for part in ["verified", "CN=somebody", "VERIFIED: it is about"] {
        assert!(row("signed-jws").contains(part), "{part} in {}", row("signed-jws"));
    }
    assert!(page.contains("sha256:555555555555…"), "{page}");
    for part in ["rejected", " - ", "INTEGRITY_FAILED"] {
        assert!(row("tampered").contains(part), "{part} in {}", row("tampered"));
    }
}

#[test]
fn without_the_revocation_list_the_page_says_which_samples_are_undecided_and_that_is_no_surprise() {
    let scene = scene(Some("127.0.0.1:26801 cannot be used (it is taken)"));
    let page = page(&scene);
    assert!(page.contains("demo/app:signed-cose and demo/app:revoked name a revocation list"), "{page}");
    assert!(page.contains("it is taken"), "{page}");
    assert_eq!(page.matches("REVOCATION_UNKNOWN").count(), 2, "{page}");
    assert_eq!(surprises(&scene, &answers(&scene)), Vec::<String>::new());
}

#[test]
fn an_answer_that_is_not_what_the_sample_must_give_is_a_surprise() {
    let scene = scene(None);
    let none = Answers::new(json!({"response": {"items": Value::Null}}));
    assert_eq!(surprises(&scene, &none).len(), SAMPLES.len());
    let refusal = json!({"key": scene.image("signed-jws"), "value": {
        "verdict": "rejected", "reason": {"code": "UNTRUSTED_SIGNER", "message": ""},
    }});
    let first = surprises(&scene, &Answers::new(json!({"response": {"items": [refusal]}}))).remove(0);
    assert_eq!(first, "demo/app:signed-jws: rejected UNTRUSTED_SIGNER, but it must be verified VERIFIED");
}
