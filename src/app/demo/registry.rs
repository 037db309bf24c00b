//! A registry to read one repository from (OCI Distribution Specification v1.1, "Pull" and "Content
//! Discovery"). Requests in, answers out; who listens is `loopback`. Nothing can be written.

use bytes::Bytes;
use serde_json::{Value, json};

use super::images::Images;
use super::loopback::{Answer, Asked, Page};
use crate::oci::{Content, Descriptor, media_type};
use crate::reference::Digest;

/// The one repository.
pub(super) const REPOSITORY: &str = "demo/app";

/// The samples, as a registry gives them.
#[derive(Debug)]
pub(super) struct Registry {
    images: Images,
}

/// An error of the specification: status, code, message.
type Refusal = (u16, &'static str, &'static str);

const UNSUPPORTED: Refusal = (405, "UNSUPPORTED", "this registry can only be read");
const NO_PAGE: Refusal = (404, "UNSUPPORTED", "this registry has no such page");
const NAME_UNKNOWN: Refusal = (404, "NAME_UNKNOWN", "this registry has one repository: demo/app");
const DIGEST_INVALID: Refusal = (400, "DIGEST_INVALID", "a digest is written sha256:HEX");
const MANIFEST_UNKNOWN: Refusal = (404, "MANIFEST_UNKNOWN", "demo/app has no such manifest");
const BLOB_UNKNOWN: Refusal = (404, "BLOB_UNKNOWN", "demo/app has no such blob");

impl Registry {
    /// A registry of these images.
    pub(super) fn new(images: Images) -> Self {
        Self { images }
    }

    fn found(&self, asked: &Asked<'_>) -> Result<Answer, Refusal> {
        if !asked.reads() {
            return Err(UNSUPPORTED);
        }
        let rest = asked.path.strip_prefix("/v2").ok_or(NO_PAGE)?;
        if matches!(rest, "" | "/") {
            return Ok(document(200, "application/json", &json!({})));
        }
        let (repository, kind, name) = place(rest.strip_prefix('/').ok_or(NO_PAGE)?).ok_or(NO_PAGE)?;
        if repository != REPOSITORY {
            return Err(NAME_UNKNOWN);
        }
        match (kind, name) {
            ("manifests", name) => self.manifest(name).map(content),
            ("blobs", name) => self.images.blob(&digest(name)?).map(content).ok_or(BLOB_UNKNOWN),
            ("referrers", name) => Ok(self.referrers(&digest(name)?, asked)),
            ("tags", "list") => Ok(self.tags()),
            _ => Err(NO_PAGE),
        }
    }

    fn manifest(&self, name: &str) -> Result<&Content, Refusal> {
        let digest = if name.contains(':') { Some(digest(name)?) } else { self.images.tagged(name).cloned() };
        digest.and_then(|digest| self.images.manifest(&digest)).ok_or(MANIFEST_UNKNOWN)
    }

    /// A subject that nobody knows has no referrers, which is no error.
    fn referrers(&self, subject: &Digest, asked: &Asked<'_>) -> Answer {
        let wanted: Vec<_> = asked.query("artifactType").collect();
        let kept = |entry: &&Descriptor| {
            wanted.is_empty() || entry.artifact_type.as_ref().is_some_and(|kind| wanted.contains(kind))
        };
        let entries: Vec<Value> = self.images.referrers(subject).iter().filter(kept).map(entry).collect();
        let index = json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": entries});
        let answer = document(200, media_type::IMAGE_INDEX, &index);
        if wanted.is_empty() { answer } else { answer.with("OCI-Filters-Applied", "artifactType") }
    }

    fn tags(&self) -> Answer {
        let tags: Vec<&str> = self.images.tags().collect();
        document(200, "application/json", &json!({"name": REPOSITORY, "tags": tags}))
    }
}

impl Page for Registry {
    fn answer(&self, asked: &Asked<'_>) -> Answer {
        let answer = self.found(asked).unwrap_or_else(|(status, code, message)| {
            let error = json!({"code": code, "message": message, "detail": {"path": asked.path}});
            document(status, "application/json", &json!({"errors": [error]}))
        });
        answer.with("Docker-Distribution-Api-Version", "registry/2.0")
    }
}

/// `demo/app/manifests/v1` is `(demo/app, manifests, v1)`. Repository names have slashes, so the path is
/// read from its end.
fn place(path: &str) -> Option<(&str, &str, &str)> {
    let (rest, name) = path.rsplit_once('/')?;
    let (repository, kind) = rest.rsplit_once('/')?;
    Some((repository, kind, name))
}

fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|_| DIGEST_INVALID)
}

fn content(content: &Content) -> Answer {
    Answer::new(200, content.media_type(), content.bytes().clone())
        .with("Docker-Content-Digest", &content.digest().to_string())
}

fn document(status: u16, media_type: &str, value: &Value) -> Answer {
    Answer::new(status, media_type, Bytes::from(value.to_string()))
}

fn entry(descriptor: &Descriptor) -> Value {
    json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest.to_string(),
        "size": descriptor.size,
        "artifactType": descriptor.artifact_type,
        "annotations": descriptor.annotations,
    })
}
