//! etcd and kube-apiserver.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::api::Api;
use crate::kubectl::Kubectl;
use crate::pki::{Authority, token_key};
use crate::process::{Process, Processes, free_port};
use crate::support::parts::part;
use crate::wait::{PATIENCE, until};

/// Where service account tokens come from.
const ISSUER: &str = "https://kubernetes.default.svc";

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
        let api_server = processes.spawn("kube-apiserver", &mut api_server_command(&folder, etcd_port, port));
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
        let token =
            self.kubectl.run(&["create", "token", service_account, "-n", namespace, "--duration=1h"]).ok();
        let user = json!({"token": token.trim()});
        write_kubeconfig(&self.folder, self.port, service_account, &user)
    }

    pub fn stop_api_server(&mut self) {
        self.api_server.kill();
    }

    pub async fn start_api_server(&mut self) {
        let mut command = api_server_command(&self.folder, self.etcd_port, self.port);
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

fn etcd_command(folder: &Path, port: u16) -> Command {
    let (client, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", free_port()));
    let mut command = Command::new(part("etcd"));
    command
        .arg("--data-dir")
        .arg(folder.join("etcd"))
        .args(["--name=e2e", "--unsafe-no-fsync", "--log-level=warn"])
        .args([format!("--listen-client-urls={client}"), format!("--advertise-client-urls={client}")])
        .args([format!("--listen-peer-urls={peer}"), format!("--initial-advertise-peer-urls={peer}")])
        .arg(format!("--initial-cluster=e2e={peer}"));
    command
}

fn api_server_command(folder: &Path, etcd_port: u16, port: u16) -> Command {
    let file = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
    let mut command = Command::new(part("kube-apiserver"));
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}"))
        .arg(format!("--secure-port={port}"))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .args([file("client-ca-file", "ca.crt"), file("tls-cert-file", "server.crt")])
        .args([file("tls-private-key-file", "server.key"), file("service-account-key-file", "tokens.pub")])
        .arg(file("service-account-signing-key-file", "tokens.key"))
        .arg(format!("--service-account-issuer={ISSUER}"))
        .args(["--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC"])
        // No controller makes default service accounts here, and the plugin refuses Pods without one.
        .args(["--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none"])
        .arg("--shutdown-delay-duration=0s");
    command
}

fn write_kubeconfig(folder: &Path, port: u16, name: &str, user: &serde_json::Value) -> PathBuf {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "e2e", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority": folder.join("ca.crt"),
        }}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": name}}],
        "current-context": "e2e",
    });
    let path = folder.join(format!("{name}.kubeconfig"));
    std::fs::write(&path, config.to_string()).expect("kubeconfig");
    path
}
