//! Verification plugins as programs: what they say of themselves is checked, and whatever one does costs
//! only the signature that names it. The scripts are in `tests/fixtures/plugins`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hallmark::verifier::plugin::{Capability, metadata};
use serde_json::Value;

use crate::support::configuration::aks_shaped;
use crate::support::program::{Ran, configuration_file, run};
use crate::support::registry::{Faults, IMAGE_MANIFEST, TestRegistry, image_manifest};
use crate::support::signer::{JWS, KeyKind, SIGNATURE_TYPE, SignOptions, Target, TestSigner};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/plugins")
}

#[tokio::test]
async fn a_plugin_says_what_it_can_decide() {
    let metadata = metadata(&folder(), "content").await.expect("metadata");
    assert_eq!((metadata.name.as_str(), metadata.version.as_str()), ("content", "1.2.3"));
    assert_eq!(metadata.capabilities, [Capability::TrustedIdentity, Capability::RevocationCheck]);
}

#[tokio::test]
async fn what_is_wrong_with_a_plugin_is_said() {
    for (name, problem) in [
        ("refusing", "ACCESS_DENIED ask the security team"),
        ("masked", "calls itself \"content\""),
        ("older", "does not support contract version 1.0"),
        ("loud", "get-plugin-metadata"),
        ("absent", "cannot be read"),
        ("..", "letters, digits"),
        ("../plugins/content", "letters, digits"),
        ("", "letters, digits"),
    ] {
        let said = metadata(&folder(), name).await.expect_err(name);
        assert!(said.contains(problem), "{name}: {said}");
    }
}

#[tokio::test]
async fn a_link_in_the_place_of_a_plugin_is_refused() {
    let folder_of_links = tempfile::tempdir().expect("folder");
    let plugin = folder_of_links.path().join("content");
    std::fs::create_dir(&plugin).expect("folder");
    let target = folder().join("content/notation-content");
    std::os::unix::fs::symlink(target, plugin.join("notation-content")).expect("link");
    let said = metadata(folder_of_links.path(), "content").await.expect_err("a link");
    assert!(said.contains("not a regular file"), "{said}");
}

/// An image whose signature names a plugin, and what becomes of it under these arguments.
async fn judged(plugin: &str, arguments: &[&str]) -> (Ran, Value) {
    let registry = TestRegistry::start(Faults::default()).await;
    let signer = TestSigner::new(KeyKind::P256);
    let image = registry.push_image("team/app", None, "one");
    let size = image_manifest("one").len() as u64;
    let target = Target { media_type: IMAGE_MANIFEST.to_owned(), digest: image.clone(), size };
    let critical = BTreeMap::from([
        ("io.cncf.notary.verificationPlugin".to_owned(), plugin.to_owned()),
        ("io.cncf.notary.verificationPluginMinVersion".to_owned(), "1.0.0".to_owned()),
        ("io.example.attribute".to_owned(), "x".to_owned()),
    ]);
    let envelope = signer.sign(&target, &SignOptions { critical, ..SignOptions::default() });
    registry.attach_signature("team/app", &image, SIGNATURE_TYPE, JWS, &envelope);
    let folder_of_config = tempfile::tempdir().expect("folder");
    let config = configuration_file(folder_of_config.path(), &aks_shaped(&signer.root_pem(), true));
    let image = format!("{}/team/app@{image}", registry.host());
    let mut all = vec!["verify", &image, "--config", &config, "--output", "json"];
    all.extend(arguments);
    let ran = run(&all);
    let json = ran.json()["images"][0].clone();
    (ran, json)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_named_in_the_allow_list_decides_about_the_signature_that_names_it() {
    let plugins = folder();
    let plugins = plugins.to_str().expect("path");
    let allowed = |name| ["--plugin-folder", plugins, "--plugin-allow", name];
    let (ran, image) = judged("content", &allowed("content")).await;
    assert_eq!(image["verdict"], "verified", "{image:#}");
    assert_eq!(ran.status, 0);
    for (plugin, arguments, words) in [
        ("content", &[] as &[&str], "content"),
        ("content", &["--plugin-folder", plugins], "content"),
        ("content", &allowed("refusing"), "content"),
        ("refusing", &allowed("refusing"), "ACCESS_DENIED"),
        ("absent", &allowed("absent"), "absent"),
    ] {
        let (ran, image) = judged(plugin, arguments).await;
        assert_ne!(ran.status, 0, "{plugin} {arguments:?}: {image:#}");
        assert_eq!(image["admitted"], false, "{plugin} {arguments:?}: {image:#}");
        let reason = &image["reason"];
        assert_eq!(reason["code"], "PLUGIN_FAILED", "{plugin} {arguments:?}: {reason}");
        assert!(reason["message"].as_str().expect("message").contains(words), "{plugin}: {reason}");
    }
}
