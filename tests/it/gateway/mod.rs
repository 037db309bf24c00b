//! What is between Gatekeeper and this provider in a cluster, against a real API server: definitions,
//! Provider objects, certificates.

mod authority;
mod clients;
mod definitions;
mod issued;

mod providers;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::cluster::{Cluster, until};
use crate::support::parts::part;
use crate::support::program::{Served, run};

const PROVIDER: &str = "providers.externaldata.gatekeeper.sh/hallmark";

/// A cluster with Hallmark's definitions, its namespace, and the role that owns Provider objects.
async fn cluster() -> Cluster {
    let cluster = Cluster::start().await;
    let definitions = run(&["crds"]).stdout;
    cluster.ok(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &definitions);
    cluster.ok(&["create", "namespace", "hallmark-system"], "");
    cluster.ok(&["create", "clusterrole", "hallmark", "--verb=get", "--resource=pods"], "");
    cluster
}

/// Installs Gatekeeper's kind Provider.
fn install_providers(cluster: &Cluster) {
    let file = part("gatekeeper-chart/crds/provider-customresourcedefinition.yaml");
    cluster.ok(&["apply", "--server-side", "-f", file.to_str().expect("path")], "");
    cluster.ok(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], "");
}

/// A file of settings: Provider objects of these names, and whether others' are taken over.
fn settings(folder: &tempfile::TempDir, names: &[&str], adopt: bool) -> PathBuf {
    let provider = |name: &&str| json!({"name": name, "path": "/verify", "timeout_seconds": 3});
    let settings = json!({"gatekeeper": {
        "url": "https://hallmark.hallmark-system:6001",
        "owner": "hallmark",
        "adopt": adopt,
        "providers": names.iter().map(provider).collect::<Vec<_>>(),
    }});
    let path = folder.path().join(format!("settings-{}-{adopt}.yaml", names.len()));
    std::fs::write(&path, settings.to_string()).expect("settings");
    path
}

/// Starts Hallmark with these settings, and more arguments.
fn served(cluster: &Cluster, settings: &Path, arguments: &[&str]) -> Served {
    let mut all = vec!["--settings", settings.to_str().expect("path")];
    all.extend(arguments);
    Served::start_in_cluster(&cluster.kubeconfig(), &all)
}

/// Waits until an object of the cluster is as `wanted` says.
async fn object(
    cluster: &Cluster,
    name: &str,
    namespace: Option<&str>,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    until(name, || async {
        let object = cluster.get(name, namespace)?;
        if wanted(&object) { Ok(object) } else { Err(object.to_string()) }
    })
    .await
}

/// The certificates of a Provider object, PEM.
fn bundle(provider: &Value) -> String {
    let text = provider["spec"]["caBundle"].as_str().expect("a bundle");
    String::from_utf8(STANDARD.decode(text).expect("base64")).expect("PEM")
}

/// Whether a client that trusts `bundle` is answered; `identity` is its certificate and key, PEM.
async fn answers(served: &Served, bundle: &str, identity: Option<&str>) -> Result<(), String> {
    let authorities = reqwest::Certificate::from_pem_bundle(bundle.as_bytes()).expect("PEM");
    let mut client = reqwest::Client::builder().tls_certs_only(authorities).no_proxy();
    if let Some(identity) = identity {
        client = client.identity(reqwest::Identity::from_pem(identity.as_bytes()).expect("identity"));
    }
    let url = format!("https://{}/verify", served.address());
    let answer = client.build().expect("client").get(url).send().await;
    answer.map(drop).map_err(|error| format!("{error:?}"))
}

/// A metric with its labels, as the exposition writes it.
async fn metric(served: &Served, series: &str) -> Option<String> {
    let (_, text) = served.health("/metrics").await;
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned))
}
