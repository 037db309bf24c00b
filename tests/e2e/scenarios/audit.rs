//! An audit of many Pods: what it finds, where it is said, and what it costs at the registry.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::support::registry::{Logged, Step};
use crate::world::{VERIFICATION, World};

const IMAGES: usize = 50;
/// Every fifth image is unsigned.
const UNSIGNED: usize = IMAGES / 5;
/// The default of `cache.negative_ttl`: how long `unsigned` is believed.
const NEGATIVE_TTL: Duration = Duration::from_secs(30);

/// 1,000 Pods with 50 images by digest: exact totals, the full list in the audit's log, and a second audit
/// without a single request to the registry.
pub async fn audit_of_1000_by_digest(world: &mut World) {
    let images: Vec<String> = (0..IMAGES).map(|number| image(world, "by-digest", number)).collect();
    let second = audit_twice(world, "by-digest", &images, 1000).await;
    assert!(second.is_empty(), "the second audit asked the registry: {second:?}");
}

/// The same by tag: the second audit may look each tag up once, however many Pods have it.
pub async fn audit_by_tag(world: &mut World) {
    let images: Vec<String> = (0..IMAGES)
        .map(|number| {
            image(world, "by-tag", number);
            world.images.tag(&repository("by-tag", number), "v1")
        })
        .collect();
    let second = audit_twice(world, "by-tag", &images, 250).await;
    let tags: BTreeSet<&str> = second.iter().map(|request| request.path.as_str()).collect();
    let heads = second.iter().filter(|request| request.method == "HEAD" && request.is(&Step::Tag)).count();
    assert_eq!(second.len(), heads, "the second audit asked for more than tags: {second:?}");
    assert_eq!(tags.len(), heads, "a tag was looked up twice: {second:?}");
}

fn is_signed(number: usize) -> bool {
    !number.is_multiple_of(5)
}

fn repository(namespace: &str, number: usize) -> String {
    format!("audit-{namespace}/app{number}")
}

fn image(world: &World, namespace: &str, number: usize) -> String {
    let repository = repository(namespace, number);
    if is_signed(number) {
        world.images.signed(&repository, &world.signer)
    } else {
        world.images.unsigned(&repository)
    }
}

/// Audits the Pods twice and gives what the second audit asked the registry. Where a busy machine makes it so late
/// that `cache.negative_ttl` has passed, what was asked about unsigned images is left out.
async fn audit_twice(world: &mut World, namespace: &str, images: &[String], pods: usize) -> Vec<Logged> {
    world.namespace(namespace).await;
    let world = &*world;
    let failures: Vec<String> = futures_util::stream::iter(0..pods)
        .map(|number| async move {
            let image = images[number % IMAGES].as_str();
            world.create_pod(namespace, &format!("pod-{number:04}"), &[image]).await
        })
        .buffer_unordered(8)
        .filter_map(|answer| async move { (!answer.is_success()).then(|| answer.to_string()) })
        .collect()
        .await;
    assert!(failures.is_empty(), "{} Pods were not created, such as {:?}", failures.len(), failures.first());
    world.images.registry.clear_log();
    let started = Instant::now();
    world.constraint(VERIFICATION, namespace, "dryrun", &[namespace], json!({})).await;

    let first = world.audited(VERIFICATION, namespace).await;
    let requests = world.images.registry.log().len();
    exact(&first, pods);
    world.images.registry.clear_log();
    let second = world.audited(VERIFICATION, namespace).await;
    let (again, took) = (world.images.registry.log(), started.elapsed());
    println!(
        "  requests at the registry: first audit {requests}, second audit {}, after {:.0} s",
        again.len(),
        took.as_secs_f64()
    );
    exact(&second, pods);
    in_the_log(world, namespace, &second, pods);
    in_the_metrics(world, pods).await;
    let unsigned: Vec<String> = (0..IMAGES)
        .filter(|number| !is_signed(*number))
        .map(|number| repository(namespace, number))
        .collect();
    let about_unsigned =
        |request: &Logged| unsigned.iter().any(|name| request.path.contains(&format!("/{name}/")));
    again.into_iter().filter(|request| took < NEGATIVE_TTL || !about_unsigned(request)).collect()
}

fn exact(status: &Value, pods: usize) {
    assert_eq!(status["totalViolations"], pods / IMAGES * UNSIGNED, "{status}");
    // Gatekeeper keeps no more than this many of them in the status.
    assert_eq!(status["violations"].as_array().map(Vec::len), Some(20), "{status}");
    for violation in status["violations"].as_array().into_iter().flatten() {
        assert!(
            violation["message"].as_str().is_some_and(|message| message.contains("NO_SIGNATURE")),
            "{status}"
        );
    }
}

/// The audit of that time has a line for each violation.
fn in_the_log(world: &World, constraint: &str, status: &Value, pods: usize) {
    let timestamp = status["auditTimestamp"].as_str().expect("timestamp");
    let names: BTreeSet<String> = world
        .gatekeeper
        .log()
        .iter()
        .filter(|line| line["event_type"] == "violation_audited" && line["constraint_name"] == constraint)
        .filter(|line| line["audit_id"] == timestamp)
        .inspect(|line| assert_eq!(line["details"]["reason"], "NO_SIGNATURE", "{line}"))
        .map(|line| line["resource_name"].as_str().expect("name").to_owned())
        .collect();
    let expected =
        (0..pods).filter(|number| !is_signed(number % IMAGES)).map(|number| format!("pod-{number:04}"));
    assert_eq!(names, expected.collect());
}

async fn in_the_metrics(world: &World, pods: usize) {
    let metrics = world.gatekeeper.metrics().await;
    let line = metrics.lines().find(|line| {
        line.starts_with("gatekeeper_violations{") && line.contains("enforcement_action=\"dryrun\"")
    });
    let line = line.unwrap_or_else(|| panic!("no gatekeeper_violations in {metrics}"));
    assert!(line.ends_with(&format!(" {}", pods / IMAGES * UNSIGNED)), "{line}");
}
