//! When it was signed: every certificate of the chain must have been valid at the time that counts.
//!
//! Notary Project specification v1.1, trust-store-trust-policy.md, "Authentic timestamp". Which time
//! counts depends on the signing scheme, on the statement's `tsa` stores and on `verifyTimestamp`.

use jiff::Timestamp;

use super::Failure;
use crate::notation::{Scheme, VerifiedEnvelope};
use crate::outcome::{Reason, ReasonCode};
use crate::timestamp::{self, VerifiedTimestamp};
use crate::trust::policy::{Statement, VerifyTimestamp};
use crate::trust::store::{StoreType, TrustStores};
use crate::x509::Certificate;

/// Which time proved the chain.
#[derive(Clone, Debug)]
pub(super) enum TimeProof {
    /// The check was not made.
    NotNeeded,
    /// Now: the proof ends when the first certificate does.
    Now(Option<Timestamp>),
    /// The signing authority's authentic signing time.
    SigningAuthority,
    /// A timestamp, whose authority's chain must still be asked about.
    Timestamp(Box<VerifiedTimestamp>),
}

impl TimeProof {
    pub(super) fn timestamp(&self) -> Option<&VerifiedTimestamp> {
        match self {
            Self::Timestamp(timestamp) => Some(timestamp),
            _ => None,
        }
    }

    /// When the proof ends by time alone.
    pub(super) fn holds_until(&self) -> Option<Timestamp> {
        match self {
            Self::Now(until) => *until,
            _ => None,
        }
    }
}

/// Proves the chain by the time that counts.
pub(super) fn check(
    envelope: &VerifiedEnvelope,
    statement: &Statement,
    stores: &TrustStores,
    now: Timestamp,
) -> Result<TimeProof, Failure> {
    let chain = envelope.chain();
    if envelope.scheme() == Scheme::SigningAuthority {
        let time = envelope.signing_time();
        all_valid(chain, time, time, "the authentic signing time")?;
        return Ok(TimeProof::SigningAuthority);
    }
    let tsa_stores: Vec<&str> = statement
        .trust_stores
        .iter()
        .filter(|(kind, _)| *kind == StoreType::Tsa)
        .map(|(_, name)| name.as_str())
        .collect();
    let expired = chain.iter().any(|certificate| now > certificate.not_after());
    let timestamped = match statement.verification.verify_timestamp {
        _ if tsa_stores.is_empty() => false,
        VerifyTimestamp::Always => true,
        VerifyTimestamp::AfterCertExpiry => expired,
    };
    if timestamped {
        return by_timestamp(envelope, &tsa_stores, stores);
    }
    all_valid(chain, now, now, "now")?;
    Ok(TimeProof::Now(chain.iter().map(Certificate::not_after).min()))
}

fn by_timestamp(
    envelope: &VerifiedEnvelope,
    tsa_stores: &[&str],
    stores: &TrustStores,
) -> Result<TimeProof, Failure> {
    let Some(token) = envelope.timestamp_token() else {
        return Err(failure("the policy asks for a timestamp and the signature has none".to_owned()));
    };
    let mut anchors = Vec::new();
    for name in tsa_stores {
        let store = stores.get(StoreType::Tsa, name).map_err(|error| Failure::of_store(&error))?;
        anchors.extend_from_slice(store.anchors());
    }
    let timestamp = timestamp::verify(token, envelope.signature(), &anchors)
        .map_err(|error| failure(format!("the timestamp does not hold: {error}")))?;
    all_valid(envelope.chain(), timestamp.earliest(), timestamp.latest(), "the timestamp")?;
    Ok(TimeProof::Timestamp(Box::new(timestamp)))
}

/// Every certificate must be valid from `earliest` to `latest`, both ends included.
fn all_valid(
    chain: &[Certificate],
    earliest: Timestamp,
    latest: Timestamp,
    what: &str,
) -> Result<(), Failure> {
    for (index, certificate) in chain.iter().enumerate() {
        if !certificate.valid_at(earliest) || !certificate.valid_at(latest) {
            return Err(failure(format!(
                "certificate {} of the chain, which calls itself \"{}\", is valid from {} to {}, and {what} is outside \
                 ({earliest})",
                index + 1,
                certificate.subject(),
                certificate.not_before(),
                certificate.not_after()
            )));
        }
    }
    Ok(())
}

fn failure(message: String) -> Failure {
    Failure::refuted(Reason::new(
        ReasonCode::TimestampFailed,
        message,
        "sign the image again with a valid certificate, or with a timestamp of a trusted authority",
    ))
}
