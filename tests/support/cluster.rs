//! A Kubernetes API: etcd and kube-apiserver as child processes on loopback, which end with the value that
//! holds them.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::parts::part;
use super::process::{Process, Processes};

/// What takes seconds gets this long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(100);

/// Looks until `look` gives a value.
///
/// # Panics
/// When it is late, with what was seen last.
pub async fn until<T, F: Future<Output = Result<T, String>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let began = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if began.elapsed() > PATIENCE => panic!("{what}: too late; last seen: {seen}"),
            Err(_) => tokio::time::sleep(STEP).await,
        }
    }
}

/// The cluster, without nodes: nothing runs in it, and everything can be asked of it.
pub struct Cluster {
    // In the order in which they go.
    api_server: Process,
    etcd: Process,
    processes: Processes,
    folder: TempDir,
    port: u16,
    etcd_port: u16,
}

impl Cluster {
    /// Starts both, and waits until the API is ready.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        write_certificates(folder.path());
        let (port, etcd_port) = (free_port(), free_port());
        let processes = Processes::new(folder.path());
        let etcd = processes.spawn("etcd", &mut etcd_command(folder.path(), etcd_port));
        let mut api_server = api_server_command(folder.path(), port, etcd_port);
        let api_server = processes.spawn("kube-apiserver", &mut api_server);
        let mut cluster = Self { api_server, etcd, processes, folder, port, etcd_port };
        let identity = json!({
            "client-certificate": cluster.folder.path().join("admin.crt"),
            "client-key": cluster.folder.path().join("admin.key"),
        });
        cluster.write_kubeconfig("admin", &identity);
        cluster.wait_until_ready().await;
        cluster
    }

    /// The administrator's.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("admin.kubeconfig")
    }

    /// A kubeconfig with a token of a service account, which is made where there is none.
    pub fn kubeconfig_of(&self, namespace: &str, account: &str) -> PathBuf {
        let token = self.ok(&["create", "token", account, "-n", namespace, "--duration=1h"], "");
        self.write_kubeconfig(account, &json!({"token": token.trim()}))
    }

    /// Where the API is.
    pub fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Ends the API server as a crash would.
    pub fn stop_api_server(&mut self) {
        self.api_server.kill();
    }

    /// Starts it again, on the same data.
    pub async fn start_api_server(&mut self) {
        let mut command = api_server_command(self.folder.path(), self.port, self.etcd_port);
        self.api_server = self.processes.spawn("kube-apiserver", &mut command);
        self.wait_until_ready().await;
    }

    /// `kubectl`, as the administrator: its output, or what it says on failing.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut child = Command::new(part("kubectl"))
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .arg("--cache-dir")
            .arg(self.folder.path().join("cache"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("standard input");
        let input = input.to_owned();
        // It need not read all of it, nor before it writes.
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().expect("kubectl ends");
        writer.join().expect("input");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// The same, where it must not fail.
    pub fn ok(&self, arguments: &[&str], input: &str) -> String {
        self.kubectl(arguments, input).unwrap_or_else(|said| panic!("kubectl {arguments:?}: {said}"))
    }

    /// Applies YAML.
    pub fn apply(&self, yaml: &str) {
        self.ok(&["apply", "-f", "-"], yaml);
    }

    /// An object, such as `verifiers.config.ratify.deislabs.io/notation`.
    pub fn get(&self, object: &str, namespace: Option<&str>) -> Result<Value, String> {
        let mut arguments = vec!["get", object, "-o", "json"];
        arguments.extend(namespace.iter().flat_map(|namespace| ["-n", *namespace]));
        let text = self.kubectl(&arguments, "")?;
        Ok(serde_json::from_str(&text).expect("JSON"))
    }

    fn write_kubeconfig(&self, name: &str, identity: &Value) -> PathBuf {
        write_kubeconfig(self.folder.path(), self.port, name, identity)
    }

    async fn wait_until_ready(&mut self) {
        until("the API server is ready", || {
            self.etcd.assert_runs();
            self.api_server.assert_runs();
            std::future::ready(self.kubectl(&["get", "--raw", "/readyz"], ""))
        })
        .await;
    }
}

/// etcd, keeping its data below `folder`.
pub fn etcd_command(folder: &Path, port: u16) -> Command {
    let (client, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", free_port()));
    let mut command = Command::new(part("etcd"));
    command
        .arg("--data-dir")
        .arg(folder.join("etcd"))
        .args(["--name=test", "--unsafe-no-fsync", "--log-level=warn"])
        .args([format!("--listen-client-urls={client}"), format!("--advertise-client-urls={client}")])
        .args([format!("--listen-peer-urls={peer}"), format!("--initial-advertise-peer-urls={peer}")])
        .arg(format!("--initial-cluster=test={peer}"));
    command
}

/// kube-apiserver with the certificates and keys of `folder`: `ca.crt`, `server.crt`, `server.key`, `tokens.key`
/// and `tokens.pub`.
pub fn api_server_command(folder: &Path, port: u16, etcd_port: u16) -> Command {
    let file = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
    let mut command = Command::new(part("kube-apiserver"));
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}"))
        .arg(format!("--secure-port={port}"))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .args([file("client-ca-file", "ca.crt"), file("tls-cert-file", "server.crt")])
        .args([file("tls-private-key-file", "server.key"), file("service-account-key-file", "tokens.pub")])
        .arg(file("service-account-signing-key-file", "tokens.key"))
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .args(["--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC"])
        // No controller makes default service accounts here, and the plugin refuses Pods without one.
        .args(["--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none"])
        .arg("--shutdown-delay-duration=0s");
    command
}

/// Writes `NAME.kubeconfig` into `folder`, for who is known by `user`.
pub fn write_kubeconfig(folder: &Path, port: u16, name: &str, user: &Value) -> PathBuf {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority": folder.join("ca.crt"),
        }}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
        "current-context": "test",
    });
    let path = folder.join(format!("{name}.kubeconfig"));
    std::fs::write(&path, config.to_string()).expect("kubeconfig");
    path
}

fn write_certificates(folder: &Path) {
    let key = KeyPair::generate().expect("key");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "kubernetes");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let authority = params.self_signed(&key).expect("certificate");
    let issuer = Issuer::new(params, key);
    std::fs::write(folder.join("ca.crt"), authority.pem()).expect("file");
    for (name, group) in [("server", "none"), ("admin", "system:masters")] {
        let sans = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(sans).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("key");
        let certificate = params.signed_by(&key, &issuer).expect("certificate");
        std::fs::write(folder.join(format!("{name}.crt")), certificate.pem()).expect("file");
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).expect("file");
    }
    let tokens = KeyPair::generate().expect("key");
    std::fs::write(folder.join("tokens.key"), tokens.serialize_pem()).expect("file");
    std::fs::write(folder.join("tokens.pub"), tokens.public_key_pem()).expect("file");
}

/// Puts files into a folder as the kubelet mounts a Secret: links through `..data`, which is swapped at one stroke.
pub fn mount(folder: &Path, files: &[(&str, &str)]) {
    std::fs::create_dir_all(folder).expect("folder");
    let inside = tempfile::Builder::new().prefix("..").tempdir_in(folder).expect("folder").keep();
    for (name, text) in files {
        std::fs::write(inside.join(name), text).expect("file");
        let link = folder.join(name);
        if !link.is_symlink() {
            symlink(Path::new("..data").join(name), link).expect("link");
        }
    }
    let (data, next) = (folder.join("..data"), folder.join("..data_tmp"));
    let before = std::fs::read_link(&data).ok();
    symlink(inside.file_name().expect("name"), &next).expect("link");
    std::fs::rename(next, data).expect("swapped");
    if let Some(before) = before {
        std::fs::remove_dir_all(folder.join(before)).expect("the former files");
    }
}

/// A port of loopback that nobody listens on now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    listener.local_addr().expect("address").port()
}

/// A Pod with a container for each image.
pub fn pod(namespace: &str, name: &str, images: &[impl AsRef<str>]) -> Value {
    let containers: Vec<Value> = images
        .iter()
        .enumerate()
        .map(|(number, image)| json!({"name": format!("c{number}"), "image": image.as_ref()}))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": containers},
    })
}
