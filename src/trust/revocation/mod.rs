//! Whether certificates are revoked: OCSP first, else revocation lists (Notary Project signature specification,
//! "Certificate revocation").
//!
//! [`RevocationChecker`] gathers [`RevocationEvidence`] from the network and its caches; [`decide`] turns
//! evidence into an answer, purely and again whenever the time that counts changes. The addresses asked come
//! out of the certificates: call the checker only for a chain whose authenticity is established, never for one
//! that ends in no configured anchor.

mod cache;
mod checker;
mod evidence;
mod fetch;
#[cfg(test)]
mod tests;

pub use self::checker::{CheckerSettings, RevocationChecker, RevocationFigures};
pub use self::evidence::{
    CertificateEvidence, ChainRevocation, ChainStatus, ListEvidence, Proof, RevocationEvidence, Status,
    decide,
};
pub use self::fetch::{FetchFailure, HttpFetcher, Query, RevocationFetcher};
