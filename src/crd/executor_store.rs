//! The stores of an Executor.

use std::sync::Arc;

use base64::Engine as _;

use super::executor_context::Context;
use super::executor_scopes;
use super::field::{Field, Notes, did_you_mean};
use super::secret_name::object_name;
use crate::engine::scope::Scope;
use crate::engine::settings::{CredentialSettings, StoreSettings};
use crate::reference::RegistryHost;
use crate::registry::auth::StaticCredentials;
use crate::secret::SecretName;
use crate::trust::key_source::{KeyContent, read_material};

/// Converts a store; what refuses it is in the notes.
pub(super) fn convert(
    field: &Field<'_>,
    index: usize,
    scopes: &[Scope],
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<StoreSettings> {
    field.only(&["type", "parameters", "scopes"], &[], notes);
    let own_scopes = field.member("scopes").map(|written| {
        let message = "bounds where the password is sent; what else the store says holds for every scope";
        notes.notice(&written, message, "");
        executor_scopes::scopes(field, notes)
    });
    let scopes = own_scopes.as_deref().unwrap_or(scopes);
    let kind = field.required_text("type", notes, "write type: registry-store")?;
    if kind != "registry-store" {
        let place = field.member("type").unwrap_or_else(|| field.absent("type"));
        let (message, remedy) = match kind {
            "filesystem-oci-store" => (
                "filesystem-oci-store is not read here".to_owned(),
                "push the layout to a registry, or use `hallmark verify oci-layout:…`".to_owned(),
            ),
            other => (
                format!("{other} is no store that can be used here"),
                did_you_mean(other, &["registry-store"]),
            ),
        };
        notes.error(&place, message, remedy);
        return None;
    }
    let mut settings =
        StoreSettings { name: format!("{} store {index}", context.key).into(), ..StoreSettings::default() };
    let Some(parameters) = field.member("parameters") else { return Some(settings) };
    if !parameters.is_map(notes) {
        return None;
    }
    let without_effect = [
        ("userAgent", "Hallmark says its own name"),
        ("maxBlobBytes", "what is read has bounds of its own, which are lower"),
        ("maxManifestBytes", "what is read has bounds of its own: manifests of 4 MiB"),
    ];
    let used = ["plainHttp", "credential", "allowCosignTag", "caPem", "caBase64"];
    parameters.only(&used, &without_effect, notes);
    let mut flag = |name: &str| parameters.member(name).and_then(|field| field.boolean(notes));
    settings.plain_http = flag("plainHttp").unwrap_or(false);
    settings.cosign_tags = flag("allowCosignTag").unwrap_or(false);
    settings.ca_pem = authorities(&parameters, notes);
    if let Some(credential) = parameters.member("credential").filter(|field| field.is_map(notes)) {
        settings.credentials = credentials(&credential, scopes, context, notes);
    }
    Some(settings)
}

/// Authorities that are believed besides those of the process.
fn authorities(parameters: &Field<'_>, notes: &mut Notes) -> Option<Arc<str>> {
    let given = |name: &str| parameters.member(name).filter(|field| field.node.text() != Some(""));
    let (field, pem) = match (given("caPem"), given("caBase64")) {
        (Some(_), Some(field)) => {
            notes.error(&field, "stands beside caPem", "write one of the two");
            return None;
        }
        (Some(field), None) => {
            let text = field.text(notes)?.to_owned();
            (field, text)
        }
        (None, Some(field)) => {
            let text = field.text(notes)?.split_whitespace().collect::<String>();
            let decoded = base64::engine::general_purpose::STANDARD.decode(text).ok();
            let Some(pem) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else {
                notes.error(&field, "is no PEM in base64", "write what `base64 ca.crt` prints");
                return None;
            };
            (field, pem)
        }
        (None, None) => return None,
    };
    if let Err(error) = read_material(pem.as_bytes(), KeyContent::Certificates, "caPem") {
        notes.error(&field, error.to_string(), "paste the certificates of the registry's authority");
        return None;
    }
    Some(pem.into())
}

fn credentials(
    field: &Field<'_>,
    scopes: &[Scope],
    context: &Context<'_>,
    notes: &mut Notes,
) -> CredentialSettings {
    let Some(provider) = field.required_text("provider", notes, "write provider: static") else {
        return CredentialSettings::Anonymous;
    };
    if provider != "static" {
        let place = field.member("provider").unwrap_or_else(|| field.absent("provider"));
        let (message, remedy) = match provider {
            "azure" => (
                "azure is not supported in this release".to_owned(),
                "use provider: static with a token of the registry".to_owned(),
            ),
            other => (format!("{other} is no source of credentials"), did_you_mean(other, &["static"])),
        };
        notes.error(&place, message, remedy);
        return CredentialSettings::Anonymous;
    }
    field.only(&["provider", "username", "password", "secretName", "namespace"], &[], notes);
    let given = |name: &str| field.member(name).filter(|field| field.node.text() != Some(""));
    match (given("secretName"), given("username"), given("password")) {
        (Some(name), None, None) => secret(&name, field, context, notes),
        (Some(name), ..) => {
            notes.error(&name, "stands beside username or password", "write one of the two");
            CredentialSettings::Anonymous
        }
        (None, None, None) => CredentialSettings::Anonymous,
        (None, username, Some(password)) => {
            let username = username.and_then(|username| username.text(notes)).unwrap_or_default();
            let secret = password.text(notes).unwrap_or_default();
            let message = "is readable for everyone who may read this resource";
            notes.warning(&password, message, "put it into a Secret, and write secretName");
            let Some(hosts) = hosts(scopes, &password, notes) else { return CredentialSettings::Anonymous };
            let credentials = StaticCredentials::new(hosts, username.to_owned(), secret.to_owned().into());
            CredentialSettings::Static(Arc::new(credentials))
        }
        (None, Some(username), None) => {
            notes.error(&username, "stands without a password", "write password, or secretName alone");
            CredentialSettings::Anonymous
        }
    }
}

fn secret(
    name: &Field<'_>,
    credential: &Field<'_>,
    context: &Context<'_>,
    notes: &mut Notes,
) -> CredentialSettings {
    let remedy = "write username and password, or use a Store with dockerConfig";
    let has_secrets = context.reach.has_secrets(name, "secretName", remedy, notes);
    let named = object_name(name, notes).zip(context.reach.namespace(credential, notes));
    match named.filter(|_| has_secrets) {
        Some((name, namespace)) => CredentialSettings::KubernetesSecrets {
            secrets: vec![SecretName { namespace, name }],
            service_account: None,
            account_required: false,
        },
        None => CredentialSettings::Anonymous,
    }
}

/// The registries that a password is for. A wildcard names none: whoever names an image could have the
/// password sent to a host of his own.
fn hosts(scopes: &[Scope], field: &Field<'_>, notes: &mut Notes) -> Option<Vec<RegistryHost>> {
    let named: Option<Vec<RegistryHost>> = scopes.iter().map(|scope| scope.registry().cloned()).collect();
    if named.is_none() {
        let message = "a password is sent to registries that scopes name, and a wildcard names none";
        notes.error(field, message, "name the registries in scopes, or use secretName, whose content does");
    }
    named
}
