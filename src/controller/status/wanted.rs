//! What is to be said of one resource, before times and the form of its version.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::index::ObjectName;
use super::grant::{Forbidden, Reader};
use super::judged::Sorted;
use crate::crd::ResourceState;
use crate::engine::diagnostic::{Diagnostic, Severity};
use crate::secret::{SecretName, SecretState, Secrets, ServiceAccountState};
use crate::trust::key_source::{Key, KeySourceError, SourceState};

/// The longest text of a condition or an error, in characters.
const MAX_TEXT_CHARS: usize = 4096;

/// Ratify's bound of `brieferror`, in characters.
pub(super) const MAX_BRIEF_CHARS: usize = 100;

/// The most keys that are listed.
const MAX_KEYS: usize = 20;

/// What is to be said of one resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    /// Of the object that was read.
    pub generation: i64,
    /// What is wrong; empty where nothing is.
    pub error: String,
    pub ready: Condition,
    pub remarks: Condition,
    /// There where it gives keys and they were fetched once.
    pub fetched: Option<Fetched>,
}

/// A condition without its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub status: bool,
    pub reason: &'static str,
    pub message: String,
}

/// The keys of a source.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    pub at: Timestamp,
    pub properties: Value,
}

impl PartialEq for Fetched {
    /// Equal keys; that they were fetched again is no news.
    fn eq(&self, other: &Self) -> bool {
        self.properties == other.properties
    }
}

/// What is to be said of `object`.
pub(super) fn wanted(
    object: &ObjectName,
    generation: i64,
    sorted: &Sorted<'_>,
    secrets: &Secrets,
    reader: &Reader,
) -> Wanted {
    let resource = object.to_string();
    let about = sorted.about.get(resource.as_str()).map(Vec::as_slice).unwrap_or_default();
    let sources = sorted.sources.get(resource.as_str()).map(Vec::as_slice).unwrap_or_default();
    let state = sorted.states.get(&resource).copied().unwrap_or(ResourceState::Refused);
    let mut errors: Vec<String> = said(about, |severity| severity == Severity::Error);
    let mut forbidden = Forbidden::default();
    let missing = missing_credentials(&resource, sorted, secrets, &mut forbidden);
    let failures: Vec<&KeySourceError> =
        sources.iter().filter_map(|source| source.failure.as_ref()).collect();
    // What configuration refuses is said above, with its place.
    let failures: Vec<_> =
        failures.into_iter().filter(|failure| !matches!(failure, KeySourceError::Refused(_))).collect();
    for failure in &failures {
        if let KeySourceError::SecretForbidden(name) = failure {
            forbidden.secrets.insert(name.clone());
        }
        errors.push(failure.to_string());
    }
    errors.extend(missing.iter().cloned());
    let without_keys = sorted.without_keys.get(&resource).into_iter().flatten();
    // Why is the source's matter: it may be the cluster's, and this a tenant's.
    errors.extend(without_keys.map(|source| format!("{source} gives no keys; its status says why")));
    if !forbidden.is_empty() {
        errors.push(format!(
            "Hallmark may not read what it names; apply:\n{}",
            forbidden.remedy(object, reader)
        ));
    }
    let error = bounded(&errors.join("\n"), MAX_TEXT_CHARS);
    let keys_missing = sources.iter().any(|source| source.gives_none())
        || sorted.without_keys.get(&resource).is_some_and(|without| !without.is_empty());
    let (status, reason) = match state {
        ResourceState::Refused => (false, "Refused"),
        ResourceState::LastGoodServes => (false, "LastGoodServes"),
        ResourceState::InForce if keys_missing => (false, "NoKeys"),
        ResourceState::InForce if !failures.is_empty() => (true, "EarlierKeysServe"),
        ResourceState::InForce if !missing.is_empty() || !forbidden.is_empty() => (false, "NoCredentials"),
        ResourceState::InForce => (true, "InForce"),
    };
    let unexplained = "it was not read by this version of Hallmark";
    let message = if !status && error.is_empty() { unexplained.to_owned() } else { error.clone() };
    Wanted {
        generation,
        error: if status { error } else { message.clone() },
        ready: Condition { status, reason, message },
        remarks: remarks(about),
        fetched: fetched(sources),
    }
}

/// What the stores of a resource name and is not there. What may not be read goes into `forbidden`.
fn missing_credentials(
    resource: &str,
    sorted: &Sorted<'_>,
    secrets: &Secrets,
    forbidden: &mut Forbidden,
) -> Vec<String> {
    let mut missing = Vec::new();
    for named in sorted.credentials.get(resource).into_iter().flat_map(BTreeMap::values) {
        for name in named.secrets {
            missing.extend(missing_secret(name, secrets, forbidden));
        }
        let Some(account) = named.service_account else { continue };
        let (namespace, name) = account;
        match secrets.service_account(account) {
            ServiceAccountState::Missing | ServiceAccountState::Forbidden if !named.account_required => {}
            ServiceAccountState::Missing => {
                missing.push(format!("there is no ServiceAccount {namespace}/{name}"));
            }
            ServiceAccountState::Forbidden => _ = forbidden.service_accounts.insert(account.clone()),
            ServiceAccountState::Beyond(beyond) => {
                missing.push(format!("ServiceAccount {namespace}/{name} {beyond}"));
            }
            ServiceAccountState::Found(listed) => {
                missing.extend(listed.iter().filter_map(|name| missing_secret(name, secrets, forbidden)));
            }
            ServiceAccountState::Unknown => {}
        }
    }
    missing
}

fn missing_secret(name: &SecretName, secrets: &Secrets, forbidden: &mut Forbidden) -> Option<String> {
    match secrets.get(name) {
        SecretState::Missing => Some(format!("there is no Secret {name}")),
        SecretState::Forbidden => {
            forbidden.secrets.insert(name.clone());
            None
        }
        SecretState::Beyond(beyond) => Some(format!("Secret {name} {beyond}")),
        SecretState::Unknown | SecretState::Found(_) => None,
    }
}

fn remarks(about: &[&Diagnostic]) -> Condition {
    let warnings = about.iter().any(|said| said.severity == Severity::Warning);
    let texts = said(about, |severity| severity != Severity::Error);
    Condition {
        status: !texts.is_empty(),
        reason: match (warnings, texts.is_empty()) {
            (true, _) => "Warnings",
            (false, false) => "Notices",
            (false, true) => "Nothing",
        },
        message: bounded(&texts.join("\n"), MAX_TEXT_CHARS),
    }
}

fn said(about: &[&Diagnostic], wanted: impl Fn(Severity) -> bool) -> Vec<String> {
    about.iter().filter(|said| wanted(said.severity)).map(|said| line(said)).collect()
}

/// A diagnostic without the resource, which the reader has before him.
fn line(said: &Diagnostic) -> String {
    let mut line = String::new();
    if said.severity != Severity::Error {
        // Writing to a String does not fail.
        let _ = write!(line, "{}: ", said.severity);
    }
    if let Some(place) = said.place() {
        let _ = write!(line, "{place}: ");
    }
    if !said.field.is_empty() {
        let _ = write!(line, "{}: ", said.field);
    }
    line.push_str(&said.message);
    if !said.remedy.is_empty() {
        let _ = write!(line, " ({})", said.remedy);
    }
    line
}

pub(super) fn bounded(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn fetched(sources: &[&SourceState]) -> Option<Fetched> {
    let sets: Vec<_> = sources.iter().filter_map(|source| source.set.as_ref()).collect();
    let at = sets.iter().map(|set| set.loaded_at()).max()?;
    let keys: Vec<&Key> = sets.iter().flat_map(|set| set.keys()).collect();
    let contents: Vec<[u8; 32]> = sets.iter().map(|set| set.content()).collect();
    let content = openssl::sha::sha256(contents.as_flattened());
    let hex: String = content.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let listed: Vec<Value> = keys.iter().take(MAX_KEYS).map(|key| shown(key)).collect();
    Some(Fetched { at, properties: json!({"count": keys.len(), "content": hex, "keys": listed}) })
}

fn shown(key: &Key) -> Value {
    match key.certificate() {
        Some(certificate) => json!({
            "id": &*key.id,
            "subject": bounded(&certificate.subject(), 256),
            "notAfter": certificate.not_after().to_string(),
        }),
        None => json!({"id": &*key.id}),
    }
}
