//! The program itself, as its users run it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Events take milliseconds; a loaded machine gets this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one run of the program gave.
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub status: i32,
}

impl Ran {
    /// Standard output as JSON, which must be all that is there.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {}", self.stdout))
    }
}

/// Runs the program to its end, with nothing of this process's environment that would be a setting.
pub fn run(arguments: &[&str]) -> Ran {
    let output = command().args(arguments).output().expect("hallmark runs");
    Ran {
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
        status: output.status.code().expect("it ended by itself"),
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallmark"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HALLMARK_")) {
        command.env_remove(name);
    }
    command.env("DOCKER_CONFIG", "/nowhere").stdin(Stdio::null());
    command
}

/// `hallmark serve`, until it is dropped.
pub struct Served {
    process: Child,
    log: Receiver<Value>,
    address: String,
    health: String,
    folder: TempDir,
}

impl Served {
    /// Starts it with this configuration and waits until the configuration is in force.
    pub fn start(configuration: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("configuration.yaml");
        std::fs::write(&file, configuration).expect("configuration");
        let config = ["--config", file.to_str().expect("path")];
        let served = Self::launch(folder, command().arg("serve").args(config).args(arguments));
        served.wait_for("configuration in force");
        served
    }

    /// Starts it with the resources of a cluster, and waits until it listens.
    pub fn start_in_cluster(kubeconfig: &Path, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let mut command = command();
        command
            .arg("serve")
            .env("KUBECONFIG", kubeconfig)
            .arg("--kubernetes-enabled=true")
            .arg("--kubernetes-namespace=hallmark-system")
            .args(arguments);
        if !arguments.iter().any(|argument| argument.starts_with("--gatekeeper-client-ca")) {
            command.arg("--gatekeeper-client-ca=none");
        }
        Self::launch(folder, &mut command)
    }

    /// `command` has the arguments of `serve` alone.
    fn launch(folder: TempDir, command: &mut Command) -> Self {
        // For asking it.
        hallmark::transport::install_crypto_provider();
        let mut process = command
            .args(["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"])
            .args(["--log-format", "json"])
            .arg("--state-dir")
            .arg(folder.path().join("state"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("hallmark starts");
        let log = follow(process.stderr.take().expect("standard error"));
        let mut served = Self { process, log, address: String::new(), health: String::new(), folder };
        let listening = served.wait_for("listening");
        served.address = text(&listening, "address");
        served.health = text(&listening, "health");
        served
    }

    /// The file that the configuration is in.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("configuration.yaml")
    }

    /// Replaces the configuration as careful programs do, and waits until it is in force.
    pub fn reconfigure(&self, configuration: &str) {
        let next = self.folder.path().join("next");
        std::fs::write(&next, configuration).expect("configuration");
        std::fs::rename(&next, self.configuration()).expect("renamed");
        self.wait_for("configuration in force");
    }

    /// The certificate of its own authority.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("state/ca.crt")
    }

    /// `host:port` of the endpoint.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks as Gatekeeper asks.
    pub async fn post(&self, path: &str, keys: &[&str]) -> Value {
        hallmark::transport::install_crypto_provider();
        // One that was replaced stands beside its successor for a while.
        let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(self.ca()).expect("CA")).expect("PEM");
        let client = reqwest::Client::builder().tls_certs_only(ca).no_proxy().build().expect("client");
        let body = json!({
            "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
            "kind": "ProviderRequest",
            "request": {"keys": keys},
        });
        let url = format!("https://{}{path}", self.address);
        let answer = client.post(url).body(body.to_string()).send().await.expect("an answer");
        let bytes = hallmark::transport::read_bounded(answer, 1 << 20).await.expect("a body");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Asks for verification of one image: its item's value, or null where it is undecided.
    pub async fn verify(&self, image: &str) -> Value {
        let answer = self.post("/verify", &[image]).await;
        answer["response"]["items"].get(0).map_or(Value::Null, |item| item["value"].clone())
    }

    /// A page of the health port, with its status.
    pub async fn health(&self, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().expect("client");
        let answer = client.get(format!("http://{}{path}", self.health)).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let bytes = hallmark::transport::read_bounded(answer, 1 << 20).await.expect("a body");
        (status, String::from_utf8(bytes.to_vec()).expect("text"))
    }

    /// The next line of the log with this message.
    pub fn wait_for(&self, message: &str) -> Value {
        let mut passed = Vec::new();
        while let Ok(line) = self.log.recv_timeout(PATIENCE) {
            if line["message"].as_str().is_some_and(|said| said.contains(message)) {
                return line;
            }
            passed.push(line.to_string());
        }
        panic!("the log never said {message:?}, but:\n{}", passed.join("\n"));
    }

    /// Asks it to end, and gives its status.
    pub fn terminate(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status().expect("kill");
        assert!(killed.success());
        self.process.wait().expect("it ends").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads the log on a thread, so that the program never blocks on a full pipe.
fn follow(log: impl std::io::Read + Send + 'static) -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
            // Nobody waits for lines once the test is over.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn text(line: &Value, field: &str) -> String {
    line[field].as_str().unwrap_or_else(|| panic!("no {field} in {line}")).to_owned()
}

/// A configuration in a file of its own.
pub fn configuration_file(folder: &Path, text: &str) -> String {
    let file = folder.join("config.yaml");
    std::fs::write(&file, text).expect("configuration");
    file.to_string_lossy().into_owned()
}
