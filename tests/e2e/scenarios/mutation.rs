//! Tags pinned to digests by Gatekeeper's mutation, with the chart's Assign objects.

use serde_json::{Value, json};

use crate::chart;
use crate::wait::{PATIENCE, until};
use crate::world::World;

pub async fn mutation_of_pods(world: &mut World) {
    mutate(world, &[]).await;
    world.namespace("mutation").await;
    let by_digest = world.images.signed("mutation/app", &world.signer);
    let by_tag = world.images.tag("mutation/app", "v1");
    let digest = by_digest.split_once('@').expect("a digest").1;
    let pinned = format!("{by_tag}@{digest}");

    let answer = world.create_pod("mutation", "tag", &[&by_tag]).await.admitted();
    assert_eq!(answer.body["spec"]["containers"][0]["image"], *pinned);
    // What is pinned stays as it is.
    for image in [&pinned, &by_digest] {
        world.api().delete("/api/v1/namespaces/mutation/pods/again").await;
        let answer = world.create_pod("mutation", "again", &[image]).await.admitted();
        assert_eq!(answer.body["spec"]["containers"][0]["image"], **image);
    }
    // What cannot be resolved is refused, in the words of the provider.
    let missing = format!("{}/mutation/missing:v1", world.images.registry.host());
    let answer = world.create_pod("mutation", "missing", &[&missing]).await;
    assert!(answer.denied().contains("mutation.gatekeeper.sh"), "{answer}");
    assert!(answer.denied().contains(&missing), "{answer}");
    // Workloads are left to Git unless chosen.
    let answer = create_deployment(world, "left", &by_tag).await;
    assert_eq!(answer["spec"]["template"]["spec"]["containers"][0]["image"], *by_tag);
}

pub async fn mutation_of_workloads(world: &mut World) {
    mutate(world, &["mutation.workloads=true".to_owned()]).await;
    world.namespace("mutation").await;
    let by_digest = world.images.signed("mutation/workload", &world.signer);
    let by_tag = world.images.tag("mutation/workload", "v1");
    let digest = by_digest.split_once('@').expect("a digest").1;
    let answer = create_deployment(world, "pinned", &by_tag).await;
    assert_eq!(answer["spec"]["template"]["spec"]["containers"][0]["image"], *format!("{by_tag}@{digest}"));
}

/// Applies the chart's Assign objects and waits until Gatekeeper enforces them.
async fn mutate(world: &World, set: &[String]) {
    let set: Vec<String> = [&["mutation.enabled=true".to_owned()], set].concat();
    let objects = chart::render(&chart::project("tests/e2e/values.yaml"), &set);
    let assigns: Vec<Value> = objects.into_iter().filter(|object| object["kind"] == "Assign").collect();
    assert!(!assigns.is_empty(), "the chart makes no Assign");
    chart::apply(&world.cluster, &assigns);
    for assign in &assigns {
        let name = assign["metadata"]["name"].as_str().expect("name");
        let path = format!("/apis/mutations.gatekeeper.sh/v1/assign/{name}");
        until(&format!("{name} is enforced"), PATIENCE, || async {
            let answer = world.api().get(&path).await;
            let status = &answer.body["status"]["byPod"][0];
            let current = status["observedGeneration"] == answer.body["metadata"]["generation"];
            if status["enforced"] == true && current { Ok(()) } else { Err(answer) }
        })
        .await;
    }
}

async fn create_deployment(world: &World, name: &str, image: &str) -> Value {
    let path = "/apis/apps/v1/namespaces/mutation/deployments?dryRun=All";
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "mutation"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": image}]},
            },
        },
    });
    world.api().create(path, &object).await.admitted().body
}
