//! Which certificate signature algorithms count. SHA-1 and MD5 do not.

use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

/// True for RSA PKCS #1 v1.5 and ECDSA with SHA-2, Ed25519, and RSA-PSS with SHA-2 throughout and a salt as
/// long as the hash.
pub(super) fn is_acceptable(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    PLAIN.contains(&algorithm.algorithm)
        || (algorithm.algorithm == RSASSA_PSS && are_acceptable_pss_parameters(algorithm))
}

fn are_acceptable_pss_parameters(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    let Some(parameters) = algorithm.parameters.clone() else { return false };
    let Ok(parameters) = RsaSsaPssParams::try_from(parameters) else { return false };
    let Ok(mask) = parameters.mask_gen_algorithm() else { return false };
    let hash = parameters.hash_algorithm_oid();
    let length = HASHES.iter().find(|(oid, _)| oid == hash).map(|(_, length)| *length);
    length == Some(parameters.salt_length())
        && mask.mgf == MGF1
        && mask.hash == *hash
        && parameters.trailer_field() == 1
}

const PLAIN: &[Oid<'static>] = &[
    oid!(1.2.840.113549.1.1.11),
    oid!(1.2.840.113549.1.1.12),
    oid!(1.2.840.113549.1.1.13),
    oid!(1.2.840.10045.4.3.2),
    oid!(1.2.840.10045.4.3.3),
    oid!(1.2.840.10045.4.3.4),
    oid!(1.3.101.112),
];
const RSASSA_PSS: Oid<'static> = oid!(1.2.840.113549.1.1.10);
const MGF1: Oid<'static> = oid!(1.2.840.113549.1.1.8);

/// Hash and its length in bytes.
const HASHES: &[(Oid<'static>, u32)] = &[
    (oid!(2.16.840.1.101.3.4.2.1), 32),
    (oid!(2.16.840.1.101.3.4.2.2), 48),
    (oid!(2.16.840.1.101.3.4.2.3), 64),
];
