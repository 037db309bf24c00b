//! Process settings: how to run, from flags, environment and a file. What to trust is not here: that is
//! Ratify's resources, read by `crd`.
//!
//! One table (`table`) names every setting with its kind, default and help. Flags, names of environment
//! variables, the keys of the file, the documentation and the refusal of unknown names all come from it.

mod arguments;
mod cluster;
mod document;
mod error;
mod files;
mod gatekeeper;
mod gather;
mod hosts;
mod kind;
mod markdown;
mod nearest;
mod nested;
mod raw;
mod registry;
mod settings;
mod sources;
mod table;
mod validate;

#[cfg(test)]
mod tests;

pub use arguments::{FlagValues, arguments, flags, verify_arguments};
pub use cluster::GATEKEEPER_CA_FILE;
pub use cluster::{
    ClientAuthority, GatekeeperSettings, KubernetesSettings, ProviderAuthority, ProviderSettings,
};
pub use error::{SettingProblem, SettingsError};
pub use markdown::reference_markdown;
pub use settings::{
    LogFormat, LogSettings, MutationFormat, PluginSettings, RegistryProcessSettings, RevocationSettings,
    ServerSettings, Settings,
};
pub use sources::Sources;
