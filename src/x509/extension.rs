//! The certificate extensions that decide something here; all others are kept by name only (RFC 5280 §4.2).

use x509_parser::asn1_rs::{FromDer, Oid, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{
    AuthorityInfoAccess, BasicConstraints as RawBasicConstraints, CRLDistributionPoints,
    DistributionPointName, ExtendedKeyUsage as RawExtendedKeyUsage, GeneralName, KeyUsage as RawKeyUsage,
    X509Extension,
};

use super::CertificateError;

/// Whether a certificate may sign others (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// The extension is marked critical.
    pub critical: bool,
    /// The cA flag.
    pub ca: bool,
    /// How many CA certificates may follow below this one, the leaf not counted.
    pub path_length: Option<u32>,
}

/// What a key may be used for (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    /// The extension is marked critical.
    pub critical: bool,
    bits: u16,
}

impl KeyUsage {
    /// Signatures other than on certificates and revocation lists.
    pub fn digital_signature(self) -> bool {
        self.has(0)
    }

    /// Signatures on certificates.
    pub fn key_cert_sign(self) -> bool {
        self.has(5)
    }

    /// Signatures on revocation lists.
    pub fn crl_sign(self) -> bool {
        self.has(6)
    }

    /// The first use that a signing leaf must not have, by its RFC 5280 name.
    pub fn foreign_to_a_signer(self) -> Option<&'static str> {
        FOREIGN_USES.iter().find(|(bit, _)| self.has(*bit)).map(|(_, name)| *name)
    }

    fn has(self, bit: u32) -> bool {
        (self.bits >> bit) & 1 == 1
    }
}

const FOREIGN_USES: &[(u32, &str)] = &[
    (2, "keyEncipherment"),
    (3, "dataEncipherment"),
    (4, "keyAgreement"),
    (5, "keyCertSign"),
    (6, "cRLSign"),
    (7, "encipherOnly"),
    (8, "decipherOnly"),
];

/// One purpose of an extended key usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// anyExtendedKeyUsage.
    Any,
    /// TLS servers.
    ServerAuth,
    /// TLS clients.
    ClientAuth,
    /// Signed code.
    CodeSigning,
    /// Mail.
    EmailProtection,
    /// Timestamps, RFC 3161.
    TimeStamping,
    /// OCSP answers.
    OcspSigning,
    /// Any other, as a dotted object identifier.
    Other(String),
}

/// For which purposes a certificate is meant (RFC 5280 §4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedKeyUsage {
    /// The extension is marked critical.
    pub critical: bool,
    /// Every purpose, each once; the order is not kept.
    pub purposes: Vec<Purpose>,
}

impl ExtendedKeyUsage {
    /// True if `purpose` is named. `anyExtendedKeyUsage` stands only for itself.
    pub fn has(&self, purpose: &Purpose) -> bool {
        self.purposes.contains(purpose)
    }
}

/// Everything that is kept of a certificate's extensions.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) ocsp_urls: Vec<String>,
    /// The addresses in each distribution point.
    pub(super) crl_points: Vec<Vec<String>>,
    pub(super) freshest_crl_urls: Vec<String>,
    pub(super) ocsp_nocheck: bool,
    pub(super) unhandled_critical: Vec<String>,
}

impl Extensions {
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Result<Self, CertificateError> {
        let list = certificate.tbs_certificate.extensions();
        let mut kept = Self::default();
        for (index, extension) in list.iter().enumerate() {
            if list.iter().take(index).any(|earlier| earlier.oid == extension.oid) {
                return Err(CertificateError::RepeatedExtension { oid: extension.oid.to_id_string() });
            }
            kept.read(extension)
                .map_err(|Malformed| CertificateError::Extension { oid: extension.oid.to_id_string() })?;
        }
        Ok(kept)
    }

    fn read(&mut self, extension: &X509Extension<'_>) -> Result<(), Malformed> {
        let X509Extension { oid, critical, value, .. } = extension;
        if *oid == BASIC_CONSTRAINTS {
            let raw: RawBasicConstraints = whole(value)?;
            let path_length = raw.path_len_constraint;
            self.basic_constraints = Some(BasicConstraints { critical: *critical, ca: raw.ca, path_length });
        } else if *oid == KEY_USAGE {
            let raw: RawKeyUsage = whole(value)?;
            self.key_usage = Some(KeyUsage { critical: *critical, bits: raw.flags });
        } else if *oid == EXTENDED_KEY_USAGE {
            let purposes = purposes(&whole(value)?);
            self.extended_key_usage = Some(ExtendedKeyUsage { critical: *critical, purposes });
        } else if *oid == AUTHORITY_INFO_ACCESS {
            self.ocsp_urls = ocsp_urls(&whole(value)?);
        } else if *oid == CRL_DISTRIBUTION_POINTS {
            self.crl_points = distribution_points(&whole(value)?);
        } else if *oid == FRESHEST_CRL {
            self.freshest_crl_urls = distribution_points(&whole(value)?).concat();
        } else if *oid == OCSP_NOCHECK {
            self.ocsp_nocheck = true;
        } else if *critical && !HARMLESS.contains(oid) {
            self.unhandled_critical.push(oid.to_id_string());
        }
        Ok(())
    }
}

struct Malformed;

/// Reads one value that fills all of `bytes`.
fn whole<'a, T, E>(bytes: &'a [u8]) -> Result<T, Malformed>
where
    T: FromDer<'a, E>,
{
    match T::from_der(bytes) {
        Ok(([], value)) => Ok(value),
        _ => Err(Malformed),
    }
}

fn purposes(raw: &RawExtendedKeyUsage<'_>) -> Vec<Purpose> {
    let known = [
        (raw.any, Purpose::Any),
        (raw.server_auth, Purpose::ServerAuth),
        (raw.client_auth, Purpose::ClientAuth),
        (raw.code_signing, Purpose::CodeSigning),
        (raw.email_protection, Purpose::EmailProtection),
        (raw.time_stamping, Purpose::TimeStamping),
        (raw.ocsp_signing, Purpose::OcspSigning),
    ];
    let known = known.into_iter().filter_map(|(named, purpose)| named.then_some(purpose));
    known.chain(raw.other.iter().map(|oid| Purpose::Other(oid.to_id_string()))).collect()
}

fn ocsp_urls(access: &AuthorityInfoAccess<'_>) -> Vec<String> {
    let responders = access.iter().filter(|description| description.access_method == OCSP_RESPONDER);
    responders.filter_map(|description| url(&description.access_location)).collect()
}

fn distribution_points(points: &CRLDistributionPoints<'_>) -> Vec<Vec<String>> {
    let names = points.iter().filter_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    names.map(|names| names.iter().filter_map(url).collect()).collect()
}

fn url(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    }
}

const BASIC_CONSTRAINTS: Oid<'static> = oid!(2.5.29.19);
const KEY_USAGE: Oid<'static> = oid!(2.5.29.15);
const EXTENDED_KEY_USAGE: Oid<'static> = oid!(2.5.29.37);
const AUTHORITY_INFO_ACCESS: Oid<'static> = oid!(1.3.6.1.5.5.7.1.1);
const CRL_DISTRIBUTION_POINTS: Oid<'static> = oid!(2.5.29.31);
const FRESHEST_CRL: Oid<'static> = oid!(2.5.29.46);
const OCSP_NOCHECK: Oid<'static> = oid!(1.3.6.1.5.5.7.48.1.5);
const OCSP_RESPONDER: Oid<'static> = oid!(1.3.6.1.5.5.7.48.1);

/// Extensions that restrict nothing here: key identifiers, alternative names and policies.
const HARMLESS: &[Oid<'static>] =
    &[oid!(2.5.29.14), oid!(2.5.29.35), oid!(2.5.29.17), oid!(2.5.29.18), oid!(2.5.29.32)];
