//! Secrets and service accounts that resources name: each is read by its name and followed, so that a Role
//! with `resourceNames` suffices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::Api;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::watcher::watch_object;
use tokio::task::JoinHandle;

use super::client::Connection;
use super::failure::Failure;
use super::watch::{Delay, QUIET};
use crate::secret::{SecretData, SecretName, SecretState, Secrets, ServiceAccountName, ServiceAccountState};

/// The most Secrets that are followed; each is a request that stays open.
const MAX_SECRETS: usize = 200;

/// The most of one namespace, so that one tenant leaves room for others.
const MAX_OF_NAMESPACE: usize = 20;

/// The most service accounts that are followed.
const MAX_ACCOUNTS: usize = 100;

/// The most pull secrets of one service account.
const MAX_PULL_SECRETS: usize = 10;

/// The longest Secret that is kept, in bytes.
const MAX_SECRET_BYTES: usize = 256 << 10;

/// Follows what is named, and nothing else.
#[derive(Debug)]
pub struct SecretWatches {
    connection: Connection,
    secrets: Secrets,
    followed: BTreeMap<SecretName, Task>,
    accounts: BTreeMap<ServiceAccountName, Task>,
    /// Names beyond the bounds, to say each once.
    left_out: BTreeSet<SecretName>,
}

/// A task that ends when this is dropped.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl SecretWatches {
    /// Nothing is followed yet. What is learnt goes into `secrets`.
    pub(super) fn new(connection: Connection, secrets: Secrets) -> Self {
        let (followed, accounts, left_out) = Default::default();
        Self { connection, secrets, followed, accounts, left_out }
    }

    /// Follows what is named now, and the pull secrets of the named service accounts. Call it again and
    /// again: service accounts change too.
    pub fn follow(&mut self, named: &BTreeSet<SecretName>, accounts: &BTreeSet<ServiceAccountName>) {
        let accounts: BTreeSet<_> = accounts.iter().take(MAX_ACCOUNTS).cloned().collect();
        let mut wanted = named.clone();
        for account in &accounts {
            if let ServiceAccountState::Found(listed) = self.secrets.service_account(account) {
                wanted.extend(listed);
            }
        }
        let (wanted, left_out) = within_bounds(wanted);
        for name in left_out.difference(&self.left_out) {
            tracing::error!(
                secret = %name,
                "too many Secrets are named, at most {MAX_SECRETS} in all and {MAX_OF_NAMESPACE} of a namespace \
                 are read; this one is not"
            );
        }
        self.left_out = left_out;
        self.followed.retain(|name, _| wanted.contains(name));
        self.accounts.retain(|name, _| accounts.contains(name));
        self.secrets.retain(&wanted);
        self.secrets.retain_service_accounts(&accounts);
        for name in wanted {
            let (client, secrets) = (self.connection.client.clone(), self.secrets.clone());
            let task = |name: SecretName| Task(tokio::spawn(secret(client, name, secrets)));
            self.followed.entry(name.clone()).or_insert_with(|| task(name));
        }
        for name in accounts {
            let (client, secrets) = (self.connection.client.clone(), self.secrets.clone());
            let task = |name: ServiceAccountName| Task(tokio::spawn(account(client, name, secrets)));
            self.accounts.entry(name.clone()).or_insert_with(|| task(name));
        }
    }
}

/// Those that are followed, and those that are too many.
fn within_bounds(names: BTreeSet<SecretName>) -> (BTreeSet<SecretName>, BTreeSet<SecretName>) {
    let mut of_namespace: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let (mut taken, mut left_out) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        let count = of_namespace.entry(Arc::clone(&name.namespace)).or_default();
        *count += 1;
        let fits = *count <= MAX_OF_NAMESPACE && taken.len() < MAX_SECRETS;
        if fits {
            taken.insert(name)
        } else {
            left_out.insert(name)
        };
    }
    (taken, left_out)
}

async fn secret(client: kube::Client, name: SecretName, secrets: Secrets) {
    let api: Api<Secret> = Api::namespaced(client, &name.namespace);
    let mut seen = watch_object(api, &name.name).backoff(backoff()).boxed();
    while let Some(seen) = seen.next().await {
        let state = match seen {
            Ok(Some(secret)) => found(&name, secret),
            Ok(None) => SecretState::Missing,
            Err(error) => match Failure::from(&error) {
                Failure::NotInstalled => SecretState::Missing,
                Failure::Forbidden(said) => {
                    if secrets.get(&name) != SecretState::Forbidden {
                        tracing::warn!(secret = %name, said, "a Secret may not be read");
                    }
                    SecretState::Forbidden
                }
                Failure::Expired => continue,
                Failure::Unreachable(why) => {
                    tracing::debug!(secret = %name, why, "a Secret cannot be asked for");
                    continue;
                }
            },
        };
        secrets.set(name.clone(), state);
    }
}

fn found(name: &SecretName, secret: Secret) -> SecretState {
    let data = secret.data.unwrap_or_default();
    let bytes: usize = data.iter().map(|(key, value)| key.len() + value.0.len()).sum();
    if bytes > MAX_SECRET_BYTES {
        tracing::error!(secret = %name, bytes, "a Secret is longer than {MAX_SECRET_BYTES} bytes and is not read");
        return SecretState::Missing;
    }
    let data: SecretData = data.into_iter().map(|(key, value)| (key, value.0)).collect();
    SecretState::Found(Arc::new(data))
}

async fn account(client: kube::Client, name: ServiceAccountName, secrets: Secrets) {
    let api: Api<ServiceAccount> = Api::namespaced(client, &name.0);
    let mut seen = watch_object(api, &name.1).backoff(backoff()).boxed();
    while let Some(seen) = seen.next().await {
        let state = match seen {
            Ok(Some(account)) => ServiceAccountState::Found(pull_secrets(&name, account)),
            Ok(None) => ServiceAccountState::Missing,
            Err(error) => match Failure::from(&error) {
                Failure::NotInstalled => ServiceAccountState::Missing,
                Failure::Forbidden(_) => ServiceAccountState::Forbidden,
                Failure::Expired | Failure::Unreachable(_) => continue,
            },
        };
        secrets.set_service_account(name.clone(), state);
    }
}

fn pull_secrets(name: &ServiceAccountName, account: ServiceAccount) -> Vec<SecretName> {
    let listed = account.image_pull_secrets.unwrap_or_default().into_iter().map(|secret| secret.name);
    let listed = listed.filter(|secret| !secret.is_empty()).take(MAX_PULL_SECRETS);
    listed.map(|secret| SecretName { namespace: Arc::clone(&name.0), name: secret.into() }).collect()
}

fn backoff() -> ResetTimerBackoff<Delay> {
    ResetTimerBackoff::new(Delay::default(), QUIET)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(namespace: &str, name: &str) -> SecretName {
        SecretName { namespace: namespace.into(), name: name.into() }
    }

    #[test]
    fn a_namespace_that_names_many_leaves_room_for_others() {
        let many = (0..1000).map(|number| name("many", &number.to_string()));
        let names: BTreeSet<_> = many.chain([name("other", "a")]).collect();
        let (taken, left_out) = within_bounds(names);
        assert!(taken.contains(&name("other", "a")));
        assert_eq!((taken.len(), left_out.len()), (MAX_OF_NAMESPACE + 1, 1000 - MAX_OF_NAMESPACE));
    }

    #[test]
    fn a_secret_that_is_too_long_is_not_kept() {
        let secret = |length| Secret {
            data: Some([("key".to_owned(), k8s_openapi::ByteString(vec![0; length]))].into()),
            ..Secret::default()
        };
        let name = name("team", "a");
        assert_eq!(found(&name, secret(MAX_SECRET_BYTES)), SecretState::Missing);
        assert!(matches!(found(&name, secret(MAX_SECRET_BYTES - 3)), SecretState::Found(_)));
    }
}
