//! How much the engine holds and for how long it believes.

use std::time::Duration;

/// Bounds and lifetimes. The defaults are those of the documentation's table of settings.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Distinct signatures that are held verified at once.
    pub unique_signatures: usize,
    /// Bytes of what is kept of them; whichever bound is reached first counts.
    pub unique_signature_bytes: u64,
    /// What happens to an image that needs one more.
    pub overflow: Overflow,
    /// Candidates that are tried for one image.
    pub signatures_per_image: usize,
    /// Images that are looked up at the same time.
    pub concurrent_loads: usize,
    /// Bytes of manifests that are kept.
    pub content_bytes: u64,
    /// Bytes of facts that are kept of signatures that prove nothing at present.
    pub other_facts_bytes: u64,
    /// Bytes of decisions that are kept: a quarter of them for lists of candidates.
    pub decision_bytes: u64,
    /// Tags whose digest is kept.
    pub tags: u64,
    /// For how long a tag's digest is believed.
    pub tag_ttl: Duration,
    /// For how long a list of referrers is believed while no decision stands.
    pub referrers_ttl: Duration,
    /// After how long a `Verified` decision is proven anew.
    pub verified_ttl: Duration,
    /// For how long `Unsigned` and `Rejected` are believed.
    pub negative_ttl: Duration,
    /// For how long it is remembered that nothing could be found out.
    pub inconclusive_ttl: Duration,
    /// For how long a `Verified` decision stands that cannot be proven anew; zero switches that off.
    pub stale_max_age: Duration,
    /// After how long a look-up that nobody waits for any more is given up.
    pub load_bound: Duration,
}

/// What happens when the cap of unique signatures is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The least used signature makes room.
    #[default]
    Evict,
    /// The image is Inconclusive with code `SIGNATURE_CAP_REACHED`, as AKS Image Integrity does.
    Refuse,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            unique_signatures: 10_000,
            unique_signature_bytes: 128 << 20,
            overflow: Overflow::Evict,
            signatures_per_image: 100,
            concurrent_loads: 512,
            content_bytes: 16 << 20,
            other_facts_bytes: 8 << 20,
            decision_bytes: 32 << 20,
            tags: 20_000,
            tag_ttl: Duration::from_secs(30),
            referrers_ttl: Duration::from_secs(10),
            verified_ttl: Duration::from_secs(3600),
            negative_ttl: Duration::from_secs(30),
            inconclusive_ttl: Duration::from_secs(3),
            stale_max_age: Duration::from_secs(24 * 3600),
            load_bound: Duration::from_secs(30),
        }
    }
}
