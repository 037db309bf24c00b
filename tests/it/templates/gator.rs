//! The same cases on Gatekeeper's own `gator`, whose engine is OPA. `gator` knows no provider, so that a copy
//! of each template gets a function `external_data` that answers as the case says; nothing else is changed.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::cases::{Case, cases};
use super::source::{Rego, TEMPLATES, path};
use super::{read, yaml};
use crate::support::parts::part;

/// The mock: defined for the one call that the case expects, so that any other is undefined and refuses.
fn mock(case: &Case) -> String {
    let call = case.call().unwrap_or_else(|| json!({"provider": "none is expected", "keys": []}));
    format!("\nexternal_data(request) := {} if request == {call}\n", case.answer())
}

/// The Rego of a template's document.
fn policy(template: &mut Value) -> &mut Value {
    let target = &mut template["spec"]["targets"][0];
    if target.get("code").is_some() { &mut target["code"][0]["source"]["rego"] } else { &mut target["rego"] }
}

/// A copy of the shipped template with the mock at the end of its Rego, where the Rego asks.
fn mocked(shipped: &Value, case: &Case) -> Value {
    let mut copy = shipped.clone();
    let rego = policy(&mut copy);
    let text = rego.as_str().expect("Rego").to_owned();
    if text.contains("external_data(") {
        *rego = json!(text.clone() + &mock(case));
        let added = policy(&mut copy.clone()).as_str().expect("Rego").strip_prefix(&text).map(str::to_owned);
        assert_eq!(added, Some(mock(case)), "the copy is the template and the mock");
    }
    copy
}

fn constraint(template: &Value, case: &Case) -> Value {
    json!({
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": template["spec"]["crd"]["spec"]["names"]["kind"],
        "metadata": {"name": "case"},
        "spec": {"parameters": case.parameters},
    })
}

/// The object of a case as an AdmissionReview, so that operation and old object are part of it.
fn admission_review(case: &Case) -> Value {
    let mut request = case.review();
    let object = &request["object"];
    if request["operation"] == "DELETE" {
        request["oldObject"] = object.clone();
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}

/// Writes a test for each case below `folder`, and the suite that names them.
fn write_suite(folder: &Path, template: &str, rego: Rego) -> Vec<Case> {
    let shipped = yaml(&read(&path(template, rego)));
    let cases = cases(template);
    let write = |name: String, document: &Value| {
        std::fs::write(folder.join(&name), document.to_string()).expect("file");
        name
    };
    let tests: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| {
            let mut assertions = vec![json!({"violations": case.refused.len()})];
            assertions
                .extend(case.refused.iter().map(|start| json!({"message": regex(start), "violations": 1})));
            let mut test = json!({
                "name": case.name,
                "template": write(format!("template-{number}.yaml"), &mocked(&shipped, case)),
                "constraint": write(format!("constraint-{number}.yaml"), &constraint(&shipped, case)),
            });
            if case.refused_by_schema {
                test["invalid"] = json!(true);
            } else {
                let object = write(format!("object-{number}.yaml"), &admission_review(case));
                test["cases"] = json!([{"name": "object", "object": object, "assertions": assertions}]);
            }
            test
        })
        .collect();
    write(
        "suite.yaml".to_owned(),
        &json!({
            "apiVersion": "test.gatekeeper.sh/v1alpha1", "kind": "Suite",
            "metadata": {"name": template}, "tests": tests,
        }),
    );
    cases
}

/// A regular expression for a text at the beginning.
fn regex(text: &str) -> String {
    text.chars().fold("^".to_owned(), |mut pattern, character| {
        if !character.is_alphanumeric() && !character.is_whitespace() {
            pattern.push('\\');
        }
        pattern.push(character);
        pattern
    })
}

#[test]
fn every_case_gives_the_same_on_gator() {
    for template in TEMPLATES {
        for rego in Rego::BOTH {
            let folder = tempfile::tempdir().expect("folder");
            let cases = write_suite(folder.path(), template, rego);
            let output = Command::new(part("gator"))
                .args(["verify", "-v"])
                .arg(folder.path().join("suite.yaml"))
                .output()
                .expect("gator runs");
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(output.status.success(), "{template} {rego:?}:\n{said}");
            let mut missing = String::new();
            for case in &cases {
                if !said.contains(&format!("--- PASS: {}", case.name)) {
                    _ = writeln!(missing, "{}", case.name);
                }
            }
            assert_eq!(missing, "", "{template} {rego:?} did not run:\n{said}");
        }
    }
}

/// The schema of each kind, as the API server will hold constraints against it.
#[test]
fn gator_takes_the_samples_of_each_template() {
    for template in TEMPLATES {
        let folder = tempfile::tempdir().expect("folder");
        let case = &cases(template)[0];
        let copy = mocked(&yaml(&read(&path(template, Rego::V1))), case);
        std::fs::write(folder.path().join("template.yaml"), copy.to_string()).expect("file");
        for sample in ["deny", "warn", "dryrun"] {
            let text = read(&format!("templates/{template}/samples/{sample}.yaml"));
            std::fs::write(folder.path().join(format!("{sample}.yaml")), text).expect("file");
        }
        std::fs::write(folder.path().join("object.yaml"), case.review()["object"].to_string()).expect("file");
        let output = Command::new(part("gator"))
            .args(["test", "--output", "json", "--filename"])
            .arg(folder.path())
            .output()
            .expect("gator runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("error"), "{template}: {said}");
        assert!(output.status.code().is_some_and(|code| code <= 1), "{template}: {said}");
    }
}
