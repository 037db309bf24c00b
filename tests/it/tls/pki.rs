//! Authorities and certificates for tests, with chosen validity.

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

pub const DAY: i64 = 24 * 3600;

/// The time that the tests begin at: fixed, so that nothing depends on when they run.
pub const START: i64 = 1_800_000_000;

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Pair {
    pub chain: String,
    pub key: String,
}

/// From and to, in seconds from [`START`].
#[derive(Clone, Copy)]
pub struct Validity(pub i64, pub i64);

pub const USUAL: Validity = Validity(-DAY, 365 * DAY);

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::valid(name, Validity(-DAY, 3650 * DAY))
    }

    pub fn valid(name: &str, validity: Validity) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = authority_params(name, validity);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// An authority below this one.
    pub fn intermediate(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = authority_params(name, Validity(-DAY, 3650 * DAY));
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// As Gatekeeper's: for servers and clients.
    pub fn issue(&self, names: &[&str]) -> Pair {
        self.issue_valid(names, USUAL)
    }

    pub fn issue_valid(&self, names: &[&str], validity: Validity) -> Pair {
        let usages = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "common.example");
        params.extended_key_usages = usages.to_vec();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, validity);
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { chain, key: key.serialize_pem() }
    }
}

fn authority_params(name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, validity);
    params
}

fn set_validity(params: &mut CertificateParams, Validity(from, to): Validity) {
    let date = |seconds: i64| {
        let seconds = u64::try_from(START + seconds).unwrap();
        date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds)
    };
    params.not_before = date(from);
    params.not_after = date(to);
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}
