//! Settings as flags of the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgMatches};

/// What was given on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagValues {
    /// `--settings FILE`.
    pub file: Option<PathBuf>,
    values: BTreeMap<String, Vec<String>>,
}

impl FlagValues {
    /// The same as giving the flag of the setting `path` (such as `limits.unique_signatures`) with these
    /// values. An unknown path is refused when the settings are loaded.
    pub fn set<V: Into<String>>(&mut self, path: &str, values: impl IntoIterator<Item = V>) {
        self.values.insert(path.to_owned(), values.into_iter().map(Into::into).collect());
    }
}

/// `--settings` and every setting as a flag: what `serve` takes.
pub fn arguments() -> Vec<Arg> {
    Vec::new()
}

/// Those of [`arguments`] that mean something without a server: what `verify` takes.
pub fn verify_arguments() -> Vec<Arg> {
    Vec::new()
}

/// Reads what was given of [`arguments`] or [`verify_arguments`].
pub fn flags(_matches: &ArgMatches) -> FlagValues {
    FlagValues::default()
}
