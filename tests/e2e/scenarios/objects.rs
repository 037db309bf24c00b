//! Everything that brings an image in: init and ephemeral containers, and whatever makes Pods.

use serde_json::{Value, json};

use crate::objects::{WORKLOADS, workload, workload_path};
use crate::samples::TEMPLATES;
use crate::support::cluster::pod;
use crate::support::configuration::aks_shaped;
use crate::wait::PATIENCE;
use crate::world::{VERIFICATION, World};

/// `kubectl debug` adds an ephemeral container to a Pod that runs: refused where its image is unsigned.
pub async fn ephemeral_containers(world: &mut World) {
    world.images.signed("debug/app", &world.signer);
    world.images.signed("debug/signed", &world.signer);
    world.images.unsigned("debug/unsigned");
    world.namespace("debug").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["debug"], json!({})).await;
    let app = world.images.by_new_tag("debug/app");
    world.create_pod("debug", "app", &[&app]).await.admitted();
    let debug = |repository: &str, name: &str| {
        let image = format!("--image={}", world.images.by_new_tag(repository));
        let container = format!("--container={name}");
        let arguments = ["debug", "app", "--namespace=debug", "--profile=general", &image, &container];
        world.cluster.kubectl.run(&arguments)
    };

    let said = debug("debug/unsigned", "intruder").failed();
    assert!(said.contains("\"validation.gatekeeper.sh\" denied the request: [signed-images]"), "{said}");
    assert!(said.contains("debug/unsigned") && said.contains("NO_SIGNATURE"), "{said}");
    debug("debug/signed", "debugger").ok();
    let containers = world.api().get("/api/v1/namespaces/debug/pods/app").await.admitted().body;
    let containers = containers["spec"]["ephemeralContainers"].as_array().cloned().unwrap_or_default();
    let names: Vec<&Value> = containers.iter().map(|container| &container["name"]).collect();
    assert_eq!(names, ["debugger"]);
}

/// An init container, and an image volume, counts as any other.
pub async fn init_containers_and_image_volumes(world: &mut World) {
    world.images.signed("init/app", &world.signer);
    world.images.unsigned("init/unsigned");
    world.namespace("init").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["init"], json!({})).await;
    let pods = "/api/v1/namespaces/init/pods";
    for (repository, admitted) in [("init/app", true), ("init/unsigned", false)] {
        let app = world.images.by_new_tag("init/app");
        let image = world.images.by_new_tag(repository);
        let mut with_init = pod("init", "app", &[&app]);
        with_init["spec"]["initContainers"] = json!([{"name": "first", "image": image}]);
        let mut with_volume = pod("init", "app", &[&app]);
        with_volume["spec"]["volumes"] = json!([{"name": "data", "image": {"reference": image}}]);
        for object in [with_init, with_volume] {
            let answer = world.try_object(pods, &object).await;
            if admitted {
                answer.admitted();
            } else {
                assert!(answer.denied().contains("[signed-images]"), "{answer}");
                assert!(answer.denied().contains(&format!("{image}: NO_SIGNATURE")), "{answer}");
            }
        }
    }
}

/// Each template's sample constraint covers Pods with all their kinds of containers, and everything that makes Pods.
pub async fn workloads_of_every_template(world: &mut World) {
    world.images.signed("workloads/good", &world.signer);
    world.images.unsigned("workloads/bad");
    let (good, bad) = (world.images.by_new_tag("workloads/good"), world.images.by_new_tag("workloads/bad"));
    let by_digest = world.images.unsigned("workloads/bad");
    let policy = "apiVersion: config.ratify.deislabs.io/v1beta1
kind: Policy
metadata: {name: ratify-policy}
spec: {type: config-policy, parameters: {evidence: all}}
";
    world.trust(policy);
    world.trust(&aks_shaped(&world.signer.root_pem(), true));
    world.status_says("Policy", "ratify-policy", "True", "").await;
    world.verdict_becomes(&good, "verified", PATIENCE).await;
    let signers = json!([{"subject": "CN=signer,O=Hallmark Test,ST=WA,C=US"}]);
    let exemption = json!({"image": bad, "owner": "me", "reason": "a test", "expires": "2199-12-31"});
    for (folder, _) in TEMPLATES {
        // What it wants, what it is given, and how it refuses.
        let (parameters, good, code) = match folder {
            "signer-identity" => (json!({"signers": signers}), &good, "NO_SIGNATURE"),
            "several-signers" => (json!({"signers": signers, "minimum": 1}), &good, "NO_SIGNATURE"),
            "digest-required" => (json!({}), &by_digest, "DIGEST_MISSING"),
            "exemptions" => (json!({"exemptions": [exemption]}), &good, "EXEMPT"),
            _ => (json!({}), &good, "NO_SIGNATURE"),
        };
        let namespace = format!("workloads-{folder}");
        let name = world.sample_that_denies(folder, &namespace, &parameters).await;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        let mut objects = vec![("Pod", pods, pod(&namespace, "app", &["IMAGE"]))];
        let mut with_init = pod(&namespace, "app", &[good]);
        with_init["spec"]["initContainers"] = json!([{"name": "first", "image": "IMAGE"}]);
        objects.push(("init container", objects[0].1.clone(), with_init));
        objects.extend(WORKLOADS.map(|(kind, api, plural)| {
            (kind, workload_path(api, plural, &namespace), workload(kind, api, &namespace, "app", "IMAGE"))
        }));
        for (kind, path, object) in objects {
            let of = |image: &str| -> Value {
                serde_json::from_str(&object.to_string().replace("IMAGE", image)).expect("JSON")
            };
            let answer = world.try_object(&path, &of(&bad)).await;
            let said = answer.denied();
            assert!(said.contains(&format!("[{name}] {bad}: {code}")), "{folder} {kind}: {said}");
            world.try_object(&path, &of(good)).await.admitted();
        }
        world.create_pod(&namespace, "runs", &[good]).await.admitted();
        let debugged = format!("/api/v1/namespaces/{namespace}/pods/runs/ephemeralcontainers?dryRun=All");
        let with =
            |image: &str| json!({"spec": {"ephemeralContainers": [{"name": "debugger", "image": image}]}});
        let answer = world.api().merge(&debugged, &with(&bad)).await;
        let said = answer.denied();
        assert!(said.contains(&format!("[{name}] {bad}: {code}")), "{folder} ephemeral container: {said}");
        world.api().merge(&debugged, &with(good)).await.admitted();
    }
}
