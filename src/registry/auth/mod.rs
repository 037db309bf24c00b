//! Credentials for registries, and the hosts that may see them.
//!
//! A [`Keychain`] answers which credentials there are for a repository. Each comes bound to hosts, and
//! [`may`] is asked before every send: to the registry, to a token realm, after a redirect. How a
//! credential becomes a header is the business of [`super::http`].

mod binding;
mod docker_config;
mod docker_file;
mod helper;
mod kubernetes;
mod static_credentials;

#[cfg(test)]
mod tests;

pub use binding::{HostBinding, may};
pub use docker_config::{DockerAuths, DockerConfigError};
pub use docker_file::{DockerConfigFile, default_docker_config};
pub use helper::HelperSettings;
pub use kubernetes::KubernetesSecrets;
pub use static_credentials::StaticCredentials;

use std::fmt;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::reference::RegistryHost;
use crate::secret::{ExposeSecret, SecretString};

/// Where credentials come from.
pub trait Keychain: Send + Sync + fmt::Debug {
    /// Every credential that fits, the most specific first. An empty list means that nothing is
    /// configured, so that the registry is asked anonymously.
    fn candidates<'a>(
        &'a self,
        request: &'a CredentialRequest,
    ) -> BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>>;

    /// Names the identity that [`Self::candidates`] would give, for keys of caches: other credentials,
    /// other name; nothing secret can be computed from it.
    fn scope(&self, request: &CredentialRequest) -> Arc<str>;

    /// Another number whenever [`Self::scope`] may name another identity than before: whoever has computed
    /// scopes computes them anew.
    fn revision(&self) -> u64 {
        0
    }
}

/// What a credential is wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CredentialRequest {
    /// The registry that will be asked; for a mirror the mirror's host.
    pub host: RegistryHost,
    /// The repository's path on that host.
    pub repository: Arc<str>,
    /// What is to be done there.
    pub action: Action,
}

/// What is to be done in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Reading.
    Pull,
}

/// Something secret that opens a registry.
#[derive(Clone)]
pub enum Credential {
    /// A user and a password, for the registry itself or its token service.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// An OAuth2 refresh token, for the token service alone.
    IdentityToken(SecretString),
    /// A token that the registry itself takes.
    Bearer(SecretString),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(..)",
            Self::IdentityToken(_) => "IdentityToken(..)",
            Self::Bearer(_) => "Bearer(..)",
        })
    }
}

/// A credential and the hosts that may see it.
#[derive(Clone, Debug)]
pub struct BoundCredential {
    /// The credential.
    pub credential: Credential,
    /// When it ends, where its source says.
    pub expires: Option<Timestamp>,
    /// Who may see it.
    pub binding: HostBinding,
}

impl BoundCredential {
    /// Tells credentials apart, within this process, without telling what they are.
    pub fn fingerprint(&self) -> String {
        match &self.credential {
            Credential::Basic { username, password } => {
                fingerprint(&["basic", username, password.expose_secret()])
            }
            Credential::IdentityToken(token) => fingerprint(&["identity", token.expose_secret()]),
            Credential::Bearer(token) => fingerprint(&["bearer", token.expose_secret()]),
        }
    }
}

/// Why a keychain has no answer. Never "there is none", which is an empty list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}: {problem}")]
pub struct KeychainError {
    /// Which source.
    pub source_name: String,
    /// What went wrong, without anything secret.
    pub problem: String,
}

/// No credentials for anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

impl Keychain for Anonymous {
    fn candidates<'a>(
        &'a self,
        _: &'a CredentialRequest,
    ) -> BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn scope(&self, _: &CredentialRequest) -> Arc<str> {
        ANONYMOUS_SCOPE.into()
    }
}

/// Several keychains, such as those of several Stores: candidates of all, in order.
#[derive(Clone, Debug, Default)]
pub struct Keychains(pub Vec<Arc<dyn Keychain>>);

impl Keychain for Keychains {
    fn candidates<'a>(
        &'a self,
        request: &'a CredentialRequest,
    ) -> BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>> {
        Box::pin(async move {
            let mut found = Vec::new();
            let mut failed = None;
            for keychain in &self.0 {
                match keychain.candidates(request).await {
                    Ok(candidates) => found.extend(candidates),
                    Err(error) => failed = Some(error),
                }
            }
            match failed {
                Some(error) if found.is_empty() => Err(error),
                _ => Ok(found),
            }
        })
    }

    fn scope(&self, request: &CredentialRequest) -> Arc<str> {
        let scopes: Vec<_> = self.0.iter().map(|keychain| keychain.scope(request)).collect();
        let mut named = scopes.iter().map(AsRef::as_ref).filter(|scope| *scope != ANONYMOUS_SCOPE).peekable();
        match named.peek() {
            None => ANONYMOUS_SCOPE.into(),
            Some(_) => named.collect::<Vec<_>>().join("+").into(),
        }
    }

    fn revision(&self) -> u64 {
        self.0.iter().map(|keychain| keychain.revision()).fold(0, u64::wrapping_add)
    }
}

/// The scope of whoever has no credential.
pub const ANONYMOUS_SCOPE: &str = "anonymous";

/// SHA-256 over the parts and a salt of this process, so that a short password cannot be guessed from it.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    const SHOWN_BYTES: usize = 12;
    static SALT: OnceLock<[u8; 32]> = OnceLock::new();
    let salt = SALT.get_or_init(|| {
        let mut salt = [0; 32];
        let (first, second) = salt.split_at_mut(16);
        first.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        second.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        salt
    });
    let mut hash = openssl::sha::Sha256::new();
    hash.update(salt);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finish().into_iter().take(SHOWN_BYTES).collect::<Vec<_>>())
}
