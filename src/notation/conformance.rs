//! The conformance vectors at the level of reading and verifying: an envelope that must be accepted is, and
//! one that must fail integrity does. Policies, stores and times are for the whole verifier's harness.

use std::path::Path;

use serde::Deserialize;

use super::UnverifiedEnvelope;

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    kind: String,
    #[serde(default)]
    envelope: String,
    #[serde(default)]
    media_type: String,
    expected: String,
    failed_at: Option<String>,
    target: Option<Target>,
    policy: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    media_type: String,
    digest: String,
    size: u64,
}

impl Case {
    /// Level `skip` accepts whatever is there.
    fn is_skipped(&self) -> bool {
        let level = self.policy.as_ref().and_then(|policy| policy.pointer("/signatureVerification/level"));
        level.is_some_and(|level| level == "skip")
    }

    fn verify(&self, folder: &Path) -> Result<(), String> {
        let bytes = std::fs::read(folder.join(&self.envelope)).expect("vector");
        let unverified =
            UnverifiedEnvelope::parse(&self.media_type, bytes.into()).map_err(|e| e.to_string())?;
        let verified = unverified.verify().map_err(|e| e.to_string())?;
        let target = self.target.as_ref().expect("target");
        let found = verified.target();
        let same = found.media_type == target.media_type
            && found.digest.to_string() == target.digest
            && found.size == target.size;
        if same { Ok(()) } else { Err(format!("another target: {found:?}")) }
    }
}

#[test]
fn envelopes_are_accepted_and_refused_as_the_vectors_ask() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/notation");
    let Ok(text) = std::fs::read(folder.join("cases.json")) else {
        println!("skipped: no vectors at {}", folder.display());
        return;
    };
    let cases: Cases = serde_json::from_slice(&text).expect("cases");
    let mut wrong = Vec::new();
    for case in cases.cases.iter().filter(|case| case.kind == "envelope" && !case.is_skipped()) {
        let outcome = case.verify(&folder);
        let integrity = case.failed_at.as_deref() == Some("integrity");
        if case.expected == "accept" && outcome.is_err() || integrity && outcome.is_ok() {
            wrong.push(format!("{}: expected {}, {outcome:?}", case.id, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
