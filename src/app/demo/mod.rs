//! `hallmark demo`: the real provider on loopback, answering for sample images that are embedded here.
//!
//! The samples were made once by the real `notation` (`tests/fixtures/README.md`). Nothing here is part of
//! what decides: a small registry and a server of one revocation list stand in for the world outside.

mod answers;
mod asker;
mod folder;
mod images;
mod loopback;
mod page;
mod registry;
mod revocation_list;
mod sample;
mod world;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::Context as _;

use self::answers::Answers;
use self::asker::{Asker, request};
use self::folder::TemporaryFolder;
use self::page::Scene;
use self::sample::SAMPLES;
use self::world::World;
use super::provider::Provider;
use crate::config::{Settings, Sources};
use crate::transport::ProxySettings;

/// What the provider of the demo trusts.
const CONFIGURATION: &str = include_str!("../../../tests/fixtures/demo/config.yaml");
/// Where a provider usually listens; another port is taken where it is not free.
const USUAL_PORT: u16 = 6001;

/// The demo, running: a provider that was asked about every sample, and the world around it.
pub struct Demo {
    world: World,
    provider: Provider,
    /// The provider's files; removed at the end.
    folder: TemporaryFolder,
    page: String,
    surprises: Vec<String>,
}

impl Demo {
    /// Starts everything, and asks about every sample.
    ///
    /// # Errors
    /// What could not be started, or did not answer.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = TemporaryFolder::make().context("making a folder for temporary files")?;
        let configuration = folder.write("config.yaml", CONFIGURATION)?;
        let world = World::start().await.context("starting the registry of samples")?;
        let provider = Provider::start(settings(&folder, configuration.clone())?).await?;
        let bundle = provider.ca_bundle().context("the provider has no authority of its own")?;
        let ca = folder.write("ca.crt", &bundle)?;
        let missing_list = world.missing_list();
        let scene = Scene {
            provider: &format!("https://{}", provider.address()),
            registry: world.registry(),
            ca: &ca,
            configuration: &configuration,
            program: &program(),
            missing_list: missing_list.as_deref(),
        };
        let images: Vec<String> = SAMPLES.iter().map(|sample| scene.image(sample.tag)).collect();
        let asked = request(&images);
        let asker = Asker::new(&bundle)?;
        asker.wait_until_ready(provider.health_address()).await?;
        let answers = asker.verify(&format!("{}/verify", scene.provider), &asked).await?;
        let page = scene.page(&asked, &answers);
        let surprises = surprises(&scene, &answers);
        Ok(Self { world, provider, folder, page, surprises })
    }

    /// What there is to read: what happened, and what to try.
    pub fn page(&self) -> &str {
        &self.page
    }

    /// Answers that are not what their sample must give, a line each.
    pub fn surprises(&self) -> &[String] {
        &self.surprises
    }

    /// Ends everything in good order, and removes what was written.
    ///
    /// # Errors
    /// What went wrong while stopping.
    pub async fn stop(self) -> anyhow::Result<()> {
        let stopped = self.provider.stop().await;
        self.world.stop().await;
        drop(self.folder);
        stopped
    }
}

/// The settings that `serve` would have by default, on loopback and without anything of this machine.
fn settings(folder: &TemporaryFolder, configuration: PathBuf) -> anyhow::Result<Settings> {
    let mut settings = Settings::load(Sources::default())?;
    settings.config = vec![configuration];
    settings.server.listen = free_address();
    settings.server.health_listen = (Ipv4Addr::LOCALHOST, 0).into();
    settings.server.state_dir = folder.path().join("state");
    settings.registry.proxy = ProxySettings::Direct;
    // The samples' revocation list is on loopback.
    settings.revocation.private_addresses = true;
    Ok(settings)
}

/// How this program is called from the current folder.
fn program() -> String {
    let Ok(path) = std::env::current_exe() else { return "hallmark".to_owned() };
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(&path).display().to_string()
}

/// The usual port where it is free, else any.
fn free_address() -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, USUAL_PORT));
    match TcpListener::bind(usual) {
        Ok(_) => usual,
        Err(_) => (Ipv4Addr::LOCALHOST, 0).into(),
    }
}

fn surprises(scene: &Scene<'_>, answers: &Answers) -> Vec<String> {
    let compared = SAMPLES.iter().map(|sample| {
        let (verdict, code) = sample.expected(scene.missing_list.is_none());
        let expected = format!("{} {code}", verdict.as_str());
        let answer = answers.verdict(&scene.image(sample.tag));
        (sample.name(), expected, format!("{} {}", answer.verdict, answer.code))
    });
    compared
        .filter(|(_, expected, found)| expected != found)
        .map(|(name, expected, found)| format!("{name}: {found}, but it must be {expected}"))
        .collect()
}
