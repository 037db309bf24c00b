//! A store in memory, for tests that stop the clock: it answers at once, after being let go, never, or by
//! a panic.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hallmark::oci::{Content, Descriptor};
use hallmark::reference::{Digest, DigestAlgorithm, Repository, Tag};
use hallmark::registry::{ArtifactStore, FetchContext, FetchError, Reach, Referrers};
use tokio::time::Instant;

use super::world::target;
use crate::support::registry::{IMAGE_MANIFEST, image_manifest};
use crate::support::signer::{JWS, SIGNATURE_TYPE, SignOptions, TestSigner, signature_manifest};

/// What the store does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Answers,
    /// Each answer takes so long.
    Slow(Duration),
    /// Nothing before the reader gives up.
    Silent,
    /// Not even then.
    Deaf,
    Panics,
}

#[derive(Debug)]
pub struct MemoryStore {
    pub mood: Mutex<Mood>,
    asked: AtomicUsize,
    content: BTreeMap<Digest, Content>,
    referrers: Vec<Descriptor>,
}

impl MemoryStore {
    /// Holds the image `app`, signed.
    pub fn signed(signer: &TestSigner) -> Arc<Self> {
        let envelope = signer.sign(&target("app"), &SignOptions::default());
        let manifest = signature_manifest(&target("app"), &envelope, JWS);
        let contents = [
            Content::hash(DigestAlgorithm::Sha256, IMAGE_MANIFEST, image_manifest("app").into()),
            Content::hash(DigestAlgorithm::Sha256, IMAGE_MANIFEST, manifest.into()),
            Content::hash(DigestAlgorithm::Sha256, JWS, envelope.into()),
        ];
        let mut entry = contents[1].descriptor();
        entry.artifact_type = Some(SIGNATURE_TYPE.to_owned());
        Arc::new(Self {
            mood: Mutex::new(Mood::Answers),
            asked: AtomicUsize::new(0),
            content: contents.into_iter().map(|content| (content.digest().clone(), content)).collect(),
            referrers: vec![entry],
        })
    }

    pub fn be(&self, mood: Mood) {
        *self.mood.lock().expect("mood") = mood;
    }

    /// How often it was asked for anything.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn respond(&self, what: &str, context: &FetchContext) -> Result<(), FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().expect("mood");
        let late = || Err(FetchError::Deadline { what: what.to_owned() });
        match mood {
            Mood::Answers => Ok(()),
            Mood::Slow(pause) if Instant::now() + pause < context.deadline => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Mood::Slow(_) | Mood::Silent => {
                tokio::time::sleep_until(context.deadline).await;
                late()
            }
            Mood::Deaf => std::future::pending().await,
            Mood::Panics => panic!("a store that panics"),
        }
    }

    async fn get(&self, digest: &Digest, context: &FetchContext) -> Result<Content, FetchError> {
        let what = digest.to_string();
        self.respond(&what, context).await?;
        let content = self.content.get(digest).cloned();
        content.ok_or(FetchError::NotFound { what, detail: String::new() })
    }
}

impl ArtifactStore for MemoryStore {
    fn manifest_by_tag<'a>(
        &'a self,
        _: &'a Repository,
        _: &'a Tag,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>> {
        Box::pin(async move { self.get(&target("app").digest.parse().expect("digest"), context).await })
    }

    fn head_tag<'a>(
        &'a self,
        _: &'a Repository,
        _: &'a Tag,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Option<Digest>, FetchError>> {
        Box::pin(async move {
            self.respond("tag", context).await?;
            Ok(Some(target("app").digest.parse().expect("digest")))
        })
    }

    fn manifest<'a>(
        &'a self,
        _: &'a Repository,
        digest: &'a Digest,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>> {
        Box::pin(self.get(digest, context))
    }

    fn blob<'a>(
        &'a self,
        _: &'a Repository,
        descriptor: &'a Descriptor,
        _: u64,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Content, FetchError>> {
        Box::pin(self.get(&descriptor.digest, context))
    }

    fn referrers<'a>(
        &'a self,
        _: &'a Repository,
        _: &'a Digest,
        _: &'a [String],
        _: Reach,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Referrers, FetchError>> {
        Box::pin(async move {
            self.respond("referrers", context).await?;
            Ok(Referrers {
                entries: self.referrers.clone(),
                supported: true,
                truncated: false,
                by_mirror: false,
            })
        })
    }

    fn referrers_by_tag<'a>(
        &'a self,
        _: &'a Repository,
        _: &'a Digest,
        _: &'a [String],
        _: Reach,
        context: &'a FetchContext,
    ) -> BoxFuture<'a, Result<Referrers, FetchError>> {
        Box::pin(async move {
            self.respond("referrers tag", context).await?;
            Ok(Referrers::default())
        })
    }

    fn access_scope(&self, _: &Repository) -> Arc<str> {
        "memory".into()
    }
}
