//! The guides, typed in as they are written: every command of theirs is run, or listed here with what is not here.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::upgrades::CHANGE;
use crate::gatekeeper;
use crate::guide::{Block, Shell, blocks, has_words};
use crate::support::configuration::with_certificate;
use crate::wait::{PATIENCE, until};
use crate::world::{PROVIDERS, VERIFICATION, World};

/// What a command begins with, and why it is not run.
pub type NotHere = (&'static str, &'static str);

/// The AKS guide, from the installation of Hallmark to its removal.
pub async fn aks_walkthrough(world: &mut World) {
    uninstall(world);
    let walked = AssertUnwindSafe(walk(world)).catch_unwind().await;
    install_again(world, walked).await;
}

async fn walk(world: &mut World) {
    const NOT_HERE: [NotHere; 8] = [
        ("helm repo add gatekeeper", "no network"),
        ("helm install gatekeeper", "Gatekeeper runs as a process"),
        ("kubectl --namespace hallmark-system rollout status", "nothing starts Pods"),
        ("docker pull", "no network"),
        ("docker tag", "no docker"),
        ("kubectl delete namespace hallmark-system", "no controller empties namespaces"),
        ("helm uninstall gatekeeper", "Gatekeeper runs as a process"),
        ("kubectl delete crd --selector=gatekeeper.sh/system=yes", "the scenarios after this one need them"),
    ];
    let registry = world.registry.host().replace("127.0.0.1", "localhost");
    let shell = Shell::new(world, "aks-walkthrough", &registry);
    let mut not_here = Skipped::new(&NOT_HERE);
    let mut last = String::new();
    let mut denies = false;
    for block in blocks("aks-walkthrough.md") {
        let command = match block {
            Block::Command(command) => command.replace("registry.example", &registry),
            Block::Yaml(text) if text.contains("kind: Verifier") => {
                let certificate = shell.read_home(".config/notation/localkeys/example.org.crt");
                shell.save("trust.yaml", &with_certificate(&text, &certificate));
                continue;
            }
            Block::Yaml(text) => {
                store_is(world, &text).await;
                continue;
            }
            Block::Output(text) => {
                let text = text.replace("registry.example", &registry);
                assert!(has_words(&last, &text), "the page says\n{text}\nand it was\n{last}");
                continue;
            }
        };
        if not_here.skips(&command) {
            if command.starts_with("helm install gatekeeper") {
                believes_an_answer_for_ten_seconds(&shell, &command);
            }
            continue;
        }
        let is = |start: &str| command.starts_with(start);
        if let Some(image) = command.strip_prefix("docker push ") {
            let (repository, tag) = image.rsplit_once(':').expect("a tag");
            let repository = repository.strip_prefix(&format!("{registry}/")).expect("the registry");
            // Both are one image under two names.
            world.registry.push_image(repository, tag, "busybox").await;
            continue;
        }
        if is("kubectl get hallmarkimageverification") {
            let status = world.audited(VERIFICATION, "image-verification-dryrun").await;
            assert_eq!(status["totalViolations"], 1, "{status}");
        }
        if is("helm uninstall hallmark") {
            owned_by_the_release(world).await;
        }
        println!("  $ {command}");
        let said = shell.run(&command);
        last = format!("{}{}", said.stdout, said.stderr);
        if denies && is("kubectl run unsigned") {
            said.failed();
            continue;
        }
        if is("hallmark verify") {
            // It fails as long as one image is not verified.
            said.failed();
            assert!(has_words(&last, "/demo/signed:1 … verified"), "{last}");
            assert!(has_words(&last, "/demo/unsigned:1 … unsigned"), "{last}");
            continue;
        }
        let said = said.ok();
        if is("helm install hallmark") {
            world.restart().await;
        } else if is("kubectl get provider hallmark") {
            assert!(said.lines().any(|line| line.starts_with("hallmark ")), "{said}");
        } else if is("hallmark config check") {
            assert!(said.contains("certstore-inline"), "{said}");
        } else if is("kubectl apply --filename trust.yaml") {
            for (kind, name) in [
                ("KeyManagementProvider", "certstore-inline"),
                ("Store", "store-oras"),
                ("Verifier", "verifier-notary-inline"),
            ] {
                world.status_says(kind, name, "True", "").await;
            }
        } else if is("kubectl get ratify") {
            let in_force = said.lines().filter(|line| line.contains(" true ")).count();
            assert_eq!(in_force, 3, "{said}");
        } else if is("kubectl apply --filename templates/image-verification/samples") {
            world.enforced(VERIFICATION, "image-verification-dryrun").await;
        } else if is("kubectl get hallmarkimageverification") {
            let expected = format!("default/unsigned: {registry}/demo/unsigned:1: NO_SIGNATURE: ");
            assert!(said.starts_with(&expected) && said.lines().count() == 1, "{said}");
        } else if is("kubectl patch hallmarkimageverification") {
            world.enforced(VERIFICATION, "image-verification-dryrun").await;
            denies = true;
        } else if is("helm uninstall hallmark") {
            world.hallmark.process.kill();
            collect_garbage(world);
        } else if is("kubectl get provider ") {
            assert!(last.contains("No resources found"), "{last}");
        }
    }
    not_here.all_were_met();
}

/// Whatever became of a guide, the scenarios after it need Hallmark.
pub async fn install_again(world: &mut World, walked: std::thread::Result<()>) {
    world.helm.run(&["uninstall", "hallmark", "--namespace", "hallmark-system", "--ignore-not-found"]).ok();
    world.hallmark.process.kill();
    collect_garbage(world);
    world.install_again().await;
    if let Err(panic) = walked {
        std::panic::resume_unwind(panic);
    }
}

/// What the page gives Gatekeeper's chart is a value of it.
fn believes_an_answer_for_ten_seconds(shell: &Shell, command: &str) {
    let chart = gatekeeper::chart().display().to_string();
    let render = command
        .replacen("helm install", "helm template", 1)
        .replacen("gatekeeper/gatekeeper", &chart, 1)
        .replacen("--create-namespace", "", 1);
    let said = shell.run(&render).ok();
    assert!(said.contains("--external-data-provider-response-cache-ttl=10s"), "{command}");
}

/// The commands of the page for operators, in their order: install, upgrade, uninstall. Its YAML are values that
/// the chart takes.
pub async fn operators_guide(world: &mut World) {
    uninstall(world);
    let operated = AssertUnwindSafe(operate(world)).catch_unwind().await;
    install_again(world, operated).await;
}

async fn operate(world: &mut World) {
    const NOT_HERE: [NotHere; 4] = [
        ("kubectl --namespace hallmark-system rollout status", "nothing starts Pods"),
        (CHANGE[0], "certificates_mode_changed does"),
        (CHANGE[1], "certificates_mode_changed does"),
        ("hallmark verify IMAGE --config FOLDER", "words for an image and a folder"),
    ];
    let shell = Shell::new(world, "operators", world.images.registry.host());
    shell.save("values.yaml", "image: {repository: registry.example/hallmark}\n");
    let mut not_here = Skipped::new(&NOT_HERE);
    let mut values = 0;
    for block in blocks("operators.md") {
        let command = match block {
            Block::Command(command) => command,
            Block::Yaml(text) => {
                values += 1;
                shell.save("further.yaml", &text);
                let render =
                    "helm template hallmark helm/hallmark --values values.yaml --values further.yaml";
                let said = shell.run(render);
                assert!(said.success, "the chart does not take\n{text}\n{}", said.stderr);
                continue;
            }
            Block::Output(text) => panic!("output of which command? {text}"),
        };
        if not_here.skips(&command) {
            continue;
        }
        let is = |start: &str| command.starts_with(start);
        println!("  $ {command}");
        let said = shell.run(&command).ok();
        if is("helm install") {
            world.restart().await;
            for provider in PROVIDERS {
                world.provider_is_known(provider).await;
            }
        } else if is("kubectl get provider hallmark") {
            assert!(said.contains("active: true"), "{said}");
        } else if is("hallmark crds | kubectl apply") {
            assert_eq!(said.matches("serverside-applied").count(), 11, "{said}");
        } else if is("helm uninstall") {
            world.hallmark.process.kill();
            collect_garbage(world);
        }
    }
    not_here.all_were_met();
    assert!(values > 3, "{values} sets of values");
    let lease = "/apis/coordination.k8s.io/v1/namespaces/hallmark-system/leases/hallmark";
    let left = world.api().get(lease).await;
    assert_eq!(left.status, 404, "{left}");
}

/// What a page has and cannot be done here. An entry that meets no command has to go.
pub struct Skipped {
    entries: &'static [NotHere],
    met: BTreeSet<&'static str>,
}

impl Skipped {
    pub fn new(entries: &'static [NotHere]) -> Self {
        Self { entries, met: BTreeSet::new() }
    }

    pub fn skips(&mut self, command: &str) -> bool {
        let entry = self.entries.iter().find(|(start, _)| command.starts_with(start));
        if let Some((start, reason)) = entry {
            println!("  not run ({reason}): {command}");
            self.met.insert(start);
        }
        entry.is_some()
    }

    pub fn all_were_met(&self) {
        let unmet: Vec<_> = self.entries.iter().filter(|(start, _)| !self.met.contains(start)).collect();
        assert!(unmet.is_empty(), "no command of the page begins so: {unmet:?}");
    }
}

/// Removes the release, and everything that would have gone with it.
pub fn uninstall(world: &mut World) {
    world.helm.run(&["uninstall", "hallmark", "--namespace", "hallmark-system"]).ok();
    world.hallmark.process.kill();
    collect_garbage(world);
    world.cluster.kubectl.run(&["delete", "constrainttemplate", "hallmarkimageverification"]).ok();
    world.cluster.kubectl.run(&["delete", "ratify", "--all"]).ok();
}

/// Every Provider object and the authority's Secret have the release's ClusterRole as their owner: with it, they go.
async fn owned_by_the_release(world: &World) {
    let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/hallmark";
    let role = world.api().get(role).await.admitted().body;
    let providers =
        PROVIDERS.map(|name| format!("/apis/externaldata.gatekeeper.sh/v1beta1/providers/{name}"));
    let secret = "/api/v1/namespaces/hallmark-system/secrets/hallmark-authority".to_owned();
    for path in providers.into_iter().chain([secret]) {
        let object = world.api().get(&path).await.admitted().body;
        let owner = &object["metadata"]["ownerReferences"][0];
        assert_eq!(owner["kind"], "ClusterRole", "{path}: {owner}");
        assert_eq!(owner["uid"], role["metadata"]["uid"], "{path}: {owner}");
    }
}

/// What the garbage collector does once an owner is gone: there is no controller here.
fn collect_garbage(world: &World) {
    world.cluster.kubectl.run(&["delete", "provider", "--all"]).ok();
    let secret =
        ["delete", "secret", "hallmark-authority", "--namespace=hallmark-system", "--ignore-not-found"];
    world.cluster.kubectl.run(&secret).ok();
}

/// The Store of the guide with another `spec`: it is in force.
async fn store_is(world: &World, spec: &str) {
    let spec: Value = serde_saphyr::from_str(spec).expect("YAML");
    let store = json!({
        "apiVersion": "config.ratify.deislabs.io/v1beta1",
        "kind": "Store",
        "metadata": {"name": "store-oras"},
        "spec": spec["spec"],
    });
    world.trust(&store.to_string());
    until("the Store reads its Secret", PATIENCE, || async {
        let answer = world.api().get("/apis/config.ratify.deislabs.io/v1beta1/stores/store-oras").await;
        let (status, metadata) = (&answer.body["status"], &answer.body["metadata"]);
        let current = status["observedGeneration"] == metadata["generation"];
        if current && status["issuccess"] == true { Ok(()) } else { Err(answer) }
    })
    .await;
}
