//! Life in a cluster: a real API server, and the program as its service account would run it.

mod executors;
mod outage;
mod resources;
mod secrets;
mod status;

use serde_json::Value;

use crate::support::cluster::{Cluster, until};
use crate::support::program::{Served, run};

/// A cluster with Hallmark's definitions and its namespace.
async fn cluster() -> Cluster {
    let cluster = Cluster::start().await;
    let definitions = run(&["crds"]).stdout;
    cluster.ok(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &definitions);
    cluster.ok(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], "");
    cluster.ok(&["create", "namespace", "hallmark-system"], "");
    cluster
}

/// Waits until it is ready.
async fn ready(served: &Served) {
    until("ready", || async {
        let (status, text) = served.health("/readyz").await;
        if status == 200 { Ok(()) } else { Err(text) }
    })
    .await;
}

/// Waits for the verdict about an image.
async fn verdict(served: &Served, image: &str, wanted: &str) {
    until(wanted, || async {
        let value = served.verify(image).await;
        if value["verdict"] == wanted { Ok(()) } else { Err(value.to_string()) }
    })
    .await;
}

/// The value of a metric without labels.
async fn metric(served: &Served, name: &str) -> u64 {
    let (_, text) = served.health("/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().expect("a number")
}

/// Waits until the status of an object, `KIND.GROUP/NAME`, is as `wanted` says, and gives the object.
async fn status(
    cluster: &Cluster,
    object: &str,
    namespace: Option<&str>,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    until(object, || async {
        let object = cluster.get(object, namespace)?;
        if wanted(&object["status"]) { Ok(object) } else { Err(object["status"].to_string()) }
    })
    .await
}

const VERIFIER: &str = "verifiers.config.ratify.deislabs.io/verifier-notation";
