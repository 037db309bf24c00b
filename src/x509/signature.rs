//! Verifying what a certificate's key signed, by the AlgorithmIdentifier that came with the signature. SHA-2
//! only; RSA (PKCS #1 v1.5 and PSS) and ECDSA only.

use der::asn1::ObjectIdentifier;
use der::{Result, Tag};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Public};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};

use super::asn1::{Algorithm, Fields, constructed, refuse, unsigned};

/// A hash function that may stand in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The hash function with this identifier; `None` for SHA-1 and everything else.
    pub(crate) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            SHA_256 => Some(Self::Sha256),
            SHA_384 => Some(Self::Sha384),
            SHA_512 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// OpenSSL's name of it.
    pub(crate) fn digest(self) -> MessageDigest {
        match self {
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }

    /// Whether `expected` is the hash of `data`.
    pub(crate) fn matches(self, data: &[u8], expected: &[u8]) -> bool {
        openssl::hash::hash(self.digest(), data).is_ok_and(|hash| hash.as_ref() == expected)
    }
}

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// RSASSA-PKCS1-v1_5. The hash is `None` where the identifier names the key type alone, as CMS allows.
    RsaPkcs1(Option<Hash>),
    /// RSASSA-PSS; MGF1 uses the same hash.
    RsaPss {
        /// The hash.
        hash: Hash,
        /// Bytes of salt.
        salt: i32,
    },
    /// ECDSA.
    Ecdsa(Hash),
}

impl Scheme {
    /// The scheme that `algorithm` names, `None` if it is not supported.
    pub(crate) fn from_algorithm(algorithm: &Algorithm<'_>) -> Option<Self> {
        match algorithm.oid {
            RSA => Some(Self::RsaPkcs1(None)),
            SHA_256_WITH_RSA => Some(Self::RsaPkcs1(Some(Hash::Sha256))),
            SHA_384_WITH_RSA => Some(Self::RsaPkcs1(Some(Hash::Sha384))),
            SHA_512_WITH_RSA => Some(Self::RsaPkcs1(Some(Hash::Sha512))),
            ECDSA_WITH_SHA_256 => Some(Self::Ecdsa(Hash::Sha256)),
            ECDSA_WITH_SHA_384 => Some(Self::Ecdsa(Hash::Sha384)),
            ECDSA_WITH_SHA_512 => Some(Self::Ecdsa(Hash::Sha512)),
            RSA_PSS => pss_parameters(algorithm).ok(),
            _ => None,
        }
    }

    /// The hash that the scheme itself names.
    pub(crate) fn hash(self) -> Option<Hash> {
        match self {
            Self::RsaPkcs1(hash) => hash,
            Self::RsaPss { hash, .. } | Self::Ecdsa(hash) => Some(hash),
        }
    }

    /// Whether `signature` by `key` covers `message`. False where the scheme names no hash.
    pub(crate) fn verify(self, key: &PKey<Public>, message: &[u8], signature: &[u8]) -> bool {
        self.hash().is_some_and(|hash| self.verify_with(hash, key, message, signature))
    }

    /// The same, with the hash that goes with a scheme that does not name one.
    pub(crate) fn verify_with(
        self,
        hash: Hash,
        key: &PKey<Public>,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let fits = match self {
            Self::RsaPkcs1(_) | Self::RsaPss { .. } => key.id() == Id::RSA,
            Self::Ecdsa(_) => key.id() == Id::EC,
        };
        fits && self.hash().is_none_or(|own| own == hash)
            && self.run(hash, key, message, signature).unwrap_or(false)
    }

    fn run(
        self,
        hash: Hash,
        key: &PKey<Public>,
        message: &[u8],
        signature: &[u8],
    ) -> std::result::Result<bool, openssl::error::ErrorStack> {
        let mut verifier = Verifier::new(hash.digest(), key)?;
        if let Self::RsaPss { salt, .. } = self {
            verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
            verifier.set_rsa_mgf1_md(hash.digest())?;
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt))?;
        }
        verifier.verify_oneshot(signature, message)
    }
}

/// RSASSA-PSS-params (RFC 4055 §3.1). The defaults mean SHA-1, so the hash must be there.
fn pss_parameters(algorithm: &Algorithm<'_>) -> Result<Scheme> {
    const DEFAULT_SALT: u64 = 20;
    const MAX_SALT: u64 = 512;
    let parameters = algorithm.parameters.ok_or_else(|| refuse(Tag::Sequence))?;
    let mut fields = Fields::of(parameters.value())?;
    let hash = inner(fields.optional(constructed(0))?)?.algorithm()?.oid;
    let generator = inner(fields.optional(constructed(1))?)?.algorithm()?;
    let salt = match fields.optional(constructed(2))? {
        Some(content) => unsigned(Fields::of(content)?.integer()?),
        None => Some(DEFAULT_SALT),
    };
    let mask_hash = Algorithm::read(inner(generator.parameters.map(|parameters| parameters.value()))?)?.oid;
    let salt = salt.filter(|salt| *salt <= MAX_SALT).and_then(|salt| i32::try_from(salt).ok());
    match (Hash::from_oid(hash), salt) {
        (Some(hash_function), Some(salt)) if generator.oid == MGF1 && mask_hash == hash => {
            Ok(Scheme::RsaPss { hash: hash_function, salt })
        }
        _ => Err(refuse(Tag::Sequence)),
    }
}

fn inner(content: Option<&[u8]>) -> Result<Fields<'_>> {
    Fields::of(content.ok_or_else(|| refuse(Tag::Sequence))?)
}

const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const SHA_256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA_384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA_512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_WITH_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");

#[cfg(test)]
mod tests {
    use openssl::pkey::Private;
    use openssl::rsa::Rsa;
    use openssl::sign::Signer;

    use super::*;
    use crate::x509::test_authority::{INTEGER, oid, sequence, tlv};

    const SHA256: &str = "2.16.840.1.101.3.4.2.1";
    const SHA1: &str = "1.3.14.3.2.26";

    fn public(key: &PKey<Private>) -> PKey<Public> {
        PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap()
    }

    fn scheme(algorithm: &[u8]) -> Option<Scheme> {
        Scheme::from_algorithm(&Fields::of(algorithm).unwrap().algorithm().unwrap())
    }

    fn pss(hash: &str, mask_hash: &str, salt: u8) -> Vec<u8> {
        let generator = sequence(&[&oid("1.2.840.113549.1.1.8"), &sequence(&[&oid(mask_hash)])]);
        let parameters = sequence(&[
            &tlv(0xa0, &sequence(&[&oid(hash)])),
            &tlv(0xa1, &generator),
            &tlv(0xa2, &tlv(INTEGER, &[salt])),
        ]);
        sequence(&[&oid("1.2.840.113549.1.1.10"), &parameters])
    }

    #[test]
    fn rsa_verifies_with_the_padding_and_salt_that_are_named() {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        let plain = signer.sign_oneshot_to_vec(b"message").unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::custom(20)).unwrap();
        let salted = signer.sign_oneshot_to_vec(b"message").unwrap();
        let pkcs1 = scheme(&sequence(&[&oid("1.2.840.113549.1.1.11"), &[0x05, 0x00]])).unwrap();
        let pss_20 = scheme(&pss(SHA256, SHA256, 20)).unwrap();
        let pss_32 = scheme(&pss(SHA256, SHA256, 32)).unwrap();
        let verify = |scheme: Scheme, signature: &[u8]| scheme.verify(&public(&key), b"message", signature);
        assert!(verify(pkcs1, &plain) && !verify(pkcs1, &salted));
        assert!(verify(pss_20, &salted) && !verify(pss_20, &plain));
        assert!(!verify(pss_32, &salted));
        assert!(!pkcs1.verify(&public(&key), b"another", &plain));
    }

    #[test]
    fn a_key_type_alone_takes_its_hash_from_elsewhere() {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let signature =
            Signer::new(MessageDigest::sha384(), &key).unwrap().sign_oneshot_to_vec(b"message").unwrap();
        let bare = scheme(&sequence(&[&oid("1.2.840.113549.1.1.1")])).unwrap();
        assert!(bare.verify_with(Hash::Sha384, &public(&key), b"message", &signature));
        assert!(!bare.verify(&public(&key), b"message", &signature));
        let sha256 = Scheme::RsaPkcs1(Some(Hash::Sha256));
        assert!(!sha256.verify_with(Hash::Sha384, &public(&key), b"message", &signature));
        assert!(!Scheme::Ecdsa(Hash::Sha384).verify(&public(&key), b"message", &signature));
    }

    #[test]
    fn sha_1_and_mixed_pss_hashes_are_not_supported() {
        assert_eq!(scheme(&sequence(&[&oid("1.2.840.113549.1.1.5")])), None);
        assert_eq!(scheme(&sequence(&[&oid("1.2.840.113549.1.1.10")])), None);
        assert_eq!(scheme(&pss(SHA1, SHA1, 20)), None);
        assert_eq!(scheme(&pss(SHA256, SHA1, 32)), None);
    }
}
