//! The authority of the server certificate, shared by the replicas through a Secret.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Api;
use kube::api::PostParams;
use secrecy::zeroize::Zeroizing;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::authority::{Move, next};
use super::bundle_secret::CA_ENTRY;
use super::follow::{Seen, follow};
use super::said::Said;
use super::waiting::Waiting;
use super::{Bundle, GatewaySettings};
use crate::controller::Connection;
use crate::controller::client::one_line;
use crate::controller::failure::Failure;

const WAITING: &str = "the authority of the server certificate";

/// The entry of the Secret that holds the authority, its keys included.
const ENTRY: &str = "authority.pem";

/// How often the file is looked at, and what failed is tried again.
const TICK: Duration = Duration::from_secs(1);

/// Rounds at a time: others write too.
const MAX_ROUNDS: usize = 8;

/// An authority with its keys.
type Pem = Zeroizing<Vec<u8>>;

/// Where the server keeps its own authority. Errors are words for a log, and hold no secret. Calls may block
/// for as long as files take.
pub trait AuthorityStore: Send + Sync + 'static {
    /// What is kept; `None` where nothing is.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self) -> Result<Option<Pem>, String>;

    /// Replaces what was read by something else; false where another thing is kept by now.
    ///
    /// # Errors
    /// `with` is no authority, or it cannot be written.
    fn replace(&self, was: Option<&[u8]>, with: &[u8]) -> Result<bool, String>;

    /// A new authority, kept nowhere.
    ///
    /// # Errors
    /// It cannot be made.
    fn make(&self) -> Result<Pem, String>;

    /// What is kept is what all replicas agree on, and clients are told of it.
    fn announce(&self);

    /// The certificates that clients must trust, in PEM.
    ///
    /// # Errors
    /// It is no authority.
    fn bundle(&self, authority: &[u8]) -> Result<String, String>;
}

/// Keeps Secret and file the same.
pub(super) struct AuthoritySecret {
    secrets: Api<Secret>,
    roles: Api<ClusterRole>,
    owner: Option<Arc<str>>,
    name: String,
    what: String,
    /// Whether Gatekeeper is told to trust it.
    is_told: bool,
    store: Arc<dyn AuthorityStore>,
    agreed: Option<Pem>,
    waiting: Waiting,
    bundle: watch::Sender<Bundle>,
    said: Said,
}

/// A Secret as it was read.
struct Read {
    secret: Secret,
    /// `None` where it holds no usable authority.
    authority: Option<Pem>,
}

impl AuthoritySecret {
    /// Nothing is read yet.
    pub(super) fn new(
        connection: &Connection,
        settings: &GatewaySettings,
        store: Arc<dyn AuthorityStore>,
        waiting: Waiting,
        bundle: watch::Sender<Bundle>,
    ) -> Self {
        let name = format!("{}-authority", settings.name);
        let what = format!("Secret {}/{name}", connection.namespace);
        let is_told = !settings.gatekeeper.providers.is_empty();
        if is_told {
            waiting.wait(WAITING, format!("{what} was not read yet"));
        }
        Self {
            secrets: Api::namespaced(connection.client.clone(), &connection.namespace),
            roles: Api::all(connection.client.clone()),
            owner: settings.gatekeeper.owner.clone(),
            name,
            what,
            is_told,
            store,
            agreed: None,
            waiting,
            bundle,
            said: Said::default(),
        }
    }

    /// Agrees with the other replicas, and gives up after `limit`; at once where nobody is told to trust it.
    pub(super) async fn agree_within(&mut self, limit: Duration) {
        let agree = async {
            let mut ticks = tokio::time::interval(TICK);
            loop {
                ticks.tick().await;
                self.look().await;
                if self.agreed.is_some() || !self.is_told {
                    return;
                }
            }
        };
        // What is missing is said at /readyz, and tried again for as long as the process lives.
        let _ = tokio::time::timeout(limit, agree).await;
    }

    /// Follows the Secret and the file for as long as the runtime lives.
    pub(super) async fn run(mut self) {
        let mut seen = follow(self.secrets.clone(), &self.name, self.what.clone());
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = seen.borrow_and_update().clone();
            if !self.is_settled(&now).await {
                self.look().await;
            }
            tokio::select! {
                changed = seen.changed() => if changed.is_err() { return },
                _ = ticks.tick() => {}
            }
        }
    }

    /// Whether the Secret as it was shown and the file are what was agreed upon.
    async fn is_settled(&self, seen: &Seen<Secret>) -> bool {
        let Some(agreed) = &self.agreed else { return false };
        let shown = match seen {
            // Nothing new was shown, and only the file can tell.
            Seen::Unknown(_) => true,
            Seen::NotInstalled | Seen::Missing => false,
            Seen::Found(secret) => entry(secret) == Some(agreed.as_slice()),
        };
        shown && self.read_file().await.is_ok_and(|file| file.as_ref() == Some(agreed))
    }

    /// Reads both and makes them the same.
    async fn look(&mut self) {
        match self.agree().await {
            Ok(()) => {
                if self.said.clear() {
                    tracing::info!("{}: the authority is agreed upon", self.what);
                }
                self.tell_bundle();
                // Before the wait is over: the server has a reason of its own until it shows what was announced.
                self.store.announce();
                self.waiting.over(WAITING);
            }
            Err(why) => {
                if self.said.is_news(&why) {
                    tracing::warn!("{}: {why}; it is tried again", self.what);
                }
                if self.agreed.is_none() && self.is_told {
                    self.waiting.wait(WAITING, format!("{}: {why}", self.what));
                }
            }
        }
    }

    fn tell_bundle(&self) {
        let bundle = self.agreed.as_ref().and_then(|agreed| self.store.bundle(agreed).ok());
        let Some(bundle) = bundle else { return };
        self.bundle.send_if_modified(|held| {
            let is_news = held.as_deref() != Some(&bundle);
            *held = Some(bundle.into());
            is_news
        });
    }

    async fn agree(&mut self) -> Result<(), String> {
        for _ in 0..MAX_ROUNDS {
            let read = self.read_secret().await?;
            let file = self.read_file().await?;
            let secret = read.as_ref().and_then(|read| read.authority.clone());
            match next(bytes(&self.agreed), bytes(&file), bytes(&secret)) {
                Move::Agree => {
                    self.agreed = file;
                    return Ok(());
                }
                Move::Make => {
                    let made = self.store.make()?;
                    self.write(read, &made).await?;
                }
                Move::Create | Move::PutSecret => {
                    if let Some(file) = file {
                        self.write(read, &file).await?;
                    }
                }
                Move::TakeSecret => {
                    if let Some(secret) = secret {
                        self.write_file(file, secret).await?;
                    }
                }
            }
        }
        Err("others change it all the time".to_owned())
    }

    async fn read_secret(&self) -> Result<Option<Read>, String> {
        let secret = self.secrets.get_opt(&self.name).await.map_err(|error| failed("reading", &error))?;
        Ok(secret.map(|secret| {
            let usable = entry(&secret).filter(|bytes| self.store.bundle(bytes).is_ok());
            let authority = usable.map(|bytes| Zeroizing::new(bytes.to_vec()));
            if authority.is_none() {
                tracing::warn!("{}: {ENTRY} holds no authority; what this process has is written", self.what);
            }
            Read { secret, authority }
        }))
    }

    /// Writes the Secret, unless somebody else wrote it since it was read: then the next round sees theirs.
    async fn write(&self, read: Option<Read>, authority: &Pem) -> Result<(), String> {
        let bundle = self.store.bundle(authority)?;
        let is_new = read.is_none();
        let mut secret = match read {
            Some(read) => read.secret,
            None => self.blank().await,
        };
        let data = secret.data.get_or_insert_with(BTreeMap::new);
        data.insert(ENTRY.to_owned(), ByteString(authority.to_vec()));
        data.insert(CA_ENTRY.to_owned(), ByteString(bundle.into_bytes()));
        let parameters = PostParams { field_manager: Some("hallmark".to_owned()), ..PostParams::default() };
        let written = if is_new {
            self.secrets.create(&parameters, &secret).await
        } else {
            self.secrets.replace(&self.name, &parameters, &secret).await
        };
        match written {
            Ok(_) => {
                tracing::info!("{}: the authority is written", self.what);
                Ok(())
            }
            Err(kube::Error::Api(status)) if matches!(status.code, 409) => Ok(()),
            // It was deleted meanwhile.
            Err(kube::Error::Api(status)) if status.code == 404 && !is_new => Ok(()),
            Err(error) => Err(failed("writing", &error)),
        }
    }

    /// The Secret without content. Its owner is the chart's ClusterRole, so that it goes with it.
    async fn blank(&self) -> Secret {
        let role = match &self.owner {
            Some(name) => self.roles.get_opt(name).await.ok().flatten(),
            None => None,
        };
        let owner = role.and_then(|role| {
            Some(OwnerReference {
                api_version: "rbac.authorization.k8s.io/v1".to_owned(),
                kind: "ClusterRole".to_owned(),
                name: role.metadata.name?,
                uid: role.metadata.uid?,
                ..OwnerReference::default()
            })
        });
        let label = ("app.kubernetes.io/managed-by".to_owned(), "hallmark".to_owned());
        Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some(BTreeMap::from([label])),
                owner_references: owner.map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        }
    }

    async fn read_file(&self) -> Result<Option<Pem>, String> {
        let store = Arc::clone(&self.store);
        blocking(move || store.read()).await
    }

    /// Where the file changed meanwhile nothing is written, and the next round sees it.
    async fn write_file(&self, was: Option<Pem>, with: Pem) -> Result<(), String> {
        let store = Arc::clone(&self.store);
        let replaced = blocking(move || store.replace(was.as_deref().map(Vec::as_slice), &with)).await?;
        if replaced {
            tracing::info!("{}: its authority is taken", self.what);
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(act).await.map_err(|error| error.to_string())?
}

fn bytes(pem: &Option<Pem>) -> Option<&[u8]> {
    pem.as_ref().map(|pem| pem.as_slice())
}

fn entry(secret: &Secret) -> Option<&[u8]> {
    Some(secret.data.as_ref()?.get(ENTRY)?.0.as_slice())
}

fn failed(doing: &str, error: &kube::Error) -> String {
    match Failure::from(error) {
        Failure::Forbidden(why) => format!(
            "{doing} it is forbidden: {why}; the Role of the release namespace needs get, list, watch and update \
             of this Secret, and create of secrets"
        ),
        Failure::Unreachable(why) => format!("the Kubernetes API cannot be asked: {why}"),
        Failure::NotInstalled => "the namespace is not there".to_owned(),
        Failure::Expired => one_line(error),
    }
}
