//! What `hallmark config check` says: what a configuration means, in plain words, and everything that
//! should be known about it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::rule_words::{mandatory_words, many, rule};
use crate::crd::{Configuration, Place};
use crate::engine::diagnostic::{Diagnostic, Severity};
use crate::engine::settings::{CredentialSettings, ExecutorSettings, PlanSettings, StoreSettings};
use crate::outcome::Check;
use crate::trust::key_source::{Key, KeyMaterial, KeySets, KeyState};
use crate::trust::policy::{Action, EVERYWHERE, Level, Statement, VerifyTimestamp};
use crate::trust::store::StoreType;
use crate::verifier::{NotationSettings, VerifierSettings};

/// A configuration that was read, with what its key sources gave.
#[derive(Clone, Copy, Debug)]
pub struct CheckedConfiguration<'a> {
    /// What the documents mean.
    pub configuration: &'a Configuration,
    /// What the key sources hold.
    pub keys: &'a KeySets,
    /// For what has expired.
    pub now: Timestamp,
}

impl CheckedConfiguration<'_> {
    /// Everything that is said, that of key sources which cannot be read included. A part of a configuration may
    /// be checked alone; nothing at all is a wrong path, or an empty one.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut all = self.configuration.diagnostics.clone();
        for (name, state) in self.keys.iter() {
            if let Some(failure) = &state.failure {
                let place = self.configuration.places.get(name).cloned();
                let unplaced = || Place { resource: name.to_string(), ..Place::default() };
                let place = place.unwrap_or_else(unplaced);
                all.push(Diagnostic {
                    severity: Severity::Error,
                    resource: place.resource,
                    file: place.file,
                    line: place.line,
                    field: place.field,
                    message: failure.to_string(),
                    remedy: "correct it; it is read again every few seconds".to_owned(),
                });
            }
        }
        let explained = all.iter().any(|said| said.severity == Severity::Error);
        if self.configuration.resources.is_empty() && !explained {
            all.insert(0, nothing_found());
        }
        all
    }

    /// The whole report, for a terminal.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.scope(&mut out, None, &self.configuration.cluster);
        for (namespace, plan) in &self.configuration.namespaces {
            self.scope(&mut out, Some(namespace), plan);
        }
        for executor in &self.configuration.executors {
            self.executor(&mut out, executor);
        }
        let diagnostics = self.diagnostics();
        for said in &diagnostics {
            line(&mut out, 0, &said.to_string());
        }
        let count = |severity| diagnostics.iter().filter(|said| said.severity == severity).count();
        let counts = [
            many(count(Severity::Error), "error"),
            many(count(Severity::Warning), "warning"),
            many(count(Severity::Notice), "notice"),
        ];
        line(&mut out, 0, &counts.join(", "));
        out
    }

    fn executor(&self, out: &mut String, executor: &ExecutorSettings) {
        let scopes: Vec<String> = executor.scopes.iter().map(ToString::to_string).collect();
        let asked = match &executor.namespace {
            None => String::new(),
            Some(namespace) => format!(" asked for with namespace {namespace}"),
        };
        line(out, 0, &format!("Images of {}{asked}", scopes.join(", ")));
        self.plan(out, "", &rule(&executor.plan.rule), &executor.plan);
    }

    fn scope(&self, out: &mut String, scope: Option<&str>, plan: &PlanSettings) {
        match scope {
            None => line(out, 0, "Images asked for without a namespace"),
            Some(namespace) => line(out, 0, &format!("Images asked for with namespace {namespace}")),
        }
        let words = rule(&plan.rule);
        let is_clusters = scope.is_some() && words == rule(&self.configuration.cluster.rule);
        self.plan(out, if is_clusters { ", as for the cluster" } else { "" }, &words, plan);
    }

    fn plan(&self, out: &mut String, remark: &str, words: &str, plan: &PlanSettings) {
        line(out, 1, &format!("rule{remark}: {words}"));
        for mandatory in &plan.mandatory {
            line(out, 1, &mandatory_words(mandatory));
        }
        if plan.verifiers.is_empty() {
            line(out, 1, "no Verifier: every image is refused");
        }
        for verifier in &plan.verifiers {
            self.verifier(out, verifier);
        }
        for store in &plan.stores {
            line(out, 1, &format!("{}: {}", called("Store", &store.name), store_words(store)));
        }
        out.push('\n');
    }

    fn verifier(&self, out: &mut String, verifier: &VerifierSettings) {
        let types: BTreeSet<&str> = verifier.artifact_types().iter().map(String::as_str).collect();
        let types = types.into_iter().collect::<Vec<_>>().join(", ");
        match verifier {
            VerifierSettings::Refused { resource, name, reason, .. } => {
                let verifier = called("Verifier", resource);
                line(out, 1, &format!("{verifier} ({name}), for {types}: NOT IN FORCE"));
                line(out, 2, reason);
                line(out, 2, "images on whose evidence it has a say are undecided until this is corrected");
            }
            VerifierSettings::Notation(settings) => {
                let verifier = called("Verifier", &settings.resource);
                line(out, 1, &format!("{verifier} ({}), for {types}", settings.name));
                self.notation(out, settings);
            }
        }
    }

    fn notation(&self, out: &mut String, settings: &NotationSettings) {
        for statement in &settings.statements {
            let images = images(statement, settings.statements.len() == 1);
            line(out, 2, &format!("trust policy {}: {images}", statement.name));
            line(out, 3, &level(statement));
            if statement.verification.level == Level::Skip {
                continue;
            }
            line(out, 3, &format!("signed by: {}", statement.trusted_identities.join("; ")));
            let (stamps, signers): (Vec<_>, Vec<_>) =
                statement.trust_stores.iter().partition(|(kind, _)| *kind == StoreType::Tsa);
            for (kind, name) in signers.into_iter().chain(stamps) {
                self.trust_store(out, settings, *kind, name);
            }
        }
        for (name, value) in &settings.required_metadata {
            line(out, 2, &format!("signatures must state {name} = {value}"));
        }
        if !settings.plugins.is_empty() {
            line(out, 2, &format!("plugins that signatures may name: {}", settings.plugins.join(", ")));
        }
    }

    fn trust_store(&self, out: &mut String, settings: &NotationSettings, kind: StoreType, name: &str) {
        let use_of_it = if kind == StoreType::Tsa { "timestamps under" } else { "under" };
        line(out, 3, &format!("{use_of_it} trust store {kind}:{name}"));
        let sources = settings.trust_stores.get(&(kind, name.to_owned()));
        for source in sources.into_iter().flatten() {
            let Some(state) = self.keys.get(source) else {
                line(out, 4, &format!("{source}: not read"));
                continue;
            };
            match (&state.set, &state.failure) {
                (Some(set), _) => {
                    set.keys().iter().for_each(|key| line(out, 4, &self.key(source, kind, key)));
                }
                (None, Some(failure)) => line(out, 4, &format!("{source}: {failure}")),
                (None, None) => line(out, 4, &format!("{source}: not read")),
            }
        }
    }

    fn key(&self, source: &str, kind: StoreType, key: &Key) -> String {
        let mut text = match &key.material {
            KeyMaterial::Certificate(certificate) => {
                let role =
                    if kind.admits(certificate) { "" } else { "; no anchor, so nothing is trusted by it" };
                let fingerprint = hex::encode(certificate.fingerprint());
                format!("{} (sha256 {fingerprint}){role}", certificate.subject())
            }
            KeyMaterial::PublicKey(_) => format!("key {}", key.id),
        };
        if let Some((from, until)) = key.validity() {
            let state = if self.now < from {
                "; NOT VALID YET"
            } else if self.now > until {
                "; EXPIRED"
            } else {
                ""
            };
            // Writing to a String cannot fail.
            let _ = write!(text, ", valid {} to {}{state}", day(from), day(until));
        }
        if key.state == KeyState::Disabled {
            text.push_str(", switched off");
        }
        format!("{text}, from {source}")
    }
}

fn nothing_found() -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        resource: String::new(),
        file: None,
        line: None,
        field: String::new(),
        message: "no resource was found".to_owned(),
        remedy: "name files with Ratify's resources, or folders: in these, files are read whose names end in .yaml, \
                 .yml or .json and begin with no dot"
            .to_owned(),
    }
}

/// A resource by kind and name: a namespace's is named with it, and an Executor's part with the Executor.
fn called(kind: &str, name: &str) -> String {
    if name.contains("Executor ") {
        return name.to_owned();
    }
    let prefix = if name.contains('/') { "Namespaced" } else { "" };
    format!("{prefix}{kind} {name}")
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

fn images(statement: &Statement, alone: bool) -> String {
    let everywhere = statement.registry_scopes.iter().any(|scope| scope == EVERYWHERE);
    match (everywhere, alone) {
        (true, true) => "every image".to_owned(),
        (true, false) => "every image that no other trust policy of this Verifier names".to_owned(),
        (false, _) => format!("images of {}", statement.registry_scopes.join(", ")),
    }
}

fn level(statement: &Statement) -> String {
    let verification = &statement.verification;
    let mut text = match verification.level {
        Level::Strict if verification.overrides.is_empty() => {
            "level strict: every check is enforced".to_owned()
        }
        Level::Strict => "level strict: every check is enforced, except".to_owned(),
        Level::Permissive => "level permissive: expiry, timestamps and revocation are only logged".to_owned(),
        Level::Audit => "level audit: only integrity is enforced, everything else is only logged".to_owned(),
        Level::Skip => "level skip: admitted without any check, and nothing is claimed".to_owned(),
    };
    for (index, (check, action)) in verification.overrides.iter().enumerate() {
        let join = if index == 0 && verification.level == Level::Strict { ":" } else { ";" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{join} {} is {}", check_words(*check), action_words(*action));
    }
    if verification.verify_timestamp == VerifyTimestamp::AfterCertExpiry {
        text.push_str("; timestamps are looked at once a certificate has expired");
    }
    text
}

fn check_words(check: Check) -> &'static str {
    check.as_str()
}

fn action_words(action: Action) -> &'static str {
    match action {
        Action::Enforce => "enforced",
        Action::Log => "only logged",
        Action::Skip => "not checked",
    }
}

fn store_words(store: &StoreSettings) -> String {
    if let Some(reason) = &store.refused {
        return format!("NOT IN FORCE ({reason}): every image is undecided");
    }
    let credentials = match &store.credentials {
        CredentialSettings::Anonymous => "registries are read without credentials".to_owned(),
        CredentialSettings::DockerConfig(None) => "registries are read with docker's credentials".to_owned(),
        CredentialSettings::DockerConfig(Some(path)) => {
            format!("registries are read with the credentials in {}", path.display())
        }
        CredentialSettings::Static(_) => {
            "registries are read with the password that is written there".to_owned()
        }
        CredentialSettings::KubernetesSecrets { secrets, service_account, .. } => {
            let named = secrets.iter().map(|secret| format!("Secret {secret}"));
            let account = service_account.iter();
            let account =
                account.map(|(space, name)| format!("pull secrets of service account {space}/{name}"));
            let sources: Vec<_> = named.chain(account).collect();
            format!("registries are read with the credentials of {}", sources.join(", "))
        }
    };
    let http = if store.plain_http { ", loopback and cluster-local ones over plain HTTP" } else { "" };
    format!("{credentials}{http}")
}

fn line(out: &mut String, indent: usize, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{:indent$}{text}", "", indent = indent * 2);
}
