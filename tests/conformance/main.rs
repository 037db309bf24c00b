//! Runs every `cases.json` below a folder (or one file) and compares verdicts.
//!
//! `CASES` names the folder or file; without it, the vectors beside the checkout are run, and where there
//! are none the run says so and passes, except in CI, where they always are. Exit status 1 exactly when a
//! `must` verdict differs; 2 when the cases cannot be read.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program whose output people read"
)]

mod case;
mod clock;
mod envelope;
mod layout;
mod policy;
mod report;
mod revocation;
mod trust;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::{Case, Kind};
use report::{Answer, Report};

const DEFAULT_CASES: &str = "../shared/conformance";

fn main() -> ExitCode {
    let root = match std::env::var_os("CASES") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join(DEFAULT_CASES),
    };
    if !root.exists() && std::env::var_os("CASES").is_none() {
        return without_vectors(&root);
    }
    match run(&root) {
        Ok(report) => report.finish(),
        Err(error) => {
            eprintln!("conformance: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn without_vectors(root: &Path) -> ExitCode {
    if std::env::var("CI").is_ok_and(|value| value == "true") {
        eprintln!("conformance: no vectors at {}, and in CI they must be there", root.display());
        return ExitCode::from(2);
    }
    println!("conformance: no vectors at {}; nothing was checked", root.display());
    println!("0 passed, 0 failed, 1 skipped");
    ExitCode::SUCCESS
}

fn run(root: &Path) -> anyhow::Result<Report> {
    let files = case::files(root)?;
    anyhow::ensure!(!files.is_empty(), "no cases.json at or below {}", root.display());
    let mut report = Report::default();
    for file in files {
        let folder = file.parent().unwrap_or(Path::new(".")).to_path_buf();
        let cases = case::read(&file)?;
        println!("{}: {} cases", file.display(), cases.len());
        for case in cases {
            let answer = answer(&folder, &case);
            report.add(&case, answer);
        }
    }
    Ok(report)
}

fn answer(folder: &Path, case: &Case) -> anyhow::Result<Answer> {
    match case.kind() {
        Kind::Envelope => envelope::answer(folder, case),
        Kind::Layout => layout::answer(folder, case),
        Kind::Policy => policy::answer(folder, case),
        Kind::Revocation => revocation::answer(folder, case),
        Kind::Other(kind) => Ok(Answer::Unsupported(kind.to_owned())),
    }
}
