//! The HTTP registry against a registry that answers rightly, wrongly, late and not at all.

mod auth;
mod content;
mod failures;
mod layout;
mod mirrors;
mod proxy;
mod referrers;
mod requests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hallmark::oci::{Content, Descriptor};
use hallmark::reference::{Digest, RegistryHost, Repository};
use hallmark::registry::auth::{
    Anonymous, BoundCredential, Credential, CredentialRequest, HostBinding, Keychain, KeychainError,
};
use hallmark::registry::http::{HostSettings, HttpRegistry, RegistryResources, RegistrySettings};
use hallmark::registry::{ArtifactStore, FetchContext, FetchError, Reach, Referrers};
use hallmark::transport::ProxySettings;

use crate::support::registry::{Faults, IMAGE_MANIFEST, PASSWORD, TestRegistry, USER, sha256};

/// Artifact type of the signatures in these tests.
const SIGNATURE: &str = "application/vnd.cncf.notary.signature";
const JWS: &str = "application/jose+json";
const REPOSITORY: &str = "team/app";

/// A client of test registries: plain HTTP on loopback, no proxy.
struct Client {
    settings: RegistrySettings,
    keychain: Arc<dyn Keychain>,
    resources: Arc<RegistryResources>,
}

impl Client {
    fn anonymous() -> Self {
        Self::with(Anonymous)
    }

    fn with(keychain: impl Keychain + 'static) -> Self {
        let settings = RegistrySettings {
            plain_http: true,
            proxy: ProxySettings::Direct,
            ..RegistrySettings::default()
        };
        Self { settings, keychain: Arc::new(keychain), resources: Arc::default() }
    }

    fn host(mut self, registry: &TestRegistry, settings: HostSettings) -> Self {
        self.settings.hosts.insert(host_of(registry), Arc::new(settings));
        self
    }

    fn store(&self) -> HttpRegistry {
        HttpRegistry::new(self.settings.clone(), Arc::clone(&self.keychain), Arc::clone(&self.resources))
    }
}

/// The same credentials for every host that is asked, bound to that host.
#[derive(Clone, Debug)]
struct Known(Vec<Credential>);

impl Known {
    fn user() -> Self {
        Self(vec![user(PASSWORD)])
    }
}

impl Keychain for Known {
    fn candidates<'a>(
        &'a self,
        request: &'a CredentialRequest,
    ) -> BoxFuture<'a, Result<Vec<BoundCredential>, KeychainError>> {
        let bound = |credential: &Credential| BoundCredential {
            credential: credential.clone(),
            expires: None,
            binding: HostBinding::to(request.host.clone()),
        };
        Box::pin(std::future::ready(Ok(self.0.iter().map(bound).collect())))
    }

    fn scope(&self, _: &CredentialRequest) -> Arc<str> {
        "known".into()
    }
}

fn user(password: &str) -> Credential {
    Credential::Basic { username: USER.to_owned(), password: password.into() }
}

/// Time enough for everything that answers.
fn context() -> FetchContext {
    FetchContext::within(Duration::from_secs(20))
}

fn host_of(registry: &TestRegistry) -> RegistryHost {
    RegistryHost::parse(registry.host()).expect("host")
}

fn repository(registry: &TestRegistry) -> Repository {
    format!("{}/{REPOSITORY}", registry.host()).parse().expect("repository")
}

fn digest(text: &str) -> Digest {
    text.parse().expect("digest")
}

fn descriptor(media_type: &str, digest_text: &str, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: digest(digest_text),
        size,
        artifact_type: None,
        annotations: BTreeMap::new(),
    }
}

async fn manifest(client: &Client, registry: &TestRegistry, of: &str) -> Result<Content, FetchError> {
    client.store().manifest(&repository(registry), &digest(of), &context()).await
}

async fn by_tag(client: &Client, registry: &TestRegistry, tag: &str) -> Result<Content, FetchError> {
    client.store().manifest_by_tag(&repository(registry), &tag.parse().expect("tag"), &context()).await
}

async fn referrers(client: &Client, registry: &TestRegistry, of: &str) -> Result<Referrers, FetchError> {
    let types = [SIGNATURE.to_owned()];
    client.store().referrers(&repository(registry), &digest(of), &types, Reach::Nearest, &context()).await
}

async fn by_tag_schema(client: &Client, registry: &TestRegistry, of: &str) -> Result<Referrers, FetchError> {
    let types = [SIGNATURE.to_owned()];
    client
        .store()
        .referrers_by_tag(&repository(registry), &digest(of), &types, Reach::Nearest, &context())
        .await
}

/// One signed image and what was pushed for it.
struct Signed {
    image: String,
    signature: String,
    envelope: Vec<u8>,
}

fn push_signed(registry: &TestRegistry, repository: &str, name: &str) -> Signed {
    let image = registry.push_image(repository, Some(name), name);
    let envelope = format!("envelope of {name}").into_bytes();
    let signature = registry.attach_signature(repository, &image, SIGNATURE, JWS, &envelope);
    Signed { image, signature, envelope }
}

/// What a cold decision by digest asks: the subject beside its referrers, then each signature's manifest
/// and envelope. Gives the envelopes.
async fn read_everything(
    client: &Client,
    registry: &TestRegistry,
    path: &str,
    image: &str,
    context: &FetchContext,
) -> Result<Vec<Content>, FetchError> {
    let store = client.store();
    let repository: Repository = format!("{}/{path}", registry.host()).parse().expect("repository");
    let (image, types) = (digest(image), [SIGNATURE.to_owned()]);
    let (subject, listed) = tokio::join!(
        store.manifest(&repository, &image, context),
        store.referrers(&repository, &image, &types, Reach::Nearest, context)
    );
    subject?;
    let mut envelopes = Vec::new();
    for entry in listed?.entries {
        let content = store.manifest(&repository, &entry.digest, context).await?;
        let manifest = hallmark::oci::Manifest::parse(&content).expect("manifest");
        envelopes.push(store.blob(&repository, &manifest.layers[0], 1 << 20, context).await?);
    }
    Ok(envelopes)
}
