//! One function for each parser of foreign bytes. It must return, whatever it is given; where a rule has an
//! algebra, it asserts that too. libFuzzer calls them from `fuzz_targets/`, and `tests/it/fuzz.rs` calls the
//! same functions with mutated seeds in every test run.

#![allow(missing_docs, clippy::missing_panics_doc, reason = "the name of a target is its documentation")]

use hallmark::crd::{self, ConvertOptions, Origin, convert, yaml};
use hallmark::engine::settings::NamespacedResources;
use hallmark::externaldata::{RequestLimits, decode, failure_response, parse_key, parse_mutation_key};
use hallmark::notation::{COSE_MEDIA_TYPE, JWS_MEDIA_TYPE, UnverifiedEnvelope};
use hallmark::oci::{Content, Index, Manifest, media_type};
use hallmark::reference::{DigestAlgorithm, Reference, RegistryHost};
use hallmark::registry::auth::DockerAuths;
use hallmark::registry::http::challenge::{Challenge, choose};
use hallmark::registry::http::link;
use hallmark::timestamp;
use hallmark::trust::policy::{Document, DocumentKind, select};
use hallmark::x509::crl::UnverifiedCrl;
use hallmark::x509::name::{DistinguishedName, to_rfc4514};
use hallmark::x509::ocsp::SignedAnswer;
use hallmark::x509::{Certificate, certificates_from_pem_or_der};
use jiff::Timestamp;

/// A name and what it feeds.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by the name of its file in `fuzz_targets/`.
pub const TARGETS: &[Target] = &[
    ("certificate", certificate),
    ("certificates_file", certificates_file),
    ("challenge", challenge),
    ("docker_config", docker_config),
    ("envelope_cose", envelope_cose),
    ("envelope_jws", envelope_jws),
    ("index", index),
    ("manifest", manifest),
    ("ocsp_answer", ocsp_answer),
    ("provider_request", provider_request),
    ("reference", reference),
    ("resources", resources),
    ("revocation_list", revocation_list),
    ("timestamp_token", timestamp_token),
    ("trust_policy", trust_policy),
    ("trusted_identity", trusted_identity),
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

/// The headers by which a registry asks for credentials and names the next page.
pub fn challenge(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(Challenge::Bearer(bearer)) = choose(text.lines()) {
        assert!(text.len() >= bearer.realm.len(), "the realm is longer than what it is read from");
    }
    if let Some(target) = link::next(text) {
        assert!(text.contains(target), "the link is not a part of what it is read from");
    }
}

pub fn docker_config(bytes: &[u8]) {
    let Some(host) = RegistryHost::parse("registry.example") else { return };
    let read = [DockerAuths::parse(bytes), DockerAuths::parse_legacy(bytes)];
    for auths in read.into_iter().flatten() {
        for credential in auths.candidates(&host, "team/app") {
            let _ = credential.fingerprint();
        }
    }
}

pub fn trust_policy(bytes: &[u8]) {
    for kind in [DocumentKind::Oci, DocumentKind::Blob] {
        let Ok(document) = Document::from_json(bytes, kind) else { continue };
        assert!(!document.statements.is_empty(), "a document without statements is valid");
        let _ = select(&document.statements, "registry.example/team/app");
    }
}

pub fn certificate(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::from_der(bytes) {
        assert_eq!(certificate.der(), bytes, "the certificate is not the bytes that were read");
        assert!(certificate.der().len() <= Certificate::MAX_SIZE, "larger than its limit");
        let _ = (certificate.is_self_signed(), certificate.key_spec(), to_rfc4514(certificate.subject_der()));
    }
}

pub fn certificates_file(bytes: &[u8]) {
    let _ = certificates_from_pem_or_der(bytes);
}

pub fn envelope_jws(bytes: &[u8]) {
    envelope(JWS_MEDIA_TYPE, bytes);
}

pub fn envelope_cose(bytes: &[u8]) {
    envelope(COSE_MEDIA_TYPE, bytes);
}

fn envelope(media_type: &str, bytes: &[u8]) {
    let parsed = UnverifiedEnvelope::parse(media_type, bytes.to_vec().into());
    if let Ok(verified) = parsed.and_then(UnverifiedEnvelope::verify) {
        assert!(!verified.chain().is_empty(), "verified by nobody");
    }
}

/// A certificate, then what answers about it.
pub fn ocsp_answer(bytes: &[u8]) {
    let Some((certificate, answer)) = split_certificate(bytes) else { return };
    let _ = SignedAnswer::verify(answer, &certificate, &certificate, Timestamp::UNIX_EPOCH);
}

fn split_certificate(bytes: &[u8]) -> Option<(Certificate, &[u8])> {
    let [0x30, 0x82, high, low, ..] = bytes else { return None };
    let length = 4 + usize::from(u16::from_be_bytes([*high, *low]));
    let (certificate, rest) = bytes.split_at_checked(length)?;
    Some((Certificate::from_der(certificate).ok()?, rest))
}

pub fn revocation_list(bytes: &[u8]) {
    let _ = UnverifiedCrl::parse(bytes.to_vec().into());
}

pub fn timestamp_token(bytes: &[u8]) {
    let verified = timestamp::verify(bytes, b"signature", &[]);
    assert!(verified.is_err(), "verified without an anchor");
}

pub fn trusted_identity(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(name) = DistinguishedName::parse(text) {
        assert!(name.covers(&name), "{text:?} does not cover itself");
    }
}

pub fn provider_request(bytes: &[u8]) {
    let limits = RequestLimits { body_bytes: 16 * 1024, keys: 100 };
    match decode(bytes, &limits) {
        Err(error) => {
            assert!(failure_response(false, &error.to_string()).len() < 8 * 1024, "it repeats much")
        }
        Ok(request) => {
            assert!(request.keys.len() <= limits.keys, "more keys than are taken");
            for key in &request.keys {
                if let Ok(question) = parse_key(key, 1000) {
                    assert!(key.ends_with(question.image), "the image is not a part of its key");
                }
                let _ = parse_mutation_key(key, 1000);
            }
        }
    }
}

pub fn resources(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let documents: Vec<_> = yaml::read_documents(text)
        .into_iter()
        .map(|read| crd::Document { file: None, line: Some(read.line), content: read.content })
        .collect();
    let files = ConvertOptions::files(Timestamp::UNIX_EPOCH);
    let _ = convert(&documents, &files);
    let namespaced = NamespacedResources::Replace;
    let _ = convert(&documents, &ConvertOptions { origin: Origin::Cluster, namespaced, ..files });
}
