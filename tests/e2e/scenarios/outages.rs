//! Registries and providers that are slow, wrong or not there.

use std::time::Instant;

use serde_json::{Value, json};

use crate::chart::project;
use crate::gatekeeper::Webhooks;
use crate::stand_in::{Answering, StandIn};
use crate::support::registry::{Act, Fault, Step};
use crate::wait::{PATIENCE, until};
use crate::world::{VERIFICATION, World};

/// New images are denied and proven ones admitted while the registry hangs up on everyone.
pub async fn registry_unreachable(world: &mut World) {
    let (proven, new) = (
        world.images.signed("unreachable/proven", &world.signer),
        world.images.signed("unreachable/new", &world.signer),
    );
    world.namespace("unreachable").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["unreachable"], json!({})).await;
    world.create_pod("unreachable", "before", &[&proven]).await.admitted();

    world.images.registry.fault(Fault::always(Step::Any, Act::HangUp));
    world.images.registry.clear_log();
    let answer = world.create_pod("unreachable", "new", &[&new]).await;
    assert!(answer.denied().contains("[signed-images]"), "{answer}");
    assert!(answer.denied().contains("REGISTRY_UNAVAILABLE"), "{answer}");
    assert!(!answer.denied().contains("NO_SIGNATURE"), "an outage is not said to be unsigned: {answer}");
    // Long after Gatekeeper has forgotten the answer.
    world.response_cache_ended().await;
    world.create_pod("unreachable", "proven", &[&proven]).await.admitted();

    world.images.registry.clear_faults();
    until("the new image is admitted once the registry is back", PATIENCE, || async {
        let answer = world.create_pod("unreachable", "new", &[&new]).await;
        if answer.is_success() { Ok(()) } else { Err(answer) }
    })
    .await;
}

/// Gatekeeper asks for each template kind in turn, within one webhook timeout; past that the API server would
/// admit, because the webhook's failure policy is Ignore.
pub async fn slow_registry_with_two_kinds(world: &mut World) {
    let image = world.images.signed("slow/app", &world.signer);
    let second = world.template_copy("image-verification", "hallmark").await.kind;
    world.namespace("slow").await;
    world.constraint(VERIFICATION, "first", "deny", &["slow"], json!({})).await;
    world.constraint(&second, "second", "deny", &["slow"], json!({})).await;

    world.images.registry.hold();
    world.images.registry.fault(Fault::always(Step::Any, Act::Blocked));
    for attempt in 1..=3 {
        let started = Instant::now();
        let answer = world.create_pod("slow", "app", &[&image]).await;
        let took = started.elapsed().as_secs_f64();
        println!("  attempt {attempt} denied after {took:.2} s");
        let said = answer.denied();
        assert!(said.contains("[first]") && said.contains("[second]"), "{answer}");
        assert!(said.contains("DEADLINE"), "{answer}");
    }

    world.images.registry.release();
    world.images.registry.clear_faults();
    until("the image is admitted once the registry answers", PATIENCE, || async {
        let answer = world.create_pod("slow", "app", &[&image]).await;
        if answer.is_success() { Ok(()) } else { Err(answer) }
    })
    .await;
}

/// What is seen when the provider is not there, hangs, or Gatekeeper itself is not there; docs/operators.md says
/// the same.
pub async fn provider_down(world: &mut World) {
    let image = world.images.signed("down/app", &world.signer);
    world.namespace("down").await;
    world.constraint(VERIFICATION, "signed-images", "deny", &["down"], json!({})).await;
    let stand_in = StandIn::start().await;
    stand_in.answer(Answering::Never);
    world.stand_in("hanging", &stand_in, 2).await;
    let copy = world.template_copy("image-verification", "hanging").await.kind;
    world.namespace("hanging").await;
    world.constraint(&copy, "hanging", "deny", &["hanging"], json!({})).await;
    for policy in ["Ignore", "Fail"] {
        world.webhooks(Webhooks { failure_policy: policy, ..Webhooks::default() });

        // Nobody listens behind the service: Gatekeeper is told so at once, and the template denies.
        world.service.set(&[]);
        world.service.cut();
        let answer = world.create_pod("down", "refused", &[&image]).await;
        assert!(answer.denied().contains("[signed-images]"), "{policy}: {answer}");
        assert!(answer.denied().contains("failed to send external data request"), "{policy}: {answer}");
        world.service.set(&[world.hallmark.address()]);

        // It hangs, and the Provider's timeout is below the webhook's: the template denies.
        world.stand_in("hanging", &stand_in, 2).await;
        let answer = world.create_pod("hanging", "hanging", &[&image]).await;
        assert!(answer.denied().contains("[hanging]"), "{policy}: {answer}");

        // It hangs as long as the webhook may take: the API server decides by the failure policy.
        world.stand_in("hanging", &stand_in, 4).await;
        let answer = world.create_pod("hanging", &format!("late-{}", policy.to_lowercase()), &[&image]).await;
        if policy == "Ignore" {
            answer.admitted();
        } else {
            assert!(answer.message().contains("failed calling webhook"), "{answer}");
            assert!(answer.message().contains("context deadline exceeded"), "{answer}");
        }
    }
}

/// Every answer that could make a template admit for want of an error. Each template has a namespace of its own:
/// Gatekeeper remembers the items of an answer and not its failure, so that of two templates that ask about the
/// same image the second meets good items alone.
pub async fn hostile_provider(world: &mut World) {
    let stand_in = StandIn::start().await;
    world.stand_in("hostile", &stand_in, 1).await;
    let templates = asking_templates();
    for folder in &templates {
        let copy = world.template_copy(folder, "hostile").await;
        assert!(copy.asks, "{folder} asks another provider than hallmark");
        let namespace = format!("hostile-{folder}");
        world.namespace(&namespace).await;
        world.constraint(&copy.kind, folder, "deny", &[&namespace], sample_parameters(folder)).await;
    }
    for (number, (name, answering)) in traps().into_iter().enumerate() {
        stand_in.answer(answering);
        for folder in &templates {
            // Gatekeeper remembers answers for each key, so each trap has images of its own.
            let images: Vec<String> =
                (0..2).map(|image| format!("registry.example/{folder}/trap{number}:v{image}")).collect();
            let images: Vec<&str> = images.iter().map(String::as_str).collect();
            let (namespace, pod) = (format!("hostile-{folder}"), format!("trap-{number}"));
            let answer = world.create_pod(&namespace, &pod, &images).await;
            assert!(answer.denied().contains(&format!("[{folder}]")), "{folder} admits {name}: {answer}");
            let asked = stand_in.asked();
            assert!(asked.iter().any(|key| key.ends_with(images[0])), "{name}: only {asked:?} was asked");
        }
    }
    // The other way round: a good answer admits, so the denials above are not of another making.
    world.namespace("hospitable").await;
    let kind = "CopiedImageVerification";
    world.constraint(kind, "hospitable", "deny", &["hospitable"], json!({})).await;
    let all_good = |keys: &[String]| response(keys.iter().map(|key| good(key)).collect(), "");
    stand_in.answer(Answering::With(200, Box::new(all_good)));
    world.create_pod("hospitable", "good", &["registry.example/good/app:v1"]).await.admitted();
}

/// The folders of templates that ask the provider.
fn asking_templates() -> Vec<String> {
    let folders = std::fs::read_dir(project("templates")).expect("templates");
    let mut names: Vec<String> = folders
        .map(|folder| folder.expect("folder").path())
        .filter(|folder| {
            std::fs::read_to_string(folder.join("template.yaml"))
                .is_ok_and(|text| text.contains("external_data("))
        })
        .map(|folder| folder.file_name().expect("name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no template asks the provider");
    names
}

/// What its sample constraint demands.
fn sample_parameters(folder: &str) -> Value {
    let file = project("templates").join(folder).join("samples/deny.yaml");
    let sample: Value =
        serde_saphyr::from_str(&std::fs::read_to_string(file).expect("sample")).expect("YAML");
    sample["spec"].get("parameters").cloned().unwrap_or_else(|| json!({}))
}

fn traps() -> Vec<(&'static str, Answering)> {
    fn with(status: u16, body: impl Fn(&[String]) -> String + Send + 'static) -> Answering {
        Answering::With(status, Box::new(body))
    }
    /// A value for every key.
    fn valued(value: Value) -> Answering {
        with(200, move |keys| {
            response(keys.iter().map(|key| json!({"key": key, "value": value})).collect(), "")
        })
    }
    vec![
        ("503 with an empty object", with(503, |_| "{}".to_owned())),
        ("200 with an empty object", with(200, |_| "{}".to_owned())),
        ("200 without a body", with(200, |_| String::new())),
        ("200 that is no JSON", with(200, |_| "<html>all is well</html>".to_owned())),
        ("another kind", with(200, |_| json!({"kind": "Status", "status": "Success"}).to_string())),
        ("no items", with(200, |_| response(vec![], ""))),
        ("null for items", with(200, |_| json!({"response": {"items": null}}).to_string())),
        ("one key of two", with(200, |keys| response(vec![good(&keys[0])], ""))),
        (
            "only keys that nobody asked for",
            with(200, |_| response(vec![good("registry.example/other:v1")], "")),
        ),
        ("a null value", valued(Value::Null)),
        ("an empty value", valued(json!({}))),
        ("a value that is a text", valued(json!("verified"))),
        ("a value that is true", valued(json!(true))),
        ("a verdict that is a text", valued(json!({"isSuccess": "true", "verdict": "verified"}))),
        ("a verdict that is null", valued(json!({"isSuccess": null, "verdict": "verified"}))),
        ("a verdict of Ratify v2", valued(json!({"succeeded": true}))),
        ("no word for the verdict", valued(json!({"isSuccess": true}))),
        ("a word against the verdict", valued(json!({"isSuccess": true, "verdict": "unsigned"}))),
        ("a list of verdicts", valued(json!([{"isSuccess": true, "verdict": "verified"}]))),
        (
            "a value and an error",
            with(200, |keys| {
                let items = keys.iter().map(|key| {
                    let mut item = good(key);
                    item["error"] = json!("anything at all");
                    item
                });
                response(items.collect(), "")
            }),
        ),
        (
            "neither value nor error",
            with(200, |keys| response(keys.iter().map(|key| json!({"key": key})).collect(), "")),
        ),
        (
            "good and bad for one key",
            with(200, |keys| {
                let bad = keys.iter().map(|key| json!({"key": key, "value": {"isSuccess": false}}));
                response(keys.iter().map(|key| good(key)).chain(bad).collect(), "")
            }),
        ),
        (
            "keys in another case",
            with(200, |keys| response(keys.iter().map(|key| good(&key.to_uppercase())).collect(), "")),
        ),
        (
            "keys without their tag",
            with(200, |keys| {
                response(keys.iter().map(|key| good(key.trim_end_matches(":v1"))).collect(), "")
            }),
        ),
        (
            "good items and a systemError",
            with(200, |keys| response(keys.iter().map(|key| good(key)).collect(), "half of it failed")),
        ),
        (
            "good items and status 500",
            with(500, |keys| response(keys.iter().map(|key| good(key)).collect(), "")),
        ),
        (
            "an error that says valid",
            with(200, |keys| {
                response(keys.iter().map(|key| json!({"key": key, "error": "valid"})).collect(), "")
            }),
        ),
        ("a systemError alone", with(200, |_| response(vec![], "no"))),
        ("hanging up", Answering::HangUp),
        ("no answer at all", Answering::Never),
    ]
}

fn good(key: &str) -> Value {
    json!({"key": key, "value": {"isSuccess": true, "verdict": "verified", "digest": "sha256:00"}})
}

fn response(items: Vec<Value>, system_error: &str) -> String {
    json!({
        "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
        "kind": "ProviderResponse",
        "response": {"idempotent": false, "items": items, "systemError": system_error},
    })
    .to_string()
}
