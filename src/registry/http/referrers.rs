//! Lists of referrers: the Referrers API with its pages, and the tag schema (OCI Distribution v1.1,
//! "Listing Referrers" and "Referrers Tag Schema").

use std::collections::HashSet;

use reqwest::Method;
use url::Url;

use super::answer::{Answer, failure};
use super::document::invalid;
use super::endpoint::Endpoint;
use super::send::Ask;
use super::{FetchContext, FetchError, HttpRegistry, MAX_MANIFEST_BYTES, Reach, Referrers, document, link};
use super::{no_endpoint, share_of};
use crate::oci::{Content, Descriptor, Index, media_type};
use crate::reference::{Digest, DigestAlgorithm, Repository};

/// What is listed, and by whom.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) repository: &'a Repository,
    pub(super) subject: &'a Digest,
    pub(super) artifact_types: &'a [String],
    pub(super) reach: Reach,
}

impl Wanted<'_> {
    fn within_reach<'a>(&self, endpoints: &'a [Endpoint]) -> impl Iterator<Item = &'a Endpoint> + use<'a> {
        let reach = self.reach;
        endpoints.iter().filter(move |endpoint| reach == Reach::Nearest || !endpoint.is_mirror)
    }
}

impl HttpRegistry {
    /// Where a mirror lists nothing, or has no Referrers API as pull-through caches have not, and nothing by
    /// tag either, the next is asked, and at last the registry itself.
    pub(super) async fn list_referrers(
        &self,
        wanted: Wanted<'_>,
        context: &FetchContext,
    ) -> Result<Referrers, FetchError> {
        let mut last = Err(no_endpoint(wanted.repository));
        let endpoints = self.endpoints(wanted.repository);
        for endpoint in wanted.within_reach(&endpoints) {
            let context = share_of(context, endpoint);
            last = self.pages(endpoint, &wanted, &context).await;
            let without_api = last.as_ref().is_ok_and(|list| !list.supported);
            if endpoint.is_mirror && endpoint.resolves_tags && without_api {
                last = self.tag_schema(endpoint, &wanted, &context).await;
            }
            if endpoint.is_mirror && lists_something(&last) {
                return last.map(|list| Referrers { by_mirror: true, ..list });
            }
        }
        last
    }

    /// As [`Self::list_referrers`], by the tag of the subject's digest, of mirrors that may resolve tags.
    pub(super) async fn list_referrers_by_tag(
        &self,
        wanted: Wanted<'_>,
        context: &FetchContext,
    ) -> Result<Referrers, FetchError> {
        let mut last = Err(no_endpoint(wanted.repository));
        let endpoints = self.endpoints(wanted.repository);
        for endpoint in wanted.within_reach(&endpoints).filter(|one| one.resolves_tags) {
            let context = share_of(context, endpoint);
            last = self.tag_schema(endpoint, &wanted, &context).await;
            if endpoint.is_mirror && lists_something(&last) {
                return last.map(|list| Referrers { by_mirror: true, ..list });
            }
        }
        last
    }

    async fn pages(
        &self,
        endpoint: &Endpoint,
        wanted: &Wanted<'_>,
        context: &FetchContext,
    ) -> Result<Referrers, FetchError> {
        let &Wanted { subject, artifact_types, .. } = wanted;
        let what = format!("referrers of {}/{}@{subject}", endpoint.host, endpoint.repository);
        let mut url = endpoint.url("referrers", &subject.to_string())?;
        if let [only] = artifact_types {
            url.query_pairs_mut().append_pair("artifactType", only);
        }
        let mut listing = Listing::new(artifact_types);
        for page in 0..MAX_PAGES {
            let ask = Ask {
                what: what.clone(),
                method: Method::GET,
                url: url.clone(),
                accept: media_type::IMAGE_INDEX,
                limit: MAX_MANIFEST_BYTES,
            };
            let answer = self.fetch_any(endpoint, &ask, context).await?;
            let index = match read_page(&answer, &what) {
                Ok(Some(index)) => index,
                Ok(None) if page == 0 => return Ok(Referrers::default()),
                Err(error) if page == 0 => return Err(error),
                Ok(None) | Err(FetchError::NotFound { .. } | FetchError::Invalid { .. }) => {
                    return Ok(listing.cut_short("a later page is none"));
                }
                Err(error) => return Err(error),
            };
            if !listing.add(index, answer.body.len() as u64) {
                return Ok(listing.cut_short("the entries are more than are read"));
            }
            url = match next_page(endpoint, &answer) {
                Ok(None) => return Ok(listing.complete()),
                Ok(Some(next)) if next == url => return Ok(listing.cut_short("a page links to itself")),
                Ok(Some(next)) => next,
                Err(why) => return Ok(listing.cut_short(why)),
            };
        }
        Ok(listing.cut_short("the pages are more than are read"))
    }

    async fn tag_schema(
        &self,
        endpoint: &Endpoint,
        wanted: &Wanted<'_>,
        context: &FetchContext,
    ) -> Result<Referrers, FetchError> {
        let &Wanted { subject, artifact_types, .. } = wanted;
        let tag = subject.referrers_tag();
        let ask = Ask {
            what: format!("referrers tag {}/{}:{tag}", endpoint.host, endpoint.repository),
            method: Method::GET,
            url: endpoint.url("manifests", &tag)?,
            accept: document::MANIFEST_TYPES,
            limit: MAX_MANIFEST_BYTES,
        };
        let mut listing = Listing::new(artifact_types);
        let answer = match self.fetch(endpoint, &ask, context).await {
            Ok(answer) => answer,
            Err(FetchError::NotFound { .. }) => return Ok(listing.complete()),
            Err(error) => return Err(error),
        };
        // GitLab resolves the tag `sha256-HEX` to the manifest of that digest: an index is then the
        // subject itself, and its children are no referrers.
        if Digest::of(subject.algorithm(), &answer.body) == *subject {
            return Ok(listing.complete());
        }
        let content = document::manifest(answer, &ask.what, None)?;
        if content.media_type() != media_type::IMAGE_INDEX {
            return Err(invalid(&ask.what, format!("a {} where a list should be", content.media_type())));
        }
        let index = Index::parse(&content).map_err(|error| invalid(&ask.what, error.to_string()))?;
        if listing.add(index, content.bytes().len() as u64) {
            Ok(listing.complete())
        } else {
            Ok(listing.cut_short("the entries are more than are read"))
        }
    }
}

fn lists_something(list: &Result<Referrers, FetchError>) -> bool {
    list.as_ref().is_ok_and(|list| !list.entries.is_empty())
}

/// The index on a page; `None` where the registry has no Referrers API, which it says by 404 (but for an
/// unknown repository), or by answering with something else, such as a login page.
fn read_page(answer: &Answer, what: &str) -> Result<Option<Index>, FetchError> {
    match answer.status.as_u16() {
        200 => {}
        404 if answer.has_error_code("NAME_UNKNOWN") => return Err(failure(answer, what)),
        404 => return Ok(None),
        _ => return Err(failure(answer, what)),
    }
    if answer.media_type().as_deref() != Some(media_type::IMAGE_INDEX) {
        return Ok(None);
    }
    let content = Content::hash(DigestAlgorithm::Sha256, media_type::IMAGE_INDEX, answer.body.clone());
    Index::parse(&content).map(Some).map_err(|error| invalid(what, error.to_string()))
}

/// The next page, which must be of the same origin: the authorisation would go with it.
fn next_page(endpoint: &Endpoint, answer: &Answer) -> Result<Option<Url>, &'static str> {
    let links = answer.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
    let Some(target) = links.take(MAX_LINKS).find_map(link::next) else {
        return Ok(None);
    };
    let url = answer.url.join(target).map_err(|_| "the link to the next page is no URL")?;
    let plain = url.username().is_empty() && url.password().is_none();
    if endpoint.is_origin_of(&url) && plain {
        Ok(Some(url))
    } else {
        Err("the link to the next page leads to another host")
    }
}

/// Entries as they are gathered: the wanted types, each digest once, within bounds.
struct Listing<'a> {
    artifact_types: &'a [String],
    entries: Vec<Descriptor>,
    seen: HashSet<(Digest, u64, Option<String>)>,
    bytes: u64,
}

impl<'a> Listing<'a> {
    fn new(artifact_types: &'a [String]) -> Self {
        Self { artifact_types, entries: Vec::new(), seen: HashSet::new(), bytes: 0 }
    }

    /// Takes the wanted entries of a page; false where they are more than are read.
    fn add(&mut self, index: Index, bytes: u64) -> bool {
        self.bytes += bytes;
        for entry in index.entries {
            // A false entry must not hide a right one of the same digest.
            let identity = (entry.digest.clone(), entry.size, entry.artifact_type.clone());
            if !self.wants(&entry) || !self.seen.insert(identity) {
                continue;
            }
            if self.entries.len() >= MAX_ENTRIES {
                return false;
            }
            self.entries.push(entry);
        }
        self.bytes <= MAX_LISTED_BYTES
    }

    /// Entries without artifact type are wanted, because their manifests say.
    fn wants(&self, entry: &Descriptor) -> bool {
        let of_type = |found: &String| self.artifact_types.contains(found);
        self.artifact_types.is_empty() || entry.artifact_type.as_ref().is_none_or(of_type)
    }

    fn complete(self) -> Referrers {
        Referrers { entries: self.entries, supported: true, truncated: false, by_mirror: false }
    }

    fn cut_short(self, why: &str) -> Referrers {
        tracing::warn!(why, read = self.entries.len(), "list of referrers cut short");
        Referrers { entries: self.entries, supported: true, truncated: true, by_mirror: false }
    }
}

const MAX_PAGES: usize = 16;
const MAX_ENTRIES: usize = 2048;
const MAX_LISTED_BYTES: u64 = 16 << 20;
const MAX_LINKS: usize = 8;
