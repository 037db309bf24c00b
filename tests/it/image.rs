//! The container image's recipe against what it is made of: no engine is needed to see that it names what is
//! there, and that the chart runs what it makes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What `gcr.io/distroless/cc-debian13` brings: libc6, libssl3t64 with zlib1g and libzstd1, libgcc-s1.
const LIBRARIES: [&str; 9] = [
    "linux-vdso.so.1",
    "libssl.so.3",
    "libcrypto.so.3",
    "libz.so.1",
    "libzstd.so.1",
    "libgcc_s.so.1",
    "libm.so.6",
    "libc.so.6",
    "ld-linux-x86-64.so.2",
];

fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The instructions of the recipe: name and words, lines joined.
fn instructions() -> Vec<(String, Vec<String>)> {
    let text = read("Dockerfile").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let split = lines.map(|line| {
        let mut words = line.split_whitespace().map(str::to_owned);
        (words.next().expect("an instruction"), words.collect())
    });
    split.collect()
}

/// The words of the only instruction of that name in the last stage.
fn last(name: &str) -> Vec<String> {
    let all = instructions();
    let stage = all.iter().rposition(|(name, _)| name == "FROM").expect("FROM");
    let mut found: Vec<_> = all[stage..].iter().filter(|(one, _)| one == name).collect();
    assert_eq!(found.len(), 1, "{name}");
    found.remove(0).1.clone()
}

/// What is copied from the checkout.
fn copied() -> Vec<String> {
    let copies = instructions().into_iter().filter(|(name, _)| name == "COPY");
    let of_checkout = copies.filter(|(_, words)| !words.iter().any(|word| word.starts_with("--from")));
    of_checkout.flat_map(|(_, mut words)| words.drain(..words.len() - 1).collect::<Vec<_>>()).collect()
}

fn values() -> Value {
    serde_saphyr::from_str(&read("helm/hallmark/values.yaml")).expect("YAML")
}

#[test]
fn what_is_copied_is_there_and_sent_to_the_engine() {
    let sent: Vec<String> =
        read(".dockerignore").lines().filter_map(|line| line.strip_prefix('!').map(str::to_owned)).collect();
    let copied = copied();
    assert!(copied.contains(&"src".to_owned()) && copied.contains(&"Cargo.lock".to_owned()), "{copied:?}");
    for path in &copied {
        assert!(project(path).exists(), "{path} is not there");
        assert!(sent.contains(path), "{path} is not in .dockerignore's list");
    }
}

/// Cargo reads the manifest whole, and the compiler what the sources include.
#[test]
fn everything_that_the_build_reads_is_copied() {
    let copied = copied();
    let is_copied = |path: &Path| copied.iter().any(|root| path.starts_with(root));
    let manifest = read("Cargo.toml");
    let paths = manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'));
    for path in paths {
        assert!(is_copied(Path::new(path)), "{path} of Cargo.toml is not copied");
    }
    let mut seen = 0;
    for file in sources(&project("src")) {
        if file.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests"))
            || file.components().any(|part| part.as_os_str() == "tests")
        {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("source");
        for included in text.split("include_").skip(1).filter_map(|rest| {
            let (name, rest) = rest.split_once("!(\"")?;
            matches!(name, "str" | "bytes").then(|| rest.split('"').next().expect("a path"))
        }) {
            let path = file.parent().expect("folder").join(included).canonicalize().expect("included");
            let path = path.strip_prefix(project("").canonicalize().expect("project")).expect("inside");
            assert!(is_copied(path), "{} includes {}, which is not copied", file.display(), path.display());
            seen += 1;
        }
    }
    assert!(seen > 0);
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_pinned_toolchain_builds_it_and_the_lock_file_holds() {
    let channels: Vec<String> = read("rust-toolchain.toml")
        .lines()
        .filter_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"').map(str::to_owned))
        .collect();
    assert_eq!(channels.len(), 1, "what the recipe's sed finds: {channels:?}");
    let run = |wanted: &str| {
        let runs = instructions().into_iter().filter(|(name, _)| name == "RUN");
        let lines: Vec<String> = runs.map(|(_, words)| words.join(" ")).collect();
        lines.into_iter().find(|line| line.contains(wanted)).unwrap_or_else(|| panic!("no {wanted}"))
    };
    let pattern = r#"sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml"#;
    assert!(run("rustup toolchain install").contains(pattern));
    let build = run("cargo");
    assert!(build.contains(pattern) && build.contains("--locked --release --bin hallmark"), "{build}");
    assert!(read("Cargo.toml").contains("[profile.release]\nlto = \"fat\"\n"));
    assert!(
        instructions()
            .iter()
            .any(|(_, words)| words.iter().any(|word| word.ends_with("/target/release/hallmark")))
    );
}

#[test]
fn the_user_the_ports_and_the_program_are_those_of_the_chart() {
    let values = values();
    let (pod, user) = (&values["podSecurityContext"], last("USER"));
    assert_eq!(user, [format!("{}:{}", pod["runAsUser"], pod["runAsGroup"])]);
    let ports = last("EXPOSE");
    assert_eq!(ports, [values["server"]["port"].to_string(), values["healthPort"].to_string()]);
    let program = last("ENTRYPOINT").concat();
    let copy = last("COPY");
    assert_eq!(program, format!("[\"{}\"]", copy.last().expect("a place")));
    // The chart gives arguments alone, and no probe needs a shell.
    let deployment = read("helm/hallmark/templates/deployment.yaml");
    assert!(!deployment.contains("command:") && !deployment.contains("exec:"));
    let arguments = deployment.split_once("args:").expect("args").1;
    assert_eq!(
        format!("[\"{}\"]", arguments.trim_start().trim_start_matches("- ").lines().next().expect("a line")),
        last("CMD").concat()
    );
}

/// The base image has neither a package manager nor more than these.
#[test]
fn every_library_that_the_program_loads_is_in_the_base_image() {
    let from = last("FROM");
    assert_eq!(from, ["gcr.io/distroless/cc-debian13:nonroot"]);
    let output = Command::new("ldd").arg(env!("CARGO_BIN_EXE_hallmark")).output().expect("ldd runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let names = text.lines().filter_map(|line| line.split_whitespace().next()?.rsplit('/').next());
    let names: BTreeSet<&str> = names.collect();
    assert!(names.contains("libssl.so.3") && names.contains("libc.so.6"), "{text}");
    for name in names {
        assert!(LIBRARIES.contains(&name) || name.starts_with("ld-linux"), "{name} is not in the base image");
    }
}
