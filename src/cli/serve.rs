//! `hallmark serve`: answers Gatekeeper until it is told to stop.

use clap::{ArgMatches, Command};

use super::{Exit, runtime, settings};
use crate::app::provider::Provider;
use crate::telemetry;

pub(super) fn command() -> Command {
    Command::new("serve")
        .about("Answers Gatekeeper over HTTPS")
        .after_help(
            "Every setting has three spellings: --limits-unique-signatures, \
             HALLMARK_LIMITS__UNIQUE_SIGNATURES, and limits: {unique_signatures: …} in the file that --settings \
             names.",
        )
        .args(settings::arguments_of_serve())
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<Exit> {
    let settings = settings::load(matches)?;
    anyhow::ensure!(
        !settings.config.is_empty() || settings.kubernetes.is_some(),
        "which configuration? Name it with --config PATH, or read a cluster's with --kubernetes-enabled"
    );
    telemetry::init(&settings.log);
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    runtime()?.block_on(async {
        let provider = Provider::start(settings).await?;
        stop_signal().await?;
        tracing::info!("stopping: what is in flight is finished");
        provider.stop().await
    })?;
    Ok(Exit::Success)
}

/// Resolves when the process is asked to end.
pub(super) async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
