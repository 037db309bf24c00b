//! The cluster with everything in it, and what scenarios do there.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::chart;
use crate::cluster::Cluster;
use crate::gatekeeper::{Gatekeeper, RESPONSE_CACHE, Webhooks};
use crate::hallmark_process::Hallmark;
use crate::helm::Helm;
use crate::images::Images;
use crate::service::Service;
use crate::stand_in::StandIn;
use crate::support::cluster::{mount, pod};
use crate::support::configuration::aks_shaped;
use crate::support::parts::RealRegistry;
use crate::support::pki::Pair;
use crate::support::process::Processes;
use crate::support::signer::{KeyKind, TestSigner};
use crate::wait::{PATIENCE, until};

/// The Provider objects that the chart asks Hallmark for.
pub const PROVIDERS: [&str; 6] = [
    "hallmark",
    "hallmark-mutation",
    "ratify-provider",
    "ratify-mutation-provider",
    "ratify-gatekeeper-provider",
    "ratify-gatekeeper-mutation-provider",
];

/// A copied template.
pub struct Copied {
    pub kind: String,
    /// Whether it asks a provider at all.
    pub asks: bool,
}

/// The template that most scenarios use.
pub const VERIFICATION: &str = "HallmarkImageVerification";

pub struct World {
    pub processes: Processes,
    pub folder: PathBuf,
    pub cluster: Cluster,
    pub gatekeeper: Gatekeeper,
    pub images: Images,
    /// A real registry, to which people push; what runs as a person calls it `localhost`.
    pub registry: RealRegistry,
    pub service: Service,
    pub helm: Helm,
    pub hallmark: Hallmark,
    /// Whom the cluster trusts.
    pub signer: TestSigner,
    kubeconfig: PathBuf,
    ca_bundle: Mutex<String>,
    webhooks_changed: bool,
}

impl World {
    pub async fn start(folder: &Path) -> Self {
        let processes = Processes::new(&folder.join("logs"));
        let images = Images::start().await;
        let registry = RealRegistry::with_referrers_api();
        let service = Service::start().await;
        let signer = TestSigner::new(KeyKind::P256);
        let cluster = Cluster::start(&processes, folder).await;
        println!("e2e: kube-apiserver is ready");
        let gatekeeper = Gatekeeper::start(&processes, folder, &cluster).await;
        println!("e2e: Gatekeeper is ready");
        let helm =
            Helm::new(&cluster.kubeconfig(), &folder.join("helm"), &values(&service, &images, &registry));
        helm.install().ok();
        let kubeconfig = installed(&cluster, folder);
        cluster.kubectl.apply(&aks_shaped(&signer.root_pem(), true)).ok();
        let hallmark = start_replica(&processes, folder, &kubeconfig, "hallmark", &[]).await;
        service.set(&[hallmark.address()]);
        hallmark.ready().await;
        println!("e2e: Hallmark is ready");
        let world = Self {
            processes,
            folder: folder.to_owned(),
            cluster,
            gatekeeper,
            images,
            registry,
            service,
            helm,
            hallmark,
            signer,
            kubeconfig,
            ca_bundle: Mutex::default(),
            webhooks_changed: false,
        };
        for provider in PROVIDERS {
            world.provider_is_known(provider).await;
        }
        world.template("image-verification", VERIFICATION).await;
        world
    }

    /// Starts Hallmark as the chart that is installed now would have it, in the place of the one that ran.
    pub async fn restart(&mut self) {
        self.kubeconfig = installed(&self.cluster, &self.folder);
        self.hallmark = self.replica("hallmark").await;
        self.service.set(&[self.hallmark.address()]);
        self.service.cut();
        self.hallmark.ready().await;
    }

    /// Installs the chart again after it was removed.
    pub async fn install_again(&mut self) {
        self.helm.install().ok();
        self.restart().await;
        for provider in PROVIDERS {
            self.provider_is_known(provider).await;
        }
        self.template("image-verification", VERIFICATION).await;
    }

    pub fn api(&self) -> &Api {
        &self.cluster.api
    }

    /// A copy of a template of the project under another kind, which asks another provider.
    pub async fn template_copy(&self, folder: &str, provider: &str) -> Copied {
        let text = self.template_source(folder);
        let template: Value = serde_saphyr::from_str(&text).expect("YAML");
        let kind = template["spec"]["crd"]["spec"]["names"]["kind"].as_str().expect("kind");
        let copy = kind.replace("Hallmark", "Copied");
        let asks = text.contains("provider := \"hallmark\"");
        let text = text
            .replace(kind, &copy)
            .replace(&kind.to_lowercase(), &copy.to_lowercase())
            .replace("provider := \"hallmark\"", &format!("provider := \"{provider}\""));
        self.template_text(&text, &copy).await;
        Copied { kind: copy, asks }
    }

    /// Makes a Provider object for a stand-in, with a timeout in seconds, and waits until Gatekeeper knows it.
    pub async fn stand_in(&self, name: &str, stand_in: &StandIn, timeout: u32) {
        let object = json!({
            "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
            "kind": "Provider",
            "metadata": {"name": name},
            "spec": {
                "url": format!("https://{}/verify", stand_in.address()),
                "timeout": timeout,
                "caBundle": STANDARD.encode(&stand_in.ca),
            },
        });
        self.api().apply(&provider_path(name), &object).await.admitted();
        self.provider_is_known(name).await;
    }

    /// Waits until Gatekeeper knows a Provider object as it is now.
    pub async fn provider_is_known(&self, name: &str) {
        until(&format!("Gatekeeper knows Provider {name}"), PATIENCE, || async {
            let provider = self.api().get(&provider_path(name)).await;
            let status = &provider.body["status"]["byPod"][0];
            let current = status["observedGeneration"] == provider.body["metadata"]["generation"];
            if status["active"] == true && current { Ok(()) } else { Err(provider) }
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

    /// `helm upgrade` with these further values. Replicas that run are left as they are.
    pub fn upgrade(&mut self, set: &[String]) {
        self.helm.upgrade(set).ok();
        self.kubeconfig = installed(&self.cluster, &self.folder);
    }

    /// What the kubelet does for a replica of this name when the Secret of its serving certificate changes.
    pub fn mount_certificate(&self, replica: &str, pair: &Pair) {
        let files = [("tls.crt", pair.certificate.as_str()), ("tls.key", &pair.key)];
        mount(&self.folder.join(replica).join("tls"), &files);
    }

    /// Starts a further replica.
    pub async fn replica(&self, name: &str) -> Hallmark {
        start_replica(&self.processes, &self.folder, &self.kubeconfig, name, &[]).await
    }

    /// Starts one that reaches the API server by another port, and logs what its watches do.
    pub async fn far_replica(&self, name: &str, port: u16) -> Hallmark {
        let kubeconfig = self.cluster.kubeconfig_through(port, chart::NAMESPACE, chart::RELEASE);
        let talkative = ["--log-level", "info,hallmark::controller=debug"];
        start_replica(&self.processes, &self.folder, &kubeconfig, name, &talkative).await
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

    /// Asks Hallmark as Gatekeeper does, without Gatekeeper's cache: the value for one key, or the whole answer
    /// where there is none.
    pub async fn verdict(&self, key: &str) -> Value {
        self.verdict_for(&self.gatekeeper.identity(), key).await
    }

    /// The same, for a client with this certificate and key, PEM.
    pub async fn verdict_for(&self, identity: &str, key: &str) -> Value {
        let ca = STANDARD.decode(self.ca_bundle("hallmark").await).expect("base64");
        let client = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca).expect("CA"))
            .identity(reqwest::Identity::from_pem(identity.as_bytes()).expect("pair"))
            .no_proxy()
            .build()
            .expect("client");
        let body = json!({
            "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
            "kind": "ProviderRequest",
            "request": {"keys": [key]},
        });
        let url = format!("https://{}/verify", self.service.address());
        let response = match client.post(url).body(body.to_string()).send().await {
            Ok(response) => response,
            Err(error) => return json!(format!("{error:?}")),
        };
        let bytes = hallmark::transport::read_bounded(response, 1 << 20).await.expect("a body");
        let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
        answer["response"]["items"].get(0).map_or(answer.clone(), |item| item["value"].clone())
    }

    /// Waits until Hallmark's verdict about a key is another.
    pub async fn verdict_becomes(&self, key: &str, verdict: &str, limit: Duration) {
        until(&format!("{key} becomes {verdict}"), limit, || async {
            let value = self.verdict(key).await;
            if value["verdict"] == verdict { Ok(()) } else { Err(value) }
        })
        .await;
    }

    /// What Gatekeeper trusts a provider by: base64 of PEM. It is remembered for when the API server is away.
    pub async fn ca_bundle(&self, provider: &str) -> String {
        let answer = self.api().get(&provider_path(provider)).await;
        let mut known = self.ca_bundle.lock().expect("bundle");
        if let Some(bundle) = answer.body["spec"]["caBundle"].as_str() {
            *known = bundle.to_owned();
        }
        known.clone()
    }

    /// Waits until the condition Ready of a resource of the cluster is as it should be, and a condition has these
    /// words.
    pub async fn status_says(&self, kind: &str, name: &str, ready: &str, words: &str) {
        self.status_at(kind, name, ready, words).await;
    }

    /// As [`Self::status_says`], for a resource of a namespace.
    pub async fn status_says_in(&self, kind: &str, namespace: &str, name: &str, ready: &str, words: &str) {
        self.status_at(kind, &format!("{namespace}/{name}"), ready, words).await;
    }

    async fn status_at(&self, kind: &str, name: &str, ready: &str, words: &str) {
        until(&format!("the status of {kind} {name} says {ready} {words}"), PATIENCE, || async {
            let answer = self.api().get(&resource_path(kind, name)).await;
            let status = &answer.body["status"];
            let current = status["observedGeneration"] == answer.body["metadata"]["generation"];
            let conditions: Vec<&Value> = status["conditions"].as_array().into_iter().flatten().collect();
            let is = conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == ready)
                && conditions
                    .iter()
                    .any(|it| it["message"].as_str().is_some_and(|said| said.contains(words)));
            let success = if kind.ends_with("Executor") { "succeeded" } else { "issuccess" };
            let success = status[success] == (ready == "True");
            if current && is && success { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
    }

    /// A metric of Hallmark's without labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let (_, metrics) = self.hallmark.health("/metrics").await;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {metrics}"))
    }

    /// Waits until a metric is above a value.
    pub async fn metric_passes(&self, name: &str, value: f64) {
        until(&format!("{name} passes {value}"), PATIENCE, || async {
            let now = self.metric(name).await;
            if now > value { Ok(()) } else { Err(now) }
        })
        .await;
    }

    /// Applies resources that say what to trust, with `kubectl apply`.
    pub fn trust(&self, text: &str) {
        self.cluster.kubectl.apply(text).ok();
    }

    /// What a scenario added to it is deleted, and what it changed or deleted is applied anew.
    async fn trust_as_before(&self) {
        let kept = ["certstore-inline", "store-oras", "verifier-notary-inline"];
        for group in ["config.ratify.deislabs.io/v1beta1", "config.ratify.sh/v2alpha1"] {
            let resources = self.api().get(&format!("/apis/{group}")).await.body;
            for resource in resources["resources"].as_array().into_iter().flatten() {
                let plural = resource["name"].as_str().expect("name");
                if plural.contains('/') {
                    continue;
                }
                let objects = self.api().get(&format!("/apis/{group}/{plural}")).await.body;
                for object in objects["items"].as_array().into_iter().flatten() {
                    let metadata = &object["metadata"];
                    let name = metadata["name"].as_str().expect("name");
                    let path = match metadata["namespace"].as_str() {
                        Some(namespace) => format!("/apis/{group}/namespaces/{namespace}/{plural}/{name}"),
                        None if kept.contains(&name) => continue,
                        None => format!("/apis/{group}/{plural}/{name}"),
                    };
                    self.api().delete(&path).await.admitted();
                }
            }
        }
        self.trust(&aks_shaped(&self.signer.root_pem(), true));
        let image = self.images.signed("trusted/app", &self.signer);
        self.verdict_becomes(&image, "verified", PATIENCE).await;
    }

    /// Takes away what a scenario left.
    pub async fn reset(&mut self) {
        self.images.registry.release();
        self.images.registry.clear_faults();
        self.service.set(&[self.hallmark.address()]);
        self.trust_as_before().await;
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
        self.api().delete("/apis/mutations.gatekeeper.sh/v1/assign").await.admitted();
        let pods = self.api().get("/api/v1/pods?limit=2000").await.body;
        let namespaces = pods["items"].as_array().into_iter().flatten();
        let namespaces: std::collections::BTreeSet<&str> =
            namespaces.filter_map(|pod| pod["metadata"]["namespace"].as_str()).collect();
        for namespace in namespaces {
            self.api().delete(&format!("/api/v1/namespaces/{namespace}/pods")).await.admitted();
        }
    }
}

/// The chart's values that depend on ports. The registry of the tests is asked over plain HTTP by every Store.
fn values(service: &Service, images: &Images, registry: &RealRegistry) -> Vec<String> {
    let localhost = registry.host().replace("127.0.0.1", "localhost");
    vec![
        format!("server.url=https://{}", service.address()),
        format!("settings.registry.plain_http_hosts={{{},{localhost}}}", images.registry.host()),
    ]
}

/// What the kubelet hands to a Pod of the chart: its settings and who it is.
fn installed(cluster: &Cluster, folder: &Path) -> PathBuf {
    std::fs::write(folder.join("settings.yaml"), chart::settings(cluster)).expect("settings");
    cluster.kubeconfig_of(chart::NAMESPACE, chart::RELEASE)
}

/// A replica as the chart configures it, on loopback and with a state folder and mounts of its own.
async fn start_replica(
    processes: &Processes,
    folder: &Path,
    kubeconfig: &Path,
    name: &str,
    further: &[&str],
) -> Hallmark {
    let state = folder.join(name);
    std::fs::create_dir_all(&state).expect("folder");
    let settings = std::fs::read_to_string(folder.join("settings.yaml")).expect("settings");
    let mount = state.join("tls").display().to_string();
    let file = state.join("settings.yaml");
    std::fs::write(&file, settings.replace(chart::CERTIFICATE_MOUNT, &mount)).expect("settings");
    let arguments = [("--settings", file), ("--state-dir", state)];
    let arguments =
        arguments.into_iter().flat_map(|(flag, path)| [flag.to_owned(), path.display().to_string()]);
    let arguments = arguments.chain(further.iter().map(|&argument| argument.to_owned()));
    Hallmark::start(processes, name, kubeconfig, &arguments.collect::<Vec<_>>()).await
}

/// Where a resource of Ratify's is; `name` is NAMESPACE/NAME for one of a namespace.
pub fn resource_path(kind: &str, name: &str) -> String {
    let group = if kind.ends_with("Executor") {
        "config.ratify.sh/v2alpha1"
    } else {
        "config.ratify.deislabs.io/v1beta1"
    };
    let lower = kind.to_lowercase();
    let plural =
        lower.strip_suffix("policy").map_or_else(|| format!("{lower}s"), |stem| format!("{stem}policies"));
    match name.split_once('/') {
        Some((namespace, name)) => format!("/apis/{group}/namespaces/{namespace}/{plural}/{name}"),
        None => format!("/apis/{group}/{plural}/{name}"),
    }
}

pub fn provider_path(name: &str) -> String {
    format!("/apis/externaldata.gatekeeper.sh/v1beta1/providers/{name}")
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
