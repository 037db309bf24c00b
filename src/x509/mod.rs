//! X.509 certificates: fields, chains, names, revocation lists and OCSP answers. Pure: no I/O, no clock.
//!
//! OpenSSL holds keys and checks signatures; x509-parser reads the fields that OpenSSL's safe interface
//! does not give. Both read the same bytes and must agree. Chains are walked by hand, because the Notary
//! Project's rules are not those of a web server's certificate (RFC 5280, Notary Project signature
//! specification v1.1, "Certificate Requirements").

mod bundle;
mod certificate;
mod extension;
mod key;
mod pool;
mod signature_algorithm;

pub(crate) mod asn1;
pub mod chain;
pub mod crl;
pub mod name;
pub mod ocsp;
pub(crate) mod signature;
#[cfg(test)]
pub(crate) mod test_authority;

pub use bundle::{BundleError, certificates_from_pem_or_der};
pub use certificate::{Certificate, CertificateError};
pub use extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, Purpose};
pub use key::KeySpec;
pub use pool::CertificatePool;
