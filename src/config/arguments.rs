//! Settings as flags of the command line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, value_parser};

use super::gather::split;
use super::kind::{Item, Kind};
use super::table::{Preset, Reader, SECTIONS, SETTINGS, Setting};

/// What was given on the command line.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FlagValues {
    /// `--settings FILE`.
    pub file: Option<PathBuf>,
    values: BTreeMap<String, Vec<String>>,
}

impl fmt::Debug for FlagValues {
    /// Names alone: a value may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl FlagValues {
    /// The same as giving the flag of the setting `path` (such as `limits.unique_signatures`) with these
    /// values. An unknown path is refused when the settings are loaded.
    pub fn set<V: Into<String>>(&mut self, path: &str, values: impl IntoIterator<Item = V>) {
        self.values.insert(path.to_owned(), values.into_iter().map(Into::into).collect());
    }

    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.values.iter().map(|(path, values)| (path.as_str(), values.as_slice()))
    }
}

const FILE_ARGUMENT: &str = "settings";

/// `--settings` and every setting as a flag: what `serve` takes.
pub fn arguments() -> Vec<Arg> {
    with_file(SETTINGS.iter())
}

/// Those of [`arguments`] that mean something without a server: what `verify` takes.
pub fn verify_arguments() -> Vec<Arg> {
    with_file(SETTINGS.iter().filter(|setting| setting.reader == Reader::Both))
}

/// Reads what was given of [`arguments`] or [`verify_arguments`].
pub fn flags(matches: &ArgMatches) -> FlagValues {
    let mut found = FlagValues {
        file: matches.try_get_one::<PathBuf>(FILE_ARGUMENT).ok().flatten().cloned(),
        values: BTreeMap::new(),
    };
    for setting in SETTINGS {
        // An error means that the command does not take this flag.
        let Ok(Some(given)) = matches.try_get_many::<String>(setting.path) else { continue };
        let comma = matches!(setting.kind, Kind::List(item) if item != Item::Path);
        let texts = given.flat_map(|text| if comma { split(text) } else { vec![text.clone()] });
        found.set(setting.path, texts);
    }
    found
}

fn with_file<'s>(settings: impl Iterator<Item = &'s Setting>) -> Vec<Arg> {
    let file = Arg::new(FILE_ARGUMENT)
        .long(FILE_ARGUMENT)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help_heading(heading(""))
        .help("Settings file, YAML or JSON [env: HALLMARK_SETTINGS]");
    let flags = settings.filter(|setting| !setting.is_file_only()).map(argument);
    std::iter::once(file).chain(flags).collect()
}

fn argument(setting: &Setting) -> Arg {
    let argument = Arg::new(setting.path)
        .long(setting.flag())
        .value_name(value_name(setting.kind))
        .help(help(setting))
        .long_help(long_help(setting))
        .help_heading(heading(setting.section()))
        // `-h` shows how to start; `--help` shows everything.
        .hide_short_help(!setting.section().is_empty());
    match setting.kind {
        Kind::List(Item::Path) => argument.num_args(1..).action(ArgAction::Append),
        Kind::List(_) => argument.action(ArgAction::Append),
        Kind::Switch => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => argument,
    }
}

/// One line, and how to do without it.
fn help(setting: &Setting) -> String {
    match setting.default {
        Preset::Text(text) => format!("{} [default: {text}]", setting.help),
        Preset::Nothing(words) => format!("{} [without it: {words}]", setting.help),
    }
}

/// The same, its bounds and the environment variable.
fn long_help(setting: &Setting) -> String {
    let bounds = match setting.kind {
        kind @ (Kind::Count { .. } | Kind::Bytes { .. } | Kind::Duration { .. } | Kind::LogLevels) => {
            format!(" [takes: {}]", kind.expected())
        }
        _ => String::new(),
    };
    format!("{}{bounds} [env: {}]", help(setting), setting.variable())
}

/// The word for the value; those of a choice are written out.
fn value_name(kind: Kind) -> String {
    match kind {
        Kind::Choice(words) => words.join("|"),
        kind => kind.value_name().to_owned(),
    }
}

fn heading(section: &str) -> &'static str {
    SECTIONS.iter().find(|known| known.prefix == section).map_or("Settings", |known| known.title)
}
