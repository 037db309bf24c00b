//! OCSP (RFC 6960): the request about one certificate, and the answer's reading, signature and meaning. Only
//! basic answers; no nonce. Where and when to ask is `trust::revocation`'s business.

mod request;
#[cfg(test)]
mod tests;

use der::asn1::ObjectIdentifier;
use der::{Result as DerResult, Tag};
use jiff::{SignedDuration, Timestamp};

pub use self::request::request;
use self::request::{KeyHash, names};
use super::asn1::{Extensions, Fields, constructed, primitive, refuse};
use super::crl::{RevocationReason, invalidity_date};
use super::signature::Scheme;
use super::{Certificate, Purpose};

/// Most bytes of one answer. Whoever fetches an answer stops reading there.
pub const MAX_RESPONSE_BYTES: usize = 20 * 1024;

/// How far a responder's clock may be ahead.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Most certificates in an answer that may have signed it.
const MAX_RESPONDERS: usize = 8;

/// Why an answer says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OcspError {
    /// More than [`MAX_RESPONSE_BYTES`].
    #[error("the answer has {bytes} bytes, more than {MAX_RESPONSE_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not the DER of a basic OCSPResponse, or something follows it.
    #[error("the answer is malformed: {0}")]
    Malformed(der::Error),
    /// The responder declined to answer (RFC 6960 §4.2.1).
    #[error("the responder answered with error status {status}")]
    Declined {
        /// Its number.
        status: u8,
    },
    /// The answer is of a kind other than basic.
    #[error("the answer is of the unsupported type {oid}")]
    UnsupportedType {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// An extension must be understood and is not.
    #[error("the answer has the critical extension {oid}, which is not supported")]
    UnknownCriticalExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// Neither the issuer nor anybody to whom it delegated OCSP signed the answer.
    #[error("no authorised responder signed the answer")]
    Signature,
    /// The answer is about other certificates.
    #[error("the answer is about another certificate")]
    OtherCertificate,
    /// The answer is not yet valid.
    #[error("the answer is of {this_update}, which is in the future")]
    NotYetValid {
        /// When it was made, as it says.
        this_update: Timestamp,
    },
    /// The answer is out of date, or does not say how long it is good.
    #[error("the answer is out of date ({})", .next_update.map_or("no next update".to_owned(), |time| time.to_string()))]
    Expired {
        /// When the next one was due.
        next_update: Option<Timestamp>,
    },
}

impl From<der::Error> for OcspError {
    fn from(error: der::Error) -> Self {
        Self::Malformed(error)
    }
}

/// What an authorised responder said about one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it said.
    pub status: CertificateStatus,
    /// When that was known to be right.
    pub this_update: Timestamp,
    /// When newer information is due at the latest.
    pub next_update: Option<Timestamp>,
}

/// A certificate's status (RFC 6960 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStatus {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// When.
        revoked_at: Timestamp,
        /// Why; `None` where the responder does not say.
        reason: Option<RevocationReason>,
        /// Since when the certificate is known or suspected not to be trustworthy.
        invalid_since: Option<Timestamp>,
    },
    /// The responder does not know the certificate.
    Unknown,
}

/// An answer, and whether it stands only as long as somebody else is not revoked.
#[derive(Clone, Debug)]
pub struct SignedAnswer {
    /// What was said.
    pub answer: Answer,
    /// The delegate that signed it, where its certificate says how to find out whether it is revoked: that is
    /// for the caller to find out (RFC 6960 §4.2.2.2.1). One that asks for no check (id-pkix-ocsp-nocheck), or
    /// names no revocation list, counts for its lifetime, as that section leaves to local policy.
    pub revocable_delegate: Option<Certificate>,
}

impl SignedAnswer {
    /// Reads `response` and checks that `issuer`, or a delegate of it whose certificate is valid at `now`,
    /// signed it, that it is about `certificate`, and that `now` is within its dates.
    ///
    /// A delegate is a certificate in the answer that `issuer` signed for the extended key usage
    /// id-kp-OCSPSigning; `certificate` itself never is one.
    pub fn verify(
        response: &[u8],
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<Self, OcspError> {
        let basic = BasicResponse::read(response)?;
        let revocable_delegate = match basic.signer(certificate, issuer, now)? {
            Signer::Issuer => None,
            Signer::Delegate(delegate) => Some(delegate).filter(is_revocable),
        };
        let answer = basic.answer_about(certificate, issuer)?;
        answer.check_dates(now)?;
        Ok(Self { answer, revocable_delegate })
    }
}

impl Answer {
    /// Whether `now` is within the answer's dates. An answer without a next update is never current.
    pub fn check_dates(&self, now: Timestamp) -> Result<(), OcspError> {
        let latest = now.checked_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
        if self.this_update > latest {
            return Err(OcspError::NotYetValid { this_update: self.this_update });
        }
        if self.next_update.is_none_or(|next| next < now) {
            return Err(OcspError::Expired { next_update: self.next_update });
        }
        Ok(())
    }
}

struct BasicResponse<'a> {
    tbs: &'a [u8],
    scheme: Option<Scheme>,
    signature: &'a [u8],
    certificates: Option<Fields<'a>>,
}

impl<'a> BasicResponse<'a> {
    fn read(response: &'a [u8]) -> Result<Self, OcspError> {
        if response.len() > MAX_RESPONSE_BYTES {
            return Err(OcspError::TooLarge { bytes: response.len() });
        }
        let mut outer = Fields::document(response)?;
        match outer.expect(Tag::Enumerated)? {
            [0] => {}
            [status] => return Err(OcspError::Declined { status: *status }),
            _ => return Err(refuse(Tag::Enumerated).into()),
        }
        let mut typed = Fields::document(outer.expect(constructed(0))?)?;
        outer.finish()?;
        let oid = typed.oid()?;
        if oid != BASIC {
            return Err(OcspError::UnsupportedType { oid });
        }
        let basic = typed.expect(Tag::OctetString)?;
        typed.finish()?;
        Ok(Self::read_basic(basic)?)
    }

    fn read_basic(der: &'a [u8]) -> DerResult<Self> {
        let mut fields = Fields::document(der)?;
        let basic = Self {
            tbs: fields.raw()?,
            scheme: Scheme::from_algorithm(&fields.algorithm()?),
            signature: fields.bit_string()?,
            certificates: fields.optional(constructed(0))?.map(Fields::document).transpose()?,
        };
        fields.finish()?;
        Ok(basic)
    }

    /// Who signed, of those who may. A delegate may have several certificates: one that needs no check comes
    /// first.
    fn signer(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<Signer, OcspError> {
        let scheme = self.scheme.ok_or(OcspError::Signature)?;
        let signed_by = |signer: &Certificate| scheme.verify(signer.public_key(), self.tbs, self.signature);
        if signed_by(issuer) {
            return Ok(Signer::Issuer);
        }
        let delegates = self.embedded().filter(|signer| is_delegate(signer, certificate, issuer, now));
        let signers = delegates.filter(signed_by);
        signers.min_by_key(is_revocable).map(Signer::Delegate).ok_or(OcspError::Signature)
    }

    fn embedded(&self) -> impl Iterator<Item = Certificate> + use<'a> {
        let mut fields = self.certificates.clone();
        std::iter::from_fn(move || {
            let fields = fields.as_mut().filter(|fields| !fields.is_empty())?;
            fields.raw().ok()
        })
        .take(MAX_RESPONDERS)
        .filter_map(|der| Certificate::from_der(der).ok())
    }

    /// The answer about `certificate`; of several the worst.
    fn answer_about(&self, certificate: &Certificate, issuer: &Certificate) -> Result<Answer, OcspError> {
        let mut responses = self.single_responses()?;
        let mut worst: Option<Answer> = None;
        while !responses.is_empty() {
            let single = SingleResponse::read(responses.sequence()?)?;
            if single.is_about(certificate, issuer) {
                let answer = single.answer()?;
                if worst.is_none_or(|worst| severity(&answer) > severity(&worst)) {
                    worst = Some(answer);
                }
            }
        }
        worst.ok_or(OcspError::OtherCertificate)
    }

    fn single_responses(&self) -> Result<Fields<'a>, OcspError> {
        let mut data = Fields::document(self.tbs)?;
        data.optional(constructed(0))?;
        if data.optional(constructed(1))?.is_none() {
            data.expect(constructed(2))?;
        }
        data.time()?;
        let responses = data.sequence()?;
        if let Some(content) = data.optional(constructed(1))? {
            refuse_critical(content)?;
        }
        data.finish()?;
        Ok(responses)
    }
}

/// Who signed an answer.
enum Signer {
    Issuer,
    Delegate(Certificate),
}

/// Whether the delegate's certificate says how to find out whether it is revoked, and does not ask to leave that.
fn is_revocable(delegate: &Certificate) -> bool {
    !delegate.has_ocsp_nocheck() && delegate.crl_urls().next().is_some()
}

fn is_delegate(
    signer: &Certificate,
    certificate: &Certificate,
    issuer: &Certificate,
    now: Timestamp,
) -> bool {
    let may_sign = signer.extended_key_usage().is_some_and(|usage| usage.has(&Purpose::OcspSigning))
        && signer.key_usage().is_none_or(|usage| usage.digital_signature())
        && signer.unhandled_critical_extensions().is_empty();
    may_sign
        && signer.spki_der() != certificate.spki_der()
        && signer.valid_at(now)
        && signer.issuer_der() == issuer.subject_der()
        && signer.signed_by(issuer)
}

struct SingleResponse<'a> {
    hash: ObjectIdentifier,
    name_hash: &'a [u8],
    key_hash: &'a [u8],
    serial: &'a [u8],
    status: der::asn1::AnyRef<'a>,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    extensions: Option<&'a [u8]>,
}

impl<'a> SingleResponse<'a> {
    fn read(mut fields: Fields<'a>) -> DerResult<Self> {
        let mut id = fields.sequence()?;
        let single = Self {
            hash: id.algorithm()?.oid,
            name_hash: id.expect(Tag::OctetString)?,
            key_hash: id.expect(Tag::OctetString)?,
            serial: id.expect(Tag::Integer)?,
            status: fields.any()?,
            this_update: fields.time()?,
            next_update: fields
                .optional(constructed(0))?
                .map(|content| Fields::of(content)?.time())
                .transpose()?,
            extensions: fields.optional(constructed(1))?,
        };
        id.finish()?;
        fields.finish()?;
        Ok(single)
    }

    fn is_about(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.serial == certificate.serial()
            && KeyHash::from_oid(self.hash)
                .and_then(|hash| names(hash, issuer))
                .is_some_and(|(name, key)| *name == *self.name_hash && *key == *self.key_hash)
    }

    fn answer(&self) -> Result<Answer, OcspError> {
        let invalid_since = self.invalid_since()?;
        let status = match der::Tagged::tag(&self.status) {
            GOOD if self.status.value().is_empty() => CertificateStatus::Good,
            UNKNOWN if self.status.value().is_empty() => CertificateStatus::Unknown,
            REVOKED => {
                let (revoked_at, reason) = revoked(self.status.value())?;
                CertificateStatus::Revoked { revoked_at, reason, invalid_since }
            }
            tag => return Err(refuse(tag).into()),
        };
        Ok(Answer { status, this_update: self.this_update, next_update: self.next_update })
    }

    fn invalid_since(&self) -> Result<Option<Timestamp>, OcspError> {
        let Some(content) = self.extensions else { return Ok(None) };
        let mut invalid_since = None;
        for extension in Extensions::explicit(content)? {
            let extension = extension?;
            if extension.oid == INVALIDITY_DATE {
                invalid_since = Some(invalidity_date(extension.value)?);
            } else if extension.critical {
                return Err(OcspError::UnknownCriticalExtension { oid: extension.oid });
            }
        }
        Ok(invalid_since)
    }
}

fn revoked(content: &[u8]) -> DerResult<(Timestamp, Option<RevocationReason>)> {
    let mut fields = Fields::of(content)?;
    let at = fields.time()?;
    let reason = fields.optional(constructed(0))?.map(super::crl::reason).transpose()?;
    fields.finish()?;
    Ok((at, reason))
}

fn refuse_critical(content: &[u8]) -> Result<(), OcspError> {
    for extension in Extensions::explicit(content)? {
        let extension = extension?;
        if extension.critical {
            return Err(OcspError::UnknownCriticalExtension { oid: extension.oid });
        }
    }
    Ok(())
}

fn severity(answer: &Answer) -> u8 {
    match answer.status {
        CertificateStatus::Good => 0,
        CertificateStatus::Unknown => 1,
        CertificateStatus::Revoked { .. } => 2,
    }
}

const GOOD: Tag = primitive(0);
const REVOKED: Tag = constructed(1);
const UNKNOWN: Tag = primitive(2);
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");
