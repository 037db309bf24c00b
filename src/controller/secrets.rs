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
use crate::secret::{
    Beyond, NamedSecrets, SecretData, SecretName, SecretState, Secrets, ServiceAccountName,
    ServiceAccountState,
};

/// The most Secrets that are followed for the cluster's resources, and for those of all namespaces; each is
/// a request that stays open.
const MAX_SECRETS: usize = 200;

/// The most of one namespace's resources, so that one tenant leaves room for others.
const MAX_OF_NAMESPACE: usize = 20;

/// The most service accounts, likewise.
const MAX_ACCOUNTS: usize = 100;
const MAX_ACCOUNTS_OF_NAMESPACE: usize = 5;

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
    /// How many names are beyond the bounds, to say so once.
    left_out: usize,
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
    pub fn follow(&mut self, by_cluster: &NamedSecrets, by_namespaces: &NamedSecrets) {
        let mut accounts = Bounded::default();
        accounts.first(by_cluster.service_accounts.clone(), MAX_ACCOUNTS);
        let clusters = accounts.taken.clone();
        accounts.share(
            by_namespaces.service_accounts.clone(),
            |(namespace, _)| namespace,
            (MAX_ACCOUNTS, MAX_ACCOUNTS_OF_NAMESPACE),
        );
        let of_tenants = accounts.taken.difference(&clusters).cloned().collect();
        let mut wanted = Bounded::default();
        wanted.first(self.with_pull_secrets(&by_cluster.secrets, &clusters), MAX_SECRETS);
        wanted.share(
            self.with_pull_secrets(&by_namespaces.secrets, &of_tenants),
            |name| &name.namespace,
            (MAX_SECRETS, MAX_OF_NAMESPACE),
        );
        self.say(wanted.left_out.len() + accounts.left_out.len());
        self.follow_accounts(accounts);
        self.follow_secrets(wanted);
    }

    /// What is named, and what the service accounts list as far as that is known.
    fn with_pull_secrets(
        &self,
        named: &BTreeSet<SecretName>,
        accounts: &BTreeSet<ServiceAccountName>,
    ) -> BTreeSet<SecretName> {
        let mut wanted = named.clone();
        for account in accounts {
            if let ServiceAccountState::Found(listed) = self.secrets.service_account(account) {
                wanted.extend(listed);
            }
        }
        wanted
    }

    fn follow_secrets(&mut self, Bounded { taken, left_out }: Bounded<SecretName>) {
        self.followed.retain(|name, _| taken.contains(name));
        self.secrets.retain(&taken.union(&left_out).cloned().collect());
        for name in left_out {
            self.secrets.set(name, SecretState::Beyond(Beyond::Number));
        }
        for name in taken {
            let (client, secrets) = (self.connection.client.clone(), self.secrets.clone());
            let task = |name: SecretName| Task(tokio::spawn(secret(client, name, secrets)));
            self.followed.entry(name.clone()).or_insert_with(|| task(name));
        }
    }

    fn follow_accounts(&mut self, Bounded { taken, left_out }: Bounded<ServiceAccountName>) {
        self.accounts.retain(|name, _| taken.contains(name));
        self.secrets.retain_service_accounts(&taken.union(&left_out).cloned().collect());
        for name in left_out {
            self.secrets.set_service_account(name, ServiceAccountState::Beyond(Beyond::Number));
        }
        for name in taken {
            let (client, secrets) = (self.connection.client.clone(), self.secrets.clone());
            let task = |name: ServiceAccountName| Task(tokio::spawn(account(client, name, secrets)));
            self.accounts.entry(name.clone()).or_insert_with(|| task(name));
        }
    }

    fn say(&mut self, left_out: usize) {
        if left_out > std::mem::replace(&mut self.left_out, left_out) {
            tracing::error!(
                left_out,
                "more Secrets or service accounts are named than are read; status says which"
            );
        }
    }
}

/// Names within bounds, and those beyond them.
#[derive(Debug)]
struct Bounded<N> {
    taken: BTreeSet<N>,
    left_out: BTreeSet<N>,
}

impl<N> Default for Bounded<N> {
    fn default() -> Self {
        Self { taken: BTreeSet::new(), left_out: BTreeSet::new() }
    }
}

impl<N: Ord + Clone> Bounded<N> {
    /// Takes the first `most`.
    fn first(&mut self, names: BTreeSet<N>, most: usize) {
        for (position, name) in names.into_iter().enumerate() {
            self.put(name, position < most);
        }
    }

    /// Takes `most` besides, `most_of_one` of one namespace: one of each, then a second of each, and so on.
    fn share(
        &mut self,
        names: BTreeSet<N>,
        namespace: impl Fn(&N) -> &Arc<str>,
        (most, most_of_one): (usize, usize),
    ) {
        let mut counts: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        let mut in_turns = Vec::new();
        for name in names.into_iter().filter(|name| !self.taken.contains(name)) {
            let turn = counts.entry(Arc::clone(namespace(&name))).or_default();
            *turn += 1;
            in_turns.push((*turn, name));
        }
        in_turns.sort();
        for (position, (turn, name)) in in_turns.into_iter().enumerate() {
            self.put(name, position < most && turn <= most_of_one);
        }
    }

    fn put(&mut self, name: N, fits: bool) {
        let names = if fits { &mut self.taken } else { &mut self.left_out };
        names.insert(name);
    }
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
        return SecretState::Beyond(Beyond::Length { limit: MAX_SECRET_BYTES });
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

    fn shared(names: impl Iterator<Item = SecretName>) -> Bounded<SecretName> {
        let mut bounded = Bounded::default();
        bounded.first(BTreeSet::from([name("z-system", "regcred")]), MAX_SECRETS);
        bounded.share(names.collect(), |name| &name.namespace, (MAX_SECRETS, MAX_OF_NAMESPACE));
        bounded
    }

    #[test]
    fn a_namespace_that_names_many_leaves_room_for_others() {
        let many = (0..1000).map(|number| name("many", &number.to_string()));
        let bounded = shared(many.chain([name("other", "a")]));
        assert!(bounded.taken.contains(&name("other", "a")));
        assert_eq!(bounded.taken.len(), 1 + MAX_OF_NAMESPACE + 1);
        assert_eq!(bounded.left_out.len(), 1000 - MAX_OF_NAMESPACE);
    }

    #[test]
    fn many_namespaces_take_turns_and_take_nothing_from_the_cluster() {
        let tenants = || (0..50).map(|tenant| format!("tenant-{tenant:02}"));
        let many = tenants().flat_map(|tenant| (0..20).map(move |number| name(&tenant, &number.to_string())));
        let bounded = shared(many);
        assert!(bounded.taken.contains(&name("z-system", "regcred")));
        assert_eq!(bounded.taken.len(), 1 + MAX_SECRETS);
        for tenant in tenants() {
            let own = bounded.taken.iter().filter(|name| *name.namespace == *tenant).count();
            assert_eq!(own, MAX_SECRETS / 50, "{tenant}");
        }
    }

    #[test]
    fn a_secret_that_is_too_long_is_not_kept() {
        let secret = |length| Secret {
            data: Some([("key".to_owned(), k8s_openapi::ByteString(vec![0; length]))].into()),
            ..Secret::default()
        };
        let name = name("team", "a");
        let too_long = SecretState::Beyond(Beyond::Length { limit: MAX_SECRET_BYTES });
        assert_eq!(found(&name, secret(MAX_SECRET_BYTES)), too_long, "and never that there is none");
        assert!(matches!(found(&name, secret(MAX_SECRET_BYTES - 3)), SecretState::Found(_)));
    }
}
