//! What the templates for signers, digests and exemptions admit and refuse.

use openssl::hash::MessageDigest;
use serde_json::{Value, json};

use crate::support::configuration::resources;
use crate::support::signer::{KeyKind, LeafOptions, TestSigner};
use crate::wait::PATIENCE;
use crate::world::World;

fn signer_of(name: &str) -> TestSigner {
    let options = LeafOptions {
        organization: "Acme".to_owned(),
        common_name: name.to_owned(),
        ..LeafOptions::default()
    };
    TestSigner::with(KeyKind::P256, &options)
}

fn subject(name: &str) -> Value {
    json!({"subject": format!("CN={name},O=Acme,ST=WA,C=US"), "issuer": format!("CN={name} root,O=Acme,ST=WA,C=US")})
}

/// One of the listed signers is required: by subject and issuer, or by the certificate's fingerprint.
pub async fn signer_identity(world: &mut World) {
    let (release, other) = (signer_of("release"), signer_of("other"));
    world.images.signed("identity/release", &release);
    world.images.signed("identity/other", &other);
    world.images.unsigned("identity/unsigned");
    world.trust(&resources(
        &[("certstore-inline", &*release.root_pem()), ("second", &*other.root_pem())],
        true,
    ));
    let image = world.images.by_new_tag("identity/release");
    world.verdict_becomes(&image, "verified", PATIENCE).await;
    let fingerprint = hex::encode(release.leaf.digest(MessageDigest::sha256()).expect("digest"));
    for listed in [subject("release"), json!({"fingerprint": fingerprint})] {
        let parameters = json!({"signers": [listed, subject("nobody")]});
        let name = world.sample_that_denies("signer-identity", "identity", &parameters).await;
        world.try_repository("identity", "identity/release").await.admitted();
        for (repository, code) in
            [("identity/other", "SIGNER_NOT_LISTED"), ("identity/unsigned", "NO_SIGNATURE")]
        {
            let answer = world.try_repository("identity", repository).await;
            assert!(answer.denied().contains(&format!("[{name}]")), "{answer}");
            assert!(answer.denied().contains(code), "{answer}");
        }
    }
}

/// Two of three signers are required. Under a Policy that ends at the first signature nobody can tell, so that the
/// image is refused and the setting named.
pub async fn several_signers(world: &mut World) {
    let signers = ["release", "audit", "build"].map(signer_of);
    let [release, audit, _] = &signers;
    world.images.signed("several/both", release);
    world.images.sign("several/both", audit);
    world.images.signed("several/one", release);
    world.images.unsigned("several/none");
    let roots = signers.each_ref().map(TestSigner::root_pem);
    world.trust(&resources(
        &[("certstore-inline", &*roots[0]), ("second", &*roots[1]), ("third", &*roots[2])],
        true,
    ));
    let image = world.images.by_new_tag("several/one");
    world.verdict_becomes(&image, "verified", PATIENCE).await;
    let listed = ["release", "audit", "build"].map(subject);
    let parameters = json!({"minimum": 2, "signers": listed});
    let name = world.sample_that_denies("several-signers", "several", &parameters).await;
    let answer = world.try_repository("several", "several/both").await;
    let first = "EVIDENCE_FIRST: only the first valid signature was looked for: set spec.parameters.evidence: all in the Policy";
    assert!(answer.denied().contains(&format!("[{name}]")), "{answer}");
    assert!(answer.denied().contains(first), "{answer}");

    world.trust(
        "apiVersion: config.ratify.deislabs.io/v1beta1
kind: Policy
metadata: {name: ratify-policy}
spec: {type: config-policy, parameters: {evidence: all}}
",
    );
    world.status_says("Policy", "ratify-policy", "True", "").await;
    world.becomes_admitted("several", "several/both").await;
    let answer = world.try_repository("several", "several/one").await;
    let missing = "SIGNERS_MISSING: 1 of 2 required signers: have it signed by CN=audit";
    assert!(answer.denied().contains(missing), "{answer}");
    let answer = world.try_repository("several", "several/none").await;
    assert!(answer.denied().contains("NO_SIGNATURE"), "{answer}");
}

/// A tag is refused and a digest admitted, signed or not; a tag passes where its repository is listed.
pub async fn digest_required(world: &mut World) {
    let by_digest = world.images.unsigned("digest/app");
    world.images.unsigned("digest/development/app");
    let host = world.images.registry.host();
    let parameters = json!({"tagsAllowed": [format!("{host}/digest/development/*")]});
    let name = world.sample_that_denies("digest-required", "digest", &parameters).await;
    let by_tag = world.images.by_new_tag("digest/app");
    let answer = world.try_image("digest", &by_tag).await;
    let said = format!("[{name}] {by_tag}: DIGEST_MISSING: name the image by digest");
    assert!(answer.denied().contains(&said), "{answer}");
    let digest = by_digest.split_once('@').expect("a digest").1;
    for image in [&by_digest, &format!("{by_tag}@{digest}")] {
        world.try_image("digest", image).await.admitted();
    }
    world.try_repository("digest", "digest/development/app").await.admitted();
}

/// An exemption admits without asking anybody until its last day; afterwards the refusal names it.
pub async fn exemptions(world: &mut World) {
    world.images.unsigned("exempt/current");
    world.images.unsigned("exempt/ended");
    let host = world.images.registry.host().to_owned();
    let exemption = |repository: &str, expires: &str| {
        json!({
            "image": format!("{host}/exempt/{repository}:*"),
            "owner": "team-billing",
            "reason": "vendor does not sign yet",
            "expires": expires,
        })
    };
    let listed = [exemption("current", "2199-12-31"), exemption("ended", "2020-01-31")];
    // The schema takes no date of another century, and none before this one.
    let parameters = json!({"exemptions": listed});
    world.sample_that_denies("image-verification", "exempt", &parameters).await;
    world.images.registry.clear_log();
    world.try_repository("exempt", "exempt/current").await.admitted();
    assert!(world.images.registry.log().is_empty(), "{:?}", world.images.registry.log());
    let answer = world.try_repository("exempt", "exempt/ended").await;
    let said = "NO_SIGNATURE: exemption ended 2020-01-31 (team-billing: vendor does not sign yet); ";
    assert!(answer.denied().contains(said), "{answer}");

    // Who is let through, and until when.
    let mut warn = crate::samples::sample("exemptions", "warn");
    world.template("exemptions", "HallmarkExemptions").await;
    warn["spec"]["match"]["namespaces"] = json!(["exempt"]);
    warn["spec"]["parameters"] = parameters;
    world.cluster.kubectl.apply(&warn.to_string()).ok();
    let name = warn["metadata"]["name"].as_str().expect("name");
    world.enforced("HallmarkExemptions", name).await;
    let answer = world.try_repository("exempt", "exempt/current").await.admitted();
    let said = "EXEMPT: until 2199-12-31 by team-billing: vendor does not sign yet";
    let warned = answer
        .warnings
        .iter()
        .any(|warning| warning.contains(&format!("[{name}]")) && warning.contains(said));
    assert!(warned, "{answer}");
}
