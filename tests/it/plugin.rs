//! Verification plugins as programs: what they say of themselves is checked, and whatever one does costs
//! only the signature that names it. The scripts are in `tests/fixtures/plugins`.

use std::path::{Path, PathBuf};

use hallmark::verifier::plugin::{Capability, metadata};

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
