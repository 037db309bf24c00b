//! Naming a certificate to a responder: the CertID of RFC 6960 §4.1.1, and the request that holds one.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Encode, Tag};
use openssl::hash::{DigestBytes, MessageDigest, hash};

use crate::x509::Certificate;
use crate::x509::asn1::Fields;

/// The DER of a request for the status of `certificate`, named by SHA-1 as public responders expect (the hash
/// only names the issuer, nothing rests on it). `None` where the issuer's key cannot be named.
pub fn request(certificate: &Certificate, issuer: &Certificate) -> Option<Vec<u8>> {
    let (name, key) = names(KeyHash::Sha1, issuer)?;
    let algorithm = [encode(Tag::ObjectIdentifier, SHA_1.as_bytes())?, encode(Tag::Null, &[])?].concat();
    let id = [
        encode(Tag::Sequence, &algorithm)?,
        encode(Tag::OctetString, &name)?,
        encode(Tag::OctetString, &key)?,
        encode(Tag::Integer, certificate.serial())?,
    ]
    .concat();
    // CertID, Request, requestList, TBSRequest, OCSPRequest: each the only field of the next.
    (0..5).try_fold(id, |content, _| encode(Tag::Sequence, &content))
}

/// A hash function by which a responder may name an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyHash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl KeyHash {
    /// The hash function with this identifier.
    pub(super) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            SHA_1 => Some(Self::Sha1),
            SHA_256 => Some(Self::Sha256),
            SHA_384 => Some(Self::Sha384),
            SHA_512 => Some(Self::Sha512),
            _ => None,
        }
    }

    fn digest(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// The hashes of the issuer's name and of its public key.
pub(super) fn names(by: KeyHash, issuer: &Certificate) -> Option<(DigestBytes, DigestBytes)> {
    let mut spki = Fields::document(issuer.spki_der()).ok()?;
    spki.algorithm().ok()?;
    let key = spki.bit_string().ok()?;
    Some((hash(by.digest(), issuer.subject_der()).ok()?, hash(by.digest(), key).ok()?))
}

fn encode(tag: Tag, content: &[u8]) -> Option<Vec<u8>> {
    AnyRef::new(tag, content).and_then(|value| value.to_der()).ok()
}

const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
