//! From the command line to process settings: flags before the environment before the file.

use clap::{Arg, ArgMatches};

use crate::config::{self, Settings, Sources};

/// The flags of `serve`: every setting.
pub(super) fn arguments_of_serve() -> Vec<Arg> {
    config::arguments()
}

/// The flags of `verify`: what matters without a server.
pub(super) fn arguments_of_verify() -> Vec<Arg> {
    config::verify_arguments()
}

/// The settings that the command line, the environment and the file make up together.
pub(super) fn load(matches: &ArgMatches) -> anyhow::Result<Settings> {
    Ok(Settings::load(Sources::of_process(config::flags(matches)))?)
}
