//! Keys and authorities that only a whole cluster needs.

use rcgen::{CertificateParams, KeyPair};

use crate::support::pki::Authority;

/// From and to, in seconds from now.
#[derive(Clone, Copy)]
pub struct Validity(pub i64, pub i64);

/// An authority that Hallmark could have made, with the validity that is asked for: its certificate and key, PEM.
pub fn authority_of_hallmark(Validity(from, to): Validity) -> String {
    let mut params = CertificateParams::default();
    let date = |seconds: i64| {
        let time = jiff::Timestamp::now().as_second() + seconds;
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(time.unsigned_abs())
    };
    (params.not_before, params.not_after) = (date(from), date(to));
    let authority = Authority::with("Hallmark authority of a test", "Hallmark", params);
    format!("{}{}", authority.pem, authority.issuer.key().serialize_pem())
}

/// A key for signing tokens: private and public, PEM.
pub fn token_key() -> (String, String) {
    let key = KeyPair::generate().expect("key");
    (key.serialize_pem(), key.public_key_pem())
}
