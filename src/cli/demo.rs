//! `hallmark demo`: the provider at work on sample images, without cluster, registry or configuration.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::serve::stop_signal;
use super::{Exit, complain, print, runtime};
use crate::app::demo::Demo;
use crate::config::{LogFormat, LogSettings};
use crate::telemetry;

pub(super) fn command() -> Command {
    Command::new("demo")
        .about("Shows the provider answering for sample images: signed, unsigned, stolen, revoked and more")
        .after_help(
            "Everything runs on loopback and needs nothing else: a registry with samples that notation signed, \
             and the provider that serve starts. It stays up until Ctrl-C.\n\n\
             Exit status: 0, or 3 if it cannot start or an answer is not what the sample must give.",
        )
        .arg(
            Arg::new("once")
                .long("once")
                .action(ArgAction::SetTrue)
                .help("End after showing the answers"),
        )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<Exit> {
    // The answers are on the page; the log is for what goes wrong.
    telemetry::init(&LogSettings { format: LogFormat::Text, filter: "error".to_owned() });
    runtime()?.block_on(async {
        let demo = tokio::select! {
            demo = Demo::start() => demo?,
            stopped = stop_signal() => return stopped.map(|()| Exit::Success),
        };
        print(demo.page())?;
        let surprised = !demo.surprises().is_empty();
        for surprise in demo.surprises() {
            complain(surprise);
        }
        if !matches.get_flag("once") {
            print("\nIt answers until Ctrl-C.\n")?;
            stop_signal().await?;
        }
        demo.stop().await?;
        Ok(if surprised { Exit::Unusable } else { Exit::Success })
    })
}
