//! `hallmark demo` as a newcomer meets it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::program::run;

/// What every row must say: image, verdict, signer, and how its reason begins.
const ROWS: [(&str, &str, &str, &str); 8] = [
    ("signed-jws", "verified", "CN=release", "VERIFIED:"),
    ("signed-cose", "verified", "CN=build", "VERIFIED:"),
    ("unsigned", "unsigned", "-", "NO_SIGNATURE:"),
    ("stranger", "rejected", "-", "UNTRUSTED_SIGNER:"),
    ("other-image", "rejected", "-", "SUBJECT_MISMATCH:"),
    ("expired", "rejected", "-", "SIGNATURE_EXPIRED:"),
    ("revoked", "rejected", "-", "CERTIFICATE_REVOKED:"),
    ("tampered", "rejected", "-", "INTEGRITY_FAILED:"),
];

fn assert_rows(page: &str) {
    for (tag, verdict, signer, reason) in ROWS {
        let start = format!(" demo/app:{tag} ");
        let row =
            page.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{tag} in {page}"));
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(words[1], verdict, "{row}");
        assert!(words[2].starts_with(signer), "{row}");
        assert!(words[3..].contains(&reason), "{row}");
    }
}

/// `hallmark demo`, until it is dropped.
struct Shown {
    process: Child,
    rest: BufReader<ChildStdout>,
    page: String,
}

impl Shown {
    /// Starts it and reads what it shows, up to its last line.
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_hallmark"))
            .arg("demo")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("hallmark starts");
        let mut rest = BufReader::new(process.stdout.take().expect("standard output"));
        let mut page = String::new();
        while !page.ends_with("until Ctrl-C.\n") {
            assert_ne!(rest.read_line(&mut page).expect("a line"), 0, "it ended after:\n{page}");
        }
        Self { process, rest, page }
    }

    /// The shell command that begins with these words, with the lines that continue it.
    fn command(&self, words: &str) -> String {
        let from = self.page.find(words).unwrap_or_else(|| panic!("no {words} in {}", self.page));
        let end = self.page[from..].find("\n\n").expect("an empty line after it");
        self.page[from..from + end].to_owned()
    }

    fn interrupt(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        let mut more = String::new();
        std::io::Read::read_to_string(&mut self.rest, &mut more).expect("the end of its output");
        assert_eq!(more, "");
        self.process.wait().expect("it ends").code()
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn shell(command: &str) -> (i32, String) {
    let output = Command::new("sh").args(["-c", command]).output().expect("sh runs");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().expect("it ended by itself"), text)
}

/// What came of the one image of a printed curl line.
fn asked(curl: &str) -> Value {
    let (status, text) = shell(&format!("{curl} --silent"));
    assert_eq!(status, 0, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    answer["response"]["items"][0]["value"].clone()
}

/// One test, because the revocation list has one port on a machine.
#[test]
fn it_shows_what_each_sample_gives_and_the_lines_it_prints_work_until_it_is_interrupted() {
    let shown = Shown::start();
    assert_rows(&shown.page);

    let curl = shown.command("curl ");
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    if has_curl {
        assert_eq!(asked(&curl)["verdict"], "verified");
    } else {
        eprintln!("SKIPPED: there is no curl here to run what the demo prints");
    }

    let program = env!("CARGO_BIN_EXE_hallmark").strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/"));
    let program = program.unwrap_or(env!("CARGO_BIN_EXE_hallmark"));
    let verify: Vec<String> = shown
        .page
        .match_indices(&format!("{program} verify"))
        .map(|(from, _)| shown.page[from..].split("\n\n").next().expect("a paragraph").to_owned())
        .collect();
    let (status, text) = shell(&verify[0]);
    assert_eq!(status, 1, "tampered is refused: {text}");
    assert!(text.contains("INTEGRITY_FAILED"), "{text}");
    let (status, text) = shell(&verify[1]);
    assert_eq!(status, 0, "signed-cose is admitted: {text}");
    let (status, text) = shell(&shown.command(&format!("{program} config check")));
    assert_eq!(status, 0, "{text}");

    if has_curl {
        let configuration = verify[0].split_whitespace().last().expect("a path");
        let text = std::fs::read_to_string(configuration).expect("configuration");
        std::fs::write(configuration, text.replace("level: strict", "level: audit")).expect("edited");
        let expired = curl.replace("signed-jws", "expired");
        let edited = Instant::now();
        while asked(&expired)["verdict"] != "verified" {
            assert!(edited.elapsed() < Duration::from_secs(30), "the provider never followed the file");
        }
    }

    // A second one finds the ports taken, and the list served by the first.
    let second = run(&["demo", "--once"]);
    assert_eq!((second.status, second.stderr.as_str()), (0, ""), "{}", second.stdout);
    assert_rows(&second.stdout);

    let ca =
        curl.split_whitespace().skip_while(|word| *word != "--cacert").nth(1).expect("a path").to_owned();
    let folder = Path::new(&ca).parent().expect("a folder").to_owned();
    assert!(folder.is_dir());
    assert_eq!(shown.interrupt(), Some(0));
    assert!(!folder.exists(), "what it wrote is removed");
}
