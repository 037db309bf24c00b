//! Certificate revocation lists (RFC 5280 §5): reading, the issuer's signature, and looking up one serial
//! number. Which lists to fetch, and what an entry means for a signature, is `trust::revocation`'s business.

mod scope;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use der::asn1::ObjectIdentifier;
use der::{Result as DerResult, Tag};
use jiff::Timestamp;

pub use self::scope::Exclusion;
use self::scope::{Scope, freshest_urls};
use super::Certificate;
use super::asn1::{Extension, Extensions, Fields, constructed, magnitude, refuse};
use super::signature::Scheme;

/// Most bytes of one list. Whoever fetches a list stops reading there.
pub const MAX_CRL_BYTES: usize = 32 * 1024 * 1024;

/// Most entries of one list that may name the same serial number.
pub const MAX_ENTRIES_PER_SERIAL: usize = 16;

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// More than [`MAX_CRL_BYTES`].
    #[error("the list has {bytes} bytes, more than {MAX_CRL_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not the DER of a CertificateList, or something follows it.
    #[error("the list is malformed: {0}")]
    Malformed(der::Error),
    /// An extension of the list or of an entry must be understood and is not (RFC 5280 §5.2, §5.3).
    #[error("the list has the critical extension {oid}, which is not supported")]
    UnknownCriticalExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// The list speaks for other issuers too (RFC 5280 §5.2.5).
    #[error("the list is indirect, which is not supported")]
    Indirect,
    /// Another issuer than that of the certificate in question.
    #[error("the list is by another issuer")]
    OtherIssuer,
    /// The issuer's certificate does not allow its key to sign lists.
    #[error("the issuer {issuer} may not sign revocation lists")]
    NotASigner {
        /// Subject of the issuer.
        issuer: String,
    },
    /// The signature does not verify, or its algorithm is not supported.
    #[error("the list's signature does not verify")]
    Signature,
}

impl From<der::Error> for CrlError {
    fn from(error: der::Error) -> Self {
        Self::Malformed(error)
    }
}

/// A list that was read, and whose signature was not looked at.
#[derive(Clone, Debug)]
pub struct UnverifiedCrl {
    list: Crl,
    tbs: Bytes,
    scheme: Option<Scheme>,
    signature: Bytes,
}

impl UnverifiedCrl {
    /// Reads a list. Every entry is looked at once, because a critical extension that is not understood in
    /// any of them makes the whole list unusable; nothing is allocated for an entry.
    pub fn parse(der: Bytes) -> Result<Self, CrlError> {
        if der.len() > MAX_CRL_BYTES {
            return Err(CrlError::TooLarge { bytes: der.len() });
        }
        let mut fields = Fields::document(&der)?;
        let tbs = fields.raw()?;
        let algorithm = fields.raw()?;
        let signature = fields.bit_string()?;
        fields.finish()?;
        Ok(Self {
            list: Crl::read(&der, tbs, algorithm)?,
            tbs: der.slice_ref(tbs),
            scheme: Scheme::from_algorithm(&Fields::of(algorithm)?.algorithm()?),
            signature: der.slice_ref(signature),
        })
    }

    /// Checks that `issuer` signed the list and may sign lists. Dates and scope are the reader's to ask.
    pub fn verify(self, issuer: &Certificate) -> Result<Crl, CrlError> {
        if self.list.issuer != issuer.subject_der() {
            return Err(CrlError::OtherIssuer);
        }
        if !issuer.is_ca() || issuer.key_usage().is_some_and(|usage| !usage.crl_sign()) {
            return Err(CrlError::NotASigner { issuer: issuer.subject() });
        }
        let verified =
            self.scheme.is_some_and(|scheme| scheme.verify(issuer.public_key(), &self.tbs, &self.signature));
        if verified { Ok(self.list) } else { Err(CrlError::Signature) }
    }
}

/// A list that its issuer signed.
#[derive(Clone, Debug)]
pub struct Crl {
    issuer: Bytes,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    number: Option<Bytes>,
    base_number: Option<Bytes>,
    scope: Option<Scope>,
    freshest_urls: Vec<String>,
    entries: Bytes,
    size: usize,
}

impl Crl {
    /// When the list was made.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the next list is due at the latest.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// The list's number, big-endian without leading zeros.
    pub fn number(&self) -> Option<&[u8]> {
        self.number.as_deref()
    }

    /// For a delta list: the number of the complete list that it starts from. `None` for a complete list.
    pub fn base_number(&self) -> Option<&[u8]> {
        self.base_number.as_deref()
    }

    /// Where the list says that its delta lists are, in its order; at most 16 of them.
    pub fn freshest_urls(&self) -> &[String] {
        &self.freshest_urls
    }

    /// Why the list, which the certificate's address `url` led to, says nothing, or not everything, about
    /// `certificate`.
    pub fn exclusion(&self, certificate: &Certificate, url: &str) -> Option<Exclusion> {
        self.scope.as_ref().and_then(|scope| scope.exclusion(certificate, url))
    }

    /// Whether this delta list changes `base` (RFC 5280 §5.2.4): its starting point is not after `base`,
    /// its own number is, and both have the same scope.
    pub fn is_delta_of(&self, base: &Self) -> bool {
        let (Some(from), Some(own), Some(number)) = (self.base_number(), self.number(), base.number()) else {
            return false;
        };
        at_most(from, number) && !at_most(own, number) && self.scope == base.scope
    }

    /// The entries for `serial` (the content of a certificate's serialNumber), in the list's order.
    pub fn entries<'a>(&'a self, serial: &'a [u8]) -> impl Iterator<Item = Entry> + use<'a> {
        RawEntries(Fields::of(&self.entries).ok())
            .filter_map(Result::ok)
            .filter(move |raw| raw.serial == serial)
            .filter_map(|raw| raw.entry().ok())
    }

    /// How many bytes holding the list costs.
    pub fn retained_bytes(&self) -> usize {
        self.size
    }

    fn read(der: &Bytes, tbs: &[u8], algorithm: &[u8]) -> Result<Self, CrlError> {
        let mut fields = Fields::document(tbs)?;
        if fields.optional(Tag::Integer)?.is_some_and(|version| version != V2) || fields.raw()? != algorithm {
            return Err(refuse(Tag::Sequence).into());
        }
        let mut list = Self {
            issuer: der.slice_ref(fields.raw()?),
            this_update: fields.time()?,
            next_update: fields.optional_time()?,
            number: None,
            base_number: None,
            scope: None,
            freshest_urls: Vec::new(),
            entries: der.slice_ref(fields.optional(Tag::Sequence)?.unwrap_or_default()),
            size: der.len() + size_of::<Self>(),
        };
        if let Some(content) = fields.optional(constructed(0))? {
            list.read_extensions(der, content)?;
        }
        fields.finish()?;
        list.check_entries()?;
        Ok(list)
    }

    fn read_extensions(&mut self, der: &Bytes, content: &[u8]) -> Result<(), CrlError> {
        for extension in Extensions::explicit(content)? {
            let extension = extension?;
            match extension.oid {
                CRL_NUMBER => put(&mut self.number, der.slice_ref(list_number(extension.value)?))?,
                DELTA_CRL_INDICATOR => {
                    put(&mut self.base_number, der.slice_ref(list_number(extension.value)?))?;
                }
                ISSUING_DISTRIBUTION_POINT => put(&mut self.scope, Scope::read(der, extension.value)?)?,
                FRESHEST_CRL => self.freshest_urls = freshest_urls(extension.value)?,
                _ => not_critical(&extension)?,
            }
        }
        if self.scope.as_ref().is_some_and(Scope::is_indirect) { Err(CrlError::Indirect) } else { Ok(()) }
    }

    fn check_entries(&self) -> Result<(), CrlError> {
        for raw in RawEntries(Some(Fields::of(&self.entries)?)) {
            raw?.entry()?;
        }
        Ok(())
    }
}

/// What a list says about one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When the certificate was revoked.
    pub revoked_at: Timestamp,
    /// Why; `None` where the list does not say.
    pub reason: Option<RevocationReason>,
    /// Since when the certificate is known or suspected not to be trustworthy; may be before `revoked_at`.
    pub invalid_since: Option<Timestamp>,
}

/// Why a certificate was revoked (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RevocationReason {
    /// Revoked for good, with the number of the reason.
    Permanent(u8),
    /// On hold: may be lifted.
    CertificateHold,
    /// A hold was lifted.
    RemoveFromCrl,
}

impl RevocationReason {
    /// The reason with this number.
    pub fn from_code(code: u8) -> Self {
        match code {
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            code => Self::Permanent(code),
        }
    }

    /// The reason's name in RFC 5280; `other` for numbers without one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::Permanent(0) => "unspecified",
            Self::Permanent(1) => "keyCompromise",
            Self::Permanent(2) => "cACompromise",
            Self::Permanent(3) => "affiliationChanged",
            Self::Permanent(4) => "superseded",
            Self::Permanent(5) => "cessationOfOperation",
            Self::Permanent(9) => "privilegeWithdrawn",
            Self::Permanent(10) => "aACompromise",
            Self::Permanent(_) => "other",
        }
    }
}

/// An entry of which only the serial number was read.
struct RawEntry<'a> {
    serial: &'a [u8],
    rest: Fields<'a>,
}

impl RawEntry<'_> {
    fn entry(mut self) -> Result<Entry, CrlError> {
        let mut entry = Entry { revoked_at: self.rest.time()?, reason: None, invalid_since: None };
        let extensions = self.rest.optional(Tag::Sequence)?.unwrap_or_default();
        self.rest.finish()?;
        for extension in Extensions::of(extensions)? {
            let extension = extension?;
            match extension.oid {
                REASON_CODE => entry.reason = Some(reason(extension.value)?),
                INVALIDITY_DATE => entry.invalid_since = Some(invalidity_date(extension.value)?),
                CERTIFICATE_ISSUER => return Err(CrlError::Indirect),
                _ => not_critical(&extension)?,
            }
        }
        Ok(entry)
    }
}

/// Ends after the first error.
struct RawEntries<'a>(Option<Fields<'a>>);

impl<'a> RawEntries<'a> {
    fn read(fields: &mut Fields<'a>) -> DerResult<RawEntry<'a>> {
        let mut rest = fields.sequence()?;
        let serial = rest.integer()?;
        Ok(RawEntry { serial, rest })
    }
}

impl<'a> Iterator for RawEntries<'a> {
    type Item = DerResult<RawEntry<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let fields = self.0.as_mut().filter(|fields| !fields.is_empty())?;
        let entry = Self::read(fields);
        if entry.is_err() {
            self.0 = None;
        }
        Some(entry)
    }
}

/// The reason in the DER of a reasonCode extension.
pub(super) fn reason(value: &[u8]) -> DerResult<RevocationReason> {
    let mut fields = Fields::of(value)?;
    let code = fields.expect(Tag::Enumerated)?;
    fields.finish()?;
    match code {
        [code @ 0..=0x7f] => Ok(RevocationReason::from_code(*code)),
        _ => Err(refuse(Tag::Enumerated)),
    }
}

/// The time in the DER of an invalidityDate extension.
pub(super) fn invalidity_date(value: &[u8]) -> DerResult<Timestamp> {
    let mut fields = Fields::of(value)?;
    let time = fields.time()?;
    fields.finish()?;
    Ok(time)
}

fn not_critical(extension: &Extension<'_>) -> Result<(), CrlError> {
    if extension.critical {
        return Err(CrlError::UnknownCriticalExtension { oid: extension.oid });
    }
    Ok(())
}

fn list_number(value: &[u8]) -> DerResult<&[u8]> {
    let mut fields = Fields::of(value)?;
    let number = magnitude(fields.integer()?).ok_or_else(|| refuse(Tag::Integer))?;
    fields.finish()?;
    Ok(number)
}

fn at_most(number: &[u8], limit: &[u8]) -> bool {
    (number.len(), number) <= (limit.len(), limit)
}

fn put<T>(place: &mut Option<T>, value: T) -> DerResult<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(refuse(Tag::Sequence)),
    }
}

const V2: &[u8] = &[1];
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");
const DELTA_CRL_INDICATOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
const CERTIFICATE_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.29");
const FRESHEST_CRL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.46");
