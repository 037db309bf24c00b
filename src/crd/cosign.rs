//! The cosign verifier: not supported in this release, and never in the form that accepts anyone.

use super::field::{Field, Notes};

/// Says why a cosign Verifier is refused.
pub(super) fn refuse(spec: &Field<'_>, place: &Field<'_>, notes: &mut Notes) {
    let unsupported = |notes: &mut Notes| {
        notes.error(
            place,
            "cosign is not supported in this release",
            "until it is, sign with notation and use a Verifier of that name",
        );
    };
    let Some(parameters) = spec.member("parameters").filter(|parameters| parameters.is_map(notes)) else {
        anyone(spec, notes);
        return;
    };
    match (parameters.member("trustPolicies"), parameters.member("key")) {
        (Some(policies), _) => {
            trust_policies(&policies, notes);
            unsupported(notes);
        }
        (None, Some(key)) => {
            unsupported(notes);
            if parameters.member("rekorURL").is_none() {
                let message = "without rekorURL no transparency log is checked";
                notes.warning(&key, message, "use trustPolicies, where tLogVerify says so explicitly");
            }
        }
        (None, None) => anyone(&parameters, notes),
    }
    let without_effect = [
        ("nestedReferences", "signatures of signatures are not looked at"),
        ("nestedArtifactTypes", "signatures of signatures are not looked at"),
    ];
    parameters.only(&["trustPolicies", "key", "rekorURL"], &without_effect, notes);
}

fn anyone(place: &Field<'_>, notes: &mut Notes) {
    notes.error(
        place,
        "keyless trust without identity and issuer accepts anyone, and is refused",
        "use trustPolicies with keyless.certificateIdentity and keyless.certificateOIDCIssuer",
    );
}

fn trust_policies(policies: &Field<'_>, notes: &mut Notes) {
    for policy in policies.items(notes).unwrap_or_default() {
        let Some(keyless) = policy.member("keyless") else { continue };
        let named = |names: [&str; 2]| {
            let written =
                |name: &&str| keyless.member(name).is_some_and(|field| field.node.text() != Some(""));
            names.iter().any(written)
        };
        let identity = named(["certificateIdentity", "certificateIdentityRegExp"]);
        let issuer = named(["certificateOIDCIssuer", "certificateOIDCIssuerRegExp"]);
        if !identity || !issuer {
            anyone(&keyless, notes);
        }
    }
}
