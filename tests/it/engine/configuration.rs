//! What a change of the configuration does to decisions: nothing, where it has nothing to do with them;
//! everything at once, registry or not, where it has.

use std::time::Duration;

use hallmark::engine::Question;
use hallmark::outcome::{Outcome, ReasonCode, Verdict};
use hallmark::trust::policy::{Action, Level, VerifyTimestamp};
use hallmark::trust::store::StoreType;

use super::world::{Configuration, REPOSITORY, World, expect, expect_verified, statement};
use crate::support::registry::{Act, Fault, Step};
use crate::support::signer::{KeyKind, SignOptions, TestSigner};

#[tokio::test]
async fn an_unrelated_edit_costs_no_request_and_changes_no_answer() {
    let world = World::new().await;
    let stranger = TestSigner::new(KeyKind::P256);
    let signed = world.by_digest(&world.push_signed("signed"));
    let unsigned = world.by_digest(&world.push("unsigned"));
    world.push("rejected");
    world.sign(&stranger, "rejected", &SignOptions::default());
    let rejected = world.by_digest(&super::world::target("rejected").digest);
    let images = [signed, unsigned, rejected];
    let mut before = Vec::new();
    for image in &images {
        before.push(world.ask(image).await);
    }
    let other_team = format!("{}/other/team", world.registry.host());
    let edited = || Configuration::trusting(&[&world.signer]);
    let edits = [
        edited().change(|settings| settings.statements.push(statement(&other_team, Level::Audit))),
        edited().change(|settings| settings.statements[0].name = "renamed".into()),
        edited().change(|settings| settings.resource = "renamed".into()),
        edited().change(|settings| {
            settings.trust_stores.insert((StoreType::Ca, "unused".to_owned()), Vec::new());
        }),
        edited().change(|settings| {
            let sources = settings.trust_stores.remove(&(StoreType::Ca, "certs".to_owned()));
            settings
                .trust_stores
                .insert((StoreType::Ca, "certs".to_owned()), sources.into_iter().flatten().rev().collect());
        }),
    ];
    for edit in edits {
        world.configure(edit).await;
        for (image, before) in images.iter().zip(&before) {
            let (outcome, requests) = world.ask_counted(image).await;
            assert_eq!(requests, 0, "{image}");
            assert_eq!(outcome, *before);
        }
    }
}

#[tokio::test]
async fn a_key_removed_denies_at_once_with_the_registry_down() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    world.go_down();
    world.trust(&[&TestSigner::new(KeyKind::P256)]).await;
    expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::UntrustedSigner);
}

#[tokio::test]
async fn a_key_removed_denies_when_the_deadline_passes_with_a_registry_that_does_not_answer() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    world.registry.fault(Fault::always(Step::Any, Act::Blocked));
    world.trust(&[&TestSigner::new(KeyKind::P256)]).await;
    let asked = world.engine().ask(Question::cluster(&image), Duration::from_millis(50));
    expect(&asked.await.outcome, Verdict::Rejected, ReasonCode::UntrustedSigner);
    let again = world.engine().ask(Question::cluster(&image), Duration::ZERO).await.outcome;
    expect(&again, Verdict::Rejected, ReasonCode::UntrustedSigner);
    world.registry.release();
}

#[tokio::test]
async fn a_refusal_by_a_removed_key_has_its_time_and_is_undecided_afterwards() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    world.advance(1800);
    world.go_down();
    world.trust(&[&TestSigner::new(KeyKind::P256)]).await;
    expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::UntrustedSigner);
    world.advance(31);
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
}

#[tokio::test]
async fn a_key_added_admits_at_once_with_the_registry_down_also_what_was_rejected() {
    let world = World::new().await;
    let newcomer = TestSigner::new(KeyKind::P256);
    world.push("app");
    world.sign(&newcomer, "app", &SignOptions::default());
    let image = world.by_digest(&super::world::target("app").digest);
    expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::UntrustedSigner);
    world.go_down();
    world.trust(&[&world.signer, &newcomer]).await;
    let outcome = world.ask(&image).await;
    expect_verified(&outcome);
    assert!(!outcome.stale);
}

#[tokio::test]
async fn after_a_change_every_held_candidate_is_looked_at_not_only_the_first() {
    let world = World::new().await;
    let newcomer = TestSigner::new(KeyKind::P256);
    world.push("app");
    for signer in [&TestSigner::new(KeyKind::P256), &newcomer] {
        world.sign(signer, "app", &SignOptions::default());
    }
    let image = world.by_digest(&super::world::target("app").digest);
    expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::RuleNotSatisfied);
    world.go_down();
    world.trust(&[&newcomer]).await;
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn keys_that_were_exchanged_admit_what_was_signed_anew_before() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    let newcomer = TestSigner::new(KeyKind::P256);
    world.sign(&newcomer, "app", &SignOptions::default());
    world.advance(60);
    world.trust(&[&newcomer]).await;
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn a_candidate_that_the_registry_shows_and_does_not_give_is_no_reason_to_reject() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    expect_verified(&world.ask(&image).await);
    let newcomer = TestSigner::new(KeyKind::P256);
    world.sign(&newcomer, "app", &SignOptions::default());
    world.registry.fault(Fault::always(Step::Blob, Act::status(503)));
    world.trust(&[&newcomer]).await;
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
    expect(&world.ask(&image).await, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
}

#[tokio::test]
async fn an_undecided_answer_is_remembered_for_a_moment_and_forgotten_with_the_configuration() {
    let world = World::new().await;
    let image = world.by_digest(&world.push_signed("app"));
    world.go_down();
    let (outcome, requests) = world.ask_counted(&image).await;
    expect(&outcome, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
    assert!(requests > 0);
    let (outcome, requests) = world.ask_counted(&image).await;
    expect(&outcome, Verdict::Inconclusive, ReasonCode::RegistryUnavailable);
    assert_eq!(requests, 0);
    world.come_up();
    world.trust(&[&world.signer]).await;
    expect_verified(&world.ask(&image).await);
}

#[tokio::test]
async fn a_namespace_is_decided_by_its_own_plan_and_otherwise_by_the_clusters() {
    let world = World::new().await;
    let stranger = TestSigner::new(KeyKind::P256);
    let image = world.by_digest(&world.push_signed("app"));
    world
        .configure_namespaces(
            Configuration::trusting(&[&stranger]),
            vec![("team-a", Configuration::trusting(&[&world.signer]))],
        )
        .await;
    expect(&world.ask(&image).await, Verdict::Rejected, ReasonCode::UntrustedSigner);
    let own = world.in_namespace("team-a", &image).await;
    expect_verified(&own);
    let other = world.in_namespace("team-b", &image).await;
    expect(&other, Verdict::Rejected, ReasonCode::UntrustedSigner);
    assert_ne!(own.policy.id, other.policy.id);
}

async fn policy_id(world: &World, configuration: Configuration) -> String {
    world.configure(configuration).await;
    let missing = world.by_tag("not-there");
    let outcome: std::sync::Arc<Outcome> = world.ask(&missing).await;
    outcome.policy.id.to_string()
}

#[tokio::test]
async fn the_policys_id_changes_with_everything_that_decides_and_with_nothing_else() {
    let world = World::new().await;
    let other = TestSigner::new(KeyKind::P256);
    let base = || Configuration::trusting(&[&world.signer, &other]);
    let id = policy_id(&world, base()).await;
    assert_eq!(id.len(), 32);
    let two = || base().and_verifier(|settings| settings.name = "second".into());
    let id_of_two = policy_id(&world, two()).await;
    let mut reordered = two();
    reordered.verifiers.reverse();
    assert_eq!(policy_id(&world, reordered).await, id_of_two, "documents in another order");

    let two_of_one_name = |first: &str, second: &str| {
        let claims = |claimed: &str| vec![claimed.to_owned()];
        let lenient = base().change(|settings| settings.artifact_types = claims(first));
        lenient.and_verifier(|settings| {
            settings.required_metadata.push(("stage".into(), "prod".into()));
            settings.artifact_types = claims(second);
        })
    };
    let scope = format!("{}/{REPOSITORY}", world.registry.host());
    let verification = |change: fn(&mut hallmark::trust::policy::SignatureVerification)| {
        base().change(move |settings| change(&mut settings.statements[0].verification))
    };
    let changes = vec![
        Configuration::trusting(&[&world.signer]),
        base().change(|settings| settings.name = "renamed".into()),
        base().change(|settings| settings.artifact_types.push("*".to_owned())),
        base().change(|settings| settings.required_metadata.push(("stage".into(), "prod".into()))),
        base().change(|settings| {
            settings.statements[0].trusted_identities = vec!["x509.subject: C=US, ST=WA, O=x".to_owned()];
        }),
        base().change(|settings| {
            settings.statements[0].trust_stores.push((StoreType::Tsa, "tsa".to_owned()));
        }),
        base().change(|settings| settings.statements.push(statement(&scope, Level::Permissive))),
        verification(|verification| verification.level = Level::Audit),
        verification(|verification| {
            verification.overrides.push((hallmark::outcome::Check::Revocation, Action::Skip));
        }),
        verification(|verification| verification.verify_timestamp = VerifyTimestamp::AfterCertExpiry),
        base().and_refused("sbom", "application/spdx+json"),
        two_of_one_name("a", "b"),
        two_of_one_name("b", "a"),
    ];
    let mut ids = vec![id, id_of_two];
    for change in changes {
        ids.push(policy_id(&world, change).await);
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "each change gives another id");
}
