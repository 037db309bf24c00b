//! A hash over settings that does not depend on how a program is built or in which order documents were
//! read: every replica with the same configuration computes the same.

use openssl::sha::Sha256;

use super::plan::Judge;
use super::rule::Voter;
use super::settings::{CredentialSettings, Quantifier, RuleSettings, StoreSettings, ThresholdRule};
use crate::outcome::Check;
use crate::trust::policy::{Action, Level, VerifyTimestamp};

/// Everything is written with its length before it, so that no two settings are written alike.
pub(super) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(Sha256::new())
    }

    /// 32 hexadecimal digits.
    pub(super) fn finish(self) -> String {
        let hash = self.0.finish();
        hex::encode(hash.get(..16).unwrap_or(&hash))
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// What is in a list, whatever its order.
    fn unordered<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        let mut hashes: Vec<[u8; 32]> = items
            .iter()
            .map(|item| {
                let mut one = Self::new();
                write(&mut one, item);
                one.0.finish()
            })
            .collect();
        hashes.sort_unstable();
        self.bytes(hashes.as_flattened());
    }

    fn texts(&mut self, texts: &[String]) {
        self.unordered(texts, |one, text| one.text(text));
    }

    fn number(&mut self, number: usize) {
        self.bytes(&(number as u64).to_be_bytes());
    }

    /// What must hold.
    pub(super) fn rule(&mut self, rule: &RuleSettings) {
        match rule {
            RuleSettings::OneValidSignature => self.text("one valid signature"),
            RuleSettings::ByArtifactType { name, listed, default, evidence } => {
                self.text("by artifact type");
                self.text(name);
                self.number(listed.len());
                for (artifact_type, quantifier) in listed {
                    self.text(artifact_type);
                    self.text(quantifier_word(*quantifier));
                }
                self.text(quantifier_word(*default));
                self.text(evidence.as_str());
            }
            RuleSettings::Threshold { name, root, evidence } => {
                self.text("threshold");
                self.text(name);
                self.threshold(root);
                self.text(evidence.as_str());
            }
            RuleSettings::Refused { name, reason } => {
                self.text("refused");
                self.text(name);
                self.text(reason);
            }
        }
    }

    fn threshold(&mut self, rule: &ThresholdRule) {
        match rule {
            ThresholdRule::AtLeast { threshold, rules } => {
                self.text("at least");
                self.number(*threshold);
                self.unordered(rules, Self::threshold);
            }
            ThresholdRule::Signatures { verifier, count } => {
                self.text("signatures");
                self.text(verifier);
                self.number(*count);
            }
        }
    }

    /// Who has a say.
    pub(super) fn voters(&mut self, voters: &[Voter]) {
        self.unordered(voters, |one, voter| {
            one.text(&voter.name);
            one.texts(&voter.artifact_types);
            one.text(voter.standing.as_str());
        });
    }

    /// Whom each verifier trusts, and how strictly it looks. Neither the name of the statement nor the
    /// other repositories that it covers change a decision.
    pub(super) fn judges(&mut self, judges: &[&Judge]) {
        self.unordered(judges, |one, judge| {
            let settings = &judge.verifier.settings;
            one.text(&settings.name);
            // Which of two that have one name trusts whom.
            one.texts(&judge.voter.artifact_types);
            one.unordered(&settings.required_metadata, |one, (key, value)| {
                one.text(key);
                one.text(value);
            });
            one.plugins(judge);
            one.statement(judge);
        });
    }

    fn plugins(&mut self, judge: &Judge) {
        self.number(judge.verifier.plugins.len());
        for (name, plugin) in &judge.verifier.plugins {
            self.text(name);
            match plugin {
                Ok(plugin) => {
                    self.text(&plugin.version);
                    self.text(&plugin.executable.to_string_lossy());
                    self.unordered(&plugin.capabilities, |one, capability| one.text(capability.as_str()));
                }
                Err(problem) => self.text(problem),
            }
        }
    }

    fn statement(&mut self, judge: &Judge) {
        let Some(statement) = judge.statement() else {
            return self.text("no statement");
        };
        let verification = &statement.verification;
        self.text(match verification.level {
            Level::Strict => "strict",
            Level::Permissive => "permissive",
            Level::Audit => "audit",
            Level::Skip => "skip",
        });
        for check in [
            Check::Integrity,
            Check::Authenticity,
            Check::Expiry,
            Check::AuthenticTimestamp,
            Check::Revocation,
        ] {
            self.text(match verification.action(check) {
                Action::Enforce => "enforce",
                Action::Log => "log",
                Action::Skip => "skip",
            });
        }
        self.text(match verification.verify_timestamp {
            VerifyTimestamp::Always => "always",
            VerifyTimestamp::AfterCertExpiry => "afterCertExpiry",
        });
        self.texts(&statement.trusted_identities);
        self.bytes(&judge.verifier.stores.content(&statement.trust_stores));
    }

    /// How registries are read, as far as the configuration says.
    pub(super) fn stores(&mut self, stores: &[StoreSettings]) {
        self.unordered(stores, |one, store| {
            one.text(&store.name);
            one.number(usize::from(store.plain_http));
            one.number(usize::from(store.cosign_tags));
            match &store.credentials {
                CredentialSettings::Anonymous => one.text("anonymous"),
                CredentialSettings::DockerConfig(path) => {
                    one.text("docker config");
                    one.text(&path.as_ref().map(|path| path.to_string_lossy()).unwrap_or_default());
                }
                CredentialSettings::Static(credentials) => {
                    one.text("static");
                    one.texts(&credentials.hosts().iter().map(ToString::to_string).collect::<Vec<_>>());
                }
                CredentialSettings::KubernetesSecrets { secrets, service_account, account_required } => {
                    one.text("secrets");
                    one.texts(&secrets.iter().map(ToString::to_string).collect::<Vec<_>>());
                    let account = service_account.as_ref();
                    one.text(&account.map(|(space, name)| format!("{space}/{name}")).unwrap_or_default());
                    one.text(if *account_required { "required" } else { "" });
                }
            }
            one.text(store.ca_pem.as_deref().unwrap_or_default());
            one.text(store.refused.as_deref().unwrap_or_default());
        });
    }
}

fn quantifier_word(quantifier: Quantifier) -> &'static str {
    match quantifier {
        Quantifier::Any => "any",
        Quantifier::All => "all",
    }
}
