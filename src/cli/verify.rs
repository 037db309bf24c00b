//! `hallmark verify`: would these images be admitted, and why.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Arg, ArgMatches, Command};

use super::image::ImageArgument;
use super::{Exit, complain, print, runtime, settings};
use crate::app::judge::{Judge, Reading, read_configuration};
use crate::config::Settings;
use crate::engine::diagnostic::Severity;
use crate::outcome::{ReasonCode, Verdict};
use crate::registry::layout::OciLayout;
use crate::registry::{ArtifactStore, RequestRecord};
use crate::report::image::{self, JudgedImage};

pub(super) fn command() -> Command {
    Command::new("verify")
        .about("Says whether images would be admitted, who signed them, and what to do about it")
        .after_help(
            "Exit status: 0 all admitted, 1 some refused, 2 some undecided and none refused, 3 usage or \
             configuration.\n\nAn IMAGE is REGISTRY/REPOSITORY[:TAG][@DIGEST], or oci-layout:FOLDER:TAG or \
             oci-layout:FOLDER@DIGEST together with --scope.",
        )
        .arg(Arg::new("image").value_name("IMAGE").num_args(1..).help("Images to decide about"))
        .arg(
            Arg::new("output")
                .long("output")
                .short('o')
                .value_name("FORMAT")
                .value_parser(["table", "json"])
                .default_value("table")
                .help("What is printed on standard output"),
        )
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("REPOSITORY")
                .help("The repository that an image layout stands in for, for the trust policy's scope"),
        )
        .arg(
            Arg::new("namespace")
                .long("namespace")
                .short('n')
                .value_name("NAMESPACE")
                .help("Decide as for a Pod of this namespace, by its resources too"),
        )
        .args(settings::arguments_of_verify())
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<Exit> {
    let mut settings = settings::load(matches)?;
    let mut names: Vec<String> = matches.get_many("image").into_iter().flatten().cloned().collect();
    if names.is_empty() {
        names = images_after_paths(&mut settings.config);
    }
    anyhow::ensure!(!names.is_empty(), "which image? hallmark verify IMAGE... --config PATH...");
    anyhow::ensure!(!settings.config.is_empty(), "which configuration? Name it with --config PATH");
    let images = Images::parse(&names, matches.get_one::<String>("scope"))?;
    let namespace = matches.get_one::<String>("namespace");
    let judged = runtime()?.block_on(images.judge(&settings, namespace.map(String::as_str)))?;
    let Some(Judged { images, revocation }) = judged else { return Ok(Exit::Unusable) };
    if matches.get_one::<String>("output").is_some_and(|format| format == "json") {
        print(&format!("{:#}\n", image::json(&images, &revocation)))?;
    } else {
        print(&image::text(&images, &revocation))?;
    }
    Ok(exit(&images))
}

/// `--config` takes several paths, and so also the images that follow it: those at its end that are no
/// files or folders, as long as a path is left.
fn images_after_paths(config: &mut Vec<PathBuf>) -> Vec<String> {
    let paths = config.iter().rposition(|path| path.exists()).map_or(1, |last| last + 1);
    let images = config.split_off(paths.min(config.len()));
    images.into_iter().map(|image| image.to_string_lossy().into_owned()).collect()
}

/// What is refused outranks what is undecided.
fn exit(judged: &[JudgedImage]) -> Exit {
    let any = |verdicts: &[Verdict]| judged.iter().any(|image| verdicts.contains(&image.outcome.verdict()));
    if any(&[Verdict::Unsigned, Verdict::Rejected]) {
        Exit::Refused
    } else if judged.iter().any(|image| image.outcome.reason.code == ReasonCode::ConfigInvalid) {
        Exit::Unusable
    } else if any(&[Verdict::Inconclusive]) {
        Exit::Undecided
    } else {
        Exit::Success
    }
}

/// What came of all images.
struct Judged {
    images: Vec<JudgedImage>,
    /// What was asked of responders and list servers.
    revocation: Vec<RequestRecord>,
}

/// The images, by where they are read: a registry, or one of several layouts.
struct Images(Vec<(Option<PathBuf>, Asked)>);

/// An image as the user wrote it, and as the engine is asked.
struct Asked {
    written: String,
    key: String,
}

impl Images {
    fn parse(names: &[String], scope: Option<&String>) -> anyhow::Result<Self> {
        let mut images = Vec::new();
        for name in names {
            let written = name.clone();
            images.push(match ImageArgument::parse(name)? {
                ImageArgument::Registry(key) => (None, Asked { written, key }),
                ImageArgument::Layout { folder, suffix } => {
                    let scope = scope.with_context(|| {
                        format!(
                            "{name}: which repository's trust policy applies? Name it with --scope REPOSITORY"
                        )
                    })?;
                    (Some(folder), Asked { written, key: format!("{scope}{suffix}") })
                }
            });
        }
        Ok(Self(images))
    }

    /// `None` where the configuration cannot be read.
    async fn judge(&self, settings: &Settings, namespace: Option<&str>) -> anyhow::Result<Option<Judged>> {
        let mut by_place: BTreeMap<Option<&PathBuf>, Vec<usize>> = BTreeMap::new();
        for (index, (folder, _)) in self.0.iter().enumerate() {
            by_place.entry(folder.as_ref()).or_default().push(index);
        }
        let reading = read_configuration(settings.config.clone(), settings.plugins.allow.clone()).await;
        say_errors(&reading);
        if !reading.complete {
            return Ok(None);
        }
        let (mut judged, mut revocation) = (BTreeMap::new(), Vec::new());
        for (folder, indexes) in by_place {
            let store = folder.map(OciLayout::open).transpose()?;
            let store = store.map(|layout| Arc::new(layout) as Arc<dyn ArtifactStore>);
            let judge = Judge::start(settings, &reading, store).await?;
            let asked: Vec<&Asked> =
                indexes.iter().filter_map(|index| self.0.get(*index)).map(|(_, a)| a).collect();
            let keys: Vec<String> = asked.iter().map(|asked| asked.key.clone()).collect();
            for ((index, asked), mut image) in
                indexes.iter().zip(asked).zip(judge.judge(namespace, &keys).await)
            {
                image.asked.clone_from(&asked.written);
                judged.insert(*index, image);
            }
            revocation.extend(judge.revocation_requests());
        }
        Ok(Some(Judged { images: judged.into_values().collect(), revocation }))
    }
}

/// Errors of the configuration go to standard error; what else there is to say, `config check` says.
fn say_errors(reading: &Reading) {
    for said in reading.configuration.diagnostics.iter().filter(|said| said.severity == Severity::Error) {
        complain(&said.to_string());
    }
}
