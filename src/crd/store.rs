//! Store: how registries are read.

use std::path::PathBuf;
use std::time::Duration;

use super::convert_options::ConvertOptions;
use super::field::{Field, Notes, did_you_mean};
use super::k8_secrets;
use super::resource::Resource;
use super::secret_name::Reach;
use crate::engine::settings::{CredentialSettings, StoreSettings};

/// What Ratify takes for a `ttl` of 0.
const RATIFY_TTL: Duration = Duration::from_secs(10);

const AUTH_PROVIDERS: &[&str] = &[
    "dockerConfig",
    "k8Secrets",
    "azureWorkloadIdentity",
    "azureManagedIdentity",
    "awsEcrBasic",
    "alibabacloudAcrBasic",
];

/// Converts a Store; a refused one says why in its settings.
pub(super) fn convert(resource: &mut Resource, options: &ConvertOptions) -> StoreSettings {
    let mut settings = StoreSettings {
        name: resource.key.qualified(),
        credentials: CredentialSettings::DockerConfig(None),
        ..StoreSettings::default()
    };
    let notes = &mut resource.notes;
    let root = Field::root(&resource.node, "", notes.line);
    if let Some(spec) = root.member("spec").filter(|spec| spec.node.members().is_some()) {
        let reach = Reach::of(&resource.key, options);
        from_spec(&spec, &reach, &mut settings, notes);
    }
    settings.refused = notes.refusal();
    settings
}

fn from_spec(spec: &Field<'_>, reach: &Reach, settings: &mut StoreSettings, notes: &mut Notes) {
    let without_effect = [
        ("version", "it is the version of Ratify's plugin interface"),
        ("address", "it is the folder of Ratify's plugins, and the store is built in"),
    ];
    spec.only(&["name", "type", "source", "parameters"], &without_effect, notes);
    if let Some(source) = spec.member("source") {
        notes.error(
            &source,
            "a store that is downloaded is never run: code from a registry is not executed",
            "use the store oras",
        );
        return;
    }
    let name = spec.required_text("name", notes, "write name: oras").unwrap_or_default();
    let (field, kind) = match spec.member_text("type", notes) {
        Some(kind) if !kind.is_empty() => ("type", kind),
        _ => ("name", name),
    };
    if !kind.is_empty() && kind != "oras" {
        let field = spec.member(field).unwrap_or_else(|| spec.absent(field));
        notes.error(
            &field,
            format!("{kind} is no store that can be used here"),
            did_you_mean(kind, &["oras"]),
        );
    }
    if let Some(parameters) = spec.member("parameters").filter(|parameters| parameters.is_map(notes)) {
        from_parameters(&parameters, reach, settings, notes);
    }
}

fn from_parameters(parameters: &Field<'_>, reach: &Reach, settings: &mut StoreSettings, notes: &mut Notes) {
    let without_effect = [
        ("localCachePath", "content is cached in memory, by digest"),
        ("capacity", "Ratify dropped it too; caches are sized in bytes by the process settings"),
        ("keyNumber", "Ratify dropped it too; caches are sized in bytes by the process settings"),
    ];
    let used = ["useHttp", "cosignEnabled", "cacheEnabled", "ttl", "authProvider"];
    parameters.only(&used, &without_effect, notes);
    let mut flag = |name: &str| parameters.member(name).and_then(|field| field.boolean(notes));
    settings.plain_http = flag("useHttp").unwrap_or(false);
    settings.cosign_tags = flag("cosignEnabled").unwrap_or(false);
    let cache = flag("cacheEnabled");
    let ttl = parameters.member("ttl").and_then(|field| field.whole_number(notes)).map(Duration::from_secs);
    settings.referrers_ttl = match (cache, ttl) {
        (Some(false), _) => Some(Duration::ZERO),
        (_, Some(Duration::ZERO)) => Some(RATIFY_TTL),
        (_, ttl) => ttl,
    };
    if let Some(provider) = parameters.member("authProvider").filter(|provider| provider.is_map(notes)) {
        settings.credentials = credentials(&provider, reach, notes);
    }
}

fn credentials(provider: &Field<'_>, reach: &Reach, notes: &mut Notes) -> CredentialSettings {
    let remedy = "write name: dockerConfig";
    let Some(name) = provider.required_text("name", notes, remedy) else {
        return CredentialSettings::Anonymous;
    };
    let field = provider.member("name").unwrap_or_else(|| provider.absent("name"));
    match name {
        "dockerConfig" => {
            provider.only(&["name", "configPath"], &[], notes);
            let path = provider.member("configPath").filter(|path| path.node.text() != Some(""));
            return CredentialSettings::DockerConfig(path.and_then(|path| config_path(&path, reach, notes)));
        }
        "k8Secrets" => return k8_secrets::convert(provider, reach, notes),
        known if AUTH_PROVIDERS.contains(&known) => {
            let remedy = "use dockerConfig with a credential helper or a token of the registry";
            notes.error(&field, format!("{known} is not supported in this release"), remedy);
        }
        other => {
            let remedy = did_you_mean(other, AUTH_PROVIDERS);
            notes.error(&field, format!("{other} is no source of credentials"), remedy);
        }
    }
    CredentialSettings::Anonymous
}

fn config_path(field: &Field<'_>, reach: &Reach, notes: &mut Notes) -> Option<PathBuf> {
    if reach.only.is_some() {
        let message = "a namespaced resource reads no files of the process";
        notes.error(field, message, "name it in a Store of the cluster, which serves this namespace too");
        return None;
    }
    field.path(notes)
}
