//! One function for each parser of foreign bytes. It must return, whatever it is given; where a rule has an
//! algebra, it asserts that too. libFuzzer calls them from `fuzz_targets/`, and `tests/it/fuzz.rs` calls the
//! same functions with mutated seeds in every test run.

#![allow(missing_docs, clippy::missing_panics_doc, reason = "the name of a target is its documentation")]

use hallmark::oci::{Content, Index, Manifest, media_type};
use hallmark::reference::{DigestAlgorithm, Reference};
use hallmark::x509::{Certificate, certificates_from_pem_or_der};

/// A name and what it feeds.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by the name of its file in `fuzz_targets/`.
pub const TARGETS: &[Target] = &[
    ("certificate", certificate),
    ("certificates_file", certificates_file),
    ("index", index),
    ("manifest", manifest),
    ("reference", reference),
    ("resources", resources),
];

fn content(media_type: &str, bytes: &[u8]) -> Content {
    Content::hash(DigestAlgorithm::Sha256, media_type, bytes.to_vec().into())
}

pub fn reference(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(parsed) = text.parse::<Reference>() {
        let printed = parsed.to_string();
        assert_eq!(printed.parse::<Reference>().ok(), Some(parsed), "{printed:?} reads as another reference");
    }
}

pub fn manifest(bytes: &[u8]) {
    for kind in [media_type::IMAGE_MANIFEST, media_type::DOCKER_MANIFEST, media_type::ARTIFACT_MANIFEST] {
        let _ = Manifest::parse(&content(kind, bytes));
    }
}

pub fn index(bytes: &[u8]) {
    for kind in [media_type::IMAGE_INDEX, media_type::DOCKER_MANIFEST_LIST] {
        let _ = Index::parse(&content(kind, bytes));
    }
}

pub fn certificate(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::from_der(bytes) {
        assert_eq!(certificate.der(), bytes, "the certificate is not the bytes that were read");
        assert!(certificate.der().len() <= Certificate::MAX_SIZE, "larger than its limit");
        let _ = (certificate.is_self_signed(), certificate.key_spec(), certificate.subject_der());
    }
}

pub fn certificates_file(bytes: &[u8]) {
    let _ = certificates_from_pem_or_der(bytes);
}

pub fn resources(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = hallmark::crd::yaml::read_documents(text);
    }
}
