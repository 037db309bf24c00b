//! Image layout folders: every form that tools write, and what must not be taken for an answer.

use std::path::{Path, PathBuf};

use hallmark::reference::DigestAlgorithm;
use hallmark::registry::layout::OciLayout;
use serde_json::{Value, json};

use super::*;
use crate::support::registry::{IMAGE_INDEX, IMAGE_MANIFEST, image_manifest, sha256};

const REF_NAME: &str = "org.opencontainers.image.ref.name";

struct Layout {
    folder: tempfile::TempDir,
    entries: Vec<Value>,
}

impl Layout {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
            .expect("marker");
        Self { folder, entries: Vec::new() }
    }

    fn blob(&self, algorithm: &str, hex: &str) -> PathBuf {
        let folder = self.folder.path().join("blobs").join(algorithm);
        std::fs::create_dir_all(&folder).expect("folder");
        folder.join(hex)
    }

    /// Stores a document and gives its entry.
    fn store(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = sha256(bytes);
        std::fs::write(self.blob("sha256", &digest["sha256:".len()..]), bytes).expect("blob");
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    fn list(&mut self, entry: Value) -> String {
        let digest = entry["digest"].as_str().expect("digest").to_owned();
        self.entries.push(entry);
        digest
    }

    fn tag(&mut self, mut entry: Value, tag: &str) -> String {
        entry["annotations"] = json!({ REF_NAME: tag });
        self.list(entry)
    }

    /// A signature's manifest that refers to `subject`, stored and not listed.
    fn signature(&self, subject: &str, envelope: &str) -> Value {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": IMAGE_MANIFEST,
            "config": {"mediaType": SIGNATURE, "digest": sha256(b"{}"), "size": 2},
            "layers": [{"mediaType": JWS, "digest": sha256(envelope.as_bytes()), "size": envelope.len()}],
            "subject": {"mediaType": IMAGE_MANIFEST, "digest": subject, "size": 1},
        });
        self.store(IMAGE_MANIFEST, manifest.to_string().as_bytes())
    }

    fn index(&self, entries: &[Value]) -> Vec<u8> {
        json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": entries}).to_string().into_bytes()
    }

    fn open(&self) -> OciLayout {
        std::fs::write(self.folder.path().join("index.json"), self.index(&self.entries)).expect("index");
        OciLayout::open(self.folder.path()).expect("layout")
    }

    async fn signatures_of(&self, subject: &str) -> Vec<String> {
        let types = [SIGNATURE.to_owned()];
        let (layout, digest) = (self.open(), digest(subject));
        let list = layout.referrers(&anywhere(), &digest, &types, Reach::Nearest, &context()).await;
        list.expect("list").entries.iter().map(|entry| entry.digest.to_string()).collect()
    }

    async fn tagged(&self, tag: &str) -> Result<String, FetchError> {
        let tag = tag.parse().expect("tag");
        let content = self.open().manifest_by_tag(&anywhere(), &tag, &context()).await?;
        Ok(content.digest().to_string())
    }
}

fn anywhere() -> Repository {
    "registry.example/app".parse().expect("repository")
}

#[tokio::test]
async fn signatures_are_found_in_the_index_and_in_indexes_within_it() {
    let mut layout = Layout::new();
    let image = layout.store(IMAGE_MANIFEST, &image_manifest("app"));
    let image = layout.list(image);
    let [flat, nested, deep] = ["flat", "nested", "deep"].map(|name| layout.signature(&image, name));
    let inner = layout.index(std::slice::from_ref(&deep));
    let inner = layout.store(IMAGE_INDEX, &inner);
    let outer = layout.index(&[nested.clone(), inner]);
    // As a copy of a registry without the Referrers API leaves it.
    let outer = layout.store(IMAGE_INDEX, &outer);
    layout.tag(outer.clone(), &image.replace(':', "-"));
    layout.list(flat.clone());
    layout.list(outer);
    let mut wanted =
        [&flat, &nested, &deep].map(|entry| entry["digest"].as_str().expect("digest").to_owned());
    let mut found = layout.signatures_of(&image).await;
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted, "each once");
}

#[tokio::test]
async fn entries_that_cannot_be_read_cost_only_themselves() {
    let mut layout = Layout::new();
    let image = layout.store(IMAGE_MANIFEST, &image_manifest("app"));
    let image = layout.list(image);
    layout.list(json!({"mediaType": IMAGE_MANIFEST, "digest": sha256(b"gone"), "size": 4}));
    layout.list(json!({"mediaType": IMAGE_INDEX, "digest": sha256(b"gone too"), "size": 4}));
    let damaged = layout.signature(&image, "damaged");
    let hex = damaged["digest"].as_str().expect("digest")["sha256:".len()..].to_owned();
    layout.list(damaged);
    std::fs::write(layout.blob("sha256", &hex), b"{}").expect("damage");
    let good = layout.signature(&image, "good");
    let good = layout.list(good);
    assert_eq!(layout.signatures_of(&image).await, [good]);
}

#[tokio::test]
async fn a_name_for_two_things_means_neither() {
    let mut layout = Layout::new();
    let [one, two] = ["one", "two"].map(|name| layout.store(IMAGE_MANIFEST, &image_manifest(name)));
    let first = layout.tag(one.clone(), "v1");
    assert_eq!(layout.tagged("v1").await, Ok(first.clone()));
    layout.tag(one, "v1");
    assert_eq!(layout.tagged("v1").await, Ok(first), "said twice it is still the same");
    layout.tag(two, "v1");
    assert!(matches!(layout.tagged("v1").await, Err(FetchError::Invalid { .. })));
    assert!(matches!(layout.tagged("v2").await, Err(FetchError::NotFound { .. })));
}

#[tokio::test]
async fn what_is_read_has_the_digest_by_which_it_is_named() {
    let mut layout = Layout::new();
    let bytes = image_manifest("app");
    let sha512 = Digest::of(DigestAlgorithm::Sha512, &bytes);
    let hex = hex(sha512.as_bytes());
    std::fs::write(layout.blob("sha512", &hex), &bytes).expect("blob");
    let entry = json!({"mediaType": IMAGE_MANIFEST, "digest": sha512.to_string(), "size": bytes.len()});
    layout.tag(entry, "v1");
    assert_eq!(layout.tagged("v1").await, Ok(sha512.to_string()));
    std::fs::write(layout.blob("sha512", &hex), image_manifest("other")).expect("blob");
    assert!(matches!(layout.tagged("v1").await, Err(FetchError::Invalid { .. })));
    std::fs::remove_file(layout.blob("sha512", &hex)).expect("blob");
    assert!(matches!(layout.tagged("v1").await, Err(FetchError::NotFound { .. })));
}

/// A link may lead anywhere: what it leads to counts by its digest alone, and what is no file is not opened.
#[tokio::test]
async fn links_lead_to_nothing_that_counts_and_nothing_that_hangs() {
    let mut layout = Layout::new();
    let outside = tempfile::tempdir().expect("folder");
    let bytes = image_manifest("app");
    let secret = outside.path().join("secret");
    for (target, means) in [(secret.as_path(), "Invalid"), (Path::new("/dev/zero"), "Invalid")] {
        std::fs::write(&secret, "something else").expect("file");
        let path = layout.blob("sha256", &sha256(&bytes)["sha256:".len()..]);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(target, &path).expect("link");
        layout.entries = vec![json!({
            "mediaType": IMAGE_MANIFEST, "digest": sha256(&bytes), "size": bytes.len(),
            "annotations": { REF_NAME: "v1" },
        })];
        let error = layout.tagged("v1").await.expect_err("refused");
        assert!(matches!(error, FetchError::Invalid { .. }), "{means}: {error}");
        assert!(!error.to_string().contains("something else"), "{error}");
    }
    let pipe = outside.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let path = layout.blob("sha256", &sha256(&bytes)["sha256:".len()..]);
    std::fs::remove_file(&path).expect("link");
    std::os::unix::fs::symlink(&pipe, &path).expect("link");
    assert!(matches!(layout.tagged("v1").await, Err(FetchError::Invalid { .. })));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
