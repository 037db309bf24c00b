//! The map of ARCHITECTURE.md, checked: a module uses only lower layers and what its row names beside it,
//! no modules form a cycle, nor do the files of those that are listed, and a few words stay in the modules
//! they belong to.
//!
//! The rules are functions over sources, so that the tests below can show each of them failing.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One row of the map.
struct Module {
    name: &'static str,
    /// It may use every module of a lower layer.
    layer: u8,
    /// And these of its own layer.
    beside: &'static [&'static str],
}

const fn module(layer: u8, name: &'static str, beside: &'static [&'static str]) -> Module {
    Module { name, layer, beside }
}

/// Every top-level module of `src/`. A new one gets a row here and in ARCHITECTURE.md.
const MODULES: &[Module] = &[
    module(0, "reference", &[]),
    module(0, "oci", &["reference", "json"]),
    module(0, "outcome", &["reference", "oci", "line"]),
    module(0, "json", &[]),
    module(0, "line", &[]),
    module(0, "cache", &[]),
    module(0, "secret", &[]),
    module(1, "x509", &[]),
    module(1, "timestamp", &["x509"]),
    module(1, "notation", &["x509", "timestamp"]),
    module(1, "cosign", &["x509", "timestamp"]),
    module(2, "transport", &[]),
    module(2, "registry", &["transport"]),
    module(2, "trust", &["transport"]),
    module(2, "verifier", &["registry", "trust", "transport"]),
    module(3, "engine", &[]),
    module(4, "telemetry", &["config"]),
    module(4, "config", &[]),
    module(4, "externaldata", &[]),
    module(4, "crd", &[]),
    module(4, "controller", &["crd", "config", "telemetry"]),
    module(4, "report", &["crd", "config"]),
    module(4, "server", &["externaldata", "config", "telemetry"]),
    module(5, "app", &[]),
    module(5, "cli", &["app"]),
    module(5, "main", &["app", "cli"]),
];

/// Words that only the named modules may say in code: what they give access to stays behind those doors.
const WORDS: &[(&str, &[&str])] = &[
    ("kube", &["crd", "controller"]),
    ("k8s_openapi", &["crd", "controller"]),
    ("actix_web", &["server", "telemetry", "app", "cli"]),
    ("anyhow", &["app", "cli", "main"]),
];

/// Modules whose files form no cycle among themselves either. What a folder's `mod.rs` re-exports is for
/// others: a file below it that names it closes a circle, because `mod.rs` uses every file that it declares.
const FILES_WITHOUT_CYCLE: &[&str] = &["crd"];

/// Modules without clock, tasks and I/O: bytes and `now` are arguments.
const PURE_LAYER: u8 = 1;
const IMPURE_WORDS: &[&str] = &["tokio", "reqwest", "async", "SystemTime", "Instant"];
/// The one exception: a cache waits for loads.
const MAY_WAIT: &str = "cache";

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helpers", "manager", "misc"];

const TOP_LEVEL_FOLDERS: &[&str] = &["docs", "gatekeeper", "helm", "src", "templates", "tests"];

struct Source {
    /// Relative to `src/`, with slashes.
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The top-level module that the file belongs to; `lib.rs` only lists modules.
    fn module(&self) -> Option<&str> {
        let first = self.path.split('/').next().unwrap_or_default();
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (name != "lib").then_some(name)
    }

    /// Path of the module that the file is, below the crate: `trust/store.rs` is `[trust, store]`.
    fn module_path(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        path.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main")).collect()
    }
}

/// Leaves out the files of modules that exist only under test.
fn without_tests(sources: &[Source]) -> Vec<&Source> {
    let tests: Vec<Vec<String>> = sources
        .iter()
        .flat_map(|source| {
            let parent: Vec<String> = source.module_path().into_iter().map(str::to_owned).collect();
            let names = imports::test_modules(&source.text).into_iter();
            names.map(move |name| [parent.clone(), vec![name]].concat())
        })
        .collect();
    let is_test = |source: &Source| {
        let path = source.module_path();
        tests
            .iter()
            .any(|test| path.len() >= test.len() && path.iter().zip(test).all(|(one, other)| one == other))
    };
    sources.iter().filter(|source| !is_test(source)).collect()
}

fn find(name: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.name == name)
}

/// Which module uses which, with a file that shows it.
fn edges(sources: &[&Source]) -> BTreeMap<(String, String), String> {
    let mut edges = BTreeMap::new();
    for source in sources {
        let Some(from) = source.module() else { continue };
        for to in imports::used_modules(&source.text, &source.module_path()) {
            if to != from && find(&to).is_some() {
                edges.entry((from.to_owned(), to)).or_insert_with(|| source.path.clone());
            }
        }
    }
    edges
}

fn unknown_modules(sources: &[&Source]) -> Vec<String> {
    let mut unknown: BTreeMap<&str, &str> = BTreeMap::new();
    for source in sources {
        if let Some(name) = source.module().filter(|name| find(name).is_none()) {
            unknown.insert(name, &source.path);
        }
    }
    unknown.iter().map(|(name, path)| format!("{path}: the map has no module `{name}`")).collect()
}

fn forbidden_edges(edges: &BTreeMap<(String, String), String>) -> Vec<String> {
    edges
        .iter()
        .filter(|((from, to), _)| !allowed(from, to))
        .map(|((from, to), path)| format!("{path}: `{from}` may not use `{to}`"))
        .collect()
}

fn allowed(from: &str, to: &str) -> bool {
    let (Some(from), Some(to)) = (find(from), find(to)) else { return false };
    to.layer < from.layer || from.beside.contains(&to.name)
}

/// A module that can reach itself, with the modules of its cycle.
fn cycles(edges: &BTreeMap<(String, String), String>) -> Vec<String> {
    let names: BTreeSet<&str> = edges.keys().map(|(from, _)| from.as_str()).collect();
    let in_cycle: Vec<&str> =
        names.into_iter().filter(|name| reachable(edges, name).contains(name)).collect();
    if in_cycle.is_empty() {
        Vec::new()
    } else {
        vec![format!("a cycle runs through {}", in_cycle.join(", "))]
    }
}

fn reachable<'a>(edges: &'a BTreeMap<(String, String), String>, start: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut ahead = vec![start];
    while let Some(name) = ahead.pop() {
        for (_, to) in edges.keys().filter(|(from, _)| from == name) {
            if seen.insert(to.as_str()) {
                ahead.push(to);
            }
        }
    }
    seen
}

/// Cycles of the files of the modules that must have none.
fn cycles_of_files(sources: &[&Source]) -> Vec<String> {
    let of_module = |name: &str| {
        let files: Vec<&Source> =
            sources.iter().copied().filter(|source| source.module() == Some(name)).collect();
        cycles(&edges_of_files(&files))
    };
    FILES_WITHOUT_CYCLE.iter().flat_map(|name| of_module(name)).collect()
}

/// Which file of a module uses which, as modules. A folder uses every file that is below it.
fn edges_of_files(files: &[&Source]) -> BTreeMap<(String, String), String> {
    let known: BTreeSet<String> = files.iter().map(|file| file.module_path().join("::")).collect();
    let mut edges = BTreeMap::new();
    for file in files {
        let here = file.module_path();
        let from = here.join("::");
        let used = imports::used_paths(&file.text, &here).into_iter();
        let named = used.filter_map(|path| {
            let mut prefixes = (1..=path.len()).rev().map(|length| path[..length].join("::"));
            prefixes.find(|prefix| known.contains(prefix))
        });
        for to in named.filter(|to| *to != from) {
            edges.insert((from.clone(), to), file.path.clone());
        }
        if let Some((_, folder)) = here.split_last() {
            let folder = folder.join("::");
            if known.contains(&folder) {
                edges.insert((folder, from), file.path.clone());
            }
        }
    }
    edges
}

fn misplaced_words(sources: &[&Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let Some(module) = source.module() else { continue };
        let words = imports::words(&source.text);
        for (word, homes) in WORDS {
            if words.contains(*word) && !homes.contains(&module) {
                found.push(format!("{}: `{word}` belongs to {}", source.path, homes.join(", ")));
            }
        }
        if module != MAY_WAIT && find(module).is_some_and(|module| module.layer <= PURE_LAYER) {
            for word in IMPURE_WORDS.iter().filter(|word| words.contains(**word)) {
                found.push(format!("{}: `{word}` in a module that is pure and synchronous", source.path));
            }
        }
    }
    found
}

fn badly_named(sources: &[&Source]) -> Vec<String> {
    let names = |source: &&&Source| {
        let path = source.path.trim_end_matches(".rs").to_owned();
        path.split('/').any(|part| EMPTY_NAMES.contains(&part))
    };
    let bad = sources.iter().filter(|source| names(source));
    bad.map(|source| format!("{}: the name does not say what is inside", source.path)).collect()
}

fn without_header(sources: &[&Source]) -> Vec<String> {
    let bare = sources.iter().filter(|source| !source.text.starts_with("//!"));
    bare.map(|source| format!("{}: does not open with `//!`, what it is for", source.path)).collect()
}

/// The map as text: what a failing test prints.
fn table() -> String {
    let mut table = String::from("layer module         may use beside every lower layer\n");
    for Module { name, layer, beside } in MODULES {
        _ = writeln!(table, "L{layer}    {name:<14} {}", beside.join(" "));
    }
    table
}

fn complaints(sources: &[Source]) -> Vec<String> {
    let product = without_tests(sources);
    let edges = edges(&product);
    [
        unknown_modules(&product),
        forbidden_edges(&edges),
        cycles(&edges),
        cycles_of_files(&product),
        misplaced_words(&product),
        badly_named(&product),
        without_header(&product),
    ]
    .concat()
}

fn crate_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let root = crate_root().join("src");
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    sources
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).expect("folder of sources") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).expect("below src").to_string_lossy().replace('\\', "/");
            sources.push(Source::new(&relative, &std::fs::read_to_string(&path).expect("source")));
        }
    }
}

#[test]
fn modules_use_only_what_the_map_allows() {
    let sources = sources();
    assert!(sources.len() > 20, "the sources were not found");
    let complaints = complaints(&sources);
    assert!(complaints.is_empty(), "{}\n\nThe map:\n{}", complaints.join("\n"), table());
}

#[test]
fn the_map_itself_has_no_cycle() {
    for module in MODULES {
        for name in module.beside {
            let other = find(name).expect("a module that the map knows");
            assert_eq!(other.layer, module.layer, "{} beside {name}", module.name);
        }
    }
    let whole: BTreeMap<_, _> = MODULES
        .iter()
        .flat_map(|from| MODULES.iter().map(move |to| (from.name.to_owned(), to.name.to_owned())))
        .filter(|(from, to)| from != to && allowed(from, to))
        .map(|edge| (edge, String::new()))
        .collect();
    assert_eq!(cycles(&whole), Vec::<String>::new());
}

#[test]
fn the_top_level_has_only_the_agreed_folders() {
    let listed = std::process::Command::new("git")
        .args(["ls-tree", "-d", "--name-only", "HEAD"])
        .current_dir(crate_root())
        .output();
    // A source archive has no history to ask.
    let Ok(listed) = listed else { return };
    for folder in String::from_utf8_lossy(&listed.stdout).lines().filter(|name| !name.starts_with('.')) {
        assert!(TOP_LEVEL_FOLDERS.contains(&folder), "{folder}/ is not one of {TOP_LEVEL_FOLDERS:?}");
    }
}

fn complains(sources: &[(&str, &str)], about: &str) -> bool {
    let sources: Vec<Source> = sources.iter().map(|(path, text)| Source::new(path, text)).collect();
    complaints(&sources).iter().any(|complaint| complaint.contains(about))
}

#[test]
fn an_upward_import_is_found_in_every_spelling() {
    for text in [
        "//! x\nuse crate::engine::Plan;",
        "//! x\nuse crate::{oci, engine::{Plan, Engine}};",
        "//! x\nuse super::super::engine::Plan;",
        "//! x\nfn f() { crate::engine::run() }",
        "//! x\npub(crate) use crate :: engine as e;",
    ] {
        assert!(complains(&[("registry/http.rs", text)], "`registry` may not use `engine`"), "{text}");
    }
}

#[test]
fn a_sideways_import_is_found_unless_the_map_names_it() {
    assert!(complains(
        &[("trust/store.rs", "//! x\nuse crate::registry;")],
        "`trust` may not use `registry`"
    ));
    assert!(!complains(&[("verifier/mod.rs", "//! x\nuse crate::registry;")], "may not use"));
    assert!(!complains(&[("engine/mod.rs", "//! x\nuse crate::{oci, trust};")], "may not use"));
}

#[test]
fn words_in_comments_strings_and_tests_are_not_imports() {
    for text in [
        "//! See [`crate::engine`].\n/* crate::engine /* nested */ */",
        "//! x\nconst A: &str = \"crate::engine\"; const B: &str = r#\"crate::engine \"# ;",
        "//! x\n#[cfg(test)]\nmod tests { use crate::engine; fn f() { { } } }",
        "//! x\nfn f<'a>(x: &'a str) -> char { '\"' } // \" crate::engine",
    ] {
        assert!(!complains(&[("oci/mod.rs", text)], "may not use"), "{text}");
    }
}

#[test]
fn a_module_that_exists_only_under_test_is_free() {
    let parent = ("oci/mod.rs", "//! x\n#[cfg(test)]\nmod vectors;");
    assert!(!complains(&[parent, ("oci/vectors.rs", "use crate::engine;")], "may not use"));
    assert!(complains(
        &[("oci/mod.rs", "//! x\nmod vectors;"), ("oci/vectors.rs", "use crate::engine;")],
        "may not use"
    ));
}

#[test]
fn a_cycle_is_found() {
    let sources = [("config/mod.rs", "//! x\nuse crate::crd;"), ("crd/mod.rs", "//! x\nuse crate::config;")];
    assert!(complains(&sources, "a cycle runs through config, crd"));
}

#[test]
fn a_cycle_of_files_is_found_in_every_spelling() {
    for text in [
        "//! x\nuse super::rule::Rule;",
        "//! x\nuse super::{link, rule};",
        "//! x\nuse super::{link::{A, B}, rule::{self, Rule}};",
        "//! x\nuse crate::crd::rule;",
        "//! x\nfn f() { super::rule::f() }",
    ] {
        let sources = [("crd/plan.rs", text), ("crd/rule.rs", "//! x\nuse super::plan::Plan;")];
        assert!(complains(&sources, "a cycle runs through crd::plan, crd::rule"), "{text}");
        assert!(!complains(&[("crd/plan.rs", text), ("crd/rule.rs", "//! x")], "a cycle"), "{text}");
    }
}

#[test]
fn a_file_that_names_what_its_folder_holds_is_a_cycle() {
    let folder = ("crd/mod.rs", "//! x\nmod plan;\npub struct Configuration;");
    for text in ["//! x\nuse super::Configuration;", "//! x\nuse super::*;", "//! x\nuse crate::crd::{A, B};"]
    {
        assert!(complains(&[folder, ("crd/plan.rs", text)], "a cycle runs through crd, crd::plan"), "{text}");
    }
    let free = "//! x\npub(super) use crate::engine::A;\n#[cfg(test)]\nmod tests { use super::*; }";
    assert!(!complains(&[folder, ("crd/plan.rs", free)], "a cycle"));
}

#[test]
fn the_other_rules_can_fail() {
    assert!(complains(&[("engine/mod.rs", "//! x\nuse kube::Client;")], "`kube` belongs to"));
    assert!(complains(&[("engine/mod.rs", "//! x\nuse anyhow::Result;")], "`anyhow` belongs to"));
    assert!(complains(&[("x509/mod.rs", "//! x\nasync fn f() {}")], "pure and synchronous"));
    assert!(complains(&[("trust/util.rs", "//! x")], "does not say what is inside"));
    assert!(complains(&[("trust/store.rs", "use std::fmt;")], "does not open with"));
    assert!(complains(&[("magic/mod.rs", "//! x")], "the map has no module `magic`"));
}
