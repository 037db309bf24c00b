//! `hallmark config check` on configurations that users have: the AKS guide's and Ratify's own samples load
//! unchanged, or are refused with the reason that helps.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What `config check` printed, and how it ended.
struct Checked {
    text: String,
    status: i32,
}

impl Checked {
    fn of(paths: &[&Path]) -> Self {
        let output = Command::new(env!("CARGO_BIN_EXE_hallmark"))
            .args(["config", "check"])
            .args(paths)
            .output()
            .expect("hallmark runs");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        Self {
            text: String::from_utf8(output.stdout).expect("text"),
            status: output.status.code().expect("status"),
        }
    }

    fn says(&self, severity: &str, words: &str) -> bool {
        self.text.lines().any(|line| line.contains(&format!(" {severity}: ")) && line.contains(words))
    }
}

/// Where the samples are. A clone without them has nothing to check; in CI they are always there.
fn examples() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/examples");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").is_err(), "{} is missing, and in CI it is always there", folder.display());
    eprintln!("SKIPPED: no examples at {}", folder.display());
    None
}

#[test]
fn both_editions_of_the_aks_guide_load() {
    let Some(examples) = examples() else { return };
    let current = Checked::of(&[&examples.join("aks-key-management-provider.yaml")]);
    assert_eq!(current.status, 0, "{}", current.text);
    assert!(current.says("warning", "spec.provider"), "{}", current.text);
    assert!(current.says("warning", "contentType"), "{}", current.text);
    let earlier = Checked::of(&[&examples.join("aks-certificate-store.yaml")]);
    assert_eq!(earlier.status, 0, "{}", earlier.text);
    assert!(earlier.says("warning", "KeyManagementProvider"), "{}", earlier.text);
    for checked in [current, earlier] {
        for words in [
            "CN=Ratify Sample",
            "2023-06-29 to 2033-06-26",
            "ca:certs",
            "level strict",
            "no Policy; one valid signature",
            "every image",
            "signed by: *",
        ] {
            assert!(checked.text.contains(words), "{words} is not said in\n{}", checked.text);
        }
    }
}

/// Files that load by themselves.
const LOAD: &[&str] = &[
    "v1alpha1_policy_json",
    "v1beta1_policy_json",
    "v1alpha1_store_oras_http",
    "v1beta1_store_oras",
    "v1beta1_store_oras_http",
    "v1beta1_keymanagementprovider_inline",
    "v1beta1_certstore_inline",
];

/// Files that are refused by themselves, and in which words.
const REFUSED: &[(&str, &str)] = &[
    ("v1beta1_store_oras_k8secretAuth", "cluster"),
    ("v1beta1_keymanagementprovider_akv", "azurekeyvault is not supported in this release"),
    ("v1beta1_keymanagementprovider_akv_refresh_enabled", "azurekeyvault is not supported in this release"),
    ("v1beta1_certstore_akv", "azurekeyvault is not supported in this release"),
    ("v1beta1_verifier_cosign", "not supported in this release"),
    ("v1beta1_verifier_cosign_legacy", "not supported in this release"),
    ("v1beta1_verifier_cosign_keyless_legacy", "identity"),
    ("v1beta1_store_dynamic", "not executed"),
    ("v1beta1_verifier_dynamic", "not executed"),
    ("v1beta1_verifier_sbom", "not supported in this release"),
    ("v1beta1_verifier_sbom_deny", "not supported in this release"),
    ("v1beta1_verifier_vulnerabilityreport", "not supported in this release"),
    ("v1beta1_verifier_vulnerabilityreport2", "not supported in this release"),
    ("v1beta1_verifier_schemavalidator", "not supported in this release"),
    ("v1beta1_verifier_schemavalidator_bad", "not supported in this release"),
    ("v1beta1_verifier_complete_licensechecker", "not supported in this release"),
    ("v1beta1_verifier_partial_licensechecker", "not supported in this release"),
];

/// Verifiers whose key sources are in another file.
const DANGLING: &[&str] = &[
    "v1alpha1_verifier_notation",
    "v1beta1_verifier_notation",
    "v1beta1_verifier_notation_kmprovider",
    "v1beta1_verifier_notation_specificnskmprovider",
];

#[test]
fn ratifys_samples_load_or_are_refused_with_a_reason() {
    let Some(examples) = examples() else { return };
    let file = |name: &str| examples.join("ratify").join(format!("{name}.yaml"));
    for name in LOAD {
        let checked = Checked::of(&[&file(name)]);
        assert_eq!(checked.status, 0, "{name}:\n{}", checked.text);
    }
    for (name, words) in REFUSED {
        let checked = Checked::of(&[&file(name)]);
        assert_eq!(checked.status, 3, "{name}:\n{}", checked.text);
        assert!(checked.says("error", words), "{name}: {words} is not said in\n{}", checked.text);
    }
    for name in DANGLING {
        let checked = Checked::of(&[&file(name)]);
        assert_eq!(checked.status, 3, "{name}:\n{}", checked.text);
        assert!(checked.says("error", "there is no KeyManagementProvider"), "{name}:\n{}", checked.text);
    }
}

#[test]
fn every_sample_is_covered_by_a_test() {
    let Some(examples) = examples() else { return };
    let covered: Vec<&str> =
        LOAD.iter().chain(DANGLING).copied().chain(REFUSED.iter().map(|(name, _)| *name)).collect();
    for entry in std::fs::read_dir(examples.join("ratify")).expect("folder") {
        let path = entry.expect("entry").path();
        let name = path.file_stem().expect("name").to_string_lossy().into_owned();
        assert!(covered.contains(&name.as_str()), "{name} is in no list of this test");
    }
}

#[test]
fn a_verifier_loads_together_with_the_key_source_that_it_names() {
    let Some(examples) = examples() else { return };
    let ratify = examples.join("ratify");
    let folder = tempfile::tempdir().expect("folder");
    for (verifier, wanted, provider) in [
        ("v1beta1_verifier_notation_kmprovider", "kmprovider-akv", "v1beta1_keymanagementprovider_inline"),
        (
            "v1beta1_verifier_notation_specificnskmprovider",
            "ratify-notation-inline-cert-0",
            "v1beta1_keymanagementprovider_inline",
        ),
        (
            "v1beta1_verifier_notation_specificnskmprovider",
            "ratify-notation-inline-cert-0",
            "v1beta1_certstore_inline",
        ),
        ("v1beta1_verifier_notation", "ratify-notation-inline-cert-0", "v1beta1_certstore_inline"),
        ("v1alpha1_verifier_notation", "ratify-notation-inline-cert-0", "v1beta1_certstore_inline"),
    ] {
        let sample = std::fs::read_to_string(ratify.join(format!("{provider}.yaml"))).expect("sample");
        let (_, own) = sample.split_once("\n  name: ").expect("a name");
        let own = own.lines().next().expect("a name");
        let renamed = folder.path().join("provider.yaml");
        std::fs::write(&renamed, sample.replacen(own, wanted, 1)).expect("written");
        let checked = Checked::of(&[&ratify.join(format!("{verifier}.yaml")), &renamed]);
        assert_eq!(checked.status, 0, "{verifier} with {provider}:\n{}", checked.text);
    }
}

#[test]
fn a_folder_that_is_not_there_is_said_and_ends_with_status_3() {
    let checked = Checked::of(&[Path::new("/nowhere/at/all")]);
    assert_eq!(checked.status, 3, "{}", checked.text);
    assert!(
        checked.text.contains("/nowhere/at/all: error: does not exist (correct the path)"),
        "{}",
        checked.text
    );
}
