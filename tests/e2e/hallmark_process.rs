//! Hallmark as a process of the cluster.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::process::{Process, Processes};
use crate::wait::{PATIENCE, until};

/// One replica. Dropping it kills it.
pub struct Hallmark {
    pub process: Process,
    address: String,
    health: String,
}

impl Hallmark {
    /// Starts a replica and waits until it listens; it need not be ready then.
    /// Who it is to the API server is in `kubeconfig`.
    pub async fn start(processes: &Processes, name: &str, kubeconfig: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallmark"));
        for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("HALLMARK_")) {
            command.env_remove(variable);
        }
        command
            .arg("serve")
            .args(["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"])
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env("POD_NAME", name)
            .env("DOCKER_CONFIG", "/nowhere");
        let mut process = processes.spawn(name, &mut command);
        let listening = until(&format!("{name} listens"), PATIENCE, || {
            process.assert_runs();
            let line = process.json_log().into_iter().find(|line| line["message"] == "listening");
            async move { line.ok_or("no such line in its log") }
        })
        .await;
        let text = |field: &str| listening[field].as_str().expect("address").to_owned();
        Self { process, address: text("address"), health: text("health") }
    }

    /// `host:port` where Gatekeeper asks.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits until `/readyz` says yes.
    pub async fn ready(&self) {
        until("Hallmark is ready", PATIENCE, || async {
            let (status, said) = self.health("/readyz").await;
            if status == 200 { Ok(()) } else { Err(format!("{status} {said}")) }
        })
        .await;
    }

    /// A page of the health port.
    pub async fn health(&self, path: &str) -> (u16, String) {
        let Ok(answer) = reqwest::get(format!("http://{}{path}", self.health)).await else {
            return (0, "no answer".to_owned());
        };
        let status = answer.status().as_u16();
        let bytes = hallmark::transport::read_bounded(answer, 16 << 20).await.expect("a body");
        (status, String::from_utf8(bytes.to_vec()).expect("text"))
    }

    /// Lines of its log with this message.
    pub fn logged(&self, message: &str) -> Vec<Value> {
        let lines = self.process.json_log().into_iter();
        lines.filter(|line| line["message"].as_str().is_some_and(|said| said.contains(message))).collect()
    }
}
