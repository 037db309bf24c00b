//! What a verification plugin must do for a signature, and what its answer means.
//!
//! Notary Project specification v1.1, plugin-extensibility.md. A signature that names a plugin in a
//! critical attribute cannot be judged without it; a plugin is used only where the operator allows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;

use super::Failure;
use crate::notation::{AttributeName, VerifiedEnvelope};
use crate::outcome::{Check, Reason, ReasonCode};
use crate::verifier::plugin::{Capability, PluginAnswer, PluginMetadata};

/// The plugins that may be used, by name, or why one cannot.
pub type InstalledPlugins = BTreeMap<String, Result<Arc<PluginMetadata>, String>>;

/// What one plugin must do for one signature.
#[derive(Clone, Debug)]
pub struct PluginDuties {
    /// The plugin.
    pub metadata: Arc<PluginMetadata>,
    /// It decides whether the signer is a trusted identity.
    pub identity: bool,
    /// It decides whether the signer is revoked.
    pub revocation: bool,
}

impl PluginDuties {
    /// The capabilities that it is asked for.
    pub fn capabilities(&self) -> impl Iterator<Item = Capability> {
        [(self.identity, Capability::TrustedIdentity), (self.revocation, Capability::RevocationCheck)]
            .into_iter()
            .filter_map(|(asked, capability)| asked.then_some(capability))
    }
}

/// Which duties the signature gives to which plugin; `None` where it names none.
pub(super) fn duties(
    envelope: &VerifiedEnvelope,
    installed: &InstalledPlugins,
) -> Result<Option<PluginDuties>, Reason> {
    let Some(required) = envelope.plugin() else {
        return Ok(None);
    };
    let metadata = match installed.get(&required.name) {
        None => {
            return Err(failed(format!(
                "the signature needs the plugin {:?}, which is not allowed here",
                required.name
            )));
        }
        Some(Err(problem)) => {
            return Err(failed(format!("the plugin {} cannot be used: {problem}", required.name)));
        }
        Some(Ok(metadata)) => Arc::clone(metadata),
    };
    check_version(&metadata, required.min_version.as_ref())?;
    let identity = metadata.capabilities.contains(&Capability::TrustedIdentity);
    let revocation = metadata.capabilities.contains(&Capability::RevocationCheck);
    if !identity && !revocation {
        return Err(failed(format!("the plugin {} verifies nothing", metadata.name)));
    }
    Ok(Some(PluginDuties { metadata, identity, revocation }))
}

fn check_version(metadata: &PluginMetadata, wanted: Option<&Version>) -> Result<(), Reason> {
    let installed = Version::parse(&metadata.version).map_err(|error| {
        failed(format!("the plugin {} has version {:?}: {error}", metadata.name, metadata.version))
    })?;
    match wanted {
        // Build metadata does not count (Semantic Versioning 2.0.0 §10), and the type's own order counts it.
        Some(wanted) if installed.cmp_precedence(wanted).is_lt() => {
            Err(failed(format!("the plugin {} is {installed}, the signature needs {wanted}", metadata.name)))
        }
        _ => Ok(()),
    }
}

/// The failures in a plugin's answer, by the check that each belongs to.
pub(super) fn failures(
    envelope: &VerifiedEnvelope,
    duties: &PluginDuties,
    answer: Option<&Result<PluginAnswer, String>>,
) -> Vec<(Check, Failure)> {
    let answer = match answer {
        Some(Ok(answer)) => answer,
        Some(Err(problem)) => return vec![(Check::Plugin, undecided(duties, problem))],
        None => return vec![(Check::Plugin, undecided(duties, "it was not asked"))],
    };
    let unprocessed = envelope
        .extended_attributes()
        .iter()
        .find(|attribute| attribute.critical && !is_processed(&attribute.name, answer));
    if let Some(attribute) = unprocessed {
        let message = format!(
            "the plugin {} left the critical attribute {} unprocessed",
            duties.metadata.name, attribute.name
        );
        return vec![(Check::Plugin, Failure::refuted(failed(message)))];
    }
    duties.capabilities().filter_map(|capability| failure(duties, capability, answer)).collect()
}

/// Integer labels cannot be named in the protocol, so no plugin can process them.
fn is_processed(name: &AttributeName, answer: &PluginAnswer) -> bool {
    matches!(name, AttributeName::Text(name) if answer.processed.contains(name))
}

fn failure(duties: &PluginDuties, capability: Capability, answer: &PluginAnswer) -> Option<(Check, Failure)> {
    let name = &duties.metadata.name;
    let Some(result) = answer.results.get(&capability) else {
        return Some((
            Check::Plugin,
            undecided(duties, &format!("it gave no result for {}", capability.as_str())),
        ));
    };
    if result.success {
        return None;
    }
    let (check, code) = match capability {
        Capability::TrustedIdentity => (Check::Authenticity, ReasonCode::UntrustedSigner),
        Capability::RevocationCheck => (Check::Revocation, ReasonCode::CertificateRevoked),
    };
    let message = format!("the plugin {name} refuses: {}", result.reason);
    Some((check, Failure::refuted(Reason::new(code, message, "see the plugin's documentation"))))
}

fn undecided(duties: &PluginDuties, problem: &str) -> Failure {
    Failure {
        reason: failed(format!("the plugin {} gave no usable answer: {problem}", duties.metadata.name)),
        undecided: true,
    }
}

fn failed(message: String) -> Reason {
    Reason::new(
        ReasonCode::PluginFailed,
        message,
        "install the plugin in the plugin folder and name it in plugin.allow, or sign without a plugin",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_precedence() {
        let suffices = |installed: &str, wanted: &str| {
            let metadata = PluginMetadata {
                name: "plugin".to_owned(),
                version: installed.to_owned(),
                capabilities: Vec::new(),
                executable: std::path::PathBuf::new(),
            };
            check_version(&metadata, Some(&Version::parse(wanted).unwrap())).is_ok()
        };
        assert!(suffices("1.0.0", "1.0.0+build") && suffices("1.0.0+a", "1.0.0+b"));
        assert!(suffices("1.1.0-alpha", "1.0.0") && suffices("1.0.0", "1.0.0-alpha"));
        assert!(!suffices("1.0.0-alpha.beta", "1.0.0") && !suffices("1.9.0", "1.10.0"));
        assert!(!suffices("1.0", "0.1.0"));
    }
}
