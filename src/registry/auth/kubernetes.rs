//! Credentials in Secrets of the Kubernetes API: those named one by one, then the pull secrets of a service
//! account. Whoever watches the API keeps what it says; this reads what is kept.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;

use super::{
    ANONYMOUS_SCOPE, BoundCredential, CredentialRequest, DockerAuths, Keychain, KeychainError, fingerprint,
};
use crate::secret::{SecretData, SecretName, SecretState, Secrets, ServiceAccountName, ServiceAccountState};

/// The most Secrets of one keychain that are read.
const MAX_SECRETS: usize = 64;

/// The key of a Secret of type `kubernetes.io/dockerconfigjson`, and that of the older `kubernetes.io/dockercfg`.
const CONFIG_KEY: &str = ".dockerconfigjson";
const LEGACY_KEY: &str = ".dockercfg";

/// A keychain of Secrets. What cannot be read is an error where nothing else fits, and never "no
/// credentials".
#[derive(Debug)]
pub struct KubernetesSecrets {
    secrets: Secrets,
    named: Vec<SecretName>,
    service_account: Option<ServiceAccountName>,
    account_required: bool,
    read: Mutex<Option<Read>>,
}

/// What was read at one revision.
#[derive(Clone, Debug)]
struct Read {
    revision: u64,
    sources: Arc<[Result<DockerAuths, KeychainError>]>,
}

impl KubernetesSecrets {
    /// The Secrets `named`, then those that the service account lists, as `secrets` keeps them. An account that
    /// is not required and may not be read, or does not exist, lists none.
    pub fn new(
        secrets: Secrets,
        named: Vec<SecretName>,
        service_account: Option<ServiceAccountName>,
        account_required: bool,
    ) -> Self {
        Self { secrets, named, service_account, account_required, read: Mutex::default() }
    }

    fn sources(&self) -> Arc<[Result<DockerAuths, KeychainError>]> {
        let revision = self.secrets.revision();
        let mut read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(read) = read.as_ref().filter(|read| read.revision == revision) {
            return Arc::clone(&read.sources);
        }
        let sources: Arc<[_]> = self.read_all().into();
        *read = Some(Read { revision, sources: Arc::clone(&sources) });
        sources
    }

    fn read_all(&self) -> Vec<Result<DockerAuths, KeychainError>> {
        let mut names = self.named.clone();
        let mut sources = Vec::new();
        if let Some(account) = &self.service_account {
            match self.secrets.service_account(account) {
                ServiceAccountState::Found(listed) => names.extend(listed),
                ServiceAccountState::Missing | ServiceAccountState::Forbidden if !self.account_required => {}
                other => sources.push(Err(account_problem(account, &other))),
            }
        }
        let rest = names.len().saturating_sub(MAX_SECRETS);
        names.truncate(MAX_SECRETS);
        let mut read: Vec<_> = names.iter().map(|name| self.read_one(name)).collect();
        if rest != 0 {
            let problem = format!("{rest} Secrets are left out: at most {MAX_SECRETS} are read");
            read.push(Err(KeychainError { source_name: "k8Secrets".to_owned(), problem }));
        }
        read.append(&mut sources);
        read
    }

    fn read_one(&self, name: &SecretName) -> Result<DockerAuths, KeychainError> {
        let failed = |problem: String| KeychainError { source_name: format!("Secret {name}"), problem };
        match self.secrets.get(name) {
            SecretState::Found(data) => parse(&data).map_err(failed),
            SecretState::Missing => {
                Err(failed("there is none; make one with `kubectl create secret docker-registry`".to_owned()))
            }
            SecretState::Forbidden => Err(failed(
                "it may not be read; a Role in its namespace must let Hallmark get, list and watch it"
                    .to_owned(),
            )),
            SecretState::Unknown => {
                Err(failed("it was not read yet; see whether the Kubernetes API answers".to_owned()))
            }
            SecretState::Beyond(beyond) => Err(failed(format!("it {beyond}"))),
        }
    }

    fn collect(&self, request: &CredentialRequest) -> Result<Vec<BoundCredential>, KeychainError> {
        let mut found = Vec::new();
        let mut failed = None;
        for source in self.sources().iter() {
            match source {
                Ok(auths) => {
                    let candidates = auths.candidates(&request.host, &request.repository);
                    if candidates.is_empty() {
                        failed = failed.or_else(|| unusable(auths, request));
                    }
                    found.extend(candidates);
                }
                Err(error) => failed = failed.or_else(|| Some(error.clone())),
            }
        }
        match failed {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }
}

impl Keychain for KubernetesSecrets {
    fn candidates<'a>(
        &'a self,
        request: &'a CredentialRequest,
    ) -> BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>> {
        Box::pin(std::future::ready(self.collect(request)))
    }

    fn scope(&self, request: &CredentialRequest) -> Arc<str> {
        match self.collect(request) {
            Ok(found) if found.is_empty() => ANONYMOUS_SCOPE.into(),
            Ok(found) => {
                let parts: Vec<String> = found.iter().map(BoundCredential::fingerprint).collect();
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                format!("secrets:{}", fingerprint(&parts)).into()
            }
            Err(error) => format!("unreadable:{}", error.source_name).into(),
        }
    }

    fn revision(&self) -> u64 {
        self.secrets.revision()
    }
}

/// Reads a Secret by its key, which its type prescribes.
fn parse(data: &SecretData) -> Result<DockerAuths, String> {
    let parsed = match (data.get(CONFIG_KEY), data.get(LEGACY_KEY)) {
        (Some(bytes), _) => DockerAuths::parse(bytes),
        (None, Some(bytes)) => DockerAuths::parse_legacy(bytes),
        (None, None) => {
            return Err(format!(
                "it has no key {CONFIG_KEY}: its type must be kubernetes.io/dockerconfigjson, as `kubectl create secret docker-registry` makes it"
            ));
        }
    };
    parsed.map_err(|error| format!("{error}; make it anew with `kubectl create secret docker-registry`"))
}

/// Why a Secret that has something for the host gives nothing. Programs that it names are never run: who
/// may write a Secret may not choose what Hallmark starts.
fn unusable(auths: &DockerAuths, request: &CredentialRequest) -> Option<KeychainError> {
    let failed = |problem: String| Some(KeychainError { source_name: "k8Secrets".to_owned(), problem });
    if auths.is_unreadable_for(&request.host) {
        return failed(format!("the entry for {} cannot be read; write it again", request.host));
    }
    if !auths.helpers(&request.host).is_empty() {
        return failed(format!(
            "a credential helper is named for {}, and none is run from a Secret; write user and password",
            request.host
        ));
    }
    None
}

fn account_problem((namespace, name): &ServiceAccountName, state: &ServiceAccountState) -> KeychainError {
    let problem: Cow<'_, str> = match state {
        ServiceAccountState::Missing => "there is none; correct serviceAccountName of the Store".into(),
        ServiceAccountState::Forbidden => {
            "it may not be read; a Role in its namespace must let Hallmark get, list and watch it".into()
        }
        ServiceAccountState::Unknown | ServiceAccountState::Found(_) => {
            "it was not read yet; see whether the Kubernetes API answers".into()
        }
        ServiceAccountState::Beyond(beyond) => format!("it {beyond}").into(),
    };
    let source_name = format!("service account {namespace}/{name}");
    KeychainError { source_name, problem: problem.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Credential};
    use super::*;
    use crate::reference::RegistryHost;

    fn name(name: &str) -> SecretName {
        SecretName { namespace: "team".into(), name: name.into() }
    }

    fn put(secrets: &Secrets, secret: &str, key: &str, value: &str) {
        let data = [(key.to_owned(), value.as_bytes().to_vec())].into_iter().collect();
        secrets.set(name(secret), SecretState::Found(Arc::new(data)));
    }

    fn account() -> ServiceAccountName {
        ("team".into(), "default".into())
    }

    fn keychain(secrets: &Secrets, named: &[&str], with_account: bool) -> KubernetesSecrets {
        let named = named.iter().map(|secret| name(secret)).collect();
        KubernetesSecrets::new(secrets.clone(), named, with_account.then(account), true)
    }

    fn users(keychain: &KubernetesSecrets) -> Result<Vec<String>, String> {
        let request = CredentialRequest {
            host: RegistryHost::parse("registry.example").expect("host"),
            repository: "team/app".into(),
            action: Action::Pull,
        };
        let found = keychain.collect(&request).map_err(|error| error.to_string())?;
        let user = |bound: BoundCredential| match bound.credential {
            Credential::Basic { username, .. } => username,
            other => format!("{other:?}"),
        };
        assert!(found.iter().all(|bound| bound.binding.registry() == &request.host));
        Ok(found.into_iter().map(user).collect())
    }

    const ENTRY: &str = r#"{"registry.example":{"username":"ann","password":"hush"}}"#;

    #[test]
    fn both_types_of_secret_are_read_and_the_named_ones_come_first() {
        let secrets = Secrets::default();
        put(&secrets, "new", CONFIG_KEY, r#"{"auths":{"registry.example":{"auth":"Ym9iOmh1c2g="}}}"#);
        put(&secrets, "old", LEGACY_KEY, ENTRY);
        secrets.set_service_account(account(), ServiceAccountState::Found(vec![name("old")]));
        let both = keychain(&secrets, &["new"], true);
        assert_eq!(users(&both), Ok(vec!["bob".to_owned(), "ann".to_owned()]));
        put(&secrets, "new", CONFIG_KEY, r#"{"auths":{}}"#);
        assert_eq!(users(&both), Ok(vec!["ann".to_owned()]), "followed");
    }

    #[test]
    fn what_cannot_be_read_is_never_anonymous() {
        let secrets = Secrets::default();
        let one = keychain(&secrets, &["regcred"], false);
        let expect = |words: &str| {
            let problem = users(&one).expect_err(words);
            assert!(problem.contains(words) && problem.contains("team/regcred"), "{problem}");
            assert!(!problem.contains("hush"), "{problem}");
        };
        expect("not read yet");
        secrets.set(name("regcred"), SecretState::Missing);
        expect("there is none");
        secrets.set(name("regcred"), SecretState::Forbidden);
        expect("a Role in its namespace");
        put(&secrets, "regcred", "tls.crt", "hush");
        expect("kubernetes.io/dockerconfigjson");
        put(&secrets, "regcred", CONFIG_KEY, "hush");
        expect("no docker config");
        put(&secrets, "regcred", CONFIG_KEY, r#"{"auths":{"other.example":{"auth":"Ym9iOmh1c2g="}}}"#);
        assert_eq!(users(&one), Ok(Vec::new()), "a Secret for other hosts leaves this one anonymous");
        for broken in [
            r#"{"auths":{"registry.example":{"auth":"no colon"}}}"#,
            r#"{"credHelpers":{"registry.example":"evil"}}"#,
            r#"{"credsStore":"evil"}"#,
        ] {
            put(&secrets, "regcred", CONFIG_KEY, broken);
            assert!(users(&one).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_bad_secret_hides_no_good_one_and_an_unknown_account_is_an_error() {
        let secrets = Secrets::default();
        put(&secrets, "good", LEGACY_KEY, ENTRY);
        secrets.set(name("bad"), SecretState::Missing);
        assert_eq!(users(&keychain(&secrets, &["bad", "good"], true)), Ok(vec!["ann".to_owned()]));
        let problem = users(&keychain(&secrets, &[], true)).expect_err("unknown");
        assert!(problem.contains("service account team/default"), "{problem}");
        secrets.set_service_account(account(), ServiceAccountState::Found(Vec::new()));
        assert_eq!(users(&keychain(&secrets, &[], true)), Ok(Vec::new()));
    }

    #[test]
    fn an_account_that_is_not_required_and_may_not_be_read_leaves_other_registries_anonymous() {
        let secrets = Secrets::default();
        put(&secrets, "regcred", CONFIG_KEY, r#"{"auths":{"other.example":{"auth":"Ym9iOmh1c2g="}}}"#);
        let one = KubernetesSecrets::new(secrets.clone(), vec![name("regcred")], Some(account()), false);
        assert!(users(&one).expect_err("unknown").contains("not read yet"));
        for state in [ServiceAccountState::Forbidden, ServiceAccountState::Missing] {
            secrets.set_service_account(account(), state.clone());
            assert_eq!(users(&one), Ok(Vec::new()), "{state:?}");
            assert!(users(&keychain(&secrets, &["regcred"], true)).is_err(), "{state:?}");
        }
        put(&secrets, "pull", LEGACY_KEY, ENTRY);
        secrets.set_service_account(account(), ServiceAccountState::Found(vec![name("pull")]));
        assert_eq!(users(&one), Ok(vec!["ann".to_owned()]), "readable, it counts");
    }

    #[test]
    fn another_password_is_another_scope() {
        let secrets = Secrets::default();
        let one = keychain(&secrets, &["regcred"], false);
        let request = CredentialRequest {
            host: RegistryHost::parse("registry.example").expect("host"),
            repository: "team/app".into(),
            action: Action::Pull,
        };
        put(&secrets, "regcred", LEGACY_KEY, ENTRY);
        let (scope, revision) = (one.scope(&request), one.revision());
        put(&secrets, "regcred", LEGACY_KEY, &ENTRY.replace("hush", "hush2"));
        assert_ne!(one.scope(&request), scope);
        assert_ne!(one.revision(), revision);
    }
}
