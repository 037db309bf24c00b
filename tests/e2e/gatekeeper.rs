//! Gatekeeper: webhook, audit and mutation in one process, its custom resources and its webhook configurations
//! as its chart makes them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::kubectl::list;
use crate::support::cluster::free_port;
use crate::support::parts::part;
use crate::support::pki::Authority;
use crate::support::process::{Process, Processes};
use crate::wait::{PATIENCE, until};

pub const NAMESPACE: &str = "gatekeeper-system";
/// The name in its certificate.
pub const WEBHOOK_SAN: &str = "gatekeeper-webhook-service.gatekeeper-system.svc";
/// How long it remembers what a provider answered. Its default is 3 minutes.
pub const RESPONSE_CACHE: Duration = Duration::from_secs(3);
/// Seconds between audits. Its default is 60.
const AUDIT_INTERVAL: u32 = 5;

const WEBHOOK_TEMPLATES: [&str; 2] = [
    "templates/gatekeeper-validating-webhook-configuration-validatingwebhookconfiguration.yaml",
    "templates/gatekeeper-mutating-webhook-configuration-mutatingwebhookconfiguration.yaml",
];

pub struct Gatekeeper {
    processes: Processes,
    folder: PathBuf,
    kubeconfig: PathBuf,
    port: u16,
    health: u16,
    metrics: u16,
    process: Process,
    authority: Authority,
}

/// Its chart's values that scenarios change, at their defaults.
#[derive(Clone, Copy, Debug)]
pub struct Webhooks {
    pub failure_policy: &'static str,
    pub validating_timeout: u32,
    pub mutating_timeout: u32,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { failure_policy: "Ignore", validating_timeout: 3, mutating_timeout: 1 }
    }
}

impl Gatekeeper {
    /// Installs its custom resources, starts it, registers its webhooks.
    pub async fn start(processes: &Processes, folder: &Path, cluster: &Cluster) -> Self {
        let folder = folder.join("gatekeeper");
        for name in ["certs", "audit"] {
            std::fs::create_dir_all(folder.join(name)).expect("folder");
        }
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        cluster.api.create("/api/v1/namespaces", &namespace).await.admitted();
        cluster.kubectl.apply_server_side(&chart().join("crds")).ok();
        let authority = Authority::new("gatekeeper-ca", "gatekeeper");
        write_pair(&folder, &authority);
        let (port, health, metrics) = (free_port(), free_port(), free_port());
        let kubeconfig = cluster.kubeconfig();
        let process =
            processes.spawn("gatekeeper", &mut command(&folder, &kubeconfig, port, health, metrics));
        let processes = processes.clone();
        let mut gatekeeper =
            Self { processes, folder, kubeconfig, port, health, metrics, process, authority };
        gatekeeper.wait_until_ready().await;
        gatekeeper.register(cluster, Webhooks::default());
        gatekeeper
    }

    /// The authority that its webhooks' callers trust, PEM: what its clients' certificate chains to.
    pub fn ca(&self) -> &str {
        &self.authority.pem
    }

    /// Registers its webhooks, or registers them anew.
    pub fn register(&self, cluster: &Cluster, webhooks: Webhooks) {
        let configurations = webhook_configurations(self.port, self.ca(), webhooks);
        cluster.kubectl.run_with(&["apply", "-f", "-"], &list(&configurations)).ok();
    }

    /// Changes what the API server trusts it by, for both webhooks.
    pub fn trust_in_webhooks(&self, cluster: &Cluster, ca: &str) {
        let configurations = webhook_configurations(self.port, ca, Webhooks::default());
        cluster.kubectl.run_with(&["apply", "-f", "-"], &list(&configurations)).ok();
    }

    /// Gives it a certificate of another authority, and waits until it shows that.
    pub async fn show_certificate_of(&mut self, authority: Authority) {
        write_pair(&self.folder, &authority);
        let root = reqwest::Certificate::from_pem(authority.pem.as_bytes()).expect("CA");
        let url = format!("https://127.0.0.1:{}/v1/admit", self.port);
        until("Gatekeeper shows its new certificate", PATIENCE, || async {
            let client = reqwest::Client::builder().tls_certs_only([root.clone()]).no_proxy().build();
            client.expect("client").get(&url).send().await.map(|_| ())
        })
        .await;
        self.authority = authority;
    }

    /// A certificate with its key, as it shows itself to providers, PEM.
    pub fn identity(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.join("certs").join(name)).expect("pair");
        format!("{}{}", read("tls.crt"), read("tls.key"))
    }

    /// Its log so far: JSON lines, those of the audit among them.
    pub fn log(&self) -> Vec<Value> {
        self.process.json_log()
    }

    /// Waits for the end of the first audit that begins after now, and gives its id: the second it began at.
    pub async fn next_audit(&self) -> String {
        let before = self.audits("audit_started").len();
        until("the next audit", PATIENCE, || async {
            let id = self.audits("audit_started").into_iter().nth(before);
            let finished = self.audits("audit_finished");
            id.filter(|id| finished.contains(id)).ok_or_else(|| format!("{} audits finished", finished.len()))
        })
        .await
    }

    fn audits(&self, event: &str) -> Vec<String> {
        let lines = self.log().into_iter().filter(|line| line["event_type"] == event);
        lines.filter_map(|line| line["audit_id"].as_str().map(str::to_owned)).collect()
    }

    /// The page of its metrics.
    pub async fn metrics(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.metrics);
        let response = reqwest::get(url).await.expect("metrics");
        let bytes = hallmark::transport::read_bounded(response, 16 << 20).await.expect("metrics");
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    async fn wait_until_ready(&mut self) {
        let url = format!("http://127.0.0.1:{}/readyz", self.health);
        let process = &mut self.process;
        until("Gatekeeper is ready", PATIENCE, || {
            process.assert_runs();
            let url = url.clone();
            async move {
                match reqwest::get(url).await {
                    Ok(answer) if answer.status().is_success() => Ok(()),
                    Ok(answer) => Err(answer.status().to_string()),
                    Err(error) => Err(error.to_string()),
                }
            }
        })
        .await;
    }
}

/// Its chart, beside the parts.
pub fn chart() -> PathBuf {
    let kubectl = part("kubectl");
    let folder = kubectl.parent().expect("folder").join("gatekeeper-chart");
    assert!(folder.is_dir(), "{} is not there: run `make parts` first", folder.display());
    folder
}

fn write_pair(folder: &Path, authority: &Authority) {
    let pair = authority.issue(WEBHOOK_SAN, Some("gatekeeper"), &[WEBHOOK_SAN, "127.0.0.1"]);
    std::fs::write(folder.join("certs/tls.crt"), pair.certificate).expect("certificate");
    std::fs::write(folder.join("certs/tls.key"), pair.key).expect("key");
}

fn command(folder: &Path, kubeconfig: &Path, port: u16, health: u16, metrics: u16) -> Command {
    let mut command = Command::new(part("gatekeeper"));
    // Without `--operation` it does everything; it must generate the constraints' custom resources.
    command
        .env("POD_NAMESPACE", NAMESPACE)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["--debug-use-fake-pod", "--host=127.0.0.1", "--disable-cert-rotation", "--shutdown-delay=0"])
        .arg(format!("--port={port}"))
        .arg(format!("--health-addr=127.0.0.1:{health}"))
        .arg(format!("--prometheus-port={metrics}"))
        .arg(format!("--cert-dir={}", folder.join("certs").display()))
        .arg(format!("--api-cache-dir={}", folder.join("audit").display()))
        .arg(format!("--audit-interval={AUDIT_INTERVAL}"))
        .arg(format!("--external-data-provider-response-cache-ttl={}s", RESPONSE_CACHE.as_secs()))
        .arg(format!("--exempt-namespace={NAMESPACE}"))
        .args(["--default-create-vap-for-templates=false", "--log-denies=true"]);
    command
}

/// The chart's, called by URL: there is no cluster network here.
fn webhook_configurations(port: u16, ca: &str, webhooks: Webhooks) -> Vec<Value> {
    let mut helm = Command::new(part("helm"));
    helm.arg("template").arg("gatekeeper").arg(chart()).args(["--namespace", NAMESPACE]);
    for template in WEBHOOK_TEMPLATES {
        helm.args(["--show-only", template]);
    }
    let policy = webhooks.failure_policy;
    for value in [
        format!("validatingWebhookFailurePolicy={policy}"),
        format!("mutatingWebhookFailurePolicy={policy}"),
        format!("validatingWebhookTimeoutSeconds={}", webhooks.validating_timeout),
        format!("mutatingWebhookTimeoutSeconds={}", webhooks.mutating_timeout),
    ] {
        helm.args(["--set", &value]);
    }
    let output = helm.stdin(Stdio::null()).output().expect("helm runs");
    assert!(output.status.success(), "helm template: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let mut configurations: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    for webhook in configurations.iter_mut().flat_map(|c| c["webhooks"].as_array_mut().expect("webhooks")) {
        let path = webhook["clientConfig"]["service"]["path"].as_str().expect("path").to_owned();
        webhook["clientConfig"] = json!({
            "url": format!("https://127.0.0.1:{port}{path}"),
            "caBundle": STANDARD.encode(ca),
        });
    }
    configurations
}
