//! Secrets of others, kept for those that read them by name: whoever watches the Kubernetes API fills this,
//! key sources and keychains read it, and neither knows the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::zeroize::Zeroizing;

/// What a Secret is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretName {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

impl fmt::Display for SecretName {
    /// `namespace/name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What a Secret holds, by key. It cannot be printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretData(BTreeMap<String, Zeroizing<Vec<u8>>>);

impl SecretData {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key).map(|value| value.as_slice())
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, Vec<u8>)> for SecretData {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key, Zeroizing::new(value))).collect())
    }
}

impl fmt::Debug for SecretData {
    /// Only the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What is known of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SecretState {
    /// Nobody has looked yet, or the API could not be asked.
    #[default]
    Unknown,
    /// It is there.
    Found(Arc<SecretData>),
    /// The API says that there is none.
    Missing,
    /// The API does not let it be read.
    Forbidden,
    /// It is beyond what is kept.
    Beyond(Beyond),
}

/// Which bound something is beyond that is named and therefore not read, in words that follow its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Beyond {
    /// It is longer than what is kept of one.
    #[error("is too long: at most {limit} bytes of one are read")]
    Length {
        /// How many bytes are kept.
        limit: usize,
    },
    /// Too many are named, and this one is not looked at.
    #[error("is not read: too many are named; name fewer")]
    Number,
}

/// What is known of a service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ServiceAccountState {
    /// Nobody has looked yet, or the API could not be asked.
    #[default]
    Unknown,
    /// It is there, and lists these Secrets for pulling images.
    Found(Vec<SecretName>),
    /// The API says that there is none.
    Missing,
    /// The API does not let it be read.
    Forbidden,
    /// It is beyond what is kept.
    Beyond(Beyond),
}

/// What a service account is called: namespace and name.
pub type ServiceAccountName = (Arc<str>, Arc<str>);

/// What resources name, to be read and followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedSecrets {
    /// Secrets.
    pub secrets: BTreeSet<SecretName>,
    /// Service accounts, for their pull secrets.
    pub service_accounts: BTreeSet<ServiceAccountName>,
}

/// Secrets by name, and the service accounts that list some, shared by cloning.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Arc<RwLock<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    secrets: BTreeMap<SecretName, SecretState>,
    service_accounts: BTreeMap<ServiceAccountName, ServiceAccountState>,
    revision: u64,
}

impl Secrets {
    /// What is known of a Secret.
    pub fn get(&self, name: &SecretName) -> SecretState {
        self.read(|kept| kept.secrets.get(name).cloned().unwrap_or_default())
    }

    /// Another number whenever something may be otherwise than before.
    pub fn revision(&self) -> u64 {
        self.read(|kept| kept.revision)
    }

    /// Takes what was learnt of a Secret. That the API could not be asked does not undo what is known.
    pub fn set(&self, name: SecretName, state: SecretState) {
        self.change(|kept| take(&mut kept.secrets, name, state));
    }

    /// Forgets every Secret that is not in `named`.
    pub fn retain(&self, named: &BTreeSet<SecretName>) {
        self.change(|kept| forget(&mut kept.secrets, named));
    }

    /// What is known of a service account.
    pub fn service_account(&self, name: &ServiceAccountName) -> ServiceAccountState {
        self.read(|kept| kept.service_accounts.get(name).cloned().unwrap_or_default())
    }

    /// Takes what was learnt of a service account, as [`Self::set`] does of a Secret.
    pub fn set_service_account(&self, name: ServiceAccountName, state: ServiceAccountState) {
        self.change(|kept| take(&mut kept.service_accounts, name, state));
    }

    /// Forgets every service account that is not in `named`.
    pub fn retain_service_accounts(&self, named: &BTreeSet<ServiceAccountName>) {
        self.change(|kept| forget(&mut kept.service_accounts, named));
    }

    fn read<T>(&self, look: impl FnOnce(&Kept) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// `change` says whether it changed something.
    fn change(&self, change: impl FnOnce(&mut Kept) -> bool) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if change(&mut kept) {
            kept.revision += 1;
        }
    }
}

/// True where something else was known; the default state is that nothing is.
fn take<N: Ord, S: Default + PartialEq>(known: &mut BTreeMap<N, S>, name: N, state: S) -> bool {
    let is_news = state != S::default() && known.get(&name) != Some(&state);
    if is_news {
        known.insert(name, state);
    }
    is_news
}

/// True where something was known that is not named.
fn forget<N: Ord, S>(known: &mut BTreeMap<N, S>, named: &BTreeSet<N>) -> bool {
    let before = known.len();
    known.retain(|name, _| named.contains(name));
    known.len() != before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> SecretName {
        SecretName { namespace: "team".into(), name: name.into() }
    }

    fn found(value: &str) -> SecretState {
        let data = [("key".to_owned(), value.as_bytes().to_vec())].into_iter().collect();
        SecretState::Found(Arc::new(data))
    }

    #[test]
    fn a_revision_counts_what_changes_and_an_outage_changes_nothing() {
        let secrets = Secrets::default();
        assert_eq!(secrets.get(&name("a")), SecretState::Unknown);
        secrets.set(name("a"), found("hush"));
        let revision = secrets.revision();
        secrets.set(name("a"), found("hush"));
        secrets.set(name("a"), SecretState::Unknown);
        assert_eq!(secrets.revision(), revision);
        assert_eq!(secrets.get(&name("a")), found("hush"));
        secrets.set(name("a"), SecretState::Missing);
        assert_ne!(secrets.revision(), revision);
    }

    #[test]
    fn what_is_named_no_more_is_forgotten() {
        let secrets = Secrets::default();
        secrets.set(name("a"), found("hush"));
        secrets.set(name("b"), SecretState::Forbidden);
        secrets.retain(&BTreeSet::from([name("b")]));
        assert_eq!(secrets.get(&name("a")), SecretState::Unknown);
        assert_eq!(secrets.get(&name("b")), SecretState::Forbidden);
    }

    #[test]
    fn service_accounts_lead_to_secrets_and_an_outage_changes_nothing() {
        let secrets = Secrets::default();
        let account: ServiceAccountName = ("team".into(), "default".into());
        secrets.set_service_account(account.clone(), ServiceAccountState::Found(vec![name("a")]));
        let revision = secrets.revision();
        secrets.set_service_account(account.clone(), ServiceAccountState::Unknown);
        assert_eq!(secrets.revision(), revision);
        assert_eq!(secrets.service_account(&account), ServiceAccountState::Found(vec![name("a")]));
        secrets.retain_service_accounts(&BTreeSet::new());
        assert_eq!(secrets.service_account(&account), ServiceAccountState::Unknown);
        assert_ne!(secrets.revision(), revision);
    }

    #[test]
    fn nothing_secret_is_printed() {
        let secrets = Secrets::default();
        secrets.set(name("a"), found("hush"));
        let printed = format!("{secrets:?}");
        assert!(printed.contains("key") && !printed.contains("hush"), "{printed}");
        assert!(!printed.contains(&format!("{:?}", "hush".as_bytes())), "{printed}");
    }
}
