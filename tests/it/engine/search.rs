//! Candidates: one bad thing costs only itself, and what could not be found out is never a refusal.

use hallmark::engine::EngineSettings;
use hallmark::engine::settings::{Quantifier, RuleSettings};
use hallmark::outcome::{Evidence, ReasonCode, SignatureResult, Verdict};
use serde_json::json;

use super::world::{Configuration, REPOSITORY, World, by_type, expect, expect_verified, target};
use crate::support::registry::{
    Act, Fault, Faults, IMAGE_INDEX, IMAGE_MANIFEST, ReferrersApi, Step, TestRegistry, sha256,
};
use crate::support::signer::{JWS, KeyKind, SIGNATURE_TYPE, SignOptions, Target, TestSigner};

async fn world_with(faults: Faults) -> World {
    World::over(TestRegistry::start(faults).await, EngineSettings::default()).await
}

/// Attaches something broken to the image `app`, each time in another way.
fn attach_broken(world: &World, how: &str) {
    let subject = target("app").digest;
    let attach = |kind: &str, envelope_type: &str, envelope: &[u8]| {
        world.registry.attach_signature(REPOSITORY, &subject, kind, envelope_type, envelope)
    };
    let manifest = |layers: serde_json::Value| {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": IMAGE_MANIFEST,
            "config": {"mediaType": SIGNATURE_TYPE, "digest": sha256(b"{}"), "size": 2},
            "layers": layers,
            "subject": {"mediaType": IMAGE_MANIFEST, "digest": subject, "size": target("app").size},
        });
        world.registry.push_manifest(REPOSITORY, None, IMAGE_MANIFEST, manifest.to_string().as_bytes());
    };
    let missing = json!({"mediaType": JWS, "digest": sha256(b"nowhere"), "size": 7});
    let listed = |digest: &str| json!({"mediaType": IMAGE_MANIFEST, "digest": digest, "size": 300, "artifactType": SIGNATURE_TYPE});
    match how {
        "no envelope" => drop(attach(SIGNATURE_TYPE, JWS, b"not JSON")),
        "unknown envelope" => drop(attach(SIGNATURE_TYPE, "text/plain", b"hello")),
        "no layer" => manifest(json!([])),
        "two layers" => manifest(json!([missing, missing])),
        "missing envelope" => manifest(json!([missing])),
        "missing manifest" => world.registry.list_referrer(REPOSITORY, &subject, listed(&sha256(b"gone"))),
        "listed under another type" => {
            let other = attach("application/spdx+json", "application/spdx+json", b"{}");
            world.registry.list_referrer(REPOSITORY, &subject, listed(&other));
        }
        "other image's signature" => {
            let envelope = world.signer.sign(&target("other"), &SignOptions::default());
            attach(SIGNATURE_TYPE, JWS, &envelope);
        }
        "stranger" => drop(world.sign(&TestSigner::new(KeyKind::P256), "app", &SignOptions::default())),
        "expired" => {
            let expiry = Some("2026-02-01T00:00:00Z".to_owned());
            world.sign(&world.signer, "app", &SignOptions { expiry, ..SignOptions::default() });
        }
        other => panic!("{other}"),
    }
}

const WAYS: [(&str, ReasonCode); 10] = [
    ("no envelope", ReasonCode::IntegrityFailed),
    ("unknown envelope", ReasonCode::IntegrityFailed),
    ("no layer", ReasonCode::IntegrityFailed),
    ("two layers", ReasonCode::IntegrityFailed),
    ("missing envelope", ReasonCode::SignatureUnreadable),
    ("missing manifest", ReasonCode::SignatureUnreadable),
    ("listed under another type", ReasonCode::IntegrityFailed),
    ("other image's signature", ReasonCode::SubjectMismatch),
    ("stranger", ReasonCode::UntrustedSigner),
    ("expired", ReasonCode::SignatureExpired),
];

#[tokio::test]
async fn a_bad_signature_alone_is_rejected_with_its_reason() {
    for (how, code) in WAYS {
        let world = World::new().await;
        let image = world.by_digest(&world.push("app"));
        attach_broken(&world, how);
        let outcome = world.ask(&image).await;
        assert_eq!((outcome.verdict(), outcome.reason.code), (Verdict::Rejected, code), "{how}");
    }
}

#[tokio::test]
async fn bad_signatures_before_a_good_one_cost_only_themselves() {
    let world = World::new().await;
    let image = world.by_digest(&world.push("app"));
    for (how, _) in WAYS {
        attach_broken(&world, how);
    }
    let good = world.sign(&world.signer, "app", &SignOptions::default());
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert_eq!(outcome.signatures[0].digest.to_string(), good, "what counts comes first");
    assert_eq!(outcome.signatures[0].result, SignatureResult::Valid);
}

#[tokio::test]
async fn a_bad_signature_in_one_list_does_not_hide_a_good_one_in_the_other() {
    let world = world_with(Faults { referrers: ReferrersApi::EmptyWithTags, ..Faults::default() }).await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn a_signature_that_cannot_be_fetched_does_not_hide_a_good_one() {
    let world = World::new().await;
    let image = world.by_digest(&world.push("app"));
    let bad = world.sign(&TestSigner::new(KeyKind::P256), "app", &SignOptions::default());
    world.sign(&world.signer, "app", &SignOptions::default());
    world.registry.fault(Fault::always(Step::Containing(bad), Act::status(503)));
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn an_outage_at_any_step_is_undecided_and_never_a_refusal() {
    let subject = target("app").digest;
    let steps = [
        Step::Containing(format!("/manifests/{subject}")),
        Step::Referrers,
        Step::Manifest,
        Step::Blob,
        Step::Any,
    ];
    for signed in [true, false] {
        for step in &steps {
            for (act, code) in [
                (Act::status(503), ReasonCode::RegistryUnavailable),
                (Act::retry_after(429, "600"), ReasonCode::RegistryUnavailable),
                (Act::HangUp, ReasonCode::RegistryUnavailable),
                (Act::status(401), ReasonCode::RegistryDenied),
                (Act::status(403), ReasonCode::RegistryDenied),
            ] {
                if !signed && matches!(step, Step::Blob) {
                    continue;
                }
                let world = World::new().await;
                let image = world.by_digest(&world.push("app"));
                if signed {
                    world.sign(&world.signer, "app", &SignOptions::default());
                }
                world.registry.fault(Fault::always(step.clone(), act.clone()));
                let outcome = world.ask(&image).await;
                let found = (outcome.verdict(), outcome.reason.code);
                assert_eq!(found, (Verdict::Inconclusive, code), "{step:?} {act:?} {signed}");
            }
        }
    }
}

#[tokio::test]
async fn the_tag_schema_must_answer_before_an_image_is_called_unsigned_or_rejected() {
    for signer in [None, Some(TestSigner::new(KeyKind::P256))] {
        let world = World::new().await;
        let image = world.by_digest(&world.push("app"));
        if let Some(stranger) = &signer {
            world.sign(stranger, "app", &SignOptions::default());
        }
        world.registry.fault(Fault::always(Step::Tag, Act::status(503)));
        expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
    }
}

#[tokio::test]
async fn a_registry_that_refuses_its_referrers_api_may_still_have_a_good_signature_by_tag() {
    let world = world_with(Faults { referrers: ReferrersApi::EmptyWithTags, ..Faults::default() }).await;
    world.registry.fault(Fault::always(Step::Referrers, Act::status(403)));
    let signed = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&signed).await);
    let unsigned = world.by_digest(&world.push("unsigned"));
    expect(&world.ask(&unsigned).await, Verdict::Inconclusive, ReasonCode::RegistryDenied);
}

#[tokio::test]
async fn a_list_without_end_is_neither_unsigned_nor_does_it_hide_what_it_holds() {
    for referrers in [ReferrersApi::Looping, ReferrersApi::EndlessEmptyPages] {
        let world = world_with(Faults { referrers: referrers.clone(), ..Faults::default() }).await;
        let image = world.by_digest(&world.push("app"));
        let outcome = world.ask(&image).await;
        expect(&outcome, Verdict::Inconclusive, ReasonCode::RegistryInvalid);
    }
    let world = world_with(Faults { referrers: ReferrersApi::Looping, ..Faults::default() }).await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn a_list_cut_short_never_satisfies_a_rule_about_all() {
    let world = world_with(Faults { referrers: ReferrersApi::Looping, ..Faults::default() }).await;
    let image = world.by_digest(&world.push_signed("app"));
    let all = by_type(&[], Quantifier::All);
    world.configure(Configuration::trusting(&[&world.signer]).rule(all)).await;
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryInvalid);
}

/// Whoever may put a list beside the registry's own must not take a veto away by leaving it out of one.
#[tokio::test]
async fn a_rule_about_all_reads_every_list_before_it_holds() {
    let all = by_type(&[(SIGNATURE_TYPE, Quantifier::All)], Quantifier::Any);
    let settings =
        EngineSettings { inconclusive_ttl: std::time::Duration::ZERO, ..EngineSettings::default() };
    let world = World::with(settings).await;
    let good = world.by_digest(&world.push_signed("app"));
    world.configure(Configuration::trusting(&[&world.signer]).rule(all)).await;
    let (outcome, requests) = world.ask_counted(&good).await;
    expect_verified(&outcome);
    assert_eq!(requests, 5, "the tag too");
    let other = world.by_digest(&world.push_signed("other"));
    world.registry.fault(Fault::always(Step::Tag, Act::status(503)));
    expect(&world.ask(&other).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
    world.come_up();
    expect_verified(&world.ask(&other).await);

    let image = world.by_digest(&world.push("vetoed"));
    let subject = target("vetoed").digest;
    let bad = world.sign(&TestSigner::new(KeyKind::P256), "vetoed", &SignOptions::default());
    world.registry.forget_referrers(REPOSITORY, &subject);
    world.sign(&world.signer, "vetoed", &SignOptions::default());
    let entry =
        json!({"mediaType": IMAGE_MANIFEST, "digest": bad, "size": 0, "artifactType": SIGNATURE_TYPE});
    let index = json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [entry]}).to_string();
    let tag = subject.replace(':', "-");
    world.registry.push_manifest(REPOSITORY, Some(&tag), IMAGE_INDEX, index.as_bytes());
    assert_eq!(world.ask(&image).await.verdict(), Verdict::Rejected, "it is in one list and bad");
}

/// What was enough for one rule is not for another.
#[tokio::test]
async fn an_image_verified_from_one_list_is_looked_up_anew_when_all_must_be_good() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    let all = by_type(&[], Quantifier::All);
    world.configure(Configuration::trusting(&[&world.signer]).rule(all)).await;
    let (outcome, requests) = world.ask_counted(&image).await;
    expect_verified(&outcome);
    assert_eq!(requests, 2, "both lists");
}

#[tokio::test]
async fn lists_without_artifact_types_are_told_apart_by_the_manifests() {
    let world = world_with(Faults { omit_artifact_types: true, ..Faults::default() }).await;
    let image = world.by_digest(&world.push("app"));
    let subject = target("app").digest;
    world.registry.attach_signature(REPOSITORY, &subject, "application/spdx+json", "text/plain", b"sbom");
    expect(&world.ask(&image).await, Verdict::Unsigned, ReasonCode::NoSignature);
    world.sign(&world.signer, "app", &SignOptions::default());
    world.advance(31);
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn a_candidate_of_unknown_type_that_cannot_be_read_is_undecided_under_every_rule() {
    for rule in [RuleSettings::OneValidSignature, by_type(&[], Quantifier::Any)] {
        let world = world_with(Faults { omit_artifact_types: true, ..Faults::default() }).await;
        let image = world.by_digest(&world.push("app"));
        let signature = world.sign(&world.signer, "app", &SignOptions::default());
        world.registry.fault(Fault::always(Step::Containing(signature), Act::status(503)));
        world.configure(Configuration::trusting(&[&world.signer]).rule(rule)).await;
        expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
    }
}

#[tokio::test]
async fn candidates_beyond_the_limit_are_not_tried_and_that_is_said() {
    let settings = EngineSettings { signatures_per_image: 5, ..EngineSettings::default() };
    let world = World::with(settings).await;
    let image = world.by_digest(&world.push("app"));
    for _ in 0..7 {
        world.sign(&TestSigner::new(KeyKind::P256), "app", &SignOptions::default());
    }
    let (outcome, requests) = world.ask_counted(&image).await;
    expect(&outcome, Verdict::Rejected, ReasonCode::TooManySignatures);
    assert_eq!((outcome.signatures.len(), requests), (5, 3 + 5 * 2));
}

#[tokio::test]
async fn too_many_candidates_that_could_not_be_read_are_undecided() {
    let settings = EngineSettings { signatures_per_image: 3, ..EngineSettings::default() };
    let world = World::with(settings).await;
    let image = world.by_digest(&world.push("app"));
    for _ in 0..5 {
        world.sign(&TestSigner::new(KeyKind::P256), "app", &SignOptions::default());
    }
    world.registry.fault(Fault::always(Step::Blob, Act::status(503)));
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
}

#[tokio::test]
async fn an_image_that_is_not_there_is_undecided_and_says_so() {
    let world = World::new().await;
    world.push("app");
    let image = world.by_digest(&sha256(b"not there"));
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::ImageNotFound);
    let tag = world.by_tag("not-there");
    expect(&world.ask(&tag).await, Verdict::Inconclusive, ReasonCode::ImageNotFound);
}

#[tokio::test]
async fn what_is_no_reference_is_rejected_without_any_request() {
    let world = World::new().await;
    for text in ["", "UPPER/case", "a b", "repo@sha256:short", "[ns]repo"] {
        let (outcome, requests) = world.ask_counted(text).await;
        expect(&outcome, Verdict::Rejected, ReasonCode::InvalidReference);
        assert_eq!(requests, 0);
    }
}

#[tokio::test]
async fn a_signature_of_an_index_covers_the_index_and_none_of_its_platforms() {
    let world = World::new().await;
    let platform = world.push("platform");
    let index = json!({
        "schemaVersion": 2, "mediaType": IMAGE_INDEX,
        "manifests": [{"mediaType": IMAGE_MANIFEST, "digest": platform, "size": target("platform").size}],
    })
    .to_string();
    let digest = world.registry.push_manifest(REPOSITORY, Some("multi"), IMAGE_INDEX, index.as_bytes());
    let signed =
        Target { media_type: IMAGE_INDEX.to_owned(), digest: digest.clone(), size: index.len() as u64 };
    let envelope = world.signer.sign(&signed, &SignOptions::default());
    world.registry.attach_signature(REPOSITORY, &digest, SIGNATURE_TYPE, JWS, &envelope);
    for image in [world.by_digest(&digest), world.by_tag("multi")] {
        let outcome = world.ask(&image).await;
        expect_verified(&outcome);
        let subject = outcome.subject().expect("bound");
        assert_eq!((subject.digest().to_string(), subject.media_type()), (digest.clone(), IMAGE_INDEX));
    }
    let outcome = world.ask(&world.by_digest(&platform)).await;
    expect(&outcome, Verdict::Unsigned, ReasonCode::NoSignature);
}

#[tokio::test]
async fn evidence_all_looks_at_every_candidate_and_says_so() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    for _ in 0..4 {
        world.sign(&TestSigner::new(KeyKind::P256), "app", &SignOptions::default());
    }
    let rule = RuleSettings::ByArtifactType {
        name: "everything".into(),
        listed: std::collections::BTreeMap::new(),
        default: Quantifier::Any,
        evidence: Evidence::All,
    };
    world.configure(Configuration::trusting(&[&world.signer]).rule(rule)).await;
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert_eq!((outcome.signatures.len(), outcome.evidence), (5, Evidence::All));
}

/// What a registry of the Pod author's choice says of content must not count for the same content elsewhere.
#[tokio::test]
async fn a_false_description_of_a_signature_in_one_repository_does_not_spoil_it_in_another() {
    const ELSEWHERE: &str = "stranger/app";
    let world = World::new().await;
    let image = world.by_digest(&world.push("app"));
    let envelope = world.signer.sign(&target("app"), &SignOptions::default());
    let manifest = json!({
        "schemaVersion": 2,
        "config": {"mediaType": SIGNATURE_TYPE, "digest": world.registry.push_blob(b"{}"), "size": 2},
        "layers": [{"mediaType": JWS, "digest": world.registry.push_blob(&envelope), "size": envelope.len()}],
        "subject": {"mediaType": IMAGE_MANIFEST, "digest": target("app").digest, "size": target("app").size},
    })
    .to_string();
    let signature = world.registry.push_manifest(REPOSITORY, None, IMAGE_MANIFEST, manifest.as_bytes());
    for (name, size) in [("too large", 1_u64 << 62), ("wrong type", 300)] {
        let bait = world.registry.push_image(ELSEWHERE, None, name);
        world.registry.push_manifest(ELSEWHERE, None, IMAGE_INDEX, manifest.as_bytes());
        let listed = json!({"mediaType": IMAGE_MANIFEST, "digest": signature, "size": size, "artifactType": SIGNATURE_TYPE});
        world.registry.list_referrer(ELSEWHERE, &bait, listed);
        let bait = format!("{}/{ELSEWHERE}@{bait}", world.registry.host());
        expect(&world.ask(&bait).await, Verdict::Rejected, ReasonCode::IntegrityFailed);
    }
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn a_false_media_type_of_an_image_in_one_repository_does_not_spoil_it_in_another() {
    const ELSEWHERE: &str = "stranger/app";
    let world = World::new().await;
    let image = json!({
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256(b"{}"), "size": 2},
        "layers": [],
    })
    .to_string();
    let size = image.len() as u64;
    let digest = world.registry.push_manifest(REPOSITORY, None, IMAGE_MANIFEST, image.as_bytes());
    let signed = Target { media_type: IMAGE_MANIFEST.to_owned(), digest: digest.clone(), size };
    let envelope = world.signer.sign(&signed, &SignOptions::default());
    world.registry.attach_signature(REPOSITORY, &digest, SIGNATURE_TYPE, JWS, &envelope);
    world.registry.push_manifest(ELSEWHERE, None, IMAGE_INDEX, image.as_bytes());
    let bait = format!("{}/{ELSEWHERE}@{digest}", world.registry.host());
    expect(&world.ask(&bait).await, Verdict::Unsigned, ReasonCode::NoSignature);
    expect_verified(&world.ask(&world.by_digest(&digest)).await);
}

#[tokio::test]
async fn a_false_entry_in_the_list_hides_no_right_one_of_the_same_signature() {
    for falsified in [json!({"size": 7}), json!({"artifactType": "application/vnd.example.other"})] {
        let world = World::new().await;
        let image = world.push("app");
        let subject = target("app").digest;
        let envelope = world.signer.sign(&target("app"), &SignOptions::default());
        let attach = |repository| {
            world.registry.attach_signature(repository, &subject, SIGNATURE_TYPE, JWS, &envelope)
        };
        world.registry.push_image("another/repository", None, "app");
        let signature = attach("another/repository");
        let mut entry = json!({
            "mediaType": IMAGE_MANIFEST, "digest": signature, "size": 300, "artifactType": SIGNATURE_TYPE,
        });
        for (member, value) in falsified.as_object().expect("members") {
            entry[member] = value.clone();
        }
        world.registry.list_referrer(REPOSITORY, &subject, entry);
        assert_eq!(attach(REPOSITORY), signature);
        let claims_both = Configuration::trusting(&[&world.signer]).change(|settings| {
            settings.artifact_types.push("application/vnd.example.other".to_owned());
        });
        world.configure(claims_both).await;
        expect_verified(&world.ask(&world.by_digest(&image)).await);
    }
}
