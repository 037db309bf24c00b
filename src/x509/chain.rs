//! The rules for a chain that signs code and for one that signs timestamps (Notary Project signature
//! specification v1.1, "Certificate Requirements"). Walked by hand, leaf first, in the order as written:
//! nothing is searched, and a name never stands for a signature.
//!
//! Dates and revocation are not looked at: they need a time and belong to other checks. Extensions that the
//! rules do not name are ignored on code signing chains, critical or not, as the specification asks.

use super::{Certificate, Purpose};

#[cfg(test)]
mod tests;

/// Most certificates of one chain.
pub const MAX_LENGTH: usize = 10;

/// Why a chain is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// There is no certificate.
    #[error("the certificate chain is empty")]
    Empty,
    /// More certificates than are looked at.
    #[error("the chain has {count} certificates, at most {limit} are read")]
    TooLong {
        /// How many there are.
        count: usize,
        /// How many are read.
        limit: usize,
    },
    /// One certificate breaks a rule.
    #[error("certificate {position} of the chain, which calls itself \"{subject}\", {rule}")]
    Broken {
        /// Which certificate; the leaf is 1.
        position: usize,
        /// Its subject.
        subject: String,
        /// The rule.
        rule: BrokenRule,
    },
}

/// The rule that a certificate breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRule {
    /// The last certificate of a chain vouches for itself.
    #[error("ends the chain and is not self-signed: the chain must go up to its root")]
    NotSelfSigned,
    /// Only the last certificate may be self-signed.
    #[error("is self-signed and not the end of the chain")]
    SelfSigned,
    /// The issuer's name is not the next certificate's subject, byte for byte.
    #[error("names \"{issuer}\" as its issuer, which is not the next certificate")]
    IssuerName {
        /// The issuer as written.
        issuer: String,
    },
    /// The next certificate's key did not sign it, or by an algorithm that is not accepted.
    #[error("is not signed by the key of the next certificate with an accepted algorithm")]
    Signature,
    /// An authority's certificate says that it is one.
    #[error("has no basic constraints with cA set")]
    NotAuthority,
    /// An authority's basic constraints are critical.
    #[error("has basic constraints that are not critical")]
    BasicConstraintsNotCritical,
    /// A leaf is no authority.
    #[error("signs as a leaf and is a certificate authority")]
    Authority,
    /// More authorities below than allowed.
    #[error("allows {allowed} authorities below it, {below} are there")]
    PathLength {
        /// Its pathLenConstraint.
        allowed: u32,
        /// How many there are.
        below: usize,
    },
    /// Key usage must be given.
    #[error("has no key usage")]
    NoKeyUsage,
    /// Key usage must be critical.
    #[error("has a key usage that is not critical")]
    KeyUsageNotCritical,
    /// Key usage lacks a use.
    #[error("lacks key usage {0}")]
    LacksUse(&'static str),
    /// Key usage holds a use that a signer must not have.
    #[error("has key usage {0}, which a signer must not have")]
    ForeignUse(&'static str),
    /// Extended key usage holds a purpose that a code signer must not have.
    #[error("is meant for purpose {0:?} too, which a signer of code must not be")]
    ForeignPurpose(Purpose),
    /// Extended key usage of a timestamp authority: critical, timeStamping, nothing else.
    #[error("is not marked critically for timestamps alone")]
    NotForTimestampsAlone,
    /// The key has no specification.
    #[error("has a key of an unsupported kind or size")]
    Key,
    /// An extension that nobody here understands.
    #[error("has the critical extension {0}, which is not understood")]
    CriticalExtension(String),
}

/// Checks a code signing chain, leaf first: one self-signed certificate, or a leaf and its authorities up to
/// and including the root.
///
/// # Errors
/// [`ChainError`] names the first certificate, from the leaf, that breaks a rule.
pub fn check_code_signing(chain: &[Certificate]) -> Result<(), ChainError> {
    check(chain, &CODE_SIGNING)
}

/// Checks a timestamp authority's chain, leaf first, root included.
///
/// # Errors
/// [`ChainError`] names the first certificate, from the leaf, that breaks a rule.
pub fn check_timestamping(chain: &[Certificate]) -> Result<(), ChainError> {
    check(chain, &TIMESTAMPING)
}

/// Checks a certificate for a trust store of type `tsa`: a self-signed root that is an authority.
///
/// # Errors
/// [`ChainError::Broken`] with the rule.
pub fn check_timestamping_root(root: &Certificate) -> Result<(), ChainError> {
    let rules = TIMESTAMPING.check_root(root);
    rules.map_err(|rule| broken(0, root, rule))
}

/// What differs between the two kinds of chain.
struct Rules {
    critical_basic_constraints: bool,
    critical_key_usage: bool,
    /// RFC 3161 authorities are held to RFC 5280's rule about unknown critical extensions.
    refuse_unhandled: bool,
    check_purposes: fn(&Certificate) -> Result<(), BrokenRule>,
}

const CODE_SIGNING: Rules = Rules {
    critical_basic_constraints: true,
    critical_key_usage: true,
    refuse_unhandled: false,
    check_purposes: check_code_signing_purposes,
};

const TIMESTAMPING: Rules = Rules {
    critical_basic_constraints: false,
    critical_key_usage: false,
    refuse_unhandled: true,
    check_purposes: check_timestamping_purposes,
};

fn check(chain: &[Certificate], rules: &Rules) -> Result<(), ChainError> {
    if chain.is_empty() {
        return Err(ChainError::Empty);
    }
    if chain.len() > MAX_LENGTH {
        return Err(ChainError::TooLong { count: chain.len(), limit: MAX_LENGTH });
    }
    for (index, certificate) in chain.iter().enumerate() {
        check_link(certificate, chain.get(index + 1))
            .and_then(|()| match index.checked_sub(1) {
                None => rules.check_leaf(certificate),
                Some(below) => rules.check_authority(certificate, below),
            })
            .map_err(|rule| broken(index, certificate, rule))?;
    }
    Ok(())
}

fn broken(index: usize, certificate: &Certificate, rule: BrokenRule) -> ChainError {
    ChainError::Broken { position: index + 1, subject: certificate.subject(), rule }
}

fn check_link(certificate: &Certificate, next: Option<&Certificate>) -> Result<(), BrokenRule> {
    let Some(issuer) = next else {
        return ensure(certificate.is_self_signed(), BrokenRule::NotSelfSigned);
    };
    ensure(!certificate.is_self_signed(), BrokenRule::SelfSigned)?;
    if certificate.issuer_der() != issuer.subject_der() {
        return Err(BrokenRule::IssuerName { issuer: certificate.issuer() });
    }
    ensure(certificate.signed_by(issuer), BrokenRule::Signature)
}

impl Rules {
    fn check_leaf(&self, leaf: &Certificate) -> Result<(), BrokenRule> {
        ensure(!leaf.is_ca(), BrokenRule::Authority)?;
        let usage = leaf.key_usage().ok_or(BrokenRule::NoKeyUsage)?;
        ensure(usage.critical || !self.critical_key_usage, BrokenRule::KeyUsageNotCritical)?;
        ensure(usage.digital_signature(), BrokenRule::LacksUse("digitalSignature"))?;
        if let Some(foreign) = usage.foreign_to_a_signer() {
            return Err(BrokenRule::ForeignUse(foreign));
        }
        (self.check_purposes)(leaf)?;
        ensure(leaf.key_spec().is_some(), BrokenRule::Key)?;
        self.check_unhandled(leaf)
    }

    fn check_authority(&self, authority: &Certificate, below: usize) -> Result<(), BrokenRule> {
        let constraints = authority.basic_constraints().ok_or(BrokenRule::NotAuthority)?;
        ensure(constraints.ca, BrokenRule::NotAuthority)?;
        let critical = constraints.critical || !self.critical_basic_constraints;
        ensure(critical, BrokenRule::BasicConstraintsNotCritical)?;
        if let Some(allowed) = constraints.path_length.filter(|allowed| (*allowed as usize) < below) {
            return Err(BrokenRule::PathLength { allowed, below });
        }
        let usage = authority.key_usage().ok_or(BrokenRule::NoKeyUsage)?;
        ensure(usage.critical || !self.critical_key_usage, BrokenRule::KeyUsageNotCritical)?;
        ensure(usage.key_cert_sign(), BrokenRule::LacksUse("keyCertSign"))?;
        self.check_unhandled(authority)
    }

    fn check_root(&self, root: &Certificate) -> Result<(), BrokenRule> {
        check_link(root, None)?;
        self.check_authority(root, 0)
    }

    fn check_unhandled(&self, certificate: &Certificate) -> Result<(), BrokenRule> {
        match certificate.unhandled_critical_extensions().first() {
            Some(oid) if self.refuse_unhandled => Err(BrokenRule::CriticalExtension(oid.clone())),
            _ => Ok(()),
        }
    }
}

/// Extended key usage is optional, and names that the specification does not forbid are free.
fn check_code_signing_purposes(leaf: &Certificate) -> Result<(), BrokenRule> {
    let Some(usage) = leaf.extended_key_usage() else { return Ok(()) };
    match FOREIGN_PURPOSES.iter().find(|purpose| usage.has(purpose)) {
        Some(foreign) => Err(BrokenRule::ForeignPurpose(foreign.clone())),
        None => Ok(()),
    }
}

/// RFC 3161 §2.3.
fn check_timestamping_purposes(leaf: &Certificate) -> Result<(), BrokenRule> {
    let alone = leaf
        .extended_key_usage()
        .is_some_and(|usage| usage.critical && usage.purposes == [Purpose::TimeStamping]);
    ensure(alone, BrokenRule::NotForTimestampsAlone)
}

fn ensure(holds: bool, rule: BrokenRule) -> Result<(), BrokenRule> {
    if holds { Ok(()) } else { Err(rule) }
}

const FOREIGN_PURPOSES: &[Purpose] = &[
    Purpose::Any,
    Purpose::ServerAuth,
    Purpose::ClientAuth,
    Purpose::EmailProtection,
    Purpose::TimeStamping,
];
