//! Real programs to test against: registries and the `notation` command line, as child processes on
//! loopback that end with the value that holds them. `make parts` installs them, pinned.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "included by several test binaries, each uses its own part"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use serde_json::json;
use tempfile::TempDir;

use super::signer::{Target, TestSigner};

/// Media type of an OCI image manifest.
pub const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Starting takes milliseconds; a loaded machine gets this long.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Where an installed part is.
///
/// # Panics
/// Where it is not: these tests are never skipped in silence.
pub fn part(name: &str) -> PathBuf {
    let folder = std::env::var_os("HALLMARK_PARTS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/bin"), PathBuf::from);
    let path = folder.join(name);
    assert!(path.is_file(), "{} is not there: run `make parts` first (`make test` does)", path.display());
    path
}

/// A registry that runs until it is dropped.
pub struct RealRegistry {
    process: Child,
    host: String,
    client: Client,
    auth: RegistryAuth,
    state: TempDir,
}

/// The user of a registry that wants a password.
pub const REAL_USER: &str = "robot";

/// Passwords with their hashes as `htpasswd -B` makes them: the registry only takes bcrypt.
const HASHES: [(&str, &str); 2] = [
    ("correct-horse", "$2y$05$abcdefghijklmnopqrstuuZ0Fx87Pb/Aqb0E90lfvCwzXnaFKUHpS"),
    ("battery-staple", "$2y$05$abcdefghijklmnopqrstuu07962fR81FOryI7nDcKN7/fBiLL7tZ6"),
];

impl RealRegistry {
    /// go-containerregistry's: it serves the Referrers API.
    pub fn with_referrers_api() -> Self {
        let state = tempfile::tempdir().expect("folder");
        let mut command = Command::new(part("registry"));
        command.arg("127.0.0.1:0");
        Self::start(command, state, RegistryAuth::Anonymous)
    }

    /// Docker's registry 2.8: referrers are found by the tag schema only.
    pub fn without_referrers_api() -> Self {
        Self::docker(&json!({}), tempfile::tempdir().expect("folder"), RegistryAuth::Anonymous)
    }

    /// The same, for [`REAL_USER`] with this password alone.
    pub fn with_password(password: &str) -> Self {
        let state = tempfile::tempdir().expect("folder");
        write_password(&state, password);
        let auth = json!({"htpasswd": {"realm": "test", "path": state.path().join("htpasswd")}});
        Self::docker(&auth, state, RegistryAuth::Basic(REAL_USER.to_owned(), password.to_owned()))
    }

    /// Makes it take another password, and no longer the former.
    pub fn change_password(&mut self, password: &str) {
        write_password(&self.state, password);
        self.auth = RegistryAuth::Basic(REAL_USER.to_owned(), password.to_owned());
        // The former remembers what it was let in with.
        self.client = client();
    }

    fn docker(auth: &serde_json::Value, state: TempDir, credential: RegistryAuth) -> Self {
        let config = state.path().join("config.yml");
        let settings = json!({
            "version": "0.1",
            "log": {"level": "info", "accesslog": {"disabled": true}},
            "storage": {"filesystem": {"rootdirectory": state.path().join("data")}},
            "http": {"addr": "127.0.0.1:0"},
            "auth": auth,
        });
        std::fs::write(&config, settings.to_string()).expect("configuration");
        let mut command = Command::new(part("docker-registry"));
        command.arg("serve").arg(&config);
        Self::start(command, state, credential)
    }

    fn start(mut command: Command, state: TempDir, auth: RegistryAuth) -> Self {
        hallmark::transport::install_crypto_provider();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("registry starts");
        let host = listening_address(&mut process);
        Self { process, host, client: client(), auth, state }
    }

    /// `host:port`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Ends the process now: an outage.
    pub fn stop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Pushes a small image; `note` makes its digest its own.
    pub async fn push_image(&self, repository: &str, tag: &str, note: &str) -> PushedImage {
        let config = json!({
            "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []},
            "config": {"Labels": {"note": note}},
        })
        .to_string()
        .into_bytes();
        let layer = note.as_bytes().to_vec();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
        })
        .to_string()
        .into_bytes();
        self.push_blob(repository, config).await;
        self.push_blob(repository, layer).await;
        self.push_manifest(repository, tag, IMAGE_MANIFEST, manifest).await
    }

    /// Pushes a blob.
    pub async fn push_blob(&self, repository: &str, blob: Vec<u8>) {
        let digest = sha256(&blob);
        let image = self.reference(repository, "latest");
        self.authorise(&image).await;
        // go-containerregistry's registry takes the blob but names no location for it.
        match self.client.push_blob(&image, blob, &digest).await {
            Ok(_) | Err(OciDistributionError::RegistryNoLocationError) => {}
            Err(error) => panic!("blob is not pushed: {error}"),
        }
        assert!(self.client.blob_exists(&image, &digest).await.expect("an answer"), "{digest} is not there");
    }

    /// Pushes a manifest under a tag or its digest.
    pub async fn push_manifest(
        &self,
        repository: &str,
        tag_or_digest: &str,
        media_type: &str,
        manifest: Vec<u8>,
    ) -> PushedImage {
        let target = Target {
            media_type: media_type.to_owned(),
            digest: sha256(&manifest),
            size: manifest.len() as u64,
        };
        let image = self.reference(repository, tag_or_digest);
        self.authorise(&image).await;
        let media_type = media_type.parse().expect("media type");
        self.client.push_manifest_raw(&image, manifest, media_type).await.expect("manifest is pushed");
        PushedImage { name: format!("{}/{repository}", self.host), tag: tag_or_digest.to_owned(), target }
    }

    /// How many referrers the registry lists for an image, by whichever way it has.
    pub async fn referrer_count(&self, image: &PushedImage) -> usize {
        let reference: Reference = image.by_digest().parse().expect("reference");
        self.authorise(&reference).await;
        self.client.pull_referrers(&reference, None).await.expect("referrers").manifests.len()
    }

    fn reference(&self, repository: &str, tag_or_digest: &str) -> Reference {
        let (host, repository) = (self.host.clone(), repository.to_owned());
        if tag_or_digest.contains(':') {
            Reference::with_digest(host, repository, tag_or_digest.to_owned())
        } else {
            Reference::with_tag(host, repository, tag_or_digest.to_owned())
        }
    }

    /// The client asks for no token unless told to look, even of a registry that wants none.
    async fn authorise(&self, image: &Reference) {
        self.client.auth(image, &self.auth, RegistryOperation::Push).await.expect("access");
    }
}

impl Drop for RealRegistry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An image or signature as it was pushed.
#[derive(Clone, Debug)]
pub struct PushedImage {
    /// Host and repository.
    pub name: String,
    /// The tag that it was pushed under.
    pub tag: String,
    /// What a signature of it is over.
    pub target: Target,
}

impl PushedImage {
    /// `host/repository@digest`.
    pub fn by_digest(&self) -> String {
        format!("{}@{}", self.name, self.target.digest)
    }

    /// `host/repository:tag`.
    pub fn by_tag(&self) -> String {
        format!("{}:{}", self.name, self.tag)
    }
}

fn client() -> Client {
    let config =
        ClientConfig { protocol: ClientProtocol::Http, use_monolithic_push: true, ..ClientConfig::default() };
    Client::try_from(config).expect("client")
}

/// The registry reads the file anew when it has another time.
fn write_password(state: &TempDir, password: &str) {
    let (_, hash) = HASHES.iter().find(|(known, _)| *known == password).expect("a known password");
    std::fs::write(state.path().join("htpasswd"), format!("{REAL_USER}:{hash}\n")).expect("password file");
}

/// Reads where the process says that it listens; it accepts connections by then.
fn listening_address(process: &mut Child) -> String {
    let output = process.stderr.take().expect("standard error");
    let (sender, receiver) = mpsc::channel();
    // The thread reads on afterwards, so that the process never blocks on a full pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let mut said = String::new();
    while let Ok(line) = receiver.recv_timeout(START_LIMIT) {
        if let Some((_, address)) = line.split_once("listening on ") {
            return address
                .trim_end_matches('"')
                .split([',', '"', ' '])
                .next()
                .unwrap_or_default()
                .to_owned();
        }
        _ = writeln!(said, "{line}");
    }
    let _ = process.kill();
    panic!("the registry did not start; it said:\n{said}");
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(openssl::sha::sha256(bytes)))
}

fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({"mediaType": media_type, "digest": sha256(bytes), "size": bytes.len()})
}

/// The formats that `notation` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFormat {
    Jws,
    Cose,
}

/// Where `notation` leaves the list of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferrersBy {
    /// The Referrers API, where the registry has it.
    Api,
    /// An index under the tag `sha256-…`.
    TagSchema,
}

/// The `notation` command line with its own folder of configuration.
pub struct Notation {
    config: TempDir,
    keys: BTreeMap<String, serde_json::Value>,
    password: Option<String>,
}

impl Notation {
    pub fn new() -> Self {
        Self { config: tempfile::tempdir().expect("folder"), keys: BTreeMap::new(), password: None }
    }

    /// Signs as [`REAL_USER`] with this password from now on.
    pub fn log_in(&mut self, password: &str) {
        self.password = Some(password.to_owned());
    }

    /// Makes the signer's key known under `name`. The command itself can only make RSA keys of its own, so
    /// its list of keys is written here.
    pub fn add_key(&mut self, name: &str, signer: &TestSigner) {
        let folder = self.config.path();
        let (key, chain) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.crt")));
        std::fs::write(&key, signer.leaf_key_pem()).expect("key");
        std::fs::write(&chain, signer.chain_pem()).expect("chain");
        self.keys.insert(name.to_owned(), json!({"name": name, "keyPath": key, "certPath": chain}));
        let list = json!({"default": name, "keys": self.keys.values().collect::<Vec<_>>()});
        std::fs::write(folder.join("signingkeys.json"), list.to_string()).expect("list of keys");
    }

    /// Signs an image of a plain HTTP registry with the named key.
    pub fn sign(&self, image: &PushedImage, key: &str, format: SignatureFormat, referrers: ReferrersBy) {
        let format = match format {
            SignatureFormat::Jws => "jws",
            SignatureFormat::Cose => "cose",
        };
        let force_tag = referrers == ReferrersBy::TagSchema;
        let mut command = Command::new(part("notation"));
        if let Some(password) = &self.password {
            command.env("NOTATION_USERNAME", REAL_USER).env("NOTATION_PASSWORD", password);
        }
        let output = command
            .args(["sign", "--insecure-registry", "--key", key, "--signature-format", format])
            .arg(format!("--force-referrers-tag={force_tag}"))
            .arg(image.by_digest())
            .env("NOTATION_CONFIG", self.config.path())
            .env("NOTATION_CACHE", self.config.path().join("cache"))
            .stdin(Stdio::null())
            .output()
            .expect("notation runs");
        assert!(output.status.success(), "notation sign: {}", String::from_utf8_lossy(&output.stderr));
    }
}
