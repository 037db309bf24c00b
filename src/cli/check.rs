//! `hallmark config check`: what a configuration means, and what is wrong with it.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use jiff::Timestamp;

use super::{Exit, paths, print, runtime};
use crate::app::judge::read_configuration;
use crate::engine::diagnostic::Severity;
use crate::report::configuration::CheckedConfiguration;

pub(super) fn command() -> Command {
    Command::new("check")
        .about("Says in plain words what Ratify resources mean, and names every mistake with file and line")
        .after_help(
            "Exit status: 0, or 3 if something is refused or cannot be read, or there is no resource at all.",
        )
        .arg(paths("path", "Files and folders of Ratify resources (YAML or JSON)").required(true))
        .arg(
            Arg::new("plugin")
                .long("plugin")
                .value_name("NAME")
                .num_args(1)
                .action(clap::ArgAction::Append)
                .help("A verification plugin that signatures may name"),
        )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<Exit> {
    let files: Vec<PathBuf> = matches.get_many("path").into_iter().flatten().cloned().collect();
    let allow: Vec<String> = matches.get_many("plugin").into_iter().flatten().cloned().collect();
    let reading = runtime()?.block_on(read_configuration(files, allow));
    let checked = CheckedConfiguration {
        configuration: &reading.configuration,
        keys: &reading.keys,
        now: Timestamp::now(),
    };
    print(&checked.text())?;
    let refused = checked.diagnostics().iter().any(|said| said.severity == Severity::Error);
    Ok(if refused || !reading.complete { Exit::Unusable } else { Exit::Success })
}
