//! What is typed wrong.

use super::Row;
use super::stage::{Ran, Stage};

/// What the user did, and the line; it ends by itself.
const LINES: &[(&str, &str)] = &[
    ("misspelt a subcommand", "hallmark srve"),
    ("misspelt a flag", "hallmark serve --lisen 0.0.0.0:6001 --config config.yaml"),
    ("named no image", "hallmark verify --config config.yaml"),
    ("named no configuration", "hallmark verify 127.0.0.1:5000/team/app:v1"),
    ("asked for a format that there is not", "hallmark verify 127.0.0.1:5000/team/app:v1 --output yaml"),
    ("wrote a port for an address", "hallmark serve --config config.yaml --listen 6001"),
    ("wrote a word for a number", "hallmark serve --config config.yaml --limits-unique-signatures many"),
    ("left out a unit", "hallmark serve --config config.yaml --timeouts-verify 2500"),
    ("misspelt a variable", "HALLMARK_LIMITS__UNIQUE_SIGNATURE=200 hallmark serve --config config.yaml"),
    ("misspelt a key of the settings file", "hallmark serve --config config.yaml --settings settings.yaml"),
    (
        "named a settings file that is not there",
        "hallmark serve --config config.yaml --settings nowhere.yaml",
    ),
    (
        "wrote a URL for a host",
        "hallmark serve --config config.yaml --registry-plain-http-hosts http://registry.example",
    ),
    (
        "asked for names of client certificates, and for no certificate",
        "hallmark serve --config config.yaml --client-san gatekeeper.svc",
    ),
    (
        "took a port that is in use",
        "hallmark serve --config config.yaml --listen 127.0.0.1:6001 --health-listen 127.0.0.1:0 --state-dir state --log-level error",
    ),
    (
        "gave a state folder that cannot be made",
        "hallmark serve --config config.yaml --listen 127.0.0.1:0 --state-dir config.yaml/state",
    ),
    (
        "named a configuration that is not there",
        "hallmark verify 127.0.0.1:5000/team/app:v1 --config nowhere.yaml",
    ),
    ("named an empty folder", "hallmark config check empty"),
    ("left a bracket open", "hallmark config check broken.yaml"),
    ("gave a file that is no resource", "hallmark config check notes.txt"),
    ("misspelt a field", "hallmark config check misspelt-field.yaml"),
    ("misspelt a kind", "hallmark config check misspelt-kind.yaml"),
    ("misspelt a level", "hallmark config check misspelt-level.yaml"),
    ("wrote another version", "hallmark config check other-version.yaml"),
    ("damaged a certificate while pasting", "hallmark config check damaged-pem.yaml"),
    ("cut off the end of a certificate", "hallmark config check cut-pem.yaml"),
    ("named a key source that there is not", "hallmark config check missing-key.yaml"),
    ("named a trust store that there is not", "hallmark config check missing-store.yaml"),
    ("wrote an identity without its kind", "hallmark config check wrong-identity.yaml"),
    ("asked for a verifier that there is not", "hallmark config check other-verifier.yaml"),
    ("asked for a key vault, which comes later", "hallmark config check vault.yaml"),
    ("asked for a Rego policy, which comes later", "hallmark config check rego.yaml"),
    ("made a Verifier mandatory in another word", "hallmark config check mandatory-yes.yaml"),
    ("made something mandatory that decides nothing", "hallmark config check mandatory-key.yaml"),
    ("named Secrets where there is no cluster", "hallmark config check file-with-secrets.yaml"),
    ("let an Executor decide about everything", "hallmark config check executor-everywhere.yaml"),
    ("left out an Executor's policy", "hallmark config check executor-without-policy.yaml"),
    ("gave one scope to two Executors", "hallmark config check executors.yaml"),
    ("wrote one resource twice, differently", "hallmark config check twice"),
    (
        "verified under a configuration with a mistake",
        "hallmark verify oci-layout:layout:signed-jws --scope registry.example/app --config misspelt-level.yaml",
    ),
    ("wrote an image in capitals", "hallmark verify 127.0.0.1:5000/Team/App:v1 --config config.yaml"),
    ("wrote a second tag", "hallmark verify 127.0.0.1:5000/team/app:v1:v2 --config config.yaml"),
    (
        "shortened a digest",
        "hallmark verify 127.0.0.1:5000/team/app@sha256:872b0794d211 --config config.yaml",
    ),
    ("named a tag that there is not", "hallmark verify 127.0.0.1:5000/team/app:v2 --config config.yaml"),
    (
        "named a repository that there is not",
        "hallmark verify 127.0.0.1:5000/team/ap:v1 --config config.yaml",
    ),
    ("named a registry that does not listen", "hallmark verify 127.0.0.1:1/team/app:v1 --config config.yaml"),
    ("has no password for a registry", "hallmark verify 127.0.0.1:5001/team/app:v1 --config config.yaml"),
    (
        "has a wrong password for a registry",
        "DOCKER_CONFIG=docker hallmark verify 127.0.0.1:5001/team/app:v1 --config config.yaml",
    ),
    ("did not allow plain HTTP", "hallmark verify 127.0.0.1:5000/team/app:v1 --config https.yaml"),
    (
        "did not name the registry's authority",
        "hallmark verify 127.0.0.1:5002/team/app:v1 --config https.yaml",
    ),
    (
        "asked about a repository that no policy covers",
        "hallmark verify 127.0.0.1:5000/team/app:v1 --config other-scope.yaml",
    ),
    (
        "asked about an image that nobody signed",
        "hallmark verify 127.0.0.1:5000/team/app:v1 --config config.yaml",
    ),
    ("left out the scope of a layout", "hallmark verify oci-layout:layout:signed-jws --config config.yaml"),
    (
        "left out the tag of a layout",
        "hallmark verify oci-layout:layout --scope registry.example/app --config config.yaml",
    ),
    (
        "named a layout that is not there",
        "hallmark verify oci-layout:nowhere:v1 --scope registry.example/app --config config.yaml",
    ),
    (
        "has a revocation list on a private address",
        "hallmark verify oci-layout:layout:signed-cose --scope registry.example/app --config config.yaml",
    ),
];

/// The same, where it goes on and keeps looking.
const UNENDING: &[(&str, &str)] = &[
    ("gave a folder without certificate", "hallmark serve --config config.yaml --cert-dir empty"),
    ("gave half a pair", "hallmark serve --config config.yaml --cert-dir certs"),
    (
        "gave an authority that is not there",
        "hallmark serve --config config.yaml --state-dir state --client-ca nowhere.crt",
    ),
    (
        "gave an authority that is no certificate",
        "hallmark serve --config config.yaml --state-dir state --client-ca notes.txt",
    ),
    ("served a configuration that is not there", "hallmark serve --config nowhere.yaml --state-dir state"),
];

pub fn rows(stage: &Stage) -> Vec<Row> {
    let ended = LINES.iter().map(|&(did, line)| {
        let ran = stage.run(line);
        Row { did, typed: line.to_owned(), status: ran.status.to_string(), said: said(&ran) }
    });
    let unending = UNENDING.iter().map(|&(did, line)| {
        let said = vec![stage.first_complaint(line)];
        Row { did, typed: line.to_owned(), status: "-".to_owned(), said }
    });
    ended.chain(unending).collect()
}

/// The lines that name the mistake, and what to do about it.
fn said(ran: &Ran) -> Vec<String> {
    let complaints: Vec<String> = ran.stderr.iter().filter(|line| !is_filler(line)).cloned().collect();
    let with = |wanted: fn(&str) -> bool| -> Vec<String> {
        ran.stdout.iter().map(|line| line.trim()).filter(|line| wanted(line)).map(str::to_owned).collect()
    };
    let judged: Vec<String> = ran
        .stdout
        .iter()
        .filter(|line| ["  reason  ", "  what to do  "].iter().any(|label| line.starts_with(label)))
        .map(|line| line.trim().to_owned())
        .collect();
    // Of a place, or of none.
    let errors = with(|line| line.starts_with("error: ") || line.contains(": error: "));
    let checked = if errors.is_empty() { with(|line| line.contains("warning: ")) } else { errors };
    [complaints, checked, judged].concat()
}

fn is_filler(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with("Usage:") || line.starts_with("For more information")
}
