//! Upgrades of the chart that change who keeps the Provider objects.

use std::panic::AssertUnwindSafe;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use serde_json::Value;

use super::guides::install_again;
use crate::chart::{NAMESPACE, RELEASE};
use crate::guide::{Block, Shell, blocks};
use crate::support::pki::Authority;
use crate::world::{PROVIDERS, World};

/// How the page's commands for a change of the mode begin.
pub const CHANGE: [&str; 2] =
    ["kubectl --namespace hallmark-system scale deployment", "kubectl delete provider --selector"];

/// From a certificate of Hallmark's own to a provided one, as the page for operators has it, and back.
pub async fn certificates_mode_changed(world: &mut World) {
    let changed = AssertUnwindSafe(change(world)).catch_unwind().await;
    install_again(world, changed).await;
}

async fn change(world: &mut World) {
    let shell = Shell::new(world, "certificates-mode", world.images.registry.host());
    let authority = Authority::new("platform", "platform");
    shell.save("platform-ca.crt", &authority.pem);
    let upgrade = "helm upgrade hallmark helm/hallmark --namespace hallmark-system";
    let provided = format!(
        "{upgrade} --set certificates.mode=provided --set certificates.provided.secret=hallmark-serving \
         --set-file certificates.provided.caBundle=platform-ca.crt"
    );
    let said = shell.run(&provided).failed();
    assert!(said.contains("invalid ownership metadata"), "{said}");
    let commands: Vec<String> = blocks("operators.md").into_iter().filter_map(of_the_change).collect();
    let [end, delete] = &commands[..] else { panic!("{commands:?}") };
    shell.run(end).ok();
    world.hallmark.process.kill();
    let said = shell.run(delete).ok();
    assert_eq!(said.lines().count(), PROVIDERS.len(), "{said}");
    shell.run(&provided).ok();
    for provider in PROVIDERS {
        let object = provider_object(world, provider).await;
        assert_eq!(object["spec"]["caBundle"], STANDARD.encode(authority.pem.trim()), "{provider}");
    }
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{RELEASE}");
    let deployment = world.api().get(&path).await.admitted().body;
    assert_eq!(deployment["spec"]["replicas"], 2, "{deployment}");

    shell.run(upgrade).ok();
    let left = world.cluster.kubectl.run(&["get", "provider"]);
    assert!(left.stderr.contains("No resources found"), "{left:?}");
    world.restart().await;
    for provider in PROVIDERS {
        world.provider_is_known(provider).await;
    }
}

/// What the page says about ending Hallmark and deleting its Provider objects.
fn of_the_change(block: Block) -> Option<String> {
    match block {
        Block::Command(command) if CHANGE.iter().any(|start| command.starts_with(start)) => Some(command),
        _ => None,
    }
}

async fn provider_object(world: &World, name: &str) -> Value {
    world
        .api()
        .get(&format!("/apis/externaldata.gatekeeper.sh/v1beta1/providers/{name}"))
        .await
        .admitted()
        .body
}
