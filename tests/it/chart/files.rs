//! The objects of `gatekeeper/`, for whoever applies them without the chart, are those of the chart.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::rendered::Rendered;

const PROVIDED: &str =
    "certificates: {mode: provided, provided: {secret: ours, caBundle: '-----BEGIN CERTIFICATE-----'}}";

pub fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every object of a folder's files, in the order of names.
fn objects(folder: &str) -> Vec<Value> {
    let mut objects = Vec::new();
    for file in files(&project(folder)) {
        let text = std::fs::read_to_string(&file).expect("file");
        objects.extend(serde_saphyr::from_multiple::<Value>(&text).expect("YAML"));
    }
    sorted(objects)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect()
}

fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(|object| object["metadata"]["name"].to_string());
    objects
}

/// The chart's objects of a kind without the labels that say whose they are.
fn of_the_chart(values: &str, kind: &str) -> Vec<Value> {
    let rendered = Rendered::of(values);
    let mut objects: Vec<Value> = rendered.kind(kind).into_iter().cloned().collect();
    for object in &mut objects {
        object["metadata"].as_object_mut().expect("metadata").remove("labels");
    }
    sorted(objects)
}

#[test]
fn the_files_of_mutations_are_the_charts() {
    let in_order = |mut objects: Vec<Value>| {
        for object in &mut objects {
            let excluded = object["spec"]["match"]["excludedNamespaces"].as_array_mut().expect("namespaces");
            excluded.sort_by_key(ToString::to_string);
        }
        objects
    };
    let chart = of_the_chart("mutation: {workloads: true}", "Assign");
    assert!(chart.len() > 3);
    assert_eq!(in_order(objects("gatekeeper/mutation")), in_order(chart));
}

/// The chart's list is the one that Hallmark keeps, and with a provided certificate the chart makes the objects.
#[test]
fn the_files_of_providers_are_the_charts_and_hallmarks() {
    let mut files = objects("gatekeeper/providers");
    let mut chart = of_the_chart(PROVIDED, "Provider");
    for object in files.iter_mut().chain(&mut chart) {
        assert!(object["spec"].as_object_mut().expect("spec").remove("caBundle").is_some());
    }
    assert_eq!(files, chart);
    let settings = Rendered::of("{}").settings();
    let base = settings["gatekeeper"]["url"].as_str().expect("url");
    let kept = settings["gatekeeper"]["providers"].as_array().expect("providers").iter().map(|provider| {
        json!({
            "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
            "kind": "Provider",
            "metadata": {"name": provider["name"]},
            "spec": {
                "url": format!("{base}{}", provider["path"].as_str().expect("path")),
                "timeout": provider["timeout_seconds"],
            },
        })
    });
    assert_eq!(sorted(kept.collect()), chart);
}

/// A name that nobody makes would be a template that denies everything.
#[test]
fn templates_and_mutations_ask_providers_that_are_made() {
    let made = objects("gatekeeper/providers");
    let made: BTreeSet<&str> = made.iter().filter_map(|one| one["metadata"]["name"].as_str()).collect();
    let mut asked = BTreeSet::new();
    let folders = std::fs::read_dir(project("templates")).expect("templates");
    for folder in folders.map(|entry| entry.expect("entry").path()).filter(|path| path.is_dir()) {
        for file in files(&folder) {
            let text = std::fs::read_to_string(&file).expect("file");
            let names =
                text.lines().filter_map(|line| line.trim().strip_prefix("provider := \"")?.strip_suffix('"'));
            asked.extend(names.map(str::to_owned));
        }
    }
    let assigns = of_the_chart("mutation: {workloads: true}", "Assign");
    let name = |one: &Value| {
        one["spec"]["parameters"]["assign"]["externalData"]["provider"].as_str().map(str::to_owned)
    };
    asked.extend(assigns.iter().filter_map(name));
    assert_eq!(asked.iter().map(String::as_str).collect::<Vec<_>>(), ["hallmark", "hallmark-mutation"]);
    assert!(asked.iter().all(|name| made.contains(name.as_str())), "{asked:?} {made:?}");
}

/// What was seen is what the pinned parts are.
#[test]
fn the_guides_name_the_gatekeeper_that_the_tests_run_on() {
    let pinned = std::fs::read_to_string(project("tests/parts/gatekeeper/go.mod")).expect("go.mod");
    let version = pinned
        .lines()
        .find_map(|line| line.strip_prefix("require github.com/open-policy-agent/gatekeeper/v3 v"));
    let version = version.expect("the version");
    for (page, words) in [("docs/operators.md", "The tests run on"), ("templates/README.md", "run on gator")]
    {
        let text = std::fs::read_to_string(project(page)).expect("the page");
        assert!(text.contains(&format!("{words} {version}")), "{page} names another than {version}");
    }
}
