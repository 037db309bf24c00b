//! Ratify's `k8Secrets`: registry credentials in Secrets.

use super::field::{Field, Notes};
use super::secret_name::{Reach, object_name};
use crate::engine::settings::CredentialSettings;
use crate::secret::SecretName;

/// The most Secrets of one Store.
const MAX_SECRETS: usize = 64;

/// The service account that every namespace has.
const DEFAULT_ACCOUNT: &str = "default";

/// Converts the provider; what refuses it is in the notes.
///
/// A Store of the cluster also takes the pull secrets of a service account in Hallmark's namespace, as in
/// Ratify; where it lists Secrets and names no account, only if there is leave to read that account. A namespaced one does so only where it names the account, which then is its namespace's: nobody
/// gave Hallmark leave to look at that of every tenant.
pub(super) fn convert(provider: &Field<'_>, reach: &Reach, notes: &mut Notes) -> CredentialSettings {
    let field = provider.member("name").unwrap_or_else(|| provider.absent("name"));
    let remedy = "use dockerConfig, whose configPath is a file as `docker login` writes it";
    let followed = [("secretTimeout", "Secrets are followed, and a change is seen at once")];
    provider.only(&["name", "serviceAccountName", "secrets"], &followed, notes);
    if !reach.has_secrets(&field, "k8Secrets", remedy, notes) {
        return CredentialSettings::Anonymous;
    }
    let account = provider.member("serviceAccountName").filter(|account| account.node.text() != Some(""));
    let is_named = account.is_some();
    let account = match account {
        Some(account) => object_name(&account, notes),
        None => reach.only.is_none().then(|| DEFAULT_ACCOUNT.into()),
    };
    let mut secrets = Vec::new();
    if let Some(field) = provider.member("secrets") {
        let items = field.items(notes).unwrap_or_default();
        if items.len() > MAX_SECRETS {
            notes.error(&field, format!("has {} entries; {MAX_SECRETS} are read", items.len()), "");
        }
        for item in items.iter().filter(|item| item.is_map(notes)).collect::<Vec<_>>() {
            secrets.extend(secret(item, reach, notes));
        }
    }
    if secrets.is_empty() && account.is_none() {
        notes.error(&provider.absent("secrets"), "names no Secret", "list secrets with their secretName");
    }
    let service_account = account.map(|account| (reach.default.clone(), account));
    let account_required = is_named || secrets.is_empty();
    CredentialSettings::KubernetesSecrets { secrets, service_account, account_required }
}

fn secret(item: &Field<'_>, reach: &Reach, notes: &mut Notes) -> Option<SecretName> {
    item.only(&["secretName", "namespace"], &[], notes);
    item.required_text("secretName", notes, "name a Secret of type kubernetes.io/dockerconfigjson")?;
    let name = object_name(&item.member("secretName")?, notes)?;
    Some(SecretName { namespace: reach.namespace(item, notes)?, name })
}
