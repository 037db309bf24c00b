//! Why settings cannot be used. A message names the setting, where it was set, the value and what is
//! expected; the value of a setting that may hold a secret is never shown.

use std::fmt;

/// Everything that is wrong with the settings, found in one go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// The problems, in order of finding; at least one.
    pub problems: Vec<SettingProblem>,
}

impl fmt::Display for SettingsError {
    /// A line for each problem.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingProblem {
    /// No setting has this name.
    #[error("{origin}: there is no setting {name} ({remedy})")]
    Unknown {
        /// The name as it was written.
        name: String,
        /// The file and line, or what else set it.
        origin: String,
        /// The nearest known name, or where they are listed.
        remedy: String,
    },
    /// The value is not one that the setting takes.
    #[error("{origin}: {setting}: {value} is not {expected}")]
    Value {
        /// The setting.
        setting: String,
        /// The file and line, the environment variable, or the flag.
        origin: String,
        /// The value, shortened, or a word for it where it may be secret.
        value: String,
        /// What is expected.
        expected: String,
    },
    /// Two settings cannot both be meant.
    #[error("{origin}: {setting}: {contradiction} ({remedy})")]
    Contradiction {
        /// The setting.
        setting: String,
        /// Where it was set.
        origin: String,
        /// What does not fit.
        contradiction: String,
        /// What to do about it.
        remedy: String,
    },
    /// A file that a setting names cannot be used.
    #[error("{origin}: {setting}: {path} cannot be used: {why}")]
    File {
        /// The setting.
        setting: String,
        /// Where it was set.
        origin: String,
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The settings file itself cannot be read.
    #[error("{origin}: the settings file cannot be read: {why}")]
    Document {
        /// The file, with the line where one is known.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
}
