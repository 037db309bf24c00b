//! A folder with files that have one mistake each, and registries to go wrong with.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::configuration_file;
use crate::support::registry::{Auth, Faults, TestRegistry, Tls};

pub const CONFIGURATION: &str = include_str!("../../fixtures/demo/config.yaml");

/// Files with one mistake: name, what is replaced, by what.
const MISTAKES: [(&str, &str, &str); 16] = [
    ("misspelt-field.yaml", "trustPolicyDoc:", "trustPolicyDok:"),
    ("misspelt-kind.yaml", "kind: KeyManagementProvider", "kind: KeyManagmentProvider"),
    ("misspelt-level.yaml", "level: strict", "level: strct"),
    ("damaged-pem.yaml", "MIICQjCCAcig", "MIICQjCC!!ig"),
    ("cut-pem.yaml", "      -----END CERTIFICATE-----\n", ""),
    ("missing-key.yaml", "          - demo-root", "          - demo-rot"),
    ("missing-store.yaml", "            - ca:ca-demo", "            - ca:ca-dmo"),
    ("wrong-identity.yaml", "x509.subject: C=US, ST=WA, O=Hallmark Demo", "CN=release"),
    ("other-verifier.yaml", "  name: notation\n", "  name: cosine\n"),
    ("vault.yaml", "type: inline", "type: azurekeyvault"),
    (
        "other-version.yaml",
        "apiVersion: config.ratify.deislabs.io/v1beta1",
        "apiVersion: config.ratify.deislabs.io/v2",
    ),
    (
        "other-scope.yaml",
        "            - \"*\"\n          signature",
        "            - registry.example/other\n          signature",
    ),
    (
        "mandatory-yes.yaml",
        "kind: Verifier\nmetadata:\n",
        "kind: Verifier\nmetadata:\n  annotations:\n    hallmark.io/mandatory: \"yes\"\n",
    ),
    (
        "mandatory-key.yaml",
        "kind: KeyManagementProvider\nmetadata:\n",
        "kind: KeyManagementProvider\nmetadata:\n  annotations:\n    hallmark.io/mandatory: \"true\"\n",
    ),
    (
        "file-with-secrets.yaml",
        "    useHttp: true\n",
        "    useHttp: true\n    authProvider:\n      name: k8Secrets\n",
    ),
    ("https.yaml", "  parameters:\n    useHttp: true\n", ""),
];

const REGO: &str = "apiVersion: config.ratify.deislabs.io/v1beta1
kind: Policy
metadata:
  name: ratify-policy
spec:
  type: rego-policy
  parameters:
    policy: package ratify.policy
";

const EXECUTOR: &str = "apiVersion: config.ratify.sh/v2alpha1
kind: Executor
metadata:
  name: NAME
spec:
  scopes:
    - registry.example
  verifiers:
    - name: notation
      type: notation
      parameters:
        certificates:
          - type: ca
            files:
              - /etc/anchors
  stores:
    - type: registry-store
      parameters:
        credential:
          provider: static
  policyEnforcer:
    type: threshold-policy
    parameters:
      policy:
        rules:
          - verifierName: notation
";

pub struct Stage {
    folder: TempDir,
    /// What is different each time, and what the document calls it.
    names: Vec<(String, &'static str)>,
    /// Kept, so that they answer.
    _parts: (TestRegistry, TestRegistry, TestRegistry, TcpListener),
}

/// What one run gave, in the document's words.
pub struct Ran {
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
    pub status: i32,
}

impl Stage {
    pub async fn set() -> Self {
        let plain = TestRegistry::start(Faults::default()).await;
        plain.push_image("team/app", Some("v1"), "v1");
        let private = TestRegistry::start(Faults { auth: Auth::Basic, ..Faults::default() }).await;
        let tls = TestRegistry::start(Faults { tls: Tls::Trusted, ..Faults::default() }).await;
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let folder = tempfile::tempdir().expect("folder");
        let names = vec![
            (plain.host().to_owned(), "127.0.0.1:5000"),
            (private.host().to_owned(), "127.0.0.1:5001"),
            (tls.host().to_owned(), "127.0.0.1:5002"),
            (taken.local_addr().expect("address").to_string(), "127.0.0.1:6001"),
        ];
        write_files(folder.path(), private.host());
        Self { folder, names, _parts: (plain, private, tls, taken) }
    }

    /// Runs a line as the document has it, to its end.
    pub fn run(&self, line: &str) -> Ran {
        let output = self.command(line).output().expect("hallmark runs");
        Ran {
            stdout: self.lines(&output.stdout),
            stderr: self.lines(&output.stderr),
            status: output.status.code().expect("it ended by itself"),
        }
    }

    /// Runs a line that does not end, up to the first warning or error of its log.
    pub fn first_complaint(&self, line: &str) -> String {
        let mut command = self.command(line);
        command.args(["--log-format", "json", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"]);
        let mut process = command.stderr(Stdio::piped()).spawn().expect("hallmark starts");
        let log = BufReader::new(process.stderr.take().expect("standard error"));
        let complaint = log.lines().map_while(Result::ok).find_map(|line| {
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            matches!(line["level"].as_str(), Some("WARN" | "ERROR"))
                .then(|| line["message"].as_str().map(str::to_owned))?
        });
        process.kill().expect("killed");
        process.wait().expect("ended");
        complaint.unwrap_or_else(|| panic!("{line} never complained"))
    }

    fn command(&self, line: &str) -> Command {
        let mut line = line.to_owned();
        for (real, written) in &self.names {
            line = line.replace(written, real);
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallmark"));
        command
            .env_clear()
            // Where the parts of the system are unpacked in a folder, libraries are found by this.
            .envs(std::env::var_os("LD_LIBRARY_PATH").map(|path| ("LD_LIBRARY_PATH", path)))
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for word in line.split_whitespace() {
            match word.split_once('=') {
                Some((name, value)) if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') => {
                    command.env(name, value)
                }
                _ if word == "hallmark" => &mut command,
                _ => command.arg(word),
            };
        }
        command
    }

    fn lines(&self, output: &[u8]) -> Vec<String> {
        let mut text = String::from_utf8_lossy(output).into_owned();
        for (real, written) in &self.names {
            text = text.replace(real, written);
        }
        text.lines().map(str::to_owned).collect()
    }
}

fn write_files(folder: &Path, private: &str) {
    configuration_file(folder, CONFIGURATION);
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("file");
    for (name, from, to) in MISTAKES {
        assert!(CONFIGURATION.contains(from), "{name}: there is no {from:?} to replace");
        write(name, &CONFIGURATION.replace(from, to));
    }
    write("broken.yaml", "kind: [");
    write("notes.txt", "to do: trust somebody\n");
    write("rego.yaml", &format!("{CONFIGURATION}---\n{REGO}"));
    let executor = |name: &str| EXECUTOR.replace("NAME", name);
    write("executor-everywhere.yaml", &executor("build").replace("- registry.example", "- \"*\""));
    let (unruled, _) = EXECUTOR.split_once("  policyEnforcer:").expect("a policy");
    write("executor-without-policy.yaml", &unruled.replace("NAME", "build"));
    write("executors.yaml", &format!("{}---\n{}", executor("build"), executor("release")));
    write("settings.yaml", "limits:\n  unique_signature: 200\n");
    for name in ["empty", "certs", "docker", "twice"] {
        std::fs::create_dir(folder.join(name)).expect("folder");
    }
    write("certs/tls.crt", "half a pair\n");
    write("twice/a.yaml", CONFIGURATION);
    write("twice/b.yaml", &CONFIGURATION.replace("strict", "audit"));
    let wrong = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "robot:wrong");
    write("docker/config.json", &json!({"auths": {private: {"auth": wrong}}}).to_string());
    let layout = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/demo/layout");
    std::os::unix::fs::symlink(layout, folder.join("layout")).expect("link");
}
