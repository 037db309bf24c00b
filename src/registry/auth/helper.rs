//! Docker's credential helpers: programs that are asked for the credential of one server.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::Instant;

use super::docker_config::{Helper, user_and_secret};
use super::{Credential, KeychainError};
use crate::secret::SecretString;

/// How helpers are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelperSettings {
    /// The folder that holds them; `None` searches `PATH`.
    pub folder: Option<PathBuf>,
    /// How long one may take.
    pub timeout: Duration,
    /// How long its answer is believed.
    pub ttl: Duration,
}

impl Default for HelperSettings {
    fn default() -> Self {
        Self { folder: None, timeout: Duration::from_secs(10), ttl: Duration::from_secs(300) }
    }
}

/// Runs helpers and remembers their answers for a while, one run at a time for one server.
#[derive(Debug, Default)]
pub(super) struct Helpers {
    settings: HelperSettings,
    answers: Mutex<HashMap<Helper, Arc<Slot>>>,
}

type Slot = tokio::sync::Mutex<Option<Remembered>>;

#[derive(Debug)]
struct Remembered {
    credential: Option<Credential>,
    until: Instant,
}

impl Helpers {
    pub(super) fn new(settings: HelperSettings) -> Self {
        Self { settings, answers: Mutex::default() }
    }

    /// What the helper says; `None` where it holds nothing for the server. The run is a task of its own,
    /// so that a caller who gives up does not end what others wait for.
    pub(super) async fn ask(&self, helper: &Helper) -> Result<Option<Credential>, KeychainError> {
        let slot = self.slot(helper);
        let (settings, helper) = (self.settings.clone(), helper.clone());
        let name = helper.suffix.clone();
        let task = tokio::spawn(async move {
            let mut remembered = slot.lock().await;
            if let Some(remembered) = &*remembered
                && Instant::now() < remembered.until
            {
                return Ok(remembered.credential.clone());
            }
            let credential = run(&settings, &helper).await?;
            let until = Instant::now() + settings.ttl;
            *remembered = Some(Remembered { credential: credential.clone(), until });
            Ok(credential)
        });
        match task.await {
            Ok(Ok(credential)) => Ok(credential),
            Ok(Err(problem)) => Err(failed(&name, problem)),
            Err(_) => Err(failed(&name, "was interrupted".to_owned())),
        }
    }

    fn slot(&self, helper: &Helper) -> Arc<Slot> {
        const MAX_REMEMBERED: usize = 256;
        let Ok(mut answers) = self.answers.lock() else {
            return Arc::default();
        };
        if answers.len() >= MAX_REMEMBERED && !answers.contains_key(helper) {
            answers.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(answers.entry(helper.clone()).or_default())
    }
}

fn failed(suffix: &str, problem: String) -> KeychainError {
    KeychainError { source_name: format!("credential helper docker-credential-{suffix}"), problem }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: SecretString,
}

/// Asks `docker-credential-X get`. What it writes is never repeated in an error.
async fn run(settings: &HelperSettings, helper: &Helper) -> Result<Option<Credential>, String> {
    let mut child = spawn(settings, &helper.suffix)?;
    let exchange = async {
        if let Some(mut input) = child.stdin.take() {
            // A helper that does not read its input may have closed it.
            let _ = input.write_all(helper.server.as_bytes()).await;
        }
        let mut output = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            pipe.take(MAX_OUTPUT + 1)
                .read_to_end(&mut output)
                .await
                .map_err(|error| format!("its output broke off ({error})"))?;
        }
        if output.len() as u64 > MAX_OUTPUT {
            return Err(format!("it writes more than {MAX_OUTPUT} bytes"));
        }
        let status = child.wait().await.map_err(|error| format!("it was lost ({error})"))?;
        Ok((output, status))
    };
    let (output, status) = match tokio::time::timeout(settings.timeout, exchange).await {
        Ok(finished) => finished?,
        Err(_) => return Err(format!("it did not answer within {:?}", settings.timeout)),
    };
    if !status.success() {
        let text = String::from_utf8_lossy(&output);
        return match text.contains("credentials not found") {
            true => Ok(None),
            false => Err(format!("it ended with {status}")),
        };
    }
    let answer: Answer =
        serde_json::from_slice(&output).map_err(|_| "its answer is no credential".to_owned())?;
    Ok(Some(user_and_secret(answer.username, answer.secret)))
}

fn spawn(settings: &HelperSettings, suffix: &str) -> Result<tokio::process::Child, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if suffix.is_empty() || !suffix.bytes().all(is_name) {
        return Err("this is no name of a helper".to_owned());
    }
    let program = format!("docker-credential-{suffix}");
    let program = settings.folder.as_ref().map_or_else(|| PathBuf::from(&program), |dir| dir.join(&program));
    Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("it cannot be started ({error})"))
}

const MAX_OUTPUT: u64 = 64 * 1024;
