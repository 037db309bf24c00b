//! `hallmark verify`: what it prints and how it ends.

use crate::support::configuration::aks_shaped;
use crate::support::program::{Ran, configuration_file, run};
use crate::support::registry::{Faults, IMAGE_MANIFEST, TestRegistry, image_manifest};
use crate::support::signer::{JWS, KeyKind, SIGNATURE_TYPE, SignOptions, Target, TestSigner};
use tempfile::TempDir;

const REPOSITORY: &str = "team/app";

/// A registry with one signed, one unsigned and one stolen image, and a configuration that trusts the signer.
struct Stage {
    _registry: TestRegistry,
    folder: TempDir,
    signed: String,
    unsigned: String,
    stolen: String,
}

impl Stage {
    async fn set() -> Self {
        let registry = TestRegistry::start(Faults::default()).await;
        let signer = TestSigner::new(KeyKind::P256);
        let signed = registry.push_image(REPOSITORY, Some("signed"), "signed");
        let unsigned = registry.push_image(REPOSITORY, Some("unsigned"), "unsigned");
        let stolen = registry.push_image(REPOSITORY, Some("stolen"), "stolen");
        let manifest = image_manifest("signed");
        let target = Target {
            media_type: IMAGE_MANIFEST.to_owned(),
            digest: signed.clone(),
            size: manifest.len() as u64,
        };
        let envelope = signer.sign(&target, &SignOptions::default());
        for digest in [&signed, &stolen] {
            registry.attach_signature(REPOSITORY, digest, SIGNATURE_TYPE, JWS, &envelope);
        }
        let folder = tempfile::tempdir().expect("folder");
        configuration_file(folder.path(), &aks_shaped(&signer.root_pem(), true));
        let name = |digest: &str| format!("{}/{REPOSITORY}@{digest}", registry.host());
        Self {
            signed: name(&signed),
            unsigned: name(&unsigned),
            stolen: name(&stolen),
            _registry: registry,
            folder,
        }
    }

    fn config(&self) -> String {
        self.folder.path().join("config.yaml").to_string_lossy().into_owned()
    }

    fn verify(&self, more: &[&str]) -> Ran {
        let config = self.config();
        let mut arguments = vec!["verify", "--config", &config];
        arguments.extend(more);
        run(&arguments)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_status_says_what_became_of_the_images() {
    let stage = Stage::set().await;
    let (signed, unsigned, stolen) = (&*stage.signed, &*stage.unsigned, &*stage.stolen);
    let unreachable = "127.0.0.1:1/team/app:v1";
    for (images, status) in [
        (&[signed] as &[&str], 0),
        (&[unsigned], 1),
        (&[stolen], 1),
        (&[signed, unsigned], 1),
        (&[unreachable], 2),
        (&[signed, unreachable], 2),
        (&[unreachable, unsigned], 1),
    ] {
        let ran = stage.verify(images);
        assert_eq!(ran.status, status, "{images:?}\n{}\n{}", ran.stdout, ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_stands_alone_on_standard_output_and_says_everything() {
    let stage = Stage::set().await;
    let ran = stage.verify(&["--output", "json", &stage.signed, &stage.stolen]);
    let json = ran.json();
    let [signed, stolen] = [&json["images"][0], &json["images"][1]];
    assert_eq!(signed["verdict"], "verified");
    assert_eq!(signed["admitted"], true);
    assert_eq!(signed["image"], *stage.signed);
    assert!(stage.signed.ends_with(signed["digest"].as_str().expect("digest")));
    assert!(signed["signatures"][0]["signer"]["subject"].as_str().expect("subject").contains("CN="));
    assert_eq!(signed["network"]["requests"].as_array().expect("requests").len(), 4);
    assert_eq!(stolen["verdict"], "rejected");
    assert_eq!(stolen["reason"]["code"], "SUBJECT_MISMATCH");
    assert!(!stolen["reason"]["remediation"].as_str().expect("remedy").is_empty());
    assert!(stolen["signatures"][0]["signer"].is_null() || stolen["admitted"] == false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_names_verdict_signer_checks_and_requests() {
    let stage = Stage::set().await;
    let ran = stage.verify(&[&stage.signed]);
    for words in ["verified", "CN=", "integrity: passed", "revocation", "4 requests", "GET http://"] {
        assert!(ran.stdout.contains(words), "{words} is not said in\n{}", ran.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_configuration_end_with_status_3_and_nothing_on_standard_output() {
    let stage = Stage::set().await;
    let broken = stage.folder.path().join("broken.yaml");
    std::fs::write(&broken, "kind: [").expect("file");
    let broken = broken.to_string_lossy();
    for (arguments, words) in [
        (&["verify"] as &[&str], "which image?"),
        (&["verify", "--config", "/nowhere/at/all"], "which image?"),
        (&["verify", "a:b"], "--config"),
        (&["verify", "a:b", "--config", "/nowhere/at/all"], "does not exist"),
        (&["verify", "a:b", "--config", &broken], "broken.yaml"),
        (&["verify", "a:b", "--confog", "x"], "--confog"),
        (&["verify", "a:b", "--config", &stage.config(), "--output", "yaml"], "yaml"),
        (&["verify", "oci-layout:/nowhere:v1", "--config", &stage.config()], "--scope"),
        (
            &["verify", "oci-layout:/nowhere:v1", "--scope", "r.io/a", "--config", &stage.config()],
            "/nowhere is no image layout",
        ),
        (&["frobnicate"], "frobnicate"),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.status, 3, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments:?}: {words} is not said in {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{arguments:?}: {}", ran.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_decide_ends_with_status_3() {
    let stage = Stage::set().await;
    let text = std::fs::read_to_string(stage.config()).expect("configuration");
    let misspelt = stage.folder.path().join("misspelt.yaml");
    std::fs::write(&misspelt, text.replace("trustPolicyDoc", "trustPolicyDok")).expect("file");
    let ran = run(&["verify", "--config", &misspelt.to_string_lossy(), &stage.signed]);
    assert_eq!(ran.status, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("trustPolicyDok"), "{}", ran.stderr);
}

#[test]
fn an_image_layout_is_judged_under_the_scope_it_stands_in_for() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/demo");
    let config = format!("{fixtures}/config.yaml");
    let verify = |image: &str, scope: &str| run(&["verify", image, "--scope", scope, "--config", &config]);
    let signed = verify(&format!("oci-layout:{fixtures}/layout:signed-jws"), "registry.example/app");
    assert_eq!(signed.status, 0, "{}{}", signed.stdout, signed.stderr);
    let unsigned = verify(&format!("oci-layout:{fixtures}/layout:unsigned"), "registry.example/app");
    assert_eq!(unsigned.status, 1, "{}{}", unsigned.stdout, unsigned.stderr);
    let tampered = verify(&format!("oci-layout:{fixtures}/layout:tampered"), "registry.example/app");
    assert_eq!(tampered.status, 1, "{}{}", tampered.stdout, tampered.stderr);
    let absent = verify(&format!("oci-layout:{fixtures}/layout:absent"), "registry.example/app");
    assert_eq!(absent.status, 2, "{}{}", absent.stdout, absent.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespaces_own_resources_decide_where_it_is_named() {
    let stage = Stage::set().await;
    let text = std::fs::read_to_string(stage.config()).expect("configuration");
    let threshold = "apiVersion: config.ratify.deislabs.io/v1beta1\nkind: NamespacedPolicy\nmetadata: {name: ratify-policy, namespace: team}\nspec: {type: threshold-policy, parameters: {policy: {rules: [{verifierName: notation, signatures: 2}]}}}\n";
    std::fs::write(stage.config(), format!("{text}---\n{threshold}")).expect("configuration");
    assert_eq!(stage.verify(&[&stage.signed]).status, 0);
    assert_eq!(stage.verify(&["--namespace", "other", &stage.signed]).status, 0);
    let team = stage.verify(&["--namespace", "team", &stage.signed]);
    assert_eq!(team.status, 1, "{}", team.stdout);
    assert!(team.stdout.contains("RULE_NOT_SATISFIED"), "{}", team.stdout);
}
