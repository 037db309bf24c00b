//! What is generated from the chart is what the chart says, and what the chart says exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::chart;
use super::ratify::{Fate, table};

/// Compares what stands between two marks of a document with `text`, or writes it where `UPDATE_DOCS` is set.
fn between(document: &Path, mark: &str, text: &str) {
    let found = std::fs::read_to_string(document).expect("document");
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->"));
    let start = found.find(&begin).expect("mark") + begin.len();
    let stop = start + found[start..].find(&end).expect("end mark");
    let wanted = format!("\n{text}\n");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(document, format!("{}{wanted}{}", &found[..start], &found[stop..])).expect("written");
        return;
    }
    let place = document.display();
    assert_eq!(&found[start..stop], wanted, "{place}: UPDATE_DOCS=1 cargo test --test it chart::documents");
}

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// One row of the table of values.
struct Row {
    section: String,
    path: String,
    what: String,
}

/// The commented values of values.yaml, in order. A value without a comment is a group of others.
fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut section = String::new();
    let mut comment = String::new();
    let mut groups: Vec<(usize, String)> = Vec::new();
    // Lines deeper than this belong to a value that is described already.
    let mut within: Option<usize> = None;
    for line in text.lines() {
        let words = line.trim_start();
        let indent = line.len() - words.len();
        if within.is_some_and(|described| indent > described) && !words.is_empty() {
            continue;
        }
        within = None;
        if let Some(title) = line.strip_prefix("# -- ") {
            title.clone_into(&mut section);
        } else if let Some(said) = words.strip_prefix("# ") {
            comment = format!("{comment} {said}").trim().to_owned();
        } else if let Some((key, _)) = words.split_once(':') {
            groups.retain(|(depth, _)| *depth < indent);
            let mut path: Vec<&str> = groups.iter().map(|(_, name)| name.as_str()).collect();
            path.push(key);
            let path = path.join(".");
            if comment.is_empty() {
                groups.push((indent, key.to_owned()));
            } else {
                within = Some(indent);
                rows.push(Row { section: section.clone(), path, what: std::mem::take(&mut comment) });
            }
        } else {
            comment.clear();
        }
    }
    rows
}

fn values() -> (String, Value) {
    let text = std::fs::read_to_string(chart().join("values.yaml")).expect("values");
    let values = serde_saphyr::from_str(&text).expect("YAML");
    (text, values)
}

#[test]
fn the_table_of_values_is_that_of_the_values_file() {
    let (text, values) = values();
    let mut table = String::new();
    let mut section = String::new();
    for row in rows(&text) {
        if row.section != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            table.push_str(&format!(
                "{gap}### {}\n\n| value | default | what it does |\n| --- | --- | --- |\n",
                row.section
            ));
            section.clone_from(&row.section);
        }
        let default = values.pointer(&format!("/{}", row.path.replace('.', "/"))).expect("the value");
        table.push_str(&format!("| `{}` | `{default}` | {} |\n", row.path, row.what.replace('|', "\\|")));
    }
    between(&chart().join("README.md"), "table of values", &table);
}

#[test]
fn every_value_is_described() {
    let (text, values) = values();
    let described: Vec<String> = rows(&text).into_iter().map(|row| row.path).collect();
    let mut left: Vec<(String, &Value)> = vec![(String::new(), &values)];
    while let Some((path, value)) = left.pop() {
        if described.contains(&path) {
            continue;
        }
        let group = value.as_object().filter(|group| !group.is_empty());
        let group = group.unwrap_or_else(|| panic!("{path} has no comment in values.yaml"));
        for (name, value) in group {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            left.push((path, value));
        }
    }
}

/// The metrics of the document, with their labels.
fn metrics(document: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    document.lines().filter_map(metric).collect()
}

fn metric(line: &str) -> Option<(&str, BTreeSet<&str>)> {
    let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
    let labels = cells.get(2)?.split(", ").map(|label| label.trim_matches('`'));
    Some((cells.first()?.trim_end_matches('`'), labels.collect()))
}

/// The metrics of an expression, each with the labels that it is chosen by.
fn used(expression: &str) -> Vec<(&str, Vec<&str>)> {
    expression.match_indices("hallmark_").map(|(start, _)| chosen(&expression[start..])).collect()
}

fn chosen(rest: &str) -> (&str, Vec<&str>) {
    let end = rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
    let selector = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or_default();
    let labels = selector.split(',').filter(|label| !label.is_empty());
    (name, labels.filter_map(|label| label.split(['=', '!']).next()).collect())
}

/// Prometheus never fires on a metric or a label that is not there.
#[test]
fn alerts_use_metrics_that_exist() {
    let document = std::fs::read_to_string(docs("metrics.md")).expect("metrics");
    let known = metrics(&document);
    let text = std::fs::read_to_string(chart().join("alerts.yaml")).expect("alerts");
    let alerts: Vec<Value> = serde_saphyr::from_str(&text).expect("YAML");
    let guide = std::fs::read_to_string(docs("operators.md")).expect("guide");
    assert!(!alerts.is_empty());
    for alert in &alerts {
        let name = alert["alert"].as_str().expect("name");
        assert!(guide.contains(&format!("| `{name}` |")), "operators.md does not say what to do on {name}");
        let expression = alert["expr"].as_str().expect("expression");
        let used = used(expression);
        assert!(!used.is_empty(), "{expression}");
        for (metric, labels) in used {
            let has = known.get(metric).unwrap_or_else(|| panic!("{name}: there is no {metric}"));
            assert!(labels.iter().all(|label| has.contains(label)), "{name}: {labels:?} of {metric}");
        }
        for field in ["summary", "description"] {
            let text =
                alert["annotations"][field].as_str().unwrap_or_else(|| panic!("{name} has no {field}"));
            for label in text.split("$labels.").skip(1).filter_map(|rest| rest.split(' ').next()) {
                assert!(expression.contains(&format!(", {label})")), "{name}: {label} is summed away");
            }
        }
        assert!(alert["for"].is_string() && alert["labels"]["severity"].is_string(), "{}", alert["alert"]);
    }
}

#[test]
fn the_migration_guide_has_what_becomes_of_each_value() {
    for (generation, mark) in [("v1", "values of Ratify 1"), ("v2", "values of Ratify 2")] {
        let mut text = "| value | here | |\n| --- | --- | --- |\n".to_owned();
        for entry in table(generation) {
            let fate = match entry.fate {
                Fate::Works => "works",
                Fate::Renamed => "renamed",
                Fate::Refused => "refused",
            };
            text.push_str(&format!("| `{}` | {fate} | {} |\n", entry.value, entry.note.replace('|', "\\|")));
        }
        between(&docs("migrating-from-ratify.md"), mark, &text);
    }
}
