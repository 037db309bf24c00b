//! `hallmark serve` as its users meet it: real registries, a real signer, and the program as a process.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::configuration::{aks_shaped, with_certificate};
use crate::support::parts::{
    IMAGE_MANIFEST, Notation, PushedImage, RealRegistry, ReferrersBy, SignatureFormat,
};
use crate::support::program::Served;
use crate::support::signer::{JWS, KeyKind, SignOptions, TestSigner, signature_manifest};

const REPOSITORY: &str = "team/app";

/// The AKS guide's configuration with the certificate exchanged, in the example's own text where that is
/// beside the checkout.
fn aks_example(root_pem: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/examples/aks-key-management-provider.yaml");
    let Ok(text) = std::fs::read_to_string(path) else { return aks_shaped(root_pem, false) };
    with_certificate(&text, root_pem)
}

/// Pushes an image and has the real `notation` sign it.
async fn signed(registry: &RealRegistry, notation: &Notation, tag: &str) -> PushedImage {
    let image = registry.push_image(REPOSITORY, tag, tag).await;
    notation.sign(&image, "key", SignatureFormat::Jws, ReferrersBy::Api);
    image
}

/// Pushes an image with a signature whose payload was rewritten to name this image.
async fn tampered(registry: &RealRegistry, signer: &TestSigner) -> PushedImage {
    let other = registry.push_image(REPOSITORY, "other", "other").await;
    let image = registry.push_image(REPOSITORY, "tampered", "tampered").await;
    let envelope = signer.sign(&other.target, &SignOptions::default());
    let mut envelope: Value = serde_json::from_slice(&envelope).expect("envelope");
    let payload = json!({"targetArtifact": {
        "mediaType": IMAGE_MANIFEST, "digest": image.target.digest, "size": image.target.size,
    }});
    let encoded =
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload.to_string());
    envelope["payload"] = encoded.into();
    let envelope = envelope.to_string().into_bytes();
    let manifest = signature_manifest(&image.target, &envelope, JWS);
    registry.push_blob(REPOSITORY, b"{}".to_vec()).await;
    registry.push_blob(REPOSITORY, envelope).await;
    registry.push_manifest(REPOSITORY, "its-signature", IMAGE_MANIFEST, manifest).await;
    image
}

struct Stage {
    registry: RealRegistry,
    notation: Notation,
    signer: TestSigner,
}

impl Stage {
    fn set() -> Self {
        let signer = TestSigner::new(KeyKind::Rsa(2048));
        let mut notation = Notation::new();
        notation.add_key("key", &signer);
        Self { registry: RealRegistry::with_referrers_api(), notation, signer }
    }

    /// The process setting that allows plain HTTP for this registry, since the example does not.
    fn plain_http(&self) -> [String; 2] {
        ["--registry-plain-http-hosts".to_owned(), self.registry.host().to_owned()]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aks_configuration_decides_about_images_of_a_real_registry_and_outlives_an_outage() {
    let mut stage = Stage::set();
    let good = signed(&stage.registry, &stage.notation, "good").await;
    let later = signed(&stage.registry, &stage.notation, "later").await;
    let unsigned = stage.registry.push_image(REPOSITORY, "unsigned", "unsigned").await;
    let bad = tampered(&stage.registry, &stage.signer).await;
    let [flag, host] = stage.plain_http();
    let served = Served::start(
        &aks_example(&stage.signer.root_pem()),
        &[
            &flag,
            &host,
            "--cache-verified-ttl",
            "1ms",
            "--cache-negative-ttl",
            "1ms",
            "--cache-referrers-ttl",
            "1ms",
        ],
    );

    let verified = served.verify(&good.by_digest()).await;
    assert_eq!(
        (&verified["verdict"], &verified["isSuccess"]),
        (&json!("verified"), &json!(true)),
        "{verified}"
    );
    assert_eq!(verified["digest"], *good.target.digest);
    assert_eq!(verified["stale"], false, "{verified}");
    assert_eq!(served.verify(&good.by_tag()).await["verdict"], "verified");
    assert_eq!(served.verify(&unsigned.by_digest()).await["verdict"], "unsigned");
    let refused = served.verify(&bad.by_digest()).await;
    assert_eq!(
        (&refused["verdict"], &refused["isSuccess"]),
        (&json!("rejected"), &json!(false)),
        "{refused}"
    );
    assert_eq!(refused["reason"]["code"], "INTEGRITY_FAILED", "{refused}");

    stage.registry.stop();
    let proven = served.verify(&good.by_digest()).await;
    assert_eq!((&proven["verdict"], &proven["stale"]), (&json!("verified"), &json!(true)), "{proven}");
    let answer = served.post("/verify", &[&later.by_digest()]).await;
    assert!(answer["response"]["items"].as_array().is_none_or(Vec::is_empty), "{answer}");
    let error = answer["response"]["systemError"].as_str().expect("a system error");
    assert!(error.contains("REGISTRY_UNAVAILABLE") && error.contains(&later.by_digest()), "{error}");
    assert_eq!(served.verify(&unsigned.by_digest()).await, Value::Null, "a refusal never outlives its time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_in_force_within_five_seconds_also_while_the_registry_is_down() {
    let mut stage = Stage::set();
    let image = signed(&stage.registry, &stage.notation, "good").await.by_digest();
    let stranger = TestSigner::new(KeyKind::P256);
    let mine = aks_shaped(&stage.signer.root_pem(), true);
    let served = Served::start(&mine, &[]);
    assert_eq!(served.verify(&image).await["verdict"], "verified");
    stage.registry.stop();
    for (configuration, admitted) in [
        (aks_shaped(&stranger.root_pem(), true), false),
        (mine.clone(), true),
        (format!("{mine}\n# an unrelated edit\n"), true),
    ] {
        let edited = Instant::now();
        served.reconfigure(&configuration);
        assert_eq!(served.verify(&image).await["isSuccess"] == true, admitted);
        assert!(edited.elapsed() < Duration::from_secs(5), "{:?}", edited.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_never_replaces_a_good_plan() {
    let stage = Stage::set();
    let image = signed(&stage.registry, &stage.notation, "good").await.by_digest();
    let good = aks_shaped(&stage.signer.root_pem(), true);
    let served = Served::start(&good, &[]);
    for bad in ["kind: [", &good.replace("trustPolicyDoc", "trustPolicyDok")] {
        served.reconfigure(bad);
        assert_eq!(served.verify(&image).await["verdict"], "verified", "{bad}");
        assert_eq!(served.health("/readyz").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_with_a_plan_and_ends_in_good_order_when_asked() {
    let stage = Stage::set();
    let served = Served::start(&aks_shaped(&stage.signer.root_pem(), true), &[]);
    assert_eq!(served.health("/healthz").await.0, 200);
    assert_eq!(served.health("/readyz").await.0, 200);
    let (status, metrics) = served.health("/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("hallmark_"), "{metrics}");
    assert_eq!(served.terminate(), Some(0));
}

/// The line that the documentation gives, with the real curl.
#[tokio::test(flavor = "multi_thread")]
async fn curl_asks_it_as_the_readme_says() {
    let Ok(version) = Command::new("curl").arg("--version").output() else {
        eprintln!("SKIPPED: there is no curl here");
        return;
    };
    assert!(version.status.success());
    let stage = Stage::set();
    let image = signed(&stage.registry, &stage.notation, "good").await.by_digest();
    let served = Served::start(&aks_shaped(&stage.signer.root_pem(), true), &[]);
    let body = json!({
        "apiVersion": "externaldata.gatekeeper.sh/v1beta1", "kind": "ProviderRequest",
        "request": {"keys": [image]},
    });
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--noproxy", "*", "--cacert"])
        .arg(served.ca())
        .args(["-H", "Content-Type: application/json", "-d", &body.to_string()])
        .arg(format!("https://{}/verify", served.address()))
        .output()
        .expect("curl runs");
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(answer["response"]["items"][0]["value"]["verdict"], "verified", "{answer}");
}
