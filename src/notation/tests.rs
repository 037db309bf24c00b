use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use coset::cbor::value::Value as Cbor;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::x509::CertificateError;
use crate::x509::chain::ChainError;

use crate::test_signer::{KeyKind, SignOptions, Target, TestSigner};

const DIGEST: &str = "sha256:73c803930ea3ba1e54bc25c2bdc53edd0284c62ed651fe7b00369da519a3c333";

fn target() -> Target {
    Target {
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        digest: DIGEST.to_owned(),
        size: 528,
    }
}

fn payload() -> String {
    json!({"targetArtifact": {"mediaType": "m", "digest": DIGEST, "size": 528}}).to_string()
}

fn verify(media_type: &str, envelope: Vec<u8>) -> Result<VerifiedEnvelope, EnvelopeError> {
    UnverifiedEnvelope::parse(media_type, envelope.into())?.verify()
}

/// The protected header of a good JWS envelope.
fn jws_header() -> Value {
    json!({
        "alg": "ES256",
        "cty": PAYLOAD_CONTENT_TYPE,
        "crit": ["io.cncf.notary.signingScheme"],
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": "2026-01-02T03:04:05Z",
    })
}

/// Signs a JWS envelope from texts, so that they may be anything.
fn jws(signer: &TestSigner, protected: &str, payload: &str) -> Value {
    let (protected, payload) = (URL_SAFE_NO_PAD.encode(protected), URL_SAFE_NO_PAD.encode(payload));
    let signature = signer.raw_signature(format!("{protected}.{payload}").as_bytes());
    let chain: Vec<_> =
        [&signer.leaf, &signer.root].iter().map(|c| STANDARD.encode(c.to_der().expect("DER"))).collect();
    json!({
        "payload": payload,
        "protected": protected,
        "header": {"x5c": chain},
        "signature": URL_SAFE_NO_PAD.encode(signature),
    })
}

fn verify_jws(envelope: &Value) -> Result<VerifiedEnvelope, EnvelopeError> {
    verify(JWS_MEDIA_TYPE, envelope.to_string().into_bytes())
}

/// Verifies a JWS envelope whose protected header is a good one after `change`.
fn with_header(change: impl FnOnce(&mut Value)) -> Result<VerifiedEnvelope, EnvelopeError> {
    let mut header = jws_header();
    change(&mut header);
    verify_jws(&jws(&TestSigner::new(KeyKind::P256), &header.to_string(), &payload()))
}

/// Verifies a JWS envelope that is a good one after `change`.
fn with_envelope(change: impl FnOnce(&mut Value)) -> Result<VerifiedEnvelope, EnvelopeError> {
    let mut envelope = jws(&TestSigner::new(KeyKind::P256), &jws_header().to_string(), &payload());
    change(&mut envelope);
    verify_jws(&envelope)
}

fn with_payload(payload: &str) -> Result<VerifiedEnvelope, EnvelopeError> {
    verify_jws(&jws(&TestSigner::new(KeyKind::P256), &jws_header().to_string(), payload))
}

#[test]
fn what_is_signed_comes_out_as_it_went_in() {
    let signer = TestSigner::new(KeyKind::P256);
    let options = SignOptions {
        expiry: Some("2027-01-02T03:04:05Z".to_owned()),
        metadata: [("team".to_owned(), "a".to_owned())].into(),
        timestamp_token: Some(vec![1, 2, 3]),
        ..SignOptions::default()
    };
    let verified = verify(JWS_MEDIA_TYPE, signer.sign(&target(), &options)).expect("verified");
    assert_eq!(verified.scheme(), Scheme::X509);
    assert_eq!(verified.signing_time().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(verified.expiry().expect("expiry").to_string(), "2027-01-02T03:04:05Z");
    assert_eq!(verified.target().digest.to_string(), DIGEST);
    assert_eq!(verified.target().size, 528);
    assert_eq!(verified.target().annotations.get("team").map(String::as_str), Some("a"));
    assert_eq!(verified.timestamp_token(), Some([1, 2, 3].as_slice()));
    assert_eq!(verified.leaf().der(), signer.leaf.to_der().expect("DER"));
    assert_eq!(verified.chain().len(), 2);
    assert_eq!(verified.signature().len(), 64);
    assert!(verified.plugin().is_none() && verified.extended_attributes().is_empty());
    assert!(verified.retained_bytes() > 1000);
}

#[test]
fn every_algorithm_verifies_with_the_key_that_demands_it() {
    for (kind, algorithm) in [
        (KeyKind::Rsa(2048), Algorithm::Ps256),
        (KeyKind::Rsa(3072), Algorithm::Ps384),
        (KeyKind::P256, Algorithm::Es256),
        (KeyKind::P384, Algorithm::Es384),
        (KeyKind::P521, Algorithm::Es512),
    ] {
        let signer = TestSigner::new(kind);
        let verified = verify(JWS_MEDIA_TYPE, signer.sign(&target(), &SignOptions::default()));
        assert_eq!(verified.expect("verified").algorithm(), algorithm);
    }
}

#[test]
fn an_algorithm_that_the_key_does_not_demand_is_refused() {
    let mismatch = with_header(|header| header["alg"] = json!("PS256"));
    assert!(matches!(mismatch, Err(EnvelopeError::AlgorithmMismatch { written: Algorithm::Ps256, .. })));
    for name in ["none", "HS256", "RS256", "EdDSA", "es256", ""] {
        let refused = with_header(|header| header["alg"] = json!(name));
        assert!(matches!(refused, Err(EnvelopeError::Algorithm(_))), "{name}");
    }
}

#[test]
fn a_salt_of_another_length_than_the_hash_is_refused() {
    let signer = TestSigner::new(KeyKind::Rsa(2048));
    let mut header = jws_header();
    header["alg"] = json!("PS256");
    let key = openssl::pkey::PKey::private_key_from_pem(&signer.leaf_key_pem()).expect("key");
    for (salt, accepted) in [(1, false), (20, false), (32, true)] {
        let mut envelope = jws(&signer, &header.to_string(), &payload());
        let input = format!(
            "{}.{}",
            envelope["protected"].as_str().expect("text"),
            envelope["payload"].as_str().expect("text")
        );
        let mut pss = Signer::new(openssl::hash::MessageDigest::sha256(), &key).expect("signer");
        pss.set_rsa_padding(Padding::PKCS1_PSS).expect("padding");
        pss.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt)).expect("salt length");
        let signature = pss.sign_oneshot_to_vec(input.as_bytes()).expect("signature");
        envelope["signature"] = json!(URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(verify_jws(&envelope).is_ok(), accepted, "salt of {salt} bytes");
    }
}

#[test]
fn a_signature_is_over_these_very_bytes() {
    let other = URL_SAFE_NO_PAD.encode(payload().replace("528", "529"));
    assert_eq!(
        with_envelope(|envelope| envelope["payload"] = json!(other)).expect_err("refused"),
        EnvelopeError::Signature
    );
    let short = with_envelope(|envelope| envelope["signature"] = json!(""));
    assert_eq!(short.expect_err("refused"), EnvelopeError::SignatureLength { length: 0, expected: 64 });
}

#[test]
fn only_the_flattened_form_is_read() {
    let refused = |change: fn(&mut Value)| with_envelope(change).expect_err("refused");
    assert!(matches!(refused(|e| e["extra"] = json!(1)), EnvelopeError::Member { .. }));
    assert!(matches!(refused(|e| e["signatures"] = json!([])), EnvelopeError::Member { .. }));
    assert!(matches!(refused(|e| e["Payload"] = e["payload"].take()), EnvelopeError::Member { .. }));
    let broken_line =
        |e: &mut Value| e["signature"] = json!(format!("{}\n", e["signature"].as_str().expect("text")));
    assert!(matches!(with_envelope(broken_line).expect_err("refused"), EnvelopeError::Member { .. }));
    let padded =
        |e: &mut Value| e["signature"] = json!(format!("{}==", e["signature"].as_str().expect("text")));
    assert!(matches!(with_envelope(padded).expect_err("refused"), EnvelopeError::Member { .. }));
}

#[test]
fn unprotected_headers_are_ignored_but_for_the_chain_and_the_timestamp() {
    let accepted = with_envelope(|envelope| {
        for name in
            ["jwk", "jku", "x5u", "kid", "typ", "io.cncf.notary.SigningAgent", "io.cncf.notary.expiry"]
        {
            envelope["header"][name] = json!({"any": ["thing"]});
        }
    });
    assert!(accepted.is_ok(), "{accepted:?}");
    let crit = with_envelope(|envelope| envelope["header"]["crit"] = json!(["kid"])).expect_err("refused");
    assert_eq!(crit.to_string().matches("unprotected header").count(), 1, "{crit}");
    let token = with_envelope(|envelope| envelope["header"]["io.cncf.notary.timestampSignature"] = json!(7));
    assert!(matches!(token, Err(EnvelopeError::Member { .. })));
}

/// RFC 7515 §7.2.1, RFC 9052 §3: which of the two counts would be open.
#[test]
fn a_header_stands_in_one_place_alone() {
    for name in ["alg", "cty", "io.cncf.notary.signingScheme"] {
        let both = with_envelope(|envelope| envelope["header"][name] = json!("ES256"));
        assert_eq!(both.expect_err("refused"), EnvelopeError::member(name, "occurs in both headers"));
    }
    for index in [0, 2, 3, 4] {
        let both = with_cose(|protected, unprotected| unprotected.push(protected[index].clone()));
        let error = both.expect_err("refused").to_string();
        assert!(error.contains("occurs in both headers"), "{error}");
    }
}

#[test]
fn a_chain_is_counted_before_it_is_read() {
    let many = with_envelope(|envelope| envelope["header"]["x5c"] = json!(vec!["!"; 10_000]));
    assert_eq!(many.expect_err("refused"), EnvelopeError::TooManyCertificates { count: 10_000, limit: 10 });
    let none = with_envelope(|envelope| envelope["header"]["x5c"] = json!([]));
    assert_eq!(none.expect_err("refused"), EnvelopeError::Chain(ChainError::Empty));
    let junk = with_envelope(|envelope| envelope["header"]["x5c"][1] = json!("AAAA"));
    let error = EnvelopeError::Certificate { position: 2, error: CertificateError::Malformed };
    assert_eq!(junk.expect_err("refused"), error);
}

#[test]
fn an_envelope_of_more_than_a_mebibyte_is_not_looked_at() {
    let error = verify(JWS_MEDIA_TYPE, vec![b' '; MAX_ENVELOPE + 1]).expect_err("refused");
    assert_eq!(error, EnvelopeError::TooLarge { size: MAX_ENVELOPE + 1, limit: MAX_ENVELOPE });
    let error = verify("application/json", vec![]).expect_err("refused");
    assert_eq!(error, EnvelopeError::MediaType("application/json".to_owned()));
}

#[test]
fn the_list_of_critical_attributes_is_exact() {
    let crit = |list: Value| with_header(|header| header["crit"] = list).expect_err("refused");
    let problem = |list: Value| match crit(list) {
        EnvelopeError::Critical { problem, .. } => problem,
        other => panic!("{other}"),
    };
    let scheme = "io.cncf.notary.signingScheme";
    assert!(matches!(crit(json!(null)), EnvelopeError::Member { .. }));
    assert!(matches!(crit(json!([scheme, 1])), EnvelopeError::Member { .. }));
    assert_eq!(problem(json!([])), CriticalProblem::NotMarked);
    assert_eq!(problem(json!([scheme, scheme])), CriticalProblem::MarkedTwice);
    for name in ["alg", "cty", "crit", "absent", "io.cncf.notary.expiry", "io.cncf.notary.signingTime"] {
        assert_eq!(problem(json!([scheme, name])), CriticalProblem::WronglyMarked, "{name}");
    }
}

#[test]
fn a_critical_attribute_that_nobody_understands_is_refused() {
    let extended = |critical: bool| {
        with_header(|header| {
            header["com.example"] = json!("x");
            if critical {
                header["crit"].as_array_mut().expect("list").push(json!("com.example"));
            }
        })
    };
    let error = extended(true).expect_err("refused");
    let name = AttributeName::Text("com.example".to_owned());
    assert_eq!(error, EnvelopeError::Critical { name, problem: CriticalProblem::NotUnderstood });
    let verified = extended(false).expect("verified");
    assert_eq!(verified.extended_attributes().len(), 1);
    assert!(!verified.extended_attributes()[0].critical);
}

#[test]
fn a_named_plugin_takes_over_what_is_critical() {
    let plugin = |name: Value, version: Value| {
        with_header(|header| {
            header["io.cncf.notary.verificationPlugin"] = name;
            header["io.cncf.notary.verificationPluginMinVersion"] = version;
            header["com.example"] = json!("x");
            let plugin = ["", "MinVersion"].map(|end| format!("io.cncf.notary.verificationPlugin{end}"));
            header["crit"].as_array_mut().expect("list").extend([
                json!(plugin[0]),
                json!(plugin[1]),
                json!("com.example"),
            ]);
        })
    };
    let verified = plugin(json!("p"), json!("1.1.0-alpha")).expect("verified");
    let requirement = verified.plugin().expect("plugin");
    assert_eq!(requirement.name, "p");
    assert!(requirement.min_version.as_ref().expect("version") > &semver::Version::new(1, 0, 0));
    assert!(verified.extended_attributes()[0].critical);
    for (name, version) in
        [(json!(" "), json!("1.0.0")), (json!(7), json!("1.0.0")), (json!("p"), json!("1"))]
    {
        assert!(matches!(plugin(name, version), Err(EnvelopeError::Member { .. })));
    }
    let unmarked = with_header(|header| header["io.cncf.notary.verificationPlugin"] = json!("p"));
    assert!(matches!(unmarked, Err(EnvelopeError::Critical { problem: CriticalProblem::NotMarked, .. })));
}

#[test]
fn each_scheme_has_its_own_signing_time() {
    let authority = |header: &mut Value| {
        header["io.cncf.notary.signingScheme"] = json!("notary.x509.signingAuthority");
        header["io.cncf.notary.authenticSigningTime"] = header["io.cncf.notary.signingTime"].take();
        header.as_object_mut().expect("object").remove("io.cncf.notary.signingTime");
        header["crit"].as_array_mut().expect("list").push(json!("io.cncf.notary.authenticSigningTime"));
    };
    assert_eq!(with_header(authority).expect("verified").scheme(), Scheme::SigningAuthority);
    let both = |header: &mut Value| {
        authority(header);
        header["io.cncf.notary.signingTime"] = json!("2026-01-02T03:04:05Z");
    };
    assert!(matches!(with_header(both), Err(EnvelopeError::Member { .. })));
    let foreign = |header: &mut Value| {
        authority(header);
        header["io.cncf.notary.signingScheme"] = json!("notary.x509");
    };
    assert!(matches!(with_header(foreign), Err(EnvelopeError::Member { .. })));
    let neither = |header: &mut Value| header["io.cncf.notary.signingTime"] = json!("0001-01-01T00:00:00Z");
    assert!(matches!(with_header(neither), Err(EnvelopeError::Member { .. })));
    let unknown = |header: &mut Value| header["io.cncf.notary.signingScheme"] = json!("notary.X509");
    assert_eq!(with_header(unknown).expect_err("refused"), EnvelopeError::Scheme("notary.X509".to_owned()));
}

#[test]
fn an_expiry_lies_after_the_signing_time() {
    let expiry = |time: &str| {
        with_header(|header| {
            header["io.cncf.notary.expiry"] = json!(time);
            header["crit"].as_array_mut().expect("list").push(json!("io.cncf.notary.expiry"));
        })
    };
    assert!(expiry("2026-01-02T03:04:06Z").is_ok());
    assert!(expiry("2026-01-02T11:04:06+08:00").is_ok());
    for time in ["2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", "2025-01-01T00:00:00Z"] {
        assert!(matches!(expiry(time), Err(EnvelopeError::ExpiryNotAfterSigning { .. })), "{time}");
    }
    assert!(matches!(expiry("0001-01-01T00:00:00Z"), Err(EnvelopeError::Member { .. })));
    let case_variant = with_header(|header| header["io.cncf.notary.EXPIRY"] = json!("2020-01-01T00:00:00Z"));
    assert_eq!(case_variant.expect("verified").expiry(), None, "another name is another attribute");
}

#[test]
fn names_that_occur_twice_are_refused_in_header_and_payload() {
    let signer = TestSigner::new(KeyKind::P256);
    let header = jws_header().to_string().replacen('{', r#"{"alg":"ES256","#, 1);
    assert!(matches!(verify_jws(&jws(&signer, &header, &payload())), Err(EnvelopeError::Json { .. })));
    let twice = payload().replacen(r#""digest""#, &format!(r#""digest":"{DIGEST}","digest""#), 1);
    assert!(matches!(with_payload(&twice), Err(EnvelopeError::Json { .. })));
    let envelope = jws(&signer, &jws_header().to_string(), &payload()).to_string();
    let twice = envelope.replacen('{', r#"{"payload":"","#, 1);
    assert!(matches!(verify(JWS_MEDIA_TYPE, twice.into_bytes()), Err(EnvelopeError::Json { .. })));
}

#[test]
fn a_payload_describes_one_artifact_exactly() {
    let other_members =
        payload().replacen('{', r#"{"more":{"a":[1]},"#, 1).replace("528", r#"528,"artifactType":"t""#);
    assert!(with_payload(&other_members).is_ok());
    for (member, from, to) in [
        ("targetArtifact", "targetArtifact", "TARGETARTIFACT"),
        ("digest", "\"digest\"", "\"Digest\""),
        ("digest", "sha256:73c8", "sha256:73C8"),
        ("digest", "sha256:", "md5:"),
        ("size", "528", "528.0"),
        ("size", "528", "-528"),
        ("size", "528", "\"528\""),
        ("size", "528", "18446744073709551616"),
        ("mediaType", "\"m\"", "\"\""),
        ("annotations", "528", "528,\"annotations\":{\"a\":1}"),
    ] {
        match with_payload(&payload().replacen(from, to, 1)) {
            Err(EnvelopeError::Payload { member: named, .. }) => assert_eq!(named, member, "{to}"),
            other => panic!("{to}: {other:?}"),
        }
    }
    assert!(matches!(with_payload(&format!("{} x", payload())), Err(EnvelopeError::Json { .. })));
    assert!(matches!(with_payload("[]"), Err(EnvelopeError::Json { .. })));
}

/// The labels and values of a good COSE protected header.
fn cose_header() -> Vec<(Cbor, Cbor)> {
    let text = |text: &str| Cbor::Text(text.to_owned());
    vec![
        (Cbor::from(1), Cbor::from(-7)),
        (Cbor::from(2), Cbor::Array(vec![text("io.cncf.notary.signingScheme")])),
        (Cbor::from(3), text(PAYLOAD_CONTENT_TYPE)),
        (text("io.cncf.notary.signingScheme"), text("notary.x509")),
        (text("io.cncf.notary.signingTime"), Cbor::Tag(1, Box::new(Cbor::from(1_767_323_045)))),
    ]
}

fn encode(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    coset::cbor::ser::into_writer(value, &mut bytes).expect("CBOR");
    bytes
}

fn x5chain(signer: &TestSigner) -> Cbor {
    Cbor::Array([&signer.leaf, &signer.root].iter().map(|c| Cbor::Bytes(c.to_der().expect("DER"))).collect())
}

/// Signs a COSE envelope; whatever `change` makes of the headers is signed.
fn cose(change: impl FnOnce(&mut Vec<(Cbor, Cbor)>, &mut Vec<(Cbor, Cbor)>)) -> Vec<u8> {
    let signer = TestSigner::new(KeyKind::P256);
    let mut protected = cose_header();
    let mut unprotected = vec![(Cbor::from(33), x5chain(&signer))];
    change(&mut protected, &mut unprotected);
    let protected = Cbor::Bytes(encode(&Cbor::Map(protected)));
    let payload = Cbor::Bytes(payload().into_bytes());
    let context = Cbor::Text("Signature1".to_owned());
    let structure = Cbor::Array(vec![context, protected.clone(), Cbor::Bytes(Vec::new()), payload.clone()]);
    let signature = Cbor::Bytes(signer.raw_signature(&encode(&structure)));
    let message = Cbor::Array(vec![protected, Cbor::Map(unprotected), payload, signature]);
    encode(&Cbor::Tag(18, Box::new(message)))
}

fn with_cose(
    change: impl FnOnce(&mut Vec<(Cbor, Cbor)>, &mut Vec<(Cbor, Cbor)>),
) -> Result<VerifiedEnvelope, EnvelopeError> {
    verify(COSE_MEDIA_TYPE, cose(change))
}

#[test]
fn a_cose_envelope_verifies_in_whatever_order_its_labels_stand() {
    let verified = with_cose(|_, _| {}).expect("verified");
    assert_eq!(verified.signing_time().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(verified.target().size, 528);
    assert!(with_cose(|protected, _| protected.reverse()).is_ok());
}

#[test]
fn the_chain_may_stand_in_either_cose_header_but_not_in_both() {
    let moved = |protected: &mut Vec<_>, unprotected: &mut Vec<_>| protected.append(unprotected);
    assert!(with_cose(moved).is_ok());
    let copied = |protected: &mut Vec<(Cbor, Cbor)>, unprotected: &mut Vec<(Cbor, Cbor)>| {
        protected.extend(unprotected.iter().cloned());
    };
    assert!(matches!(with_cose(copied), Err(EnvelopeError::Member { .. })));
    let single =
        |_: &mut Vec<_>, unprotected: &mut Vec<(Cbor, Cbor)>| unprotected[0].1 = Cbor::Bytes(vec![0x30]);
    assert!(matches!(with_cose(single), Err(EnvelopeError::Member { .. })));
}

#[test]
fn cose_times_are_tagged_and_sane() {
    let time = |value: Cbor| with_cose(|protected, _| protected[4].1 = value);
    let tagged = |value: Cbor| time(Cbor::Tag(1, Box::new(value)));
    assert!(tagged(Cbor::Float(1_767_323_045.5)).is_ok());
    for refused in [
        time(Cbor::from(1_767_323_045)),
        time(Cbor::Tag(0, Box::new(Cbor::Text("2026-01-02T03:04:05Z".to_owned())))),
        tagged(Cbor::from(u64::MAX)),
        tagged(Cbor::from(-1)),
        tagged(Cbor::Float(f64::NAN)),
        tagged(Cbor::Float(f64::INFINITY)),
    ] {
        assert!(matches!(refused, Err(EnvelopeError::Member { .. })), "{refused:?}");
    }
}

#[test]
fn critical_cose_attributes_that_nobody_understands_are_refused() {
    let critical = |label: Cbor| {
        with_cose(|protected, _| {
            protected[1].1 =
                Cbor::Array(vec![Cbor::Text("io.cncf.notary.signingScheme".to_owned()), label.clone()]);
            protected.push((label, Cbor::from(7)));
        })
    };
    let text = critical(Cbor::Text("com.example".to_owned()));
    assert!(matches!(text, Err(EnvelopeError::Critical { problem: CriticalProblem::NotUnderstood, .. })));
    let private = critical(Cbor::from(-70_000));
    assert!(matches!(private, Err(EnvelopeError::Critical { problem: CriticalProblem::NotUnderstood, .. })));
    let algorithm = with_cose(|protected, _| {
        protected[1].1 =
            Cbor::Array(vec![Cbor::Text("io.cncf.notary.signingScheme".to_owned()), Cbor::from(1)]);
    });
    assert!(matches!(
        algorithm,
        Err(EnvelopeError::Critical { problem: CriticalProblem::WronglyMarked, .. })
    ));
}

#[test]
fn cose_headers_count_only_where_they_are_protected() {
    let moved = |index: usize| {
        move |protected: &mut Vec<(Cbor, Cbor)>, unprotected: &mut Vec<(Cbor, Cbor)>| {
            unprotected.push(protected.remove(index));
        }
    };
    for index in 0..4 {
        assert!(with_cose(moved(index)).is_err(), "entry {index}");
    }
    let number = with_cose(|protected, _| protected[2].1 = Cbor::from(50));
    assert!(matches!(number, Err(EnvelopeError::Member { .. })));
    let text = with_cose(|protected, _| protected[0].1 = Cbor::Text("ES256".to_owned()));
    assert!(matches!(text, Err(EnvelopeError::Algorithm(_))));
}

#[test]
fn a_timestamp_of_another_type_counts_as_absent_in_cose() {
    let label = || Cbor::Text("io.cncf.notary.timestampSignature".to_owned());
    let wrong = with_cose(|_, unprotected| unprotected.push((label(), Cbor::from(7)))).expect("verified");
    assert_eq!(wrong.timestamp_token(), None);
    let right =
        with_cose(|_, unprotected| unprotected.push((label(), Cbor::Bytes(vec![7])))).expect("verified");
    assert_eq!(right.timestamp_token(), Some([7].as_slice()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for media_type in [JWS_MEDIA_TYPE, COSE_MEDIA_TYPE] {
            prop_assert!(UnverifiedEnvelope::parse(media_type, bytes.clone().into()).is_err());
        }
    }

    #[test]
    fn no_damage_to_an_envelope_panics_or_changes_what_is_signed(at in 0usize..2000, byte: u8) {
        for (media_type, mut envelope) in [
            (COSE_MEDIA_TYPE, cose(|_, _| {})),
            (JWS_MEDIA_TYPE, TestSigner::new(KeyKind::P256).sign(&target(), &SignOptions::default())),
        ] {
            if let Some(place) = envelope.get_mut(at) {
                *place = byte;
            }
            if let Ok(verified) = verify(media_type, envelope) {
                prop_assert_eq!(verified.target().digest.to_string(), DIGEST);
            }
        }
    }
}
