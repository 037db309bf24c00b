//! `hallmark crds`: prints the CustomResourceDefinitions.

use clap::Command;

use super::{Exit, print};
use crate::crd::schema;

pub(super) fn command() -> Command {
    Command::new("crds").about("Prints the CustomResourceDefinitions of the resources that are read").after_help(
        "Install or renew them:\n  hallmark crds | kubectl apply --server-side --force-conflicts -f -\nObjects \
         that Ratify stored stay as they are.",
    )
}

pub(super) fn run() -> anyhow::Result<Exit> {
    let documents: Vec<String> = schema::DEFINITIONS.iter().map(schema::yaml).collect::<Result<_, _>>()?;
    print(&documents.join("---\n"))
}
