//! Which certificates a list speaks about (issuingDistributionPoint, RFC 5280 §5.2.5), and where it says that
//! its delta lists are (freshestCRL, §5.2.6).

use bytes::Bytes;
use der::{Result, Tag};

use crate::x509::Certificate;
use crate::x509::asn1::{Fields, constructed, primitive, refuse};

/// Most names of distribution points that one list may have.
pub(super) const MAX_NAMES: usize = 16;

/// Why a list says nothing, or not everything, about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Exclusion {
    /// The list covers end-entity certificates and this one is a CA's.
    #[error("it covers end-entity certificates only")]
    EndEntitiesOnly,
    /// The list covers CA certificates and this one is none.
    #[error("it covers CA certificates only")]
    CertificateAuthoritiesOnly,
    /// The list covers attribute certificates.
    #[error("it covers attribute certificates only")]
    AttributeCertificatesOnly,
    /// The list is that of another distribution point than the one that led to it (RFC 5280 §6.3.3 (b)(2)).
    #[error("it belongs to another distribution point")]
    OtherDistributionPoint,
    /// The list covers some reasons only: an entry counts, the absence of one proves nothing.
    #[error("it covers some revocation reasons only")]
    SomeReasonsOnly,
}

/// An issuingDistributionPoint. Two are the same if their DER is.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    der: Bytes,
    point: Option<Vec<String>>,
    end_entities: bool,
    authorities: bool,
    attributes: bool,
    some_reasons: bool,
    indirect: bool,
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Scope {
    /// Reads the extension's value, a part of `der`.
    pub(super) fn read(der: &Bytes, value: &[u8]) -> Result<Self> {
        let mut fields = Fields::document(value)?;
        let scope = Self {
            der: der.slice_ref(value),
            point: fields.optional(constructed(0))?.map(point_urls).transpose()?,
            end_entities: flag(fields.optional(primitive(1))?)?,
            authorities: flag(fields.optional(primitive(2))?)?,
            some_reasons: fields.optional(primitive(3))?.is_some(),
            indirect: flag(fields.optional(primitive(4))?)?,
            attributes: flag(fields.optional(primitive(5))?)?,
        };
        fields.finish()?;
        Ok(scope)
    }

    /// Whether the list speaks for other issuers too.
    pub(super) fn is_indirect(&self) -> bool {
        self.indirect
    }

    /// Why the list, which the certificate's address `url` led to, says nothing, or not everything, about
    /// `certificate`.
    pub(super) fn exclusion(&self, certificate: &Certificate, url: &str) -> Option<Exclusion> {
        if self.attributes {
            Some(Exclusion::AttributeCertificatesOnly)
        } else if self.end_entities && certificate.is_ca() {
            Some(Exclusion::EndEntitiesOnly)
        } else if self.authorities && !certificate.is_ca() {
            Some(Exclusion::CertificateAuthoritiesOnly)
        } else if self.point.as_ref().is_some_and(|names| !share_a_name(certificate, url, names)) {
            Some(Exclusion::OtherDistributionPoint)
        } else {
            self.some_reasons.then_some(Exclusion::SomeReasonsOnly)
        }
    }
}

/// The URLs of the distribution points in a freshestCRL extension's value.
pub(super) fn freshest_urls(value: &[u8]) -> Result<Vec<String>> {
    let mut points = Fields::document(value)?;
    let mut urls = Vec::new();
    while !points.is_empty() {
        let mut point = points.sequence()?;
        if let Some(name) = point.optional(constructed(0))? {
            urls.append(&mut point_urls(name)?);
        }
        if urls.len() > MAX_NAMES {
            return Err(refuse(Tag::Sequence));
        }
    }
    Ok(urls)
}

/// Whether the list's distribution point and the certificate's, of which `url` is a part, have a name in common.
/// A list of another point of the certificate, put in the place of this one, must not stand for it.
fn share_a_name(certificate: &Certificate, url: &str, names: &[String]) -> bool {
    certificate.crl_urls_beside(url).any(|own| names.contains(own))
}

/// The URLs among the full names of a DistributionPointName; names of other kinds give none.
fn point_urls(content: &[u8]) -> Result<Vec<String>> {
    let mut name = Fields::of(content)?;
    let Some(full) = name.optional(constructed(0))? else { return Ok(Vec::new()) };
    let mut names = Fields::of(full)?;
    let mut urls = Vec::new();
    while !names.is_empty() {
        let name = names.any()?;
        if der::Tagged::tag(&name) == URI {
            let url = std::str::from_utf8(name.value()).map_err(|_| refuse(Tag::Ia5String))?;
            urls.push(url.to_owned());
        }
        if urls.len() > MAX_NAMES {
            return Err(refuse(Tag::Sequence));
        }
    }
    Ok(urls)
}

fn flag(content: Option<&[u8]>) -> Result<bool> {
    match content {
        None | Some([0]) => Ok(false),
        Some([0xff]) => Ok(true),
        Some(_) => Err(refuse(Tag::Boolean)),
    }
}

const URI: Tag = primitive(6);
