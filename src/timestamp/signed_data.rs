//! CMS SignedData (RFC 5652 §5) as far as a timestamp token uses it. The bytes of certificates and of signed
//! attributes are kept as they were written: they are what was signed.

use der::asn1::ObjectIdentifier;
use der::{Result, Tag};
use jiff::Timestamp;

use super::TimestampError;
use crate::x509::asn1::{Algorithm, Fields, constructed, refuse};
use crate::x509::signature::Hash;

/// Most certificates in one token.
pub const MAX_CERTIFICATES: usize = 16;

/// Most signers of one token.
pub const MAX_SIGNERS: usize = 8;

/// A signed TSTInfo.
#[derive(Clone, Debug)]
pub(super) struct SignedData<'a> {
    /// The DER of the TSTInfo.
    pub(super) content: &'a [u8],
    /// The DER of each certificate, in no order.
    pub(super) certificates: Vec<&'a [u8]>,
    /// The fields of each SignerInfo.
    pub(super) signers: Vec<Fields<'a>>,
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo that holds SignedData over a TSTInfo.
    pub(super) fn read(der: &'a [u8]) -> std::result::Result<Self, TimestampError> {
        let mut fields = Self::fields(der)?;
        if fields.integer()? != V3 {
            return Err(refuse(Tag::Integer).into());
        }
        fields.expect(Tag::Set)?;
        let content = encapsulated(fields.sequence()?)?;
        let certificates = certificates(fields.optional(constructed(0))?.unwrap_or_default())?;
        fields.optional(constructed(1))?;
        let signers = signers(fields.expect(Tag::Set)?)?;
        fields.finish()?;
        Ok(Self { content, certificates, signers })
    }

    fn fields(der: &'a [u8]) -> std::result::Result<Fields<'a>, TimestampError> {
        let mut outer = Fields::document(der)?;
        let oid = outer.oid()?;
        if oid != SIGNED_DATA {
            return Err(TimestampError::NotSignedData { oid });
        }
        let fields = Fields::document(outer.expect(constructed(0))?)?;
        outer.finish()?;
        Ok(fields)
    }
}

fn encapsulated(mut fields: Fields<'_>) -> std::result::Result<&[u8], TimestampError> {
    let oid = fields.oid()?;
    if oid != TST_INFO {
        return Err(TimestampError::NotTstInfo { oid });
    }
    let mut content = Fields::of(fields.expect(constructed(0))?)?;
    fields.finish()?;
    let octets = content.expect(Tag::OctetString)?;
    content.finish()?;
    Ok(octets)
}

fn certificates(content: &[u8]) -> std::result::Result<Vec<&[u8]>, TimestampError> {
    let mut fields = Fields::of(content)?;
    let mut certificates = Vec::new();
    while !fields.is_empty() {
        if certificates.len() == MAX_CERTIFICATES {
            return Err(TimestampError::TooManyCertificates);
        }
        if !fields.next_is(Tag::Sequence) {
            return Err(refuse(Tag::Sequence).into());
        }
        certificates.push(fields.raw()?);
    }
    Ok(certificates)
}

fn signers(content: &[u8]) -> std::result::Result<Vec<Fields<'_>>, TimestampError> {
    let mut fields = Fields::of(content)?;
    let mut signers = Vec::new();
    while !fields.is_empty() {
        if signers.len() == MAX_SIGNERS {
            return Err(TimestampError::TooManySigners);
        }
        signers.push(fields.sequence()?);
    }
    Ok(signers)
}

/// One signer's statement, with the attributes that matter.
#[derive(Clone, Debug)]
pub(super) struct SignerInfo<'a> {
    /// Who signed, as the signer info says.
    pub(super) signer: CertificateName<'a>,
    /// The hash of the content and, where the signature algorithm names none, of the attributes.
    pub(super) digest: ObjectIdentifier,
    /// The signature's algorithm.
    pub(super) algorithm: Algorithm<'a>,
    /// The signature over [`Self::signed_bytes`].
    pub(super) signature: &'a [u8],
    /// The attributes that the signature covers.
    pub(super) attributes: SignedAttributes<'a>,
    raw_attributes: &'a [u8],
}

/// A certificate named by its issuer and serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CertificateName<'a> {
    /// The issuer's Name.
    pub(super) issuer: &'a [u8],
    /// The content of the serial number.
    pub(super) serial: &'a [u8],
}

impl<'a> SignerInfo<'a> {
    /// Reads a SignerInfo of version 1: its signer is named by issuer and serial number.
    pub(super) fn read(mut fields: Fields<'a>) -> Result<Self> {
        if fields.integer()? != V1 {
            return Err(refuse(Tag::Integer));
        }
        let mut name = fields.sequence()?;
        let signer = CertificateName { issuer: name.raw()?, serial: name.expect(Tag::Integer)? };
        name.finish()?;
        let digest = fields.algorithm()?.oid;
        let raw_attributes = fields.expect(constructed(0))?;
        let algorithm = fields.algorithm()?;
        let signature = fields.expect(Tag::OctetString)?;
        fields.optional(constructed(1))?;
        fields.finish()?;
        let attributes = SignedAttributes::read(raw_attributes)?;
        Ok(Self { signer, digest, algorithm, signature, attributes, raw_attributes })
    }

    /// What the signature covers: the attributes as a DER SET, whatever tag and order they came in
    /// (RFC 5652 §5.4).
    pub(super) fn signed_bytes(&self) -> Result<Vec<u8>> {
        let mut fields = Fields::of(self.raw_attributes)?;
        let mut attributes = Vec::new();
        while !fields.is_empty() {
            attributes.push(fields.raw()?);
        }
        attributes.sort_unstable();
        let content = attributes.concat();
        der::Encode::to_der(&der::asn1::AnyRef::new(Tag::Set, &content)?)
    }
}

/// The signed attributes that matter. Each may be there once, with one value.
#[derive(Clone, Debug, Default)]
pub(super) struct SignedAttributes<'a> {
    /// What kind of content was signed.
    pub(super) content_type: Option<ObjectIdentifier>,
    /// The hash of the content.
    pub(super) message_digest: Option<&'a [u8]>,
    /// The signer's certificate (RFC 5035).
    pub(super) signing_certificate: Option<EssCertId<'a>>,
    /// When the signer signed, as it says.
    pub(super) signing_time: Option<Timestamp>,
}

impl<'a> SignedAttributes<'a> {
    fn read(content: &'a [u8]) -> Result<Self> {
        let mut fields = Fields::of(content)?;
        let mut attributes = Self::default();
        while !fields.is_empty() {
            let mut attribute = fields.sequence()?;
            let oid = attribute.oid()?;
            let values = attribute.expect(Tag::Set)?;
            attribute.finish()?;
            attributes.take(oid, values)?;
        }
        Ok(attributes)
    }

    fn take(&mut self, oid: ObjectIdentifier, values: &'a [u8]) -> Result<()> {
        let mut value = Fields::of(values)?;
        match oid {
            CONTENT_TYPE => once(&mut self.content_type, value.oid()?)?,
            MESSAGE_DIGEST => once(&mut self.message_digest, value.expect(Tag::OctetString)?)?,
            SIGNING_TIME => once(&mut self.signing_time, value.time()?)?,
            SIGNING_CERTIFICATE_V2 => {
                once(&mut self.signing_certificate, EssCertId::first_of(value.sequence()?)?)?;
            }
            _ => return Ok(()),
        }
        value.finish()
    }
}

/// An ESSCertIDv2 (RFC 5035 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EssCertId<'a> {
    /// The hash function; `None` where it is not one of SHA-2.
    pub(super) hash: Option<Hash>,
    /// The hash of the whole certificate.
    pub(super) hashed: &'a [u8],
    /// The certificate's name, where it is given.
    pub(super) name: Option<CertificateName<'a>>,
}

impl<'a> EssCertId<'a> {
    /// Reads the first certificate of a SigningCertificateV2: the signer's.
    fn first_of(mut signing_certificate: Fields<'a>) -> Result<Self> {
        let mut fields = signing_certificate.sequence()?.sequence()?;
        signing_certificate.optional(Tag::Sequence)?;
        signing_certificate.finish()?;
        let hash = match fields.optional(Tag::Sequence)? {
            Some(algorithm) => Hash::from_oid(Algorithm::read(Fields::of(algorithm)?)?.oid),
            None => Some(Hash::Sha256),
        };
        let hashed = fields.expect(Tag::OctetString)?;
        let name = fields.optional(Tag::Sequence)?.map(issuer_serial).transpose()?;
        fields.finish()?;
        Ok(Self { hash, hashed, name })
    }
}

/// An IssuerSerial whose issuer is one directory name.
fn issuer_serial(content: &[u8]) -> Result<CertificateName<'_>> {
    let mut fields = Fields::of(content)?;
    let mut names = fields.sequence()?;
    let mut directory_name = Fields::of(names.expect(DIRECTORY_NAME)?)?;
    names.finish()?;
    let name = CertificateName { issuer: directory_name.raw()?, serial: fields.expect(Tag::Integer)? };
    directory_name.finish()?;
    fields.finish()?;
    Ok(name)
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(refuse(Tag::Set)),
    }
}

/// The content type of a TSTInfo.
pub(super) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const V1: &[u8] = &[1];
const V3: &[u8] = &[3];
const DIRECTORY_NAME: Tag = constructed(4);
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
