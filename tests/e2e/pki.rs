//! Certificates of the cluster: its own authority and Gatekeeper's.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, PEM.
    pub pem: String,
}

/// A certificate and its key, PEM.
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// From and to, in seconds from now.
#[derive(Clone, Copy)]
pub struct Validity(pub i64, pub i64);

impl Authority {
    pub fn new(name: &str, organization: &str) -> Self {
        Self::with(name, organization, CertificateParams::default())
    }

    /// An authority that Hallmark could have made, with the validity that is asked for: its certificate and key, PEM.
    pub fn of_hallmark(Validity(from, to): Validity) -> String {
        let mut params = CertificateParams::default();
        let date = |seconds: i64| {
            let time = jiff::Timestamp::now().as_second() + seconds;
            rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(time.unsigned_abs())
        };
        (params.not_before, params.not_after) = (date(from), date(to));
        let authority = Self::with("Hallmark authority of a test", "Hallmark", params);
        format!("{}{}", authority.pem, authority.issuer.key().serialize_pem())
    }

    fn with(name: &str, organization: &str, mut params: CertificateParams) -> Self {
        let key = KeyPair::generate().expect("key");
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, organization);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pem = params.self_signed(&key).expect("certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for a server and client, as cert-controller's.
    pub fn issue(&self, name: &str, organization: Option<&str>, sans: &[&str]) -> Pair {
        let sans: Vec<String> = sans.iter().map(|san| (*san).to_owned()).collect();
        let mut params = CertificateParams::new(sans).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        if let Some(organization) = organization {
            params.distinguished_name.push(DnType::OrganizationName, organization);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("key");
        let certificate = params.signed_by(&key, &self.issuer).expect("certificate").pem();
        Pair { certificate, key: key.serialize_pem() }
    }
}

/// A key for signing tokens: private and public, PEM.
pub fn token_key() -> (String, String) {
    let key = KeyPair::generate().expect("key");
    (key.serialize_pem(), key.public_key_pem())
}
