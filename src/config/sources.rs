//! Where settings come from: the file, over it the environment, over both the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::Config;

use super::arguments::FlagValues;
use super::document::{self, MAX_FILE_BYTES};
use super::error::{SettingProblem, SettingsError};
use super::files;
use super::gather::Gathered;
use super::raw::Raw;
use super::settings::Settings;
use super::validate::validated;

/// The environment variable that names the settings file.
const FILE_VARIABLE: &str = "HALLMARK_SETTINGS";

/// Where settings come from. The default is: nowhere, so that every setting has its default.
#[derive(Clone, Default)]
pub struct Sources {
    /// The settings file, YAML or JSON.
    pub file: Option<PathBuf>,
    /// The environment. Only names that begin with `HALLMARK_`, `XDG_STATE_HOME` and `HOME` are looked at.
    pub environment: BTreeMap<String, String>,
    /// The command line.
    pub flags: FlagValues,
}

impl std::fmt::Debug for Sources {
    /// Names alone: a value may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("file", &self.file)
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// This process's environment and the flags; the file is `--settings`, else `HALLMARK_SETTINGS`.
    pub fn of_process(flags: FlagValues) -> Self {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
            })
            .collect();
        let variable = environment.get(FILE_VARIABLE).filter(|file| !file.is_empty());
        let file = flags.file.clone().or_else(|| variable.map(PathBuf::from));
        Self { file, environment, flags }
    }
}

impl Settings {
    /// Reads and validates everything.
    ///
    /// # Errors
    /// [`SettingsError`] with every problem that was found.
    pub fn load(sources: Sources) -> Result<Self, SettingsError> {
        let mut gathered = Gathered::default();
        gathered.add_defaults();
        if let Some(file) = &sources.file {
            add_file(&mut gathered, file);
        }
        gathered.add_environment(&sources.environment);
        gathered.add_flags(&sources.flags);
        let raw = merged(&mut gathered)?;
        let choose = || state_dir(&sources.environment, &files::is_writable);
        let state_dir = raw.state_dir.clone().unwrap_or_else(choose);
        let settings = validated(raw, state_dir, &mut gathered);
        done(gathered.problems).map(|()| settings)
    }
}

fn add_file(gathered: &mut Gathered, file: &Path) {
    let name = file.display().to_string();
    let folder = file.parent().unwrap_or(Path::new(""));
    let refused = |origin: String, why| SettingProblem::Document { origin, why };
    match files::text(file, MAX_FILE_BYTES) {
        Err(why) => gathered.problems.push(refused(name, why)),
        Ok(text) => match document::read(&text) {
            Ok(Some(root)) => gathered.add_file(&name, folder, &root),
            Ok(None) => {}
            Err((line, why)) => {
                let origin = line.map_or(name.clone(), |line| format!("{name}:{line}"));
                gathered.problems.push(refused(origin, why));
            }
        },
    }
}

/// Lays the layers over each other, once each of them is good by itself.
fn merged(gathered: &mut Gathered) -> Result<Raw, SettingsError> {
    done(std::mem::take(&mut gathered.problems))?;
    let mut builder = Config::builder();
    for layer in std::mem::take(&mut gathered.layers) {
        builder = builder.add_source(layer);
    }
    builder.build().and_then(Config::try_deserialize).map_err(|error| SettingsError {
        // Every value was of its kind, so this is a fault of the table.
        problems: vec![SettingProblem::Document { origin: "settings".to_owned(), why: error.to_string() }],
    })
}

fn done(problems: Vec<SettingProblem>) -> Result<(), SettingsError> {
    if problems.is_empty() { Ok(()) } else { Err(SettingsError { problems }) }
}

/// The folder for state where none is set: that of a container or service where it can be written, else the
/// user's own.
pub(super) fn state_dir(
    environment: &BTreeMap<String, String>,
    can_write: &dyn Fn(&Path) -> bool,
) -> PathBuf {
    let system = PathBuf::from("/var/lib/hallmark");
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if can_write(&system) {
        return system;
    }
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map_or(system, |state| state.join("hallmark"))
}
