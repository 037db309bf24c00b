//! The cluster with everything in it, and what scenarios do there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::cluster::Cluster;
use crate::gatekeeper::{Gatekeeper, RESPONSE_CACHE, WEBHOOK_SAN, Webhooks};
use crate::hallmark_process::Hallmark;
use crate::images::Images;
use crate::process::Processes;
use crate::service::Service;
use crate::stand_in::StandIn;
use crate::support::configuration::aks_shaped;
use crate::support::signer::{KeyKind, TestSigner};
use crate::wait::{PATIENCE, until};

/// The template that most scenarios use.
pub const VERIFICATION: &str = "HallmarkImageVerification";

pub struct World {
    pub processes: Processes,
    pub folder: PathBuf,
    pub cluster: Cluster,
    pub gatekeeper: Gatekeeper,
    pub images: Images,
    pub service: Service,
    pub hallmark: Hallmark,
    /// Whom the cluster trusts.
    pub signer: TestSigner,
    webhooks_changed: bool,
}

impl World {
    pub async fn start(folder: &Path) -> Self {
        let processes = Processes::new(&folder.join("logs"));
        let images = Images::start().await;
        let service = Service::start().await;
        let signer = TestSigner::new(KeyKind::P256);
        let cluster = Cluster::start(&processes, folder).await;
        println!("e2e: kube-apiserver is ready");
        let gatekeeper = Gatekeeper::start(&processes, folder, &cluster).await;
        println!("e2e: Gatekeeper is ready");
        let hallmark =
            Hallmark::start(&processes, "hallmark", &arguments(folder, &gatekeeper, &signer)).await;
        hallmark.ready().await;
        service.set(&[hallmark.address()]);
        let mut world = Self {
            processes,
            folder: folder.to_owned(),
            cluster,
            gatekeeper,
            images,
            service,
            hallmark,
            signer,
            webhooks_changed: false,
        };
        world.install().await;
        world
    }

    /// What an operator applies once: Provider objects and templates.
    async fn install(&mut self) {
        self.use_hallmark().await;
        self.template("image-verification", VERIFICATION).await;
    }

    pub fn api(&self) -> &Api {
        &self.cluster.api
    }

    /// Puts a stand-in in Hallmark's place, with a Provider timeout in seconds, until [`Self::use_hallmark`].
    pub async fn use_stand_in(&self, stand_in: &StandIn, timeout: u32) {
        let url = format!("https://{}/verify", stand_in.address());
        self.provider("hallmark", &url, stand_in.ca.as_bytes(), timeout).await;
    }

    /// The Provider objects as they were.
    pub async fn use_hallmark(&self) {
        let ca = std::fs::read(self.folder.join("hallmark/ca.crt")).expect("CA");
        self.provider("hallmark", &format!("https://{}/verify", self.service.address()), &ca, 3).await;
    }

    /// Makes a Provider object and waits until Gatekeeper knows it.
    async fn provider(&self, name: &str, url: &str, ca: &[u8], timeout: u32) {
        let object = json!({
            "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
            "kind": "Provider",
            "metadata": {"name": name},
            "spec": {"url": url, "timeout": timeout, "caBundle": STANDARD.encode(ca)},
        });
        let path = format!("/apis/externaldata.gatekeeper.sh/v1beta1/providers/{name}");
        let generation =
            self.api().apply(&path, &object).await.admitted().body["metadata"]["generation"].clone();
        until(&format!("Gatekeeper knows Provider {name}"), PATIENCE, || async {
            let provider = self.api().get(&path).await;
            let status = &provider.body["status"]["byPod"][0];
            if status["active"] == true && status["observedGeneration"] == generation {
                Ok(())
            } else {
                Err(provider)
            }
        })
        .await;
    }

    /// Applies a template of the project and waits for the kind of its constraints.
    pub async fn template(&self, folder: &str, kind: &str) {
        self.template_text(&self.template_source(folder), kind).await;
    }

    /// The text of a template of the project.
    pub fn template_source(&self, folder: &str) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(folder).join("template.yaml");
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// As [`Self::template`], of any text.
    pub async fn template_text(&self, text: &str, kind: &str) {
        self.cluster.kubectl.apply(text).ok();
        let path = format!("/apis/constraints.gatekeeper.sh/v1beta1/{}", kind.to_lowercase());
        until(&format!("constraints of kind {kind} are served"), PATIENCE, || async {
            let answer = self.api().get(&path).await;
            if answer.is_success() { Ok(()) } else { Err(answer) }
        })
        .await;
    }

    /// Starts a further replica.
    pub async fn replica(&self, name: &str) -> Hallmark {
        Hallmark::start(&self.processes, name, &arguments(&self.folder, &self.gatekeeper, &self.signer)).await
    }

    /// Makes a namespace unless it is there.
    pub async fn namespace(&self, name: &str) {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let answer = self.api().create("/api/v1/namespaces", &object).await;
        assert!(answer.is_success() || answer.status == 409, "{answer}");
    }

    /// Applies a constraint for Pods of some namespaces and waits until it is enforced.
    pub async fn constraint(
        &self,
        kind: &str,
        name: &str,
        action: &str,
        namespaces: &[&str],
        parameters: Value,
    ) {
        let constraint = constraint(kind, name, action, namespaces, parameters);
        self.cluster.kubectl.apply(&constraint.to_string()).ok();
        self.enforced(kind, name).await;
    }

    /// Waits until Gatekeeper enforces a constraint as it is now.
    pub async fn enforced(&self, kind: &str, name: &str) {
        let path = constraint_path(kind, name);
        until(&format!("constraint {kind}/{name} is enforced"), PATIENCE, || async {
            let answer = self.api().get(&path).await;
            let status = &answer.body["status"]["byPod"][0];
            let current = status["observedGeneration"] == answer.body["metadata"]["generation"];
            if status["enforced"] == true && current { Ok(()) } else { Err(answer) }
        })
        .await;
    }

    /// Creates a Pod as its author does, without `kubectl`.
    pub async fn create_pod(&self, namespace: &str, name: &str, images: &[&str]) -> Answer {
        self.api()
            .create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod(namespace, name, images))
            .await
    }

    /// Waits for an audit that begins after now, and gives the constraint's status.
    pub async fn audited(&self, kind: &str, name: &str) -> Value {
        let id = self.gatekeeper.next_audit().await;
        let path = constraint_path(kind, name);
        until("the constraint's status after the audit", PATIENCE, || async {
            let answer = self.api().get(&path).await;
            match answer.body["status"]["auditTimestamp"].as_str() {
                Some(timestamp) if timestamp >= id.as_str() => Ok(answer.body["status"].clone()),
                _ => Err(answer),
            }
        })
        .await
    }

    /// Waits until Gatekeeper has forgotten what it was answered before now. Nothing tells when that is.
    pub async fn response_cache_ended(&self) {
        tokio::time::sleep(RESPONSE_CACHE + Duration::from_secs(1)).await;
    }

    /// Registers Gatekeeper's webhooks with other values until the scenario ends.
    pub fn webhooks(&mut self, webhooks: Webhooks) {
        self.webhooks_changed = true;
        self.gatekeeper.register(&self.cluster, webhooks);
    }

    /// Takes away what a scenario left.
    pub async fn reset(&mut self) {
        self.images.registry.release();
        self.images.registry.clear_faults();
        self.service.set(&[self.hallmark.address()]);
        if std::mem::take(&mut self.webhooks_changed) {
            self.gatekeeper.register(&self.cluster, Webhooks::default());
        }
        let kinds = self.api().get("/apis/constraints.gatekeeper.sh/v1beta1").await.body;
        for resource in kinds["resources"].as_array().into_iter().flatten() {
            let name = resource["name"].as_str().expect("name");
            if !name.contains('/') {
                self.api()
                    .delete(&format!("/apis/constraints.gatekeeper.sh/v1beta1/{name}"))
                    .await
                    .admitted();
            }
        }
        let pods = self.api().get("/api/v1/pods?limit=2000").await.body;
        let namespaces = pods["items"].as_array().into_iter().flatten();
        let namespaces: std::collections::BTreeSet<&str> =
            namespaces.filter_map(|pod| pod["metadata"]["namespace"].as_str()).collect();
        for namespace in namespaces {
            self.api().delete(&format!("/api/v1/namespaces/{namespace}/pods")).await.admitted();
        }
    }
}

/// The arguments of a replica with a configuration from a file that trusts `signer`.
fn arguments(folder: &Path, gatekeeper: &Gatekeeper, signer: &TestSigner) -> Vec<String> {
    let state = folder.join("hallmark");
    std::fs::create_dir_all(&state).expect("folder");
    let path = |name: &str| state.join(name).display().to_string();
    std::fs::write(path("configuration.yaml"), aks_shaped(&signer.root_pem(), true)).expect("configuration");
    std::fs::write(path("gatekeeper-ca.pem"), gatekeeper.ca()).expect("CA");
    let arguments = [
        ("--config", path("configuration.yaml")),
        ("--state-dir", state.display().to_string()),
        ("--client-ca", path("gatekeeper-ca.pem")),
        ("--client-san", WEBHOOK_SAN.to_owned()),
    ];
    arguments.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
}

/// A constraint for Pods of some namespaces.
pub fn constraint(kind: &str, name: &str, action: &str, namespaces: &[&str], parameters: Value) -> Value {
    json!({
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "enforcementAction": action,
            "match": {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}], "namespaces": namespaces},
            "parameters": parameters,
        },
    })
}

pub fn constraint_path(kind: &str, name: &str) -> String {
    format!("/apis/constraints.gatekeeper.sh/v1beta1/{}/{name}", kind.to_lowercase())
}

/// A Pod with a container for each image.
pub fn pod(namespace: &str, name: &str, images: &[&str]) -> Value {
    let containers: Vec<Value> = images
        .iter()
        .enumerate()
        .map(|(number, image)| json!({"name": format!("c{number}"), "image": image}))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": containers},
    })
}
