//! The registry, and images in it that are signed or not.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::registry::{Faults, IMAGE_MANIFEST, TestRegistry, image_manifest, sha256};
use crate::support::signer::{JWS, SIGNATURE_TYPE, SignOptions, Target, TestSigner};

/// Images in a registry that counts requests. A repository holds one image.
pub struct Images {
    pub registry: TestRegistry,
    tags: AtomicUsize,
}

impl Images {
    pub async fn start() -> Self {
        Self { registry: TestRegistry::start(Faults::default()).await, tags: AtomicUsize::default() }
    }

    /// An image without any signature: `host/repository@digest`.
    pub fn unsigned(&self, repository: &str) -> String {
        let digest = self.registry.push_image(repository, None, repository);
        format!("{}/{repository}@{digest}", self.registry.host())
    }

    /// An image that `signer` signed: `host/repository@digest`.
    pub fn signed(&self, repository: &str, signer: &TestSigner) -> String {
        let image = self.unsigned(repository);
        self.sign(repository, signer);
        image
    }

    /// Attaches a signature.
    pub fn sign(&self, repository: &str, signer: &TestSigner) {
        let manifest = image_manifest(repository);
        let digest = sha256(&manifest);
        let target = Target {
            media_type: IMAGE_MANIFEST.to_owned(),
            digest: digest.clone(),
            size: manifest.len() as u64,
        };
        let envelope = signer.sign(&target, &SignOptions::default());
        self.registry.attach_signature(repository, &digest, SIGNATURE_TYPE, JWS, &envelope);
    }

    /// Points a tag at the repository's image: `host/repository:tag`.
    pub fn tag(&self, repository: &str, tag: &str) -> String {
        self.registry.tag(repository, tag, &sha256(&image_manifest(repository)));
        format!("{}/{repository}:{tag}", self.registry.host())
    }

    /// The repository's image by a tag that nobody has asked about.
    pub fn by_new_tag(&self, repository: &str) -> String {
        self.tag(repository, &format!("new{}", self.tags.fetch_add(1, Ordering::Relaxed)))
    }
}
