//! Templates that read answers as Ratify's do, on Ratify's Provider objects and paths.

use serde_json::json;

use crate::support::configuration::aks_shaped;
use crate::support::signer::{KeyKind, LeafOptions, TestSigner};
use crate::wait::{PATIENCE, until};
use crate::world::{World, constraint_path};

const V1: &str = "/ratify/gatekeeper/v1/verify";
const V2: &str = "/ratify/gatekeeper/v2/verify";

/// A template's Rego, the kind that it makes, the Provider and the path that it asks, and how it refuses.
pub struct Template {
    rego: &'static str,
    pub kind: &'static str,
    provider: (&'static str, &'static str),
    refuses: &'static str,
}

macro_rules! rego {
    ($name:literal) => {
        include_str!(concat!("../../it/templates/ratify/", $name, ".rego"))
    };
}

const fn template(
    rego: &'static str,
    kind: &'static str,
    provider: (&'static str, &'static str),
    refuses: &'static str,
) -> Template {
    Template { rego, kind, provider, refuses }
}

const V1_PROVIDER: (&str, &str) = ("ratify-provider", V1);
const V2_PROVIDER: (&str, &str) = ("ratify-gatekeeper-provider", V2);

pub const TEMPLATES: [Template; 7] = [
    template(rego!("verification"), "RatifyVerification", V1_PROVIDER, "is not admitted, decided "),
    template(
        rego!("verification-namespaced"),
        "RatifyVerification",
        V1_PROVIDER,
        "is not admitted, decided ",
    ),
    template(rego!("verification-v2"), "RatifyVerification", V2_PROVIDER, "is not admitted"),
    template(rego!("verification-namespaced-v2"), "RatifyVerification", V2_PROVIDER, "is not admitted"),
    template(
        rego!("issuer"),
        "NotationIssuerValidation",
        V1_PROVIDER,
        "is not signed by CN=acme root,O=Acme,ST=WA,C=US",
    ),
    template(rego!("notation"), "notationvalidation", V1_PROVIDER, "has no good signature of notation"),
    template(rego!("nested"), "NotationNestedValidation", V1_PROVIDER, "has no good signature"),
];

/// Each of them admits what is signed, and refuses what is unsigned, signed by a stranger or cannot be decided.
pub async fn templates_of_ratify(world: &mut World) {
    let acme = TestSigner::with(
        KeyKind::P256,
        &LeafOptions {
            organization: "Acme".to_owned(),
            common_name: "acme".to_owned(),
            ..LeafOptions::default()
        },
    );
    let stranger = TestSigner::new(KeyKind::P256);
    world.images.signed("ratify/signed", &acme);
    world.images.unsigned("ratify/unsigned");
    world.images.signed("ratify/stranger", &stranger);
    world.trust(&aks_shaped(&acme.root_pem(), true));
    let signed = world.images.by_new_tag("ratify/signed");
    world.verdict_becomes(&signed, "verified", PATIENCE).await;
    world.namespace("ratify").await;
    for template in &TEMPLATES {
        let prefix = if template.rego.contains("[%v]%v") { "[ratify]" } else { "" };
        println!("  {} on {} asks for {prefix}IMAGE", template.kind, template.provider.0);
        world.provider_of_ratify(template).await;
        world.template_of_ratify(template).await;
        world
            .constraint(
                template.kind,
                "signed-images",
                "deny",
                &["ratify"],
                json!({"issuer": "CN=acme root,O=Acme,ST=WA,C=US"}),
            )
            .await;
        world.try_repository("ratify", "ratify/signed").await.admitted();
        for repository in ["ratify/unsigned", "ratify/stranger"] {
            let answer = world.try_repository("ratify", repository).await;
            let said = answer.denied();
            assert!(
                said.contains("\"validation.gatekeeper.sh\" denied the request: [signed-images]"),
                "{said}"
            );
            assert!(said.contains(template.refuses), "{said}");
            assert!(
                said.contains(&format!("{prefix}{}/{repository}", world.images.registry.host())),
                "{said}"
            );
        }
        // Nobody listens there.
        let answer = world.try_image("ratify", "127.0.0.1:1/ratify/undecided:v1").await;
        assert!(answer.denied().contains("system error: REGISTRY_UNAVAILABLE"), "{answer}");
        let path = constraint_path(template.kind, "signed-images");
        world.api().delete(&path).await.admitted();
    }
}

/// An image of somebody who may sign is refused where the constraint demands another issuer.
pub async fn wrong_issuer_of_ratifys_template(world: &mut World) {
    let template = &TEMPLATES[4];
    world.images.signed("ratify/issued", &world.signer);
    world.template_of_ratify(template).await;
    world.namespace("issuer").await;
    let issuer = json!({"issuer": "CN=acme root,O=Acme,ST=WA,C=US"});
    world.constraint(template.kind, "issued-by-acme", "deny", &["issuer"], issuer).await;
    let answer = world.try_repository("issuer", "ratify/issued").await;
    assert!(answer.denied().contains("[issued-by-acme]"), "{answer}");
    assert!(answer.denied().contains("is not signed by CN=acme root,O=Acme,ST=WA,C=US"), "{answer}");
    let issuer = json!({"issuer": "CN=signer root,O=Hallmark Test,ST=WA,C=US"});
    world.constraint(template.kind, "issued-by-acme", "deny", &["issuer"], issuer).await;
    world.try_repository("issuer", "ratify/issued").await.admitted();
}

impl World {
    /// The Provider is the chart's, on the path of its generation.
    async fn provider_of_ratify(&self, template: &Template) {
        let (name, path) = template.provider;
        let url = self.cluster.kubectl.run(&["get", "provider", name, "-o", "jsonpath={.spec.url}"]).ok();
        assert!(url.ends_with(path), "{name}: {url}");
        assert!(template.rego.contains(&format!("\"provider\": \"{name}\"")), "{}", template.rego);
    }

    /// Applies the template and waits until Gatekeeper runs this text: several make the same kind.
    pub async fn template_of_ratify(&self, template: &Template) {
        let name = template.kind.to_lowercase();
        let object = json!({
            "apiVersion": "templates.gatekeeper.sh/v1beta1",
            "kind": "ConstraintTemplate",
            "metadata": {"name": name},
            "spec": {
                "crd": {"spec": {
                    "names": {"kind": template.kind},
                    "validation": {"openAPIV3Schema": {
                        "type": "object",
                        "properties": {"issuer": {"type": "string"}},
                    }},
                }},
                "targets": [{"target": "admission.k8s.gatekeeper.sh", "rego": template.rego}],
            },
        });
        self.template_text(&object.to_string(), template.kind).await;
        let path = format!("/apis/templates.gatekeeper.sh/v1beta1/constrainttemplates/{name}");
        until(&format!("Gatekeeper runs {name}"), PATIENCE, || async {
            let answer = self.api().get(&path).await;
            let status = &answer.body["status"];
            let pod = &status["byPod"][0];
            let current = pod["observedGeneration"] == answer.body["metadata"]["generation"];
            if current && status["created"] == true { Ok(()) } else { Err(answer) }
        })
        .await;
    }
}
