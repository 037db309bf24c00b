//! etcd and kube-apiserver.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::api::Api;
use crate::kubectl::Kubectl;
use crate::pki::{Authority, token_key};
use crate::process::{Process, Processes};
use crate::support::cluster::{api_server_command, etcd_command, free_port, write_kubeconfig};
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
        let token =
            self.kubectl.run(&["create", "token", service_account, "-n", namespace, "--duration=1h"]).ok();
        let user = json!({"token": token.trim()});
        write_kubeconfig(&self.folder, self.port, service_account, &user)
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
