//! What kind of public key a certificate holds, read from its SubjectPublicKeyInfo.

use std::fmt;

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::PointConversionForm;
use openssl::pkey::{PKey, Public};
use x509_parser::asn1_rs::{Oid, Tag, oid};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The keys that may sign, Notary Project signature specification v1.1, "Algorithm Selection". Every other
/// kind or size has no specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// NIST P-256.
    EcP256,
    /// NIST P-384.
    EcP384,
    /// NIST P-521.
    EcP521,
}

impl KeySpec {
    /// The name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA-2048",
            Self::Rsa3072 => "RSA-3072",
            Self::Rsa4096 => "RSA-4096",
            Self::EcP256 => "EC P-256",
            Self::EcP384 => "EC P-384",
            Self::EcP521 => "EC P-521",
        }
    }

    /// The specification of a key, if it has one: plain RSA with a sane exponent, or a named curve.
    pub(super) fn of(spki: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        match Family::of(spki) {
            Family::Rsa => rsa_spec(spki),
            Family::NamedCurve => curve_spec(spki),
            Family::UnnamedCurve | Family::Other => None,
        }
    }
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The algorithm identifier of a key, as far as it decides what may be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// rsaEncryption. Keys under id-RSASSA-PSS are not of this family.
    Rsa,
    /// An elliptic curve given by name.
    NamedCurve,
    /// An elliptic curve given by its parameters: whoever writes them chooses what verifies.
    UnnamedCurve,
    /// Anything else.
    Other,
}

impl Family {
    pub(super) fn of(spki: &SubjectPublicKeyInfo<'_>) -> Self {
        if spki.algorithm.algorithm == RSA_ENCRYPTION {
            Self::Rsa
        } else if spki.algorithm.algorithm == EC_PUBLIC_KEY {
            match &spki.algorithm.parameters {
                Some(parameters) if parameters.tag() == Tag::Oid => Self::NamedCurve,
                _ => Self::UnnamedCurve,
            }
        } else {
            Self::Other
        }
    }

    /// True if the key that OpenSSL verifies with is the one that the certificate shows. Only the families that
    /// sign here are compared.
    pub(super) fn is_same_key(self, key: &PKey<Public>, spki: &SubjectPublicKeyInfo<'_>) -> bool {
        match self {
            Self::Rsa => is_same_rsa_key(key, spki).unwrap_or(false),
            Self::NamedCurve => is_same_point(key, spki).unwrap_or(false),
            Self::UnnamedCurve | Self::Other => true,
        }
    }
}

fn is_same_rsa_key(key: &PKey<Public>, spki: &SubjectPublicKeyInfo<'_>) -> Option<bool> {
    let key = key.rsa().ok()?;
    let Ok(PublicKey::RSA(shown)) = spki.parsed() else { return None };
    let modulus = BigNum::from_slice(shown.modulus).ok()?;
    let exponent = BigNum::from_slice(shown.exponent).ok()?;
    Some(*key.n() == *modulus && *key.e() == *exponent)
}

fn is_same_point(key: &PKey<Public>, spki: &SubjectPublicKeyInfo<'_>) -> Option<bool> {
    let key = key.ec_key().ok()?;
    let shown = spki.subject_public_key.data.as_ref();
    let form = match shown.first()? {
        2 | 3 => PointConversionForm::COMPRESSED,
        _ => PointConversionForm::UNCOMPRESSED,
    };
    let mut context = BigNumContext::new().ok()?;
    Some(key.public_key().to_bytes(key.group(), form, &mut context).ok()? == shown)
}

fn rsa_spec(spki: &SubjectPublicKeyInfo<'_>) -> Option<KeySpec> {
    let Ok(PublicKey::RSA(key)) = spki.parsed() else { return None };
    let exponent = key.try_exponent().ok()?;
    if exponent < 3 || exponent % 2 == 0 || exponent > u64::from(u32::MAX) {
        return None;
    }
    match modulus_bits(key.modulus)? {
        2048 => Some(KeySpec::Rsa2048),
        3072 => Some(KeySpec::Rsa3072),
        4096 => Some(KeySpec::Rsa4096),
        _ => None,
    }
}

/// Bits of a DER INTEGER's content; none for negative numbers and zero.
fn modulus_bits(content: &[u8]) -> Option<usize> {
    if content.first()? & 0x80 != 0 {
        return None;
    }
    let zeros = content.iter().take_while(|byte| **byte == 0).count();
    let top = content.get(zeros)?;
    Some((content.len() - zeros) * 8 - top.leading_zeros() as usize)
}

fn curve_spec(spki: &SubjectPublicKeyInfo<'_>) -> Option<KeySpec> {
    let curve = spki.algorithm.parameters.as_ref()?.as_oid().ok()?;
    [(P256, KeySpec::EcP256), (P384, KeySpec::EcP384), (P521, KeySpec::EcP521)]
        .into_iter()
        .find_map(|(oid, spec)| (oid == curve).then_some(spec))
}

const RSA_ENCRYPTION: Oid<'static> = oid!(1.2.840.113549.1.1.1);
const EC_PUBLIC_KEY: Oid<'static> = oid!(1.2.840.10045.2.1);
const P256: Oid<'static> = oid!(1.2.840.10045.3.1.7);
const P384: Oid<'static> = oid!(1.3.132.0.34);
const P521: Oid<'static> = oid!(1.3.132.0.35);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_first_one() {
        assert_eq!(modulus_bits(&[0, 0x80, 0]), Some(16));
        assert_eq!(modulus_bits(&[0x7f, 0]), Some(15));
        assert_eq!(modulus_bits(&[0, 0]), None);
        assert_eq!(modulus_bits(&[0x80]), None);
        assert_eq!(modulus_bits(&[]), None);
    }
}
