//! Outgoing HTTP: the one place where clients are built. Every client follows no redirect by itself, has
//! no cookie jar, decompresses nothing, and refuses link-local and metadata addresses on each connection,
//! after name resolution.
//!
//! It knows nothing of registries, tokens or revocation: who may see which credential is decided by
//! whoever sends one. Behind a forward proxy, names are resolved by the proxy, so only addresses written
//! into the URL and well-known metadata names can be refused here.

mod addresses;
mod body;
mod client;

#[cfg(test)]
mod tests;

pub use addresses::{AddressPolicy, RefusedAddress};
pub use body::{BodyError, read_bounded};
pub use client::{
    ClientCertificate, ClientError, ClientSettings, GuardedClient, ProxySettings, ProxyUrl, TrustedRoots,
    answered_without_tls, refusal, words,
};

use std::sync::Once;

/// Makes aws-lc-rs the process's TLS provider. Every client and server needs it; calling it again does
/// nothing.
pub fn install_crypto_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error means that a provider is installed already, which is all that is wanted.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}
