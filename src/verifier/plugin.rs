//! Verification plugins: executables that speak the Notary Project's plugin protocol, contract 1.0.
//!
//! An attacker chooses which plugin a signature names, so only plugins of an allow-list are ever run,
//! with an empty environment, and their time and output are bounded.
//! Notary Project specification v1.1, plugin-extensibility.md.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::notation::{AttributeName, AttributeValue, ExtendedAttribute, Scheme, VerifiedEnvelope};
use crate::trust::policy::Statement;
use crate::verifier::notation::PluginDuties;

const CONTRACT_VERSION: &str = "1.0";
const MAX_OUTPUT_BYTES: u64 = 1024 * 1024;
const MAX_RUN_TIME: Duration = Duration::from_secs(5);

/// What a plugin can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// Whether the signer is a trusted identity.
    TrustedIdentity,
    /// Whether the signer is revoked.
    RevocationCheck,
}

impl Capability {
    /// The protocol's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TrustedIdentity => "SIGNATURE_VERIFIER.TRUSTED_IDENTITY",
            Self::RevocationCheck => "SIGNATURE_VERIFIER.REVOCATION_CHECK",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::TrustedIdentity, Self::RevocationCheck].into_iter().find(|known| known.as_str() == word)
    }
}

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginMetadata {
    /// Its name, the same as its folder's.
    pub name: String,
    /// Its version, as it writes it.
    pub version: String,
    /// What it can decide; capabilities of signing are left out.
    pub capabilities: Vec<Capability>,
    /// Where its executable is.
    pub executable: PathBuf,
}

/// A plugin's word on one capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityResult {
    /// It is content.
    pub success: bool,
    /// Why, or why not.
    pub reason: String,
}

/// A plugin's answer about one signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginAnswer {
    /// Its results.
    pub results: BTreeMap<Capability, CapabilityResult>,
    /// The attributes that it has processed.
    pub processed: Vec<String>,
}

impl PluginAnswer {
    /// Reads a `verify-signature` response.
    ///
    /// # Errors
    /// A text that says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Document {
            verification_results: BTreeMap<String, ResultDocument>,
            /// Go writes an empty list as null.
            #[serde(default)]
            processed_attributes: Option<Vec<Value>>,
        }
        #[derive(Deserialize)]
        struct ResultDocument {
            success: bool,
            #[serde(default)]
            reason: String,
        }
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| format!("its response cannot be read: {error}"))?;
        let results = document.verification_results.into_iter().filter_map(|(word, result)| {
            let result = CapabilityResult { success: result.success, reason: result.reason };
            Capability::parse(&word).map(|capability| (capability, result))
        });
        let processed = document.processed_attributes.into_iter().flatten().filter_map(|value| match value {
            Value::String(name) => Some(name),
            _ => None,
        });
        Ok(Self { results: results.collect(), processed: processed.collect() })
    }
}

/// Asks the plugin `name` below `folder` what it is.
///
/// # Errors
/// A text that says why it cannot be used.
pub async fn metadata(folder: &Path, name: &str) -> Result<PluginMetadata, String> {
    if !is_plugin_name(name) {
        return Err("a plugin's name has letters, digits, dots, underscores and dashes only".to_owned());
    }
    let executable = folder.join(name).join(format!("notation-{name}"));
    let kind = tokio::fs::symlink_metadata(&executable)
        .await
        .map_err(|error| format!("{} cannot be read: {error}", executable.display()))?;
    if !kind.is_file() {
        return Err(format!("{} is not a regular file", executable.display()));
    }
    let output = run(&executable, "get-plugin-metadata", &json!({})).await?;
    parse_metadata(&output, name, executable)
}

fn parse_metadata(output: &[u8], name: &str, executable: PathBuf) -> Result<PluginMetadata, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        name: String,
        version: String,
        supported_contract_versions: Vec<String>,
        capabilities: Vec<String>,
    }
    let document: Document =
        serde_json::from_slice(output).map_err(|error| format!("its metadata cannot be read: {error}"))?;
    if document.name != name {
        return Err(format!("it calls itself {:?}", document.name));
    }
    if !document.supported_contract_versions.iter().any(|version| version == CONTRACT_VERSION) {
        return Err(format!("it does not support contract version {CONTRACT_VERSION}"));
    }
    Ok(PluginMetadata {
        name: document.name,
        version: document.version,
        capabilities: document.capabilities.iter().filter_map(|word| Capability::parse(word)).collect(),
        executable,
    })
}

/// Runs the plugin on one signature.
///
/// # Errors
/// A text that says why there is no usable answer.
pub async fn verify(
    duties: &PluginDuties,
    envelope: &VerifiedEnvelope,
    statement: &Statement,
) -> Result<PluginAnswer, String> {
    let output =
        run(&duties.metadata.executable, "verify-signature", &request(duties, envelope, statement)).await?;
    PluginAnswer::parse(&output)
}

fn request(duties: &PluginDuties, envelope: &VerifiedEnvelope, statement: &Statement) -> Value {
    let attributes: serde_json::Map<String, Value> =
        envelope.extended_attributes().iter().filter_map(extended_attribute).collect();
    let unprocessed: Vec<&String> = attributes.keys().collect();
    let authentic_time = (envelope.scheme() == Scheme::SigningAuthority).then(|| envelope.signing_time());
    let chain: Vec<String> =
        envelope.chain().iter().map(|certificate| STANDARD.encode(certificate.der())).collect();
    json!({
        "contractVersion": CONTRACT_VERSION,
        "signature": {
            "criticalAttributes": {
                "contentType": crate::notation::PAYLOAD_CONTENT_TYPE,
                "signingScheme": envelope.scheme().as_str(),
                "expiry": envelope.expiry().map(|time| time.to_string()),
                "authenticSigningTime": authentic_time.map(|time| time.to_string()),
                "verificationPlugin": envelope.plugin().map(|plugin| plugin.name.clone()),
                "verificationPluginMinVersion": envelope
                    .plugin()
                    .and_then(|plugin| plugin.min_version.as_ref().map(ToString::to_string)),
                "extendedAttributes": attributes,
            },
            "unprocessedAttributes": unprocessed,
            "certificateChain": chain,
        },
        "trustPolicy": {
            "trustedIdentities": statement.trusted_identities,
            "signatureVerification": duties.capabilities().map(Capability::as_str).collect::<Vec<_>>(),
        },
        "pluginConfig": {},
    })
}

/// Attributes with integer labels have no place in the protocol.
fn extended_attribute(attribute: &ExtendedAttribute) -> Option<(String, Value)> {
    let AttributeName::Text(name) = &attribute.name else {
        return None;
    };
    let value = match &attribute.value {
        AttributeValue::Text(text) => json!(text),
        AttributeValue::Integer(number) => json!(number),
        AttributeValue::Time(time) => json!(time.to_string()),
        AttributeValue::Other => Value::Null,
    };
    Some((name.clone(), value))
}

/// Runs one command of the protocol: JSON on its standard input, JSON on its standard output.
async fn run(executable: &Path, command: &str, request: &Value) -> Result<Vec<u8>, String> {
    tokio::time::timeout(MAX_RUN_TIME, run_unbounded(executable, command, request))
        .await
        .map_err(|_| format!("{command} did not end within {} s", MAX_RUN_TIME.as_secs()))?
}

async fn run_unbounded(executable: &Path, command: &str, request: &Value) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{command} cannot be run: {error}");
    let mut child = Command::new(executable)
        .arg(command)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let input = request.to_string();
    let write = async {
        if let Some(mut stdin) = stdin {
            // A plugin may answer without reading everything; its answer counts.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let ((), output, complaint) = tokio::join!(write, read_bounded(stdout), read_bounded(stderr));
    let (output, complaint) = (output.map_err(failed)?, complaint.map_err(failed)?);
    let status = child.wait().await.map_err(failed)?;
    if !status.success() {
        return Err(format!("{command} failed ({status}): {}", error_message(&complaint)));
    }
    if output.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(format!("{command} wrote more than {MAX_OUTPUT_BYTES} bytes"));
    }
    Ok(output)
}

/// Reads one byte more than is allowed, so that too much is told from just enough.
async fn read_bounded(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// The protocol's error document, or the start of whatever was written.
fn error_message(stderr: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        error_code: String,
        #[serde(default)]
        error_message: String,
    }
    match serde_json::from_slice::<Document>(stderr) {
        Ok(document) => format!("{} {}", document.error_code, document.error_message),
        Err(_) => String::from_utf8_lossy(stderr).chars().take(200).collect(),
    }
}

/// Letters, digits, `.`, `_` and `-`, and no way out of the folder.
fn is_plugin_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.contains("..")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}
