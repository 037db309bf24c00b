//! Signatures of the real `notation` in real registries, one that has the Referrers API and one that does
//! not, judged by the program over the wire.

use crate::support::configuration::resources;
use crate::support::parts::{Notation, PushedImage, RealRegistry, ReferrersBy, SignatureFormat};
use crate::support::program::{configuration_file, run};
use crate::support::signer::{KeyKind, TestSigner};

/// Every key specification of the Notary Project.
const KEYS: [(&str, KeyKind); 6] = [
    ("rsa2048", KeyKind::Rsa(2048)),
    ("rsa3072", KeyKind::Rsa(3072)),
    ("rsa4096", KeyKind::Rsa(4096)),
    ("ec256", KeyKind::P256),
    ("ec384", KeyKind::P384),
    ("ec521", KeyKind::P521),
];
const FORMATS: [(&str, SignatureFormat); 2] =
    [("jws", SignatureFormat::Jws), ("cose", SignatureFormat::Cose)];

/// Pushes one image for each key and format, and has `notation` sign it.
async fn signed_images(
    registry: &RealRegistry,
    referrers: ReferrersBy,
) -> (Vec<PushedImage>, Vec<TestSigner>) {
    let mut notation = Notation::new();
    let (mut images, mut signers) = (Vec::new(), Vec::new());
    for (key, kind) in KEYS {
        let signer = TestSigner::new(kind);
        notation.add_key(key, &signer);
        for (format_name, format) in FORMATS {
            let image = registry.push_image(&format!("{key}/{format_name}"), "v1", key).await;
            notation.sign(&image, key, format, referrers);
            images.push(image);
        }
        signers.push(signer);
    }
    (images, signers)
}

/// Has the program judge every image, by digest and by tag, and an unsigned one beside them.
async fn every_signature_is_verified(registry: &RealRegistry, referrers: ReferrersBy) {
    let (images, signers) = signed_images(registry, referrers).await;
    for image in &images {
        assert_eq!(registry.referrer_count(image).await, 1, "{}", image.by_tag());
    }
    let roots: Vec<String> = signers.iter().map(TestSigner::root_pem).collect();
    let anchors: Vec<(&str, &str)> =
        KEYS.iter().zip(&roots).map(|((key, _), root)| (*key, root.as_str())).collect();
    let folder = tempfile::tempdir().expect("folder");
    let config = configuration_file(folder.path(), &resources(&anchors, true));
    let names: Vec<String> = images.iter().flat_map(|image| [image.by_digest(), image.by_tag()]).collect();
    let mut arguments = vec!["verify", "--config", &config, "--output", "json"];
    arguments.extend(names.iter().map(String::as_str));
    let judged = run(&arguments);
    for image in judged.json()["images"].as_array().expect("images") {
        assert_eq!(image["verdict"], "verified", "{image:#}");
    }
    assert_eq!(judged.status, 0, "{}", judged.stderr);

    let unsigned = registry.push_image("rsa2048/jws", "unsigned", "unsigned").await.by_tag();
    arguments.push(&unsigned);
    let judged = run(&arguments);
    let verdicts: Vec<_> =
        judged.json()["images"].as_array().expect("images").iter().map(|i| i["verdict"].clone()).collect();
    assert_eq!(verdicts.len(), names.len() + 1);
    assert_eq!(verdicts.last().expect("one"), "unsigned");
    assert_eq!(judged.status, 1, "{}", judged.stderr);
}

#[tokio::test]
async fn signatures_with_every_key_are_verified_in_a_registry_with_the_referrers_api() {
    every_signature_is_verified(&RealRegistry::with_referrers_api(), ReferrersBy::Api).await;
}

#[tokio::test]
async fn signatures_with_every_key_are_verified_in_a_registry_without_the_referrers_api() {
    every_signature_is_verified(&RealRegistry::without_referrers_api(), ReferrersBy::TagSchema).await;
}

#[tokio::test]
async fn signatures_listed_under_a_tag_are_found_where_the_referrers_api_lists_none() {
    every_signature_is_verified(&RealRegistry::with_referrers_api(), ReferrersBy::TagSchema).await;
}
