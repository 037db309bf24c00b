//! The command line: subcommands, what they print and how they exit.

mod check;
mod crds;
mod demo;
mod image;
mod serve;
mod settings;
mod verify;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, value_parser};

/// How the program ends. The numbers are part of the documented interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well; every image is admitted.
    Success = 0,
    /// An image is refused.
    Refused = 1,
    /// An image is undecided, and none is refused.
    Undecided = 2,
    /// The command or the configuration cannot be used.
    Unusable = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    match command().try_get_matches() {
        Ok(matches) => dispatch(&matches).into(),
        Err(error) => {
            // Where the terminal is gone there is nobody to tell.
            let _ = error.print();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success.into(),
                _ => Exit::Unusable.into(),
            }
        }
    }
}

/// The whole command line, for help and documentation.
pub fn command() -> Command {
    Command::new("hallmark")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Decides for OPA Gatekeeper which container images carry a signature that the cluster trusts")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve::command())
        .subcommand(demo::command())
        .subcommand(verify::command())
        .subcommand(
            Command::new("config")
                .about("Explains a configuration")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(check::command()),
        )
        .subcommand(crds::command())
        .subcommand(Command::new("version").about("Prints the version"))
}

fn dispatch(matches: &ArgMatches) -> Exit {
    let result = match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches),
        Some(("demo", matches)) => demo::run(matches),
        Some(("verify", matches)) => verify::run(matches),
        Some(("config", matches)) => match matches.subcommand() {
            Some(("check", matches)) => check::run(matches),
            _ => Ok(Exit::Unusable),
        },
        Some(("crds", _)) => crds::run(),
        Some(("version", _)) => print(&format!("hallmark {}\n", env!("CARGO_PKG_VERSION"))),
        _ => Ok(Exit::Unusable),
    };
    result.unwrap_or_else(|error| {
        complain(&with_causes(&error));
        Exit::Unusable
    })
}

/// The error with its causes, leaving out what was said already: many errors name their cause themselves.
fn with_causes(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .reduce(|said, cause| if said.contains(&cause) { said } else { format!("{said}: {cause}") })
        .unwrap_or_default()
}

/// Writes to standard output.
fn print(text: &str) -> anyhow::Result<Exit> {
    use std::io::Write as _;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => Ok(Exit::Success),
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Success),
        Err(error) => Err(error.into()),
    }
}

/// Says on standard error what is wrong.
fn complain(text: &str) {
    use std::io::Write as _;
    // Where standard error is gone there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "hallmark: {text}");
}

/// The runtime that look-ups run on; the endpoint's workers have runtimes of their own. Look-ups wait far more
/// than they compute, and threads that wake each other for every answer of a registry cost more than they
/// bring: a thread for every two cores.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(cores.div_ceil(2)).enable_all().build()?)
}

fn paths(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).value_name("PATH").num_args(1..).value_parser(value_parser!(std::path::PathBuf)).help(help)
}
