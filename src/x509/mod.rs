//! X.509 certificates: fields, chains, names, revocation lists and OCSP answers. Pure: no I/O, no clock.

pub mod crl;
pub mod ocsp;
