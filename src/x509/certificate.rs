//! One certificate: its fields, its key, and whether another's key signed it.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use jiff::Timestamp;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Public};
use openssl::x509::X509;
use x509_parser::asn1_rs::nom::Parser as _;
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::time::ASN1Time;

use super::extension::{BasicConstraints, ExtendedKeyUsage, Extensions, KeyUsage};
use super::key::{Family, KeySpec};
use super::name::to_rfc4514;
use super::signature_algorithm::is_acceptable;

#[cfg(test)]
mod tests;

/// An X.509 certificate that two parsers read alike. Clones share one allocation. Nothing is claimed of it
/// but its form: who signed it and whether that matters is for the caller.
#[derive(Clone)]
pub struct Certificate(Arc<Fields>);

struct Fields {
    der: Bytes,
    subject: Bytes,
    issuer: Bytes,
    spki: Bytes,
    serial: Bytes,
    not_before: Timestamp,
    not_after: Timestamp,
    x509: X509,
    key: PKey<Public>,
    family: Family,
    key_spec: Option<KeySpec>,
    acceptable_signature: bool,
    extensions: Extensions,
    fingerprint: [u8; 32],
    subject_text: OnceLock<String>,
    issuer_text: OnceLock<String>,
    self_signed: OnceLock<bool>,
    /// Fingerprint of a certificate whose key made the signature, once that was found out.
    signer: OnceLock<[u8; 32]>,
}

/// Finds a certificate again while somebody holds it.
#[derive(Clone)]
pub(super) struct WeakCertificate(Weak<Fields>);

impl WeakCertificate {
    pub(super) fn upgrade(&self) -> Option<Certificate> {
        self.0.upgrade().map(Certificate)
    }
}

/// Why bytes are no certificate that is worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Larger than any certificate that is read.
    #[error("the certificate has {size} bytes, at most {limit} are read")]
    TooLarge {
        /// How large it is, in bytes.
        size: usize,
        /// How large it may be, in bytes.
        limit: usize,
    },
    /// Not the DER form of a certificate.
    #[error("not a DER certificate")]
    Malformed,
    /// Something follows the certificate.
    #[error("{count} bytes follow the certificate")]
    TrailingBytes {
        /// How many bytes follow.
        count: usize,
    },
    /// An extension that decides something does not have its form.
    #[error("extension {oid} is malformed")]
    Extension {
        /// Its object identifier, dotted.
        oid: String,
    },
    /// An extension occurs twice.
    #[error("extension {oid} occurs more than once")]
    RepeatedExtension {
        /// Its object identifier, dotted.
        oid: String,
    },
    /// The key cannot be read: unknown algorithm, or a point that is not on its curve.
    #[error("the public key cannot be read")]
    PublicKey,
    /// The two parsers see different things.
    #[error("two parsers disagree about the certificate's {field}")]
    Ambiguous {
        /// About what they disagree.
        field: &'static str,
    },
}

impl Certificate {
    /// Most bytes of one certificate.
    pub const MAX_SIZE: usize = 64 * 1024;

    /// Reads one certificate that fills all of `der`.
    ///
    /// # Errors
    /// [`CertificateError`]: too large, malformed, trailing bytes, a malformed or repeated extension, an
    /// unreadable key, or disagreement between the parsers.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > Self::MAX_SIZE {
            return Err(CertificateError::TooLarge { size: der.len(), limit: Self::MAX_SIZE });
        }
        let der = Bytes::copy_from_slice(der);
        let parsed = parse(&der)?;
        let x509 = X509::from_der(&der).map_err(|_| CertificateError::Malformed)?;
        let key = x509.public_key().map_err(|_| CertificateError::PublicKey)?;
        let tbs = &parsed.tbs_certificate;
        check_serial(&x509, tbs.raw_serial())?;
        let family = Family::of(&tbs.subject_pki);
        if !family.is_same_key(&key, &tbs.subject_pki) {
            return Err(CertificateError::Ambiguous { field: "public key" });
        }
        Ok(Self(Arc::new(Fields {
            subject: der.slice_ref(tbs.subject.as_raw()),
            issuer: der.slice_ref(tbs.issuer.as_raw()),
            spki: der.slice_ref(tbs.subject_pki.raw),
            serial: der.slice_ref(tbs.raw_serial()),
            not_before: timestamp(tbs.validity.not_before),
            not_after: timestamp(tbs.validity.not_after),
            key_spec: KeySpec::of(&tbs.subject_pki),
            acceptable_signature: is_acceptable(&parsed.signature_algorithm),
            extensions: Extensions::of(&parsed)?,
            fingerprint: openssl::sha::sha256(&der),
            subject_text: OnceLock::new(),
            issuer_text: OnceLock::new(),
            self_signed: OnceLock::new(),
            signer: OnceLock::new(),
            der: der.clone(),
            x509,
            key,
            family,
        })))
    }

    /// The bytes it was read from.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of [`Certificate::der`].
    pub fn fingerprint(&self) -> [u8; 32] {
        self.0.fingerprint
    }

    /// The subject's Name, DER.
    pub fn subject_der(&self) -> &[u8] {
        &self.0.subject
    }

    /// The issuer's Name, DER.
    pub fn issuer_der(&self) -> &[u8] {
        &self.0.issuer
    }

    /// The subject as text, RFC 4514. For people: identities are compared by [`super::name`].
    pub fn subject(&self) -> String {
        self.0.subject_text.get_or_init(|| to_rfc4514(&self.0.subject)).clone()
    }

    /// The issuer as text, RFC 4514.
    pub fn issuer(&self) -> String {
        self.0.issuer_text.get_or_init(|| to_rfc4514(&self.0.issuer)).clone()
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// The content of the serial number's INTEGER.
    pub fn serial(&self) -> &[u8] {
        &self.0.serial
    }

    /// Start of validity, inclusive.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// End of validity, inclusive. A date past what [`Timestamp`] holds (the last day of 9999) is its maximum.
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// True if `time` lies inside the validity, bounds included.
    pub fn valid_at(&self, time: Timestamp) -> bool {
        self.0.not_before <= time && time <= self.0.not_after
    }

    /// The key's specification; none for keys that the Notary Project does not sign with.
    pub fn key_spec(&self) -> Option<KeySpec> {
        self.0.key_spec
    }

    /// The public key, read once.
    pub fn public_key(&self) -> &PKey<Public> {
        &self.0.key
    }

    /// True if `issuer`'s key made this certificate's signature, by an algorithm that is not broken (SHA-2, or
    /// a scheme without a separate hash). Names, validity and what `issuer` may do are not looked at.
    pub fn signed_by(&self, issuer: &Self) -> bool {
        if !self.0.acceptable_signature || issuer.0.family == Family::UnnamedCurve {
            return false;
        }
        if self.0.signer.get() == Some(&issuer.0.fingerprint) {
            return true;
        }
        let verified = self.0.x509.verify(&issuer.0.key).unwrap_or(false);
        if verified {
            // Where two certificates have the issuer's key, the first is remembered.
            let _ = self.0.signer.set(issuer.0.fingerprint);
        } else {
            // OpenSSL leaves its reasons in a queue of the thread; nobody else shall find them.
            drop(ErrorStack::get());
        }
        verified
    }

    /// True if subject and issuer are the same name and the certificate's own key signed it. The names alone
    /// say nothing: a leaf may bear the name of its root.
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && *self.0.self_signed.get_or_init(|| self.signed_by(self))
    }

    /// True if subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.0.subject == self.0.issuer
    }

    /// True if the basic constraints say cA.
    pub fn is_ca(&self) -> bool {
        self.0.extensions.basic_constraints.is_some_and(|constraints| constraints.ca)
    }

    /// True for a certificate that may stand in a trust store: an authority, or one that vouches for itself.
    pub fn may_anchor(&self) -> bool {
        self.is_ca() || self.is_self_signed()
    }

    /// The basic constraints extension.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.extensions.basic_constraints
    }

    /// The key usage extension.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.extensions.key_usage
    }

    /// The extended key usage extension.
    pub fn extended_key_usage(&self) -> Option<&ExtendedKeyUsage> {
        self.0.extensions.extended_key_usage.as_ref()
    }

    /// Addresses of OCSP responders, as written, in order.
    pub fn ocsp_urls(&self) -> &[String] {
        &self.0.extensions.ocsp_urls
    }

    /// Addresses of revocation lists, as written, in order.
    pub fn crl_urls(&self) -> impl Iterator<Item = &String> {
        self.0.extensions.crl_points.iter().flatten()
    }

    /// Addresses in the distribution points that name `url`: what they lead to is one and the same list.
    pub fn crl_urls_beside(&self, url: &str) -> impl Iterator<Item = &String> {
        let points = self.0.extensions.crl_points.iter();
        points.filter(move |point| point.iter().any(|named| named == url)).flatten()
    }

    /// Addresses of delta revocation lists, as written, in order.
    pub fn freshest_crl_urls(&self) -> &[String] {
        &self.0.extensions.freshest_crl_urls
    }

    /// True if an OCSP responder's certificate says that it needs no revocation check (RFC 6960 §4.2.2.2.1).
    pub fn has_ocsp_nocheck(&self) -> bool {
        self.0.extensions.ocsp_nocheck
    }

    /// Critical extensions that nothing here evaluates, as dotted object identifiers. RFC 5280 refuses such
    /// certificates; the Notary Project's rules for code signing ask to ignore them.
    pub fn unhandled_critical_extensions(&self) -> &[String] {
        &self.0.extensions.unhandled_critical
    }

    /// A way to find it again while somebody holds it.
    pub(super) fn downgrade(&self) -> WeakCertificate {
        WeakCertificate(Arc::downgrade(&self.0))
    }

    /// How many hold it.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// About how many bytes of memory it takes: its own copy, OpenSSL's, and the key.
    pub fn retained_bytes(&self) -> usize {
        self.der().len() * 3 + 2048
    }
}

impl PartialEq for Certificate {
    /// Certificates are equal when all of their bytes are.
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&hex::encode(self.0.fingerprint)).finish()
    }
}

/// Extension values are left raw: those that matter are read one by one, the others never.
fn parse(der: &[u8]) -> Result<X509Certificate<'_>, CertificateError> {
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let (rest, parsed) = parser.parse(der).map_err(|_| CertificateError::Malformed)?;
    if rest.is_empty() { Ok(parsed) } else { Err(CertificateError::TrailingBytes { count: rest.len() }) }
}

fn check_serial(x509: &X509, content: &[u8]) -> Result<(), CertificateError> {
    let number = x509.serial_number().to_bn().map_err(|_| CertificateError::Malformed)?;
    let negative = content.first().is_some_and(|byte| byte & 0x80 != 0);
    let magnitude = if negative { negated(content) } else { content.to_vec() };
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    let alike =
        number.is_negative() == negative && Some(number.to_vec().as_slice()) == magnitude.get(zeros..);
    if alike { Ok(()) } else { Err(CertificateError::Ambiguous { field: "serial number" }) }
}

/// The magnitude of a negative two's complement number.
fn negated(content: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = content.iter().map(|byte| !byte).collect();
    for byte in bytes.iter_mut().rev() {
        let (sum, carried) = byte.overflowing_add(1);
        *byte = sum;
        if !carried {
            break;
        }
    }
    bytes
}

fn timestamp(time: ASN1Time) -> Timestamp {
    let seconds = time.timestamp();
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
