//! A user and a password that are written into the configuration, for the registries that it names.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::docker_config::user_and_secret;
use super::{
    ANONYMOUS_SCOPE, BoundCredential, Credential, CredentialRequest, HostBinding, Keychain, KeychainError,
    fingerprint,
};
use crate::reference::RegistryHost;
use crate::secret::{ExposeSecret as _, SecretString};

/// One credential for some registries.
#[derive(Clone, Debug)]
pub struct StaticCredentials {
    hosts: Vec<RegistryHost>,
    username: String,
    password: SecretString,
}

impl StaticCredentials {
    /// A user and a password for these registries; without a user it is a refresh token.
    pub fn new(hosts: Vec<RegistryHost>, username: String, password: SecretString) -> Self {
        Self { hosts, username, password }
    }

    /// The registries that it is for.
    pub fn hosts(&self) -> &[RegistryHost] {
        &self.hosts
    }

    fn bound(&self, host: &RegistryHost) -> Option<BoundCredential> {
        let credential = match self.username.as_str() {
            "" => Credential::IdentityToken(self.password.clone()),
            username => user_and_secret(username.to_owned(), self.password.clone()),
        };
        let binding = HostBinding::to(host.clone());
        self.hosts.contains(host).then_some(BoundCredential { credential, expires: None, binding })
    }
}

impl PartialEq for StaticCredentials {
    fn eq(&self, other: &Self) -> bool {
        self.hosts == other.hosts
            && self.username == other.username
            && self.password.expose_secret() == other.password.expose_secret()
    }
}

impl Eq for StaticCredentials {}

impl Keychain for StaticCredentials {
    fn candidates<'a>(
        &'a self,
        request: &'a CredentialRequest,
    ) -> BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>> {
        Box::pin(std::future::ready(Ok(self.bound(&request.host).into_iter().collect())))
    }

    fn scope(&self, request: &CredentialRequest) -> Arc<str> {
        match self.bound(&request.host) {
            Some(bound) => format!("static:{}", fingerprint(&[&bound.fingerprint()])).into(),
            None => ANONYMOUS_SCOPE.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::super::{Action, may};
    use super::*;

    #[tokio::test]
    async fn a_password_goes_to_the_named_registries_alone_and_is_never_printed() {
        let host = |text: &str| RegistryHost::parse(text).expect("host");
        let keychain = StaticCredentials::new(vec![host("r.example")], "ann".to_owned(), "hush".into());
        let request =
            |text: &str| CredentialRequest { host: host(text), repository: "a".into(), action: Action::Pull };
        let found = keychain.candidates(&request("r.example")).await.expect("credential");
        let [bound] = &found[..] else { panic!("{found:?}") };
        let allowed = |url: &str| may(bound, &Url::parse(url).expect("url"));
        assert!(allowed("https://r.example/v2/") && !allowed("https://evil.example/v2/"));
        assert!(keychain.candidates(&request("s.example")).await.expect("none").is_empty());
        assert_eq!(&*keychain.scope(&request("s.example")), ANONYMOUS_SCOPE);
        assert!(!format!("{keychain:?}").contains("hush"));
    }
}
