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

/// A self-signed certificate of an authority, valid from and until so many days from today.
fn authority(name: &str, from: i64, until: i64) -> String {
    use openssl::asn1::Asn1Time;
    use openssl::bn::{BigNum, MsbOption};
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::extension::{BasicConstraints, KeyUsage};
    use openssl::x509::{X509, X509NameBuilder};

    let day = |days: i64| {
        let time = jiff::Timestamp::now().as_second() + days * 86_400;
        Asn1Time::from_unix(time).expect("time")
    };
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("group");
    let key = PKey::from_ec_key(EcKey::generate(&group).expect("key")).expect("key");
    let mut subject = X509NameBuilder::new().expect("name");
    for (entry, text) in [("C", "US"), ("ST", "WA"), ("O", "Acme"), ("CN", name)] {
        subject.append_entry_by_text(entry, text).expect("entry");
    }
    let subject = subject.build();
    let mut serial = BigNum::new().expect("number");
    serial.rand(120, MsbOption::MAYBE_ZERO, false).expect("random");
    let mut builder = X509::builder().expect("builder");
    builder.set_version(2).expect("version");
    builder.set_serial_number(&serial.to_asn1_integer().expect("serial")).expect("serial");
    builder.set_subject_name(&subject).expect("subject");
    builder.set_issuer_name(&subject).expect("issuer");
    builder.set_pubkey(&key).expect("key");
    builder.set_not_before(&day(from)).expect("from");
    builder.set_not_after(&day(until)).expect("until");
    builder.append_extension(BasicConstraints::new().critical().ca().build().expect("ca")).expect("ca");
    let usage = KeyUsage::new().critical().key_cert_sign().build().expect("usage");
    builder.append_extension(usage).expect("usage");
    builder.sign(&key, MessageDigest::sha256()).expect("signed");
    String::from_utf8(builder.build().to_pem().expect("pem")).expect("text")
}

fn inline(kind: &str, metadata: &str, pem: &str) -> String {
    let value: String = pem.lines().map(|line| format!("      {line}\n")).collect();
    format!(
        "---\napiVersion: config.ratify.deislabs.io/v1beta1\nkind: {kind}\nmetadata: {metadata}\nspec:\n  type: inline\n  parameters:\n    contentType: certificate\n    value: |\n{value}"
    )
}

/// A Verifier with three statements: one with overrides and timestamps, one that skips, one for the rest.
fn three_statements(kind: &str, metadata: &str, anchors: &str) -> String {
    format!(
        r#"---
apiVersion: config.ratify.deislabs.io/v1beta1
kind: {kind}
metadata: {metadata}
spec:
  name: notation
  artifactTypes: application/vnd.cncf.notary.signature
  parameters:
    verificationCertStores:
      ca: {{certs: [{anchors}]}}
      tsa: {{stamps: [stamps]}}
    trustPolicyDoc:
      version: "1.0"
      trustPolicies:
        - name: prod
          registryScopes: [registry.example.com/a]
          signatureVerification:
            level: strict
            override: {{revocation: skip, expiry: log}}
            verifyTimestamp: afterCertExpiry
          trustStores: [tsa:stamps, ca:certs]
          trustedIdentities: ["x509.subject: C=US, ST=WA, O=Acme"]
        - name: dev
          registryScopes: [registry.example.com/dev]
          signatureVerification: {{level: skip}}
        - name: rest
          registryScopes: ["*"]
          signatureVerification: {{level: permissive}}
          trustStores: [ca:certs]
          trustedIdentities: ["*"]
"#
    )
}

const POLICIES: &str = r"---
apiVersion: config.ratify.deislabs.io/v1beta1
kind: Policy
metadata: {name: ratify-policy}
spec:
  type: threshold-policy
  parameters:
    policy:
      threshold: 1
      rules:
        - {verifierName: notation, signatures: 2}
        - {threshold: 2, rules: [{verifierName: notation}, {verifierName: notation}]}
---
apiVersion: config.ratify.deislabs.io/v1beta1
kind: NamespacedPolicy
metadata: {name: ratify-policy, namespace: team-b}
spec: {type: config-policy, parameters: {artifactVerificationPolicies: {default: any}}}
---
apiVersion: config.ratify.deislabs.io/v1beta1
kind: NamespacedStore
metadata: {name: store-oras, namespace: team-a}
spec: {name: oras, parameters: {useHttp: true}}
";

#[test]
fn what_namespaces_thresholds_timestamps_and_levels_mean_is_said_in_plain_words() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("all.yaml");
    let text = [
        inline("KeyManagementProvider", "{name: good}", &authority("Good", -1, 1000)),
        inline("KeyManagementProvider", "{name: old}", &authority("Old", -20, -10)),
        inline("KeyManagementProvider", "{name: future}", &authority("Future", 10, 20)),
        inline("KeyManagementProvider", "{name: stamps}", &authority("Stamps", -1, 1000)),
        inline(
            "NamespacedKeyManagementProvider",
            "{name: own, namespace: team-a}",
            &authority("Own", -1, 1000),
        ),
        three_statements("Verifier", "{name: notation}", "good, old, future"),
        three_statements("NamespacedVerifier", "{name: notation, namespace: team-a}", "own"),
        POLICIES.to_owned(),
    ]
    .concat();
    std::fs::write(&file, text).expect("written");
    let checked = Checked::of(&[&file]);
    assert_eq!(checked.status, 0, "{}", checked.text);
    let scope = |title: &str| {
        let (_, rest) = checked.text.split_once(&format!("{title}\n")).expect("title");
        rest.split_once("\n\n").expect("end").0.to_owned()
    };
    let cluster = scope("Images asked for without a namespace");
    let threshold = "at least 1 of (at least 2 valid signatures of notation; all of (at least 1 valid signature of notation; at least 1 valid signature of notation))";
    for words in [
        &format!("rule: Policy ratify-policy; {threshold}"),
        "  Verifier notation (notation), for application/vnd.cncf.notary.signature",
        "trust policy prod: images of registry.example.com/a\n",
        "level strict: every check is enforced, except: expiry is only logged; revocation is not checked; timestamps are looked at once a certificate has expired",
        "signed by: x509.subject: C=US, ST=WA, O=Acme\n      under trust store ca:certs\n",
        "timestamps under trust store tsa:stamps\n        CN=Stamps",
        "level skip: admitted without any check, and nothing is claimed\n    trust policy rest: every image that no other trust policy of this Verifier names\n",
        "EXPIRED, from KeyManagementProvider old",
        "NOT VALID YET, from KeyManagementProvider future",
    ] {
        assert!(cluster.contains(words), "{words} is not said in\n{cluster}");
    }
    assert!(!cluster.contains("Own"), "{cluster}");
    let own = scope("Images asked for with namespace team-a");
    for words in [
        &format!("rule, as for the cluster: Policy ratify-policy; {threshold}"),
        "  Verifier notation (notation)",
        "  NamespacedVerifier team-a/notation (notation)",
        "from NamespacedKeyManagementProvider team-a/own",
        "  NamespacedStore team-a/store-oras: registries are read",
    ] {
        assert!(own.contains(words), "{words} is not said in\n{own}");
    }
    let other = scope("Images asked for with namespace team-b");
    let rule = "rule: Policy ratify-policy; every type that is found and claimed: at least one valid\n";
    assert!(other.contains(rule) && !other.contains("Own"), "{other}");
    assert!(checked.says("warning", "certificate CN=Old,O=Acme,ST=WA,C=US expired on"), "{}", checked.text);
    assert!(checked.says("warning", "until then no signature under it counts"), "{}", checked.text);
}

#[test]
fn a_key_source_that_cannot_be_read_is_said_with_file_line_and_field() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("provider.yaml");
    let missing = folder.path().join("certificates");
    let text = format!(
        "apiVersion: config.ratify.deislabs.io/v1beta1\nkind: KeyManagementProvider\nmetadata: {{name: good}}\nspec:\n  type: file\n  parameters:\n    contentType: certificate\n    path: {}\n{}{}",
        missing.display(),
        inline("KeyManagementProvider", "{name: stamps}", &authority("Stamps", -1, 1000)),
        three_statements("Verifier", "{name: notation}", "good"),
    );
    std::fs::write(&file, text).expect("written");
    let checked = Checked::of(&[&file]);
    assert_eq!(checked.status, 3, "{}", checked.text);
    let place = format!("{}:8: error: KeyManagementProvider good: spec.parameters.path: ", file.display());
    assert!(checked.text.contains(&place), "{place} is not said in\n{}", checked.text);
}

#[test]
fn what_is_mandatory_and_what_executors_decide_is_said() {
    const DEMO: &str = include_str!("../fixtures/demo/config.yaml");
    const MORE: &str = "---
apiVersion: config.ratify.deislabs.io/v1beta1
kind: Policy
metadata: {name: ratify-policy, annotations: {hallmark.io/mandatory: \"true\"}}
spec: {type: config-policy, parameters: {artifactVerificationPolicies: {default: all}}}
---
apiVersion: config.ratify.deislabs.io/v1beta1
kind: NamespacedPolicy
metadata: {name: ratify-policy, namespace: team}
spec: {type: config-policy, parameters: {artifactVerificationPolicies: {default: any}}}
---
apiVersion: config.ratify.sh/v2alpha1
kind: NamespacedExecutor
metadata: {name: build, namespace: team}
spec:
  scopes: [\"*.registry.example\"]
  verifiers:
  - name: notation
    type: notation
    parameters:
      certificates:
      - type: ca
        inline:
          certs: |
";
    let certificate: String = include_str!("../fixtures/demo/root.crt")
        .lines()
        .map(|line| format!("            {line}\n"))
        .collect();
    let rest = "  stores: [{type: registry-store}]\n  policyEnforcer: {type: threshold-policy, parameters: {policy: {rules: [{verifierName: notation}]}}}\n";
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, format!("{DEMO}{MORE}{certificate}{rest}")).expect("file");
    let checked = Checked::of(&[&path]);
    assert_eq!(checked.status, 0, "{}", checked.text);
    let baseline =
        "and, mandatory in every namespace, Policy ratify-policy: Policy ratify-policy; every type";
    for words in [
        "Images asked for with namespace team",
        "Images of *.registry.example asked for with namespace team",
        "rule: NamespacedExecutor team/build; at least 1 valid signature of notation",
        "NamespacedExecutor team/build verifier 0 (notation), for application/vnd.cncf.notary.signature",
    ] {
        assert!(checked.text.contains(words), "{words} is not said in\n{}", checked.text);
    }
    assert_eq!(checked.text.matches(baseline).count(), 2, "for the namespace and in its Executor");
}

#[test]
fn where_no_resource_is_found_that_is_an_error_like_others_and_says_what_is_read() {
    let folder = tempfile::tempdir().expect("folder");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
    let files = [None, Some(("notes.txt", "a")), Some((".hidden.yaml", "a")), Some(("pod.yaml", pod))];
    for (number, file) in files.into_iter().enumerate() {
        let below = folder.path().join(number.to_string());
        std::fs::create_dir(&below).expect("folder");
        if let Some((name, text)) = file {
            std::fs::write(below.join(name), text).expect("written");
        }
        let checked = Checked::of(&[&below]);
        assert_eq!(checked.status, 3, "{}", checked.text);
        let said =
            checked.text.lines().find(|line| line.starts_with("error: no resource was found (name files"));
        assert!(said.is_some_and(|line| line.contains(".yaml, .yml or .json")), "{}", checked.text);
        assert!(checked.text.lines().last().expect("a line").starts_with("1 error, "), "{}", checked.text);
    }
    // Where something else is the reason, that alone is said.
    let missing = Checked::of(&[&folder.path().join("missing")]);
    assert!(
        missing.says("error", "does not exist") && !missing.text.contains("no resource was"),
        "{}",
        missing.text
    );
}
