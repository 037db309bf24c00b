//! Making certificates: authorities and the server's own. Pure but for the randomness of keys.

use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer as Signer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::x509::{Certificate, CertificateError};

use super::super::names::Name;
use super::DAY;

/// How long an authority is valid, in seconds.
pub(in super::super) const AUTHORITY_LIFE: i64 = 3650 * DAY;

/// How long a server certificate is valid, in seconds.
pub(in super::super) const LEAF_LIFE: i64 = 90 * DAY;

/// How far validity reaches back, in seconds: clocks of clients differ.
const BACKDATED: i64 = 3600;

/// An authority that can sign: its certificate and the key of it.
pub(super) struct Issuer {
    pub(super) certificate: Certificate,
    pub(super) key: KeyPair,
}

/// A server certificate and its key.
pub(super) struct Issued {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The library that makes certificates refused.
    #[error("no certificate could be made: {0}")]
    Library(#[from] rcgen::Error),
    /// What was made cannot be read back.
    #[error("the certificate that was made cannot be read: {0}")]
    Unreadable(#[from] CertificateError),
}

impl Issuer {
    /// Makes an authority with a key of its own, ECDSA P-256. Its name holds part of the key's hash, so that
    /// clients that trust two authorities never try the wrong one.
    ///
    /// # Errors
    /// [`IssueError`].
    pub(super) fn new(now: Timestamp) -> Result<Self, IssueError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let hash = hex::encode(openssl::sha::sha256(&key.subject_public_key_info()));
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("Hallmark authority {}", hash.get(..8).unwrap_or(&hash)));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, later(now, -BACKDATED), later(now, AUTHORITY_LIFE));
        let certificate = Certificate::from_der(params.self_signed(&key)?.der())?;
        Ok(Self { certificate, key })
    }

    /// Signs a server certificate for a new key, ECDSA P-256. It never outlives the authority.
    ///
    /// # Errors
    /// [`IssueError`].
    pub(super) fn issue(&self, names: &[Name], now: Timestamp) -> Result<Issued, IssueError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named("Hallmark");
        params.subject_alt_names = names.iter().map(alternative_name).collect::<Result<_, _>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let end = later(now, LEAF_LIFE).min(self.certificate.not_after());
        set_validity(&mut params, later(now, -BACKDATED), end);
        let signer = Signer::from_ca_cert_der(&self.certificate.der().into(), &self.key)?;
        let certificate = params.signed_by(&key, &signer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Ok(Issued { certificate: certificate.into(), key })
    }
}

/// `time`, so many seconds later.
pub(super) fn later(time: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(time.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Hallmark");
    name.push(DnType::CommonName, common_name);
    name
}

fn alternative_name(name: &Name) -> Result<SanType, rcgen::Error> {
    Ok(match name {
        Name::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
        Name::Ip(address) => SanType::IpAddress(*address),
    })
}

/// Sets both ends. Times before 1970 are 1970.
fn set_validity(params: &mut CertificateParams, from: Timestamp, to: Timestamp) {
    let date = |time: Timestamp| {
        let seconds = u64::try_from(time.as_second()).unwrap_or_default();
        date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    params.not_before = date(from);
    params.not_after = date(to);
}
