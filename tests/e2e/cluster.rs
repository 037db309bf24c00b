//! etcd and kube-apiserver.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::api::Api;
use crate::kubectl::Kubectl;
use crate::pki::token_key;
use crate::support::cluster::{api_server_command, etcd_command, free_port, write_kubeconfig};
use crate::support::pki::Authority;
use crate::support::process::{Process, Processes};
use crate::wait::{PATIENCE, until};

pub struct Cluster {
    processes: Processes,
    folder: PathBuf,
    ca: String,
    etcd_port: u16,
    port: u16,
    etcd: Process,
    api_server: Process,
    pub api: Api,
    pub kubectl: Kubectl,
}

impl Cluster {
    /// Starts both and waits until the API server is ready.
    pub async fn start(processes: &Processes, folder: &Path) -> Self {
        let folder = folder.join("cluster");
        std::fs::create_dir_all(&folder).expect("folder");
        let ca = Authority::new("kubernetes", "hallmark-e2e");
        let admin = ca.issue("admin", Some("system:masters"), &[]);
        let server = ca.issue("kube-apiserver", None, &["127.0.0.1", "localhost"]);
        let (private, public) = token_key();
        for (name, text) in [
            ("ca.crt", &ca.pem),
            ("server.crt", &server.certificate),
            ("server.key", &server.key),
            ("admin.crt", &admin.certificate),
            ("admin.key", &admin.key),
            ("tokens.key", &private),
            ("tokens.pub", &public),
        ] {
            std::fs::write(folder.join(name), text).expect("file");
        }
        let (etcd_port, port) = (free_port(), free_port());
        let etcd = processes.spawn("etcd", &mut etcd_command(&folder, etcd_port));
        let api_server = processes.spawn("kube-apiserver", &mut api_server_command(&folder, port, etcd_port));
        let api = Api::new(port, &ca.pem, &format!("{}{}", admin.certificate, admin.key));
        let user = json!({
            "client-certificate": folder.join("admin.crt"),
            "client-key": folder.join("admin.key"),
        });
        let admin = write_kubeconfig(&folder, port, "admin", &user);
        let kubectl = Kubectl::new(&admin, &folder.join("kubectl-cache"));
        let mut cluster = Self {
            processes: processes.clone(),
            folder,
            ca: ca.pem,
            etcd_port,
            port,
            etcd,
            api_server,
            api,
            kubectl,
        };
        cluster.wait_until_ready().await;
        cluster
    }

    /// The administrator's.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// A kubeconfig that holds a token of a service account.
    pub fn kubeconfig_of(&self, namespace: &str, service_account: &str) -> PathBuf {
        self.kubeconfig_through(self.port, namespace, service_account)
    }

    /// The same, for who reaches the API server by another port.
    pub fn kubeconfig_through(&self, port: u16, namespace: &str, service_account: &str) -> PathBuf {
        let token =
            self.kubectl.run(&["create", "token", service_account, "-n", namespace, "--duration=1h"]).ok();
        let user = json!({"token": token.trim()});
        write_kubeconfig(&self.folder, port, &format!("{service_account}-{port}"), &user)
    }

    /// Where the API server listens: host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Has etcd forget every revision before the present one, as it does by itself every five minutes.
    pub async fn compact(&self) {
        let ask = async |method: &str, body: Value| {
            let url = format!("http://127.0.0.1:{}/v3/kv/{method}", self.etcd_port);
            let answer = reqwest::Client::new().post(url).body(body.to_string()).send().await.expect("etcd");
            assert!(answer.status().is_success(), "{method}: {}", answer.status());
            let bytes = hallmark::transport::read_bounded(answer, 1 << 20).await.expect("a body");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")
        };
        let revision = ask("range", json!({"key": "AA==", "limit": 1})).await["header"]["revision"].clone();
        ask("compaction", json!({"revision": revision, "physical": true})).await;
    }

    pub fn stop_api_server(&mut self) {
        self.api_server.kill();
    }

    pub async fn start_api_server(&mut self) {
        let mut command = api_server_command(&self.folder, self.port, self.etcd_port);
        self.api_server = self.processes.spawn("kube-apiserver", &mut command);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&mut self) {
        let api = self.api.clone();
        let (etcd, api_server) = (&mut self.etcd, &mut self.api_server);
        until("kube-apiserver is ready", PATIENCE, || {
            etcd.assert_runs();
            api_server.assert_runs();
            let api = api.clone();
            async move {
                let answer = api.get("/readyz").await;
                if answer.is_success() { Ok(()) } else { Err(answer) }
            }
        })
        .await;
    }
}
