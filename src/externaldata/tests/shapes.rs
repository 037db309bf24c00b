//! What each shape says.

use serde_json::json;

use super::*;
use crate::reference::{Digest, Reference};

fn digest_of(text: &str) -> String {
    Digest::of(DigestAlgorithm::Sha256, text.as_bytes()).to_string()
}

#[test]
fn a_verified_image_has_ratifys_fields_and_hallmarks_beside_them() {
    let mut signature = valid(1);
    let unknown = Reason::new(ReasonCode::RevocationUnknown, "no answer", "");
    signature.findings.push(logged(unknown));
    let expected = json!({
        "version": "0.2.0",
        "isSuccess": true,
        "traceID": "00000000-0000-0000-0000-000000000000",
        "timestamp": "2026-11-24T12:00:00Z",
        "verifierReports": [{
            "subject": IMAGE,
            "isSuccess": true,
            "name": "notation",
            "verifierName": "notation",
            "type": "notation",
            "verifierType": "notation",
            "referenceDigest": digest_of("1"),
            "artifactType": SIGNATURE_TYPE,
            "message": "signature verification success",
            "extensions": {"Issuer": "CN=ca,O=Acme,C=US", "SN": "CN=release,O=Acme,C=US"},
            "nestedResults": [],
        }],
        "verdict": "verified",
        "digest": digest_of("image"),
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "isIndex": false,
        "reason": {"code": "VERIFIED", "message": "1 of 1 signatures counts", "remediation": ""},
        "signatures": [{
            "digest": digest_of("1"),
            "kind": "notation",
            "verifier": "notation",
            "result": "valid",
            "signer": {
                "subject": "CN=release,O=Acme,C=US",
                "issuer": "CN=ca,O=Acme,C=US",
                "fingerprint": "ab".repeat(32),
            },
            "signingTime": "2026-11-01T00:00:00Z",
            "signingTimeTrusted": true,
            "loggedFailures": [
                {"check": "revocation", "code": "REVOCATION_UNKNOWN", "message": "no answer"},
            ],
        }],
        "signaturesOmitted": 0,
        "evidence": "first",
        "provenAt": "2026-11-24T11:00:00Z",
        "stale": false,
        "policy": {"name": "ratify-policy", "id": "0123abcd"},
    });
    for shape in [Shape::Canonical, Shape::RatifyV1] {
        assert_eq!(value(shape, verified(vec![signature.clone()])), expected);
    }
}

#[test]
fn a_refuted_signature_says_why_and_names_nobody() {
    let value = value(Shape::RatifyV1, rejected(vec![refuted(1, untrusted())]));
    assert_eq!((&value["isSuccess"], &value["verdict"]), (&json!(false), &json!("rejected")));
    let report = &value["verifierReports"][0];
    assert_eq!(report["message"], "nobody trusts it");
    assert_eq!(report["errorReason"], "UNTRUSTED_SIGNER");
    assert_eq!(report["remediation"], "add its authority to a trust store");
    assert_eq!(report["extensions"], json!({}));
    let signature = &value["signatures"][0];
    assert_eq!(signature["reason"]["code"], "UNTRUSTED_SIGNER");
    assert!(signature.get("signer").is_none() && signature.get("signingTime").is_none(), "{signature}");
}

/// As Ratify does: a template that looks for a failed report must find one.
#[test]
fn a_refused_image_without_signatures_has_one_failed_report() {
    for outcome in [unsigned(), rejected(Vec::new())] {
        let v1 = value(Shape::RatifyV1, outcome.clone());
        assert_eq!(v1["isSuccess"], false);
        let reports = v1["verifierReports"].as_array().expect("reports");
        assert_eq!((reports.len(), &reports[0]["isSuccess"]), (1, &json!(false)));
        assert_eq!(reports[0]["errorReason"], v1["reason"]["code"]);
        let v2 = value(Shape::RatifyV2, outcome);
        assert_eq!(v2["succeeded"], false);
        assert_eq!(v2["artifactReports"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn an_image_of_which_nothing_is_asked_is_admitted_without_a_claim() {
    let reason = Reason::new(ReasonCode::SkippedByPolicy, "level skip", "");
    let outcome = Outcome::not_required(None, reason, policy());
    let v1 = value(Shape::Canonical, outcome.clone());
    assert_eq!((&v1["isSuccess"], &v1["verdict"]), (&json!(true), &json!("notRequired")));
    assert_eq!((&v1["verifierReports"], &v1["signatures"]), (&json!([]), &json!([])));
    assert!(v1.get("digest").is_none() && v1.get("provenAt").is_none(), "{v1}");
    assert_eq!(value(Shape::RatifyV2, outcome), json!({"succeeded": true, "artifactReports": []}));
}

#[test]
fn ratify_v2_has_its_own_names_and_never_null() {
    let mut outcome = verified(vec![valid(1), refuted(2, untrusted())]);
    outcome.stale = true;
    let detail = r#"{"Issuer":"CN=ca,O=Acme,C=US","SN":"CN=release,O=Acme,C=US"}"#;
    let success = "signature verification success";
    let expected = json!({
        "succeeded": true,
        "artifactReports": [
            {
                "subject": IMAGE,
                "artifact": digest_of("1"),
                "results": [{"verifierName": "notation", "description": success, "detail": detail}],
                "artifactReports": [],
            },
            {
                "subject": IMAGE,
                "artifact": digest_of("2"),
                "results": [{
                    "verifierName": "notation",
                    "description": "nobody trusts it",
                    "detail": "{}",
                    "errorReason": "UNTRUSTED_SIGNER: nobody trusts it",
                }],
                "artifactReports": [],
            },
        ],
    });
    assert_eq!(value(Shape::RatifyV2, outcome), expected);
}

#[test]
fn a_signature_on_an_index_says_that_the_index_is_bound() {
    for (media_type, is_index) in [
        (media_type::IMAGE_INDEX, true),
        (media_type::DOCKER_MANIFEST_LIST, true),
        (media_type::DOCKER_MANIFEST, false),
    ] {
        let subject = BoundSubject::of(&content(media_type, "image"));
        let value = value(Shape::Canonical, Outcome::unsigned(subject, untrusted(), policy()));
        assert_eq!((&value["mediaType"], &value["isIndex"]), (&json!(media_type), &json!(is_index)));
    }
}

#[test]
fn undecided_keys_have_no_item_and_are_named_beside_the_decided_ones() {
    let late = || undecided(ReasonCode::DeadlineExceeded);
    let answers = [answered("a", late()), answered("b", unsigned()), answered("c\u{7}", late())];
    for shape in [Shape::Canonical, Shape::RatifyV1, Shape::RatifyV2] {
        let answer = answer(shape, &answers);
        assert_valid(shape, &answer);
        let response = &answer["response"];
        assert_eq!(response["systemError"], "DEADLINE_EXCEEDED a; DEADLINE_EXCEEDED c");
        assert_eq!(response["items"].as_array().map(Vec::len), Some(1));
        assert_eq!((&response["items"][0]["key"], &response["idempotent"]), (&json!("b"), &json!(false)));
    }
}

#[test]
fn a_key_that_is_no_image_has_an_error_and_no_value() {
    let unreadable = || Reason::new(ReasonCode::InvalidReference, "upper case", "");
    let answers = [
        VerificationAnswer { key: "", image: "", outcome: Err(KeyError::Empty), item: None },
        answered("A", Outcome::rejected(None, unreadable(), Vec::new(), policy())),
    ];
    for shape in [Shape::Canonical, Shape::RatifyV1, Shape::RatifyV2] {
        let answer = answer(shape, &answers);
        assert_valid(shape, &answer);
        assert_eq!(
            answer["response"]["items"],
            json!([
                {"key": "", "error": "INVALID_REFERENCE: the key is empty"},
                {"key": "A", "error": "INVALID_REFERENCE: upper case"},
            ])
        );
    }
}

#[test]
fn mutation_keeps_the_tag_unless_ratifys_form_is_wanted_and_tells_errors_in_items() {
    let digest = Digest::of(DigestAlgorithm::Sha256, b"image");
    let pinned = "nginx:1".parse::<Reference>().expect("reference").with_digest(digest.clone());
    let gone = Reason::new(ReasonCode::ImageNotFound, "no such tag", "");
    let answers = [
        MutationAnswer { key: "nginx:1", pinned: Ok(Ok(pinned)) },
        MutationAnswer { key: "gone", pinned: Ok(Err(gone)) },
        MutationAnswer { key: "[a]b", pinned: Err(KeyError::Bracket) },
    ];
    for (keep_tag, tag) in [(true, ":1"), (false, "")] {
        let answer = parsed(&mutate_response(&answers, keep_tag));
        assert_matches_schema(include_str!("../../../docs/schemas/mutate.json"), &answer);
        assert_eq!(
            answer["response"]["items"],
            json!([
                {"key": "nginx:1", "value": format!("docker.io/library/nginx{tag}@{digest}")},
                {"key": "gone", "error": "IMAGE_NOT_FOUND: no such tag"},
                {"key": "[a]b", "error": "INVALID_REFERENCE: an image does not begin with ["},
            ])
        );
        assert_eq!(answer["response"]["idempotent"], true);
    }
}

#[test]
fn an_answer_about_nothing_is_an_answer() {
    for idempotent in [true, false] {
        let answer = parsed(&failure_response(idempotent, "OVERLOADED: too much\nat once"));
        let expected = json!({
            "apiVersion": API_VERSION,
            "kind": "ProviderResponse",
            "response": {
                "idempotent": idempotent,
                "items": [],
                "systemError": "OVERLOADED: too much at once",
            },
        });
        assert_eq!(answer, expected);
    }
}
