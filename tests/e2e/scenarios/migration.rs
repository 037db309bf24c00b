//! The guide for moving from Ratify, typed in as it is written, in a cluster where Ratify runs: its Deployment, its
//! Provider object, the resources that its chart makes, and somebody who answers in its place.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::guides::{NotHere, Skipped, install_again, uninstall};
use super::ratify_templates::TEMPLATES;
use crate::api::Answer;
use crate::chart::project;
use crate::guide::{Block, Shell, blocks};
use crate::objects::workload;
use crate::samples::sample;
use crate::stand_in::{Answering, StandIn};
use crate::support::configuration::aks_shaped;
use crate::support::parts::{Notation, ReferrersBy, SignatureFormat};
use crate::wait::{PATIENCE, until};
use crate::world::{VERIFICATION, World};

/// What Ratify's chart calls the first of `notationCerts`.
const ANCHOR: &str = "ratify-notation-inline-cert-0";

pub async fn moving_from_ratify(world: &mut World) {
    uninstall(world);
    let moved = AssertUnwindSafe(migrate(world)).catch_unwind().await;
    world.cluster.kubectl.run(&["delete", "deployment", "ratify", "--namespace=gatekeeper-system"]).ok();
    install_again(world, moved).await;
}

async fn migrate(world: &mut World) {
    const NOT_HERE: [NotHere; 2] = [
        ("helm uninstall ratify", "Ratify's chart is not here"),
        ("helm upgrade --atomic", "the name of a flag in a sentence"),
    ];
    let registry = world.registry.host().replace("127.0.0.1", "localhost");
    let shell = Shell::new(world, "migration", &registry);
    let ratify = StandIn::start().await;
    ratify_runs(world, &ratify, &registry).await;
    let values = std::fs::read_to_string(project("tests/it/chart/values/ratify-v1.yaml")).expect("values");
    shell.save("the-values-you-give-ratify.yaml", &values);
    let mut not_here = Skipped::new(&NOT_HERE);
    for block in blocks("migrating-from-ratify.md") {
        let Block::Command(command) = block else { panic!("the page has nothing but commands: {block:?}") };
        let command = command.replace("registry.example", &registry);
        if not_here.skips(&command) {
            continue;
        }
        let is = |start: &str| command.starts_with(start);
        if is("kubectl --namespace gatekeeper-system scale deployment ratify") {
            compare(world).await;
        }
        println!("  $ {command}");
        let said = shell.run(&command).ok();
        if is("hallmark config check") {
            assert!(said.contains("verifier-notation") && said.contains(ANCHOR), "{said}");
        } else if is("hallmark verify") {
            assert!(said.contains("verified"), "{said}");
        } else if is("helm template") {
            assert!(said.contains("kind: Deployment"), "{said}");
        } else if is("helm install") {
            world.restart().await;
        } else if is("helm upgrade hallmark") {
            world.restart().await;
            provider_is_at(world, world.service.address()).await;
        } else if is("kubectl get provider ratify-provider") {
            assert_eq!(said, format!("https://{}/ratify/gatekeeper/v1/verify", world.service.address()));
            judges(world).await;
        }
    }
    not_here.all_were_met();
    go_back(world, &shell, &ratify).await;
}

/// What is in a cluster with Ratify. Who answers for it admits everything.
async fn ratify_runs(world: &World, ratify: &StandIn, registry: &str) {
    let mut notation = Notation::new();
    notation.add_key("signer", &world.signer);
    let signed = world.registry.push_image("app", "v1", "app").await;
    notation.sign(&signed, "signer", SignatureFormat::Jws, ReferrersBy::Api);
    world.registry.push_image("unsigned", "v1", "unsigned").await;
    let deployment =
        workload("Deployment", "apps/v1", "gatekeeper-system", "ratify", &format!("{registry}/ratify:v1"));
    world.cluster.kubectl.apply(&deployment.to_string()).ok();
    world.trust(
        &aks_shaped(&world.signer.root_pem(), false)
            .replace("certstore-inline", ANCHOR)
            .replace("verifier-notary-inline", "verifier-notation"),
    );
    world.trust(
        "apiVersion: config.ratify.deislabs.io/v1beta1
kind: Policy
metadata: {name: ratify-policy}
spec:
  type: config-policy
  parameters: {artifactVerificationPolicies: {default: all}}
",
    );
    let admit = |keys: &[String]| {
        let value = json!({"version": "1.1.0", "isSuccess": true, "verifierReports": []});
        let items: Vec<Value> = keys.iter().map(|key| json!({"key": key, "value": value})).collect();
        json!({
            "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
            "kind": "ProviderResponse",
            "response": {"idempotent": true, "items": items, "systemError": ""},
        })
        .to_string()
    };
    ratify.answer(Answering::With(200, Box::new(admit)));
    world.stand_in("ratify-provider", ratify, 1).await;
    world.namespace("migration").await;
    world.template_of_ratify(&TEMPLATES[0]).await;
    world.constraint(TEMPLATES[0].kind, "ratify", "deny", &["migration"], json!({})).await;
    assert!(judged(world, "unsigned").await.is_success(), "Ratify admits everything here");
}

/// Both run: Ratify's template asks Ratify, and Hallmark's tells what Hallmark thinks.
async fn compare(world: &World) {
    assert!(judged(world, "unsigned").await.is_success(), "Ratify still decides");
    world.template("image-verification", VERIFICATION).await;
    let mut dryrun = sample("image-verification", "dryrun");
    dryrun["spec"]["match"]["namespaces"] = json!(["migration"]);
    world.cluster.kubectl.apply(&dryrun.to_string()).ok();
    world.enforced(VERIFICATION, "image-verification-dryrun").await;
    for repository in ["app", "unsigned"] {
        world.create_pod("migration", repository, &[&image(world, repository)]).await.admitted();
    }
    let status = world.audited(VERIFICATION, "image-verification-dryrun").await;
    assert_eq!(status["totalViolations"], 1, "{status}");
    assert_eq!(status["violations"][0]["name"], "unsigned", "{status}");
    let said = status["violations"][0]["message"].as_str().expect("text");
    assert!(said.contains("NO_SIGNATURE"), "{status}");
}

/// Ratify's template asks Hallmark once Gatekeeper has forgotten what Ratify answered.
async fn judges(world: &World) {
    until("Ratify's template refuses what is unsigned", PATIENCE, || async {
        let answer = judged(world, "unsigned").await;
        let said = answer.message();
        if said.contains("[ratify]") && said.contains("is not admitted, decided ") {
            Ok(())
        } else {
            Err(answer)
        }
    })
    .await;
    judged(world, "app").await.admitted();
}

async fn judged(world: &World, repository: &str) -> Answer {
    world.try_image("migration", &image(world, repository)).await
}

fn image(world: &World, repository: &str) -> String {
    format!("{}/{repository}:v1", world.registry.host().replace("127.0.0.1", "localhost"))
}

async fn provider_is_at(world: &World, address: &str) {
    world.provider_is_known("ratify-provider").await;
    let arguments = ["get", "provider", "ratify-provider", "--output=jsonpath={.spec.url}"];
    until(&format!("ratify-provider is at {address}"), PATIENCE, || async {
        let url = world.cluster.kubectl.run(&arguments).stdout;
        if url.starts_with(&format!("https://{address}/")) { Ok(()) } else { Err(url) }
    })
    .await;
    world.provider_is_known("ratify-provider").await;
}

/// The way back that the page describes, and what Helm does with what Ratify's hooks left.
async fn go_back(world: &mut World, shell: &Shell, ratify: &StandIn) {
    let upgrade = "helm upgrade hallmark helm/hallmark --namespace hallmark-system --reuse-values";
    shell.run(&format!("{upgrade} --set adoptProviders=false --set compatibility.ratifyV1=false")).ok();
    world.restart().await;
    world.cluster.kubectl.run(&["delete", "provider", "ratify-provider", "hallmark"]).ok();
    world.stand_in("ratify-provider", ratify, 1).await;
    // Hallmark has seen that too by the time that its own is there again.
    world.provider_is_known("hallmark").await;
    provider_is_at(world, ratify.address()).await;
    until("Ratify decides again", PATIENCE, || async {
        let answer = judged(world, "unsigned").await;
        if answer.is_success() { Ok(()) } else { Err(answer) }
    })
    .await;

    // Helm refuses what belongs to no release. Told to take it over, it says that it did and changes nothing.
    shell.save("root.crt", &world.signer.root_pem());
    let certificate = format!("{upgrade} --set-file 'notationCerts[0]=root.crt'");
    let said = shell.run(&certificate).failed();
    assert!(said.contains("invalid ownership metadata"), "{said}");
    let before = world.cluster.kubectl.run(&["get", "verifier", "verifier-notation", "--output=json"]).ok();
    shell.run(&format!("{certificate} --take-ownership")).ok();
    let after = world.cluster.kubectl.run(&["get", "verifier", "verifier-notation", "--output=json"]).ok();
    let spec = |text: &str| serde_json::from_str::<Value>(text).expect("JSON")["spec"].clone();
    assert_eq!(spec(&before), spec(&after), "then the page need not warn of it");
}
