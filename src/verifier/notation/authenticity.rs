//! Who signed: the chain must hold a configured anchor, and the leaf must be a trusted identity.
//!
//! Notary Project specification v1.1, trust-store-trust-policy.md, "Trust Store" and "Trusted
//! Identities". The whole certificate is compared, not its key or name.

use super::Failure;
use crate::notation::{Scheme, VerifiedEnvelope};
use crate::outcome::{Reason, ReasonCode};
use crate::trust::policy::Statement;
use crate::trust::store::{StoreType, TrustStore, TrustStores};
use crate::x509::Certificate;
use crate::x509::name::DistinguishedName;

/// Proof that a chain holds an anchor and that its leaf is trusted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchored {
    /// Where the highest anchor of the chain is.
    position: usize,
}

impl Anchored {
    /// The part of `chain` up to its highest anchor and that anchor's issuer: everything whose revocation may be
    /// asked, each followed by its issuer. What stands above an anchor is whatever the presenter put there, and
    /// so are the addresses in it.
    pub(super) fn vouched<'a>(&self, chain: &'a [Certificate]) -> &'a [Certificate] {
        chain.get(..self.position.saturating_add(2)).unwrap_or(chain)
    }
}

/// The prefix of identities that this implementation judges itself.
const SUBJECT_PREFIX: &str = "x509.subject:";

/// Establishes authenticity; `identity_by_plugin` leaves the identity to a verification plugin.
pub(super) fn check(
    envelope: &VerifiedEnvelope,
    statement: &Statement,
    stores: &TrustStores,
    identity_by_plugin: bool,
) -> Result<Anchored, Failure> {
    let wanted = match envelope.scheme() {
        Scheme::X509 => StoreType::Ca,
        Scheme::SigningAuthority => StoreType::SigningAuthority,
    };
    let position = check_anchor(envelope, statement, stores, wanted)?;
    if !identity_by_plugin {
        check_identity(envelope, statement)?;
    }
    Ok(Anchored { position })
}

/// Where the highest anchor of the chain is.
fn check_anchor(
    envelope: &VerifiedEnvelope,
    statement: &Statement,
    stores: &TrustStores,
    wanted: StoreType,
) -> Result<usize, Failure> {
    let (mut names, mut missing) = (Vec::new(), None);
    let named = || statement.trust_stores.iter().filter(|(kind, _)| *kind == wanted);
    // A statement that names a store which does not exist is in error as a whole.
    let loaded: Vec<_> = named()
        .map(|(_, name)| stores.get(wanted, name).map(|store| (name, store)))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::of_store(&error))?;
    let highest = |(_, store): &(_, &TrustStore)| {
        envelope.chain().iter().rposition(|certificate| is_anchor(store, certificate))
    };
    if let Some(position) = loaded.iter().filter_map(highest).max() {
        return Ok(position);
    }
    for (name, store) in loaded {
        missing = missing.or(store.missing());
        names.push(format!("{wanted}:{name}"));
    }
    let leaf = envelope.leaf().subject();
    let message = if names.is_empty() {
        format!(
            "the policy statement {} lists no {wanted} trust store, which this signature needs",
            statement.name
        )
    } else {
        // Nobody vouches for what the leaf says of itself, and it must not read as if somebody did.
        let stores = names.join(", ");
        format!(
            "no certificate of the chain, whose leaf calls itself \"{leaf}\", is in the trust stores {stores}"
        )
    };
    let failure = untrusted(message);
    match missing {
        None => Err(failure),
        // The signer may be among what could not be read: it is not known that it is not trusted.
        Some(why) => {
            let message =
                format!("{}; and not every key source could be read: {why}", failure.reason.message);
            let reason = Reason::new(ReasonCode::KeySourceUnavailable, message, failure.reason.remediation);
            Err(Failure { reason, undecided: true })
        }
    }
}

/// Anchors are compared as whole certificates.
fn is_anchor(store: &TrustStore, certificate: &Certificate) -> bool {
    store.anchors().iter().any(|anchor| anchor.der() == certificate.der())
}

fn check_identity(envelope: &VerifiedEnvelope, statement: &Statement) -> Result<(), Failure> {
    let identities = &statement.trusted_identities;
    if identities.iter().any(|identity| identity == "*") {
        return Ok(());
    }
    let leaf = envelope.leaf();
    let trusted = identities
        .iter()
        .filter_map(|identity| identity.strip_prefix(SUBJECT_PREFIX))
        .filter_map(|text| DistinguishedName::parse(text).ok())
        .any(|name| name.matches(leaf));
    if trusted {
        return Ok(());
    }
    Err(untrusted(format!(
        "{} is none of the trusted identities of statement {}",
        leaf.subject(),
        statement.name
    )))
}

fn untrusted(message: String) -> Failure {
    Failure::refuted(Reason::new(
        ReasonCode::UntrustedSigner,
        message,
        "if this signer should be trusted, add its root to the trust store and its subject to trustedIdentities",
    ))
}
