//! What is answered to requests that can be read.

use hallmark::config::{MutationFormat, ServerSettings};
use hallmark::trust::policy::Level;
use serde_json::json;

use super::*;
use crate::engine::world::{Configuration, REPOSITORY, statement};
use crate::support::registry::{Act, Fault, IMAGE_INDEX, Step};

#[tokio::test]
async fn every_verification_path_answers_good_and_unsigned_images_in_its_shape() {
    let stage = Stage::new().await;
    let digest = stage.world.push_signed("good");
    let plain = stage.world.by_digest(&stage.world.push("plain"));
    let good = stage.world.by_tag("good");
    for (path, success) in [(VERIFY, "isSuccess"), (V1, "isSuccess"), (V2, "succeeded")] {
        let answer = stage.ask(path, &[&good, &plain]).await;
        assert_valid(path, &answer);
        let [first, second] = items(&answer).as_slice() else { panic!("{answer}") };
        assert_eq!((&first["key"], &first["value"][success]), (&json!(good), &json!(true)), "{answer}");
        assert_eq!((&second["key"], &second["value"][success]), (&json!(plain), &json!(false)), "{answer}");
        assert_eq!((system_error(&answer), &answer["response"]["idempotent"]), ("", &json!(false)));
        if path != V2 {
            let value = &first["value"];
            assert_eq!((&value["digest"], &value["verdict"]), (&json!(digest), &json!("verified")));
            assert_eq!(value["verifierReports"][0]["name"], "notation");
            assert_eq!(second["value"]["verdict"], "unsigned");
        }
    }
}

#[tokio::test]
async fn rejected_and_skipped_images_are_answered_in_every_shape() {
    let stage = Stage::new().await;
    let signer = crate::support::signer::TestSigner::new(crate::support::signer::KeyKind::P256);
    stage.world.push("foreign");
    stage.world.sign(&signer, "foreign", &Default::default());
    let foreign = stage.world.by_tag("foreign");
    for path in [VERIFY, V1, V2] {
        let answer = stage.ask(path, &[&foreign]).await;
        assert_valid(path, &answer);
        let value = &items(&answer)[0]["value"];
        assert_eq!(value["isSuccess"].as_bool().or(value["succeeded"].as_bool()), Some(false), "{answer}");
    }
    let skip = Configuration::trusting(&[&stage.world.signer])
        .change(|settings| settings.statements = vec![statement("*", Level::Skip)]);
    stage.world.configure(skip).await;
    for path in [VERIFY, V1, V2] {
        let answer = stage.ask(path, &[&foreign]).await;
        assert_valid(path, &answer);
        let value = &items(&answer)[0]["value"];
        assert_eq!(value["isSuccess"].as_bool().or(value["succeeded"].as_bool()), Some(true), "{answer}");
    }
}

#[tokio::test]
async fn an_index_that_is_asked_for_is_what_the_answer_is_bound_to() {
    let stage = Stage::new().await;
    let index = json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": []}).to_string();
    stage.world.registry.push_manifest(REPOSITORY, Some("multi"), IMAGE_INDEX, index.as_bytes());
    let answer = stage.ask(VERIFY, &[&stage.world.by_tag("multi")]).await;
    assert_valid(VERIFY, &answer);
    let value = &items(&answer)[0]["value"];
    assert_eq!((&value["mediaType"], &value["isIndex"]), (&json!(IMAGE_INDEX), &json!(true)), "{answer}");
}

#[tokio::test]
async fn a_namespace_before_the_image_asks_that_namespaces_configuration() {
    let stage = Stage::new().await;
    stage.world.push_signed("good");
    let nobody = Configuration::trusting(&[]);
    let cluster = Configuration::trusting(&[&stage.world.signer]);
    stage.world.configure_namespaces(cluster, vec![("strict", nobody)]).await;
    let good = stage.world.by_tag("good");
    let keys = [format!("[strict]{good}"), format!("[other]{good}"), format!("[]{good}"), good];
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let answer = stage.ask(VERIFY, &keys).await;
    let admitted: Vec<_> = items(&answer)
        .iter()
        .map(|item| (item["key"].as_str().expect("key"), item["value"]["isSuccess"].as_bool()))
        .collect();
    let named: Vec<_> = keys.iter().skip(1).map(|key| (*key, Some(true))).collect();
    let strict: Vec<_> = admitted.iter().filter(|(key, _)| *key == keys[0]).collect();
    assert!(named.iter().all(|other| admitted.contains(other)), "{answer}");
    assert!(strict.iter().all(|(_, success)| *success == Some(false)), "{answer}");
}

#[tokio::test]
async fn repeated_empty_long_and_nonsense_keys_are_answered_and_echoed_as_they_came() {
    let stage = Stage::new().await;
    let plain = stage.world.by_digest(&stage.world.push("plain"));
    let long = "a".repeat(100_000);
    let bad = ["", &long, "UPPER/case", " ", "a b", "[ns", "[Bad]a", "[::1]:5000/a", "\u{1}\n\"€", "🦀"];
    let keys: Vec<&str> = [plain.as_str(), &plain].into_iter().chain(bad).chain(bad).collect();
    for path in [VERIFY, V1, V2] {
        let answer = stage.ask(path, &keys).await;
        assert_valid(path, &answer);
        let echoed: Vec<&str> = items(&answer).iter().filter_map(|item| item["key"].as_str()).collect();
        let distinct: Vec<&str> = std::iter::once(plain.as_str()).chain(bad).collect();
        assert_eq!(echoed, distinct);
        for item in &items(&answer)[1..] {
            let error = item["error"].as_str().expect("error");
            assert!(error.starts_with("INVALID_REFERENCE: ") && error.len() < 1200, "{error}");
            assert!(item.get("value").is_none());
        }
    }
}

#[tokio::test]
async fn a_request_without_keys_has_an_answer_without_items() {
    let stage = Stage::new().await;
    for path in [VERIFY, V1, V2].into_iter().chain(MUTATIONS) {
        let answer = stage.ask(path, &[]).await;
        assert_valid(path, &answer);
        assert!(items(&answer).is_empty() && system_error(&answer).is_empty(), "{answer}");
    }
}

#[tokio::test]
async fn keys_that_cannot_be_found_out_have_no_item_while_others_do() {
    let stage = Stage::new().await;
    stage.world.push_signed("good");
    let good = stage.world.by_tag("good");
    let broken = stage.world.by_digest(&stage.world.push("broken"));
    let digest = broken.split_once("@").expect("digest").1.to_owned();
    stage.world.registry.fault(Fault::always(Step::Containing(digest), Act::status(503)));
    for path in [VERIFY, V1, V2] {
        let answer = stage.ask(path, &[&broken, &good]).await;
        assert_valid(path, &answer);
        assert_eq!(items(&answer).len(), 1, "{answer}");
        assert_eq!(items(&answer)[0]["key"], good);
        assert_eq!(system_error(&answer), format!("REGISTRY_UNAVAILABLE {broken}"));
    }
}

#[tokio::test]
async fn mutation_pins_images_keeps_tags_and_tells_each_error_in_its_item() {
    let stage = Stage::new().await;
    let digest = stage.world.push("app");
    let app = stage.world.by_tag("app");
    let gone = stage.world.by_tag("gone");
    let pinned = format!("{app}@{digest}");
    let namespaced = format!("[ns]{app}");
    for path in MUTATIONS {
        let answer = stage.ask(path, &[&app, &pinned, &gone, "", &namespaced, &app]).await;
        assert_valid(path, &answer);
        let [first, again, missing, empty, bracket] = items(&answer).as_slice() else { panic!("{answer}") };
        assert_eq!((&first["key"], &first["value"]), (&json!(app), &json!(pinned)));
        assert_eq!(again["value"], json!(pinned), "what is pinned stays as it is");
        assert!(missing["error"].as_str().is_some_and(|error| error.starts_with("IMAGE_NOT_FOUND: ")));
        for item in [empty, bracket] {
            assert!(item["error"].as_str().is_some_and(|error| error.starts_with("INVALID_REFERENCE: ")));
        }
        assert_eq!((system_error(&answer), &answer["response"]["idempotent"]), ("", &json!(true)));
    }
}

#[tokio::test]
async fn mutation_gives_ratifys_form_where_the_setting_says_so() {
    let settings = ServerSettings { mutation_format: MutationFormat::Digest, ..Default::default() };
    let stage = Stage::with(settings).await;
    let digest = stage.world.push("app");
    let answer = stage.ask(MUTATE, &[&stage.world.by_tag("app")]).await;
    assert_valid(MUTATE, &answer);
    assert_eq!(items(&answer)[0]["value"], json!(stage.world.by_digest(&digest)));
}

#[tokio::test]
async fn each_request_has_one_trace_id_of_its_own() {
    let stage = Stage::new().await;
    let one = stage.world.by_digest(&stage.world.push("one"));
    let other = stage.world.by_digest(&stage.world.push("other"));
    let first = stage.ask(VERIFY, &[&one, &other]).await;
    let second = stage.ask(VERIFY, &[&one]).await;
    let id = |answer: &serde_json::Value, item: usize| items(answer)[item]["value"]["traceID"].clone();
    assert_eq!(id(&first, 0), id(&first, 1));
    assert_ne!(id(&first, 0), id(&second, 0));
}
