//! Signs as `notation sign` does, for tests that need a signature of a certain shape: a test certificate
//! authority and Notary Project JWS envelopes. Real signers cover what they can make (`real_parts`); this
//! covers what they refuse to make.
//!
//! Unit tests include this file by path, so it uses nothing of the crate.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "included by several test binaries, each uses its own part"
)]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use openssl::x509::{X509, X509Builder, X509Extension, X509NameBuilder};
use serde_json::json;

/// Artifact type of a Notary Project signature.
pub const SIGNATURE_TYPE: &str = "application/vnd.cncf.notary.signature";
/// Media type of a JWS envelope.
pub const JWS: &str = "application/jose+json";

/// The key specifications of the Notary Project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Rsa(u32),
    P256,
    P384,
    P521,
}

impl KeyKind {
    /// The JWS algorithm, the hash and the width of r and s for this key.
    fn algorithm(self) -> (&'static str, MessageDigest, i32) {
        match self {
            Self::Rsa(2048) => ("PS256", MessageDigest::sha256(), 0),
            Self::Rsa(3072) => ("PS384", MessageDigest::sha384(), 0),
            Self::Rsa(_) => ("PS512", MessageDigest::sha512(), 0),
            Self::P256 => ("ES256", MessageDigest::sha256(), 32),
            Self::P384 => ("ES384", MessageDigest::sha384(), 48),
            Self::P521 => ("ES512", MessageDigest::sha512(), 66),
        }
    }

    fn generate(self) -> PKey<Private> {
        let curve = |nid| {
            let group = EcGroup::from_curve_name(nid).expect("named curve");
            PKey::from_ec_key(EcKey::generate(&group).expect("EC key")).expect("key")
        };
        match self {
            Self::Rsa(bits) => PKey::from_rsa(Rsa::generate(bits).expect("RSA key")).expect("key"),
            Self::P256 => curve(Nid::X9_62_PRIME256V1),
            Self::P384 => curve(Nid::SECP384R1),
            Self::P521 => curve(Nid::SECP521R1),
        }
    }
}

/// A root, a leaf under it, and the leaf's key.
pub struct TestSigner {
    pub root: X509,
    pub leaf: X509,
    root_key: PKey<Private>,
    leaf_key: PKey<Private>,
    kind: KeyKind,
}

/// How a leaf certificate is made.
#[derive(Clone, Debug)]
pub struct LeafOptions {
    pub organization: String,
    pub common_name: String,
    /// Unix seconds.
    pub not_before: i64,
    /// Unix seconds.
    pub not_after: i64,
    pub crl_url: Option<String>,
    pub ocsp_url: Option<String>,
}

impl Default for LeafOptions {
    fn default() -> Self {
        Self {
            organization: "Hallmark Test".to_owned(),
            common_name: "signer".to_owned(),
            not_before: 1_700_000_000,
            not_after: 4_000_000_000,
            crl_url: None,
            ocsp_url: None,
        }
    }
}

/// How an envelope is made.
#[derive(Clone, Debug)]
pub struct SignOptions {
    pub signing_time: String,
    pub expiry: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// Signs by scheme `notary.x509.signingAuthority`.
    pub signing_authority: bool,
    /// Further members of the protected header, listed as critical.
    pub critical: BTreeMap<String, String>,
    pub timestamp_token: Option<Vec<u8>>,
}

impl Default for SignOptions {
    fn default() -> Self {
        Self {
            signing_time: "2026-01-02T03:04:05Z".to_owned(),
            expiry: None,
            metadata: BTreeMap::new(),
            signing_authority: false,
            critical: BTreeMap::new(),
            timestamp_token: None,
        }
    }
}

/// What a signature is over.
#[derive(Clone, Debug)]
pub struct Target {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
}

impl TestSigner {
    /// A fresh root and leaf with the default options.
    pub fn new(kind: KeyKind) -> Self {
        Self::with(kind, &LeafOptions::default())
    }

    /// A fresh root and a leaf as asked.
    pub fn with(kind: KeyKind, options: &LeafOptions) -> Self {
        let root_key = KeyKind::P256.generate();
        let root = certificate(
            &LeafOptions {
                common_name: format!("{} root", options.common_name),
                not_before: 1_600_000_000,
                not_after: 4_100_000_000,
                crl_url: None,
                ocsp_url: None,
                ..options.clone()
            },
            &root_key,
            None,
        );
        let leaf_key = kind.generate();
        let leaf = certificate(options, &leaf_key, Some((&root, &root_key)));
        Self { root, leaf, root_key, leaf_key, kind }
    }

    /// The root as PEM: what a key source holds.
    pub fn root_pem(&self) -> String {
        String::from_utf8(self.root.to_pem().expect("PEM")).expect("PEM is text")
    }

    /// The root's key, for revocation lists.
    pub fn root_key(&self) -> &PKey<Private> {
        &self.root_key
    }

    /// The leaf's key as PKCS #8 PEM: what a signing tool holds.
    pub fn leaf_key_pem(&self) -> Vec<u8> {
        self.leaf_key.private_key_to_pem_pkcs8().expect("PEM")
    }

    /// The leaf and the root as PEM, in this order.
    pub fn chain_pem(&self) -> Vec<u8> {
        [self.leaf.to_pem().expect("PEM"), self.root.to_pem().expect("PEM")].concat()
    }

    /// A JWS envelope over `target`.
    pub fn sign(&self, target: &Target, options: &SignOptions) -> Vec<u8> {
        let mut artifact =
            json!({"mediaType": target.media_type, "digest": target.digest, "size": target.size});
        if !options.metadata.is_empty() {
            artifact["annotations"] = json!(options.metadata);
        }
        let payload = URL_SAFE_NO_PAD.encode(json!({ "targetArtifact": artifact }).to_string());
        let protected = URL_SAFE_NO_PAD.encode(self.protected_header(options).to_string());
        let signature = self.raw_signature(format!("{protected}.{payload}").as_bytes());
        let chain: Vec<String> =
            [&self.leaf, &self.root].iter().map(|c| STANDARD.encode(c.to_der().expect("DER"))).collect();
        let mut header = json!({"x5c": chain, "io.cncf.notary.signingAgent": "hallmark tests"});
        if let Some(token) = &options.timestamp_token {
            header["io.cncf.notary.timestampSignature"] = json!(STANDARD.encode(token));
        }
        json!({
            "payload": payload,
            "protected": protected,
            "header": header,
            "signature": URL_SAFE_NO_PAD.encode(signature),
        })
        .to_string()
        .into_bytes()
    }

    fn protected_header(&self, options: &SignOptions) -> serde_json::Value {
        let mut critical = vec!["io.cncf.notary.signingScheme".to_owned()];
        let mut header = json!({
            "alg": self.kind.algorithm().0,
            "cty": "application/vnd.cncf.notary.payload.v1+json",
        });
        if options.signing_authority {
            header["io.cncf.notary.signingScheme"] = json!("notary.x509.signingAuthority");
            header["io.cncf.notary.authenticSigningTime"] = json!(options.signing_time);
            critical.push("io.cncf.notary.authenticSigningTime".to_owned());
        } else {
            header["io.cncf.notary.signingScheme"] = json!("notary.x509");
            header["io.cncf.notary.signingTime"] = json!(options.signing_time);
        }
        if let Some(expiry) = &options.expiry {
            header["io.cncf.notary.expiry"] = json!(expiry);
            critical.push("io.cncf.notary.expiry".to_owned());
        }
        for (name, value) in &options.critical {
            header[name] = json!(value);
            critical.push(name.clone());
        }
        header["crit"] = json!(critical);
        header
    }

    /// The signature over `input`, as the envelope formats want it.
    pub fn raw_signature(&self, input: &[u8]) -> Vec<u8> {
        let (_, hash, width) = self.kind.algorithm();
        let mut signer = Signer::new(hash, &self.leaf_key).expect("signer");
        if width == 0 {
            signer.set_rsa_padding(Padding::PKCS1_PSS).expect("padding");
            signer.set_rsa_mgf1_md(hash).expect("mgf1");
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).expect("salt length");
        }
        let signature = signer.sign_oneshot_to_vec(input).expect("signature");
        if width == 0 {
            return signature;
        }
        let parts = EcdsaSig::from_der(&signature).expect("ECDSA signature");
        let mut raw = parts.r().to_vec_padded(width).expect("r");
        raw.extend(parts.s().to_vec_padded(width).expect("s"));
        raw
    }
}

/// The manifest that attaches `envelope` to `subject`, in the form that released `notation` writes.
pub fn signature_manifest(subject: &Target, envelope: &[u8], media_type: &str) -> Vec<u8> {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": SIGNATURE_TYPE,
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "size": 2,
        },
        "layers": [{
            "mediaType": media_type,
            "digest": format!("sha256:{}", hex::encode(openssl::sha::sha256(envelope))),
            "size": envelope.len(),
        }],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
        "annotations": {"org.opencontainers.image.created": "2026-01-02T03:04:05Z"},
    })
    .to_string()
    .into_bytes()
}

fn certificate(options: &LeafOptions, key: &PKey<Private>, issuer: Option<(&X509, &PKey<Private>)>) -> X509 {
    let mut name = X509NameBuilder::new().expect("name");
    for (attribute, value) in [
        ("C", "US"),
        ("ST", "WA"),
        ("O", options.organization.as_str()),
        ("CN", options.common_name.as_str()),
    ] {
        name.append_entry_by_text(attribute, value).expect("name entry");
    }
    let name = name.build();
    let mut builder = X509Builder::new().expect("certificate");
    builder.set_version(2).expect("version");
    let mut serial = BigNum::new().expect("number");
    serial.rand(120, MsbOption::MAYBE_ZERO, false).expect("serial");
    builder.set_serial_number(&Asn1Integer::from_bn(&serial).expect("serial")).expect("serial");
    builder.set_subject_name(&name).expect("subject");
    builder.set_issuer_name(issuer.map_or(&*name, |(issuer, _)| issuer.subject_name())).expect("issuer");
    builder.set_not_before(&Asn1Time::from_unix(options.not_before).expect("time")).expect("not before");
    builder.set_not_after(&Asn1Time::from_unix(options.not_after).expect("time")).expect("not after");
    builder.set_pubkey(key).expect("key");
    let mut extensions = Vec::new();
    if issuer.is_none() {
        extensions.push(BasicConstraints::new().critical().ca().build().expect("CA"));
        extensions.push(KeyUsage::new().critical().key_cert_sign().crl_sign().build().expect("usage"));
    } else {
        extensions.push(KeyUsage::new().critical().digital_signature().build().expect("usage"));
        extensions.push(ExtendedKeyUsage::new().code_signing().build().expect("EKU"));
    }
    let text_extension = |nid, value: &str| {
        let context = builder.x509v3_context(None, None);
        #[expect(deprecated, reason = "the crate has no typed form of these extensions")]
        X509Extension::new_nid(None, Some(&context), nid, value).expect("extension")
    };
    if let Some(url) = &options.crl_url {
        extensions.push(text_extension(Nid::CRL_DISTRIBUTION_POINTS, &format!("URI:{url}")));
    }
    if let Some(url) = &options.ocsp_url {
        extensions.push(text_extension(Nid::INFO_ACCESS, &format!("OCSP;URI:{url}")));
    }
    for extension in extensions {
        builder.append_extension(extension).expect("extension");
    }
    builder.sign(issuer.map_or(key, |(_, issuer_key)| issuer_key), MessageDigest::sha256()).expect("sign");
    builder.build()
}
