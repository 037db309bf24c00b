//! Signatures of the real `notation` in real registries, one that has the Referrers API and one that does
//! not.

use crate::support::parts::{Notation, PushedImage, RealRegistry, ReferrersBy, SignatureFormat};
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
async fn signed_images(registry: &RealRegistry, referrers: ReferrersBy) -> Vec<(PushedImage, TestSigner)> {
    let mut notation = Notation::new();
    let mut images = Vec::new();
    for (key, kind) in KEYS {
        for (format_name, format) in FORMATS {
            let signer = TestSigner::new(kind);
            notation.add_key(key, &signer);
            let image = registry.push_image(&format!("{key}/{format_name}"), "v1", key).await;
            notation.sign(&image, key, format, referrers);
            images.push((image, signer));
        }
    }
    images
}

#[tokio::test]
async fn notation_signs_with_every_key_into_a_registry_with_the_referrers_api() {
    let registry = RealRegistry::with_referrers_api();
    for (image, _) in signed_images(&registry, ReferrersBy::Api).await {
        assert_eq!(registry.referrer_count(&image).await, 1, "{}", image.by_tag());
    }
}

#[tokio::test]
async fn notation_signs_with_every_key_into_a_registry_without_the_referrers_api() {
    let registry = RealRegistry::without_referrers_api();
    for (image, _) in signed_images(&registry, ReferrersBy::TagSchema).await {
        assert_eq!(registry.referrer_count(&image).await, 1, "{}", image.by_tag());
    }
}
