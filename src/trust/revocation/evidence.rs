//! What was found out about a chain, with the raw times, and what follows from it.

use std::fmt;

use jiff::Timestamp;

use crate::x509::Certificate;
use crate::x509::crl::{Crl, Entry, Exclusion, MAX_ENTRIES_PER_SERIAL, RevocationReason};
use crate::x509::ocsp::{Answer, CLOCK_SKEW, CertificateStatus};

/// What was found out about a chain: a fact that can be decided upon again without the network. It holds no
/// certificate and no list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationEvidence {
    /// One for each certificate but the root, leaf first.
    pub certificates: Vec<CertificateEvidence>,
    /// When it was gathered.
    pub gathered_at: Timestamp,
    /// How many requests to responders and list servers this gathering caused; answers out of a cache, and
    /// those that another gathering had already asked for, cause none.
    pub requests: u32,
}

impl RevocationEvidence {
    /// When newer information about any of the certificates is due; `None` where nothing says.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.certificates.iter().filter_map(CertificateEvidence::next_update).min()
    }

    /// Whether asking again may find out more than this: an answer is missing, or did not come in time.
    pub fn is_incomplete(&self) -> bool {
        self.certificates.iter().any(CertificateEvidence::is_incomplete)
    }

    /// Whether the deadline cut the gathering short: asking again soon finds what the requests under way bring.
    pub fn is_late(&self) -> bool {
        self.certificates.iter().any(|certificate| certificate.proof == Proof::Late)
    }

    /// About how many bytes of memory it takes.
    pub fn retained_bytes(&self) -> usize {
        size_of::<Self>() + self.certificates.iter().map(CertificateEvidence::retained_bytes).sum::<usize>()
    }
}

/// What was found out about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEvidence {
    /// The certificate's subject (RFC 4514).
    pub subject: String,
    /// What speaks about it.
    pub proof: Proof,
}

/// What speaks about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The certificate names no OCSP responder and no revocation list.
    NonRevokable,
    /// A responder answered.
    Ocsp {
        /// Its address.
        url: String,
        /// What it said.
        answer: Answer,
    },
    /// Revocation lists, in the order of the certificate's distribution points. The list that could not be
    /// used is the last one.
    Lists {
        /// Why OCSP did not decide, where the certificate names a responder.
        ocsp_failure: Option<String>,
        /// What each list said.
        lists: Vec<ListEvidence>,
    },
    /// Nothing usable answered.
    Missing {
        /// Why, in one line.
        why: String,
    },
    /// Nothing answered within the deadline. The requests go on.
    Late,
}

/// What a revocation list, together with its delta list, says about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEvidence {
    /// Where the list is.
    pub url: String,
    /// The entries for the certificate, those of the delta list last.
    pub entries: Vec<Entry>,
    /// Why the absence of an entry proves nothing; then an entry counts only if no later list can undo it.
    pub unusable: Option<String>,
    /// When a newer list is due.
    pub next_update: Option<Timestamp>,
}

/// The status of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Ok,
    /// Names no way to find out; passes.
    NonRevokable,
    /// Could not be found out.
    Unknown {
        /// Why, in one line.
        why: String,
    },
    /// Revoked.
    Revoked {
        /// When.
        at: Timestamp,
        /// Why, where it is said.
        reason: Option<RevocationReason>,
    },
}

/// The answer about a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainRevocation {
    /// The answer.
    pub status: ChainStatus,
    /// When newer information is due; `None` where nothing says.
    pub next_update: Option<Timestamp>,
    /// Whether a new proof should be tried: something is missing, or newer information is due. It does not
    /// change the answer.
    pub due: bool,
}

/// The status of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainStatus {
    /// No certificate is revoked.
    Ok,
    /// No certificate names a way to find out; passes.
    NonRevokable,
    /// Could not be found out.
    Unknown {
        /// Subject of the certificate nearest to the leaf about which it could not.
        subject: String,
        /// Why, in one line.
        why: String,
    },
    /// Revoked.
    Revoked {
        /// Subject of the revoked certificate nearest to the leaf.
        subject: String,
        /// When.
        at: Timestamp,
        /// Why, where it is said.
        reason: Option<RevocationReason>,
    },
}

impl fmt::Display for ChainStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("no certificate is revoked"),
            Self::NonRevokable => f.write_str("no certificate names a way to find out"),
            Self::Unknown { subject, why } => write!(f, "whether {subject} is revoked is unknown: {why}"),
            Self::Revoked { subject, at, reason } => {
                let reason = reason.map_or("no reason given", RevocationReason::as_str);
                write!(f, "{subject} was revoked at {at} ({reason})")
            }
        }
    }
}

/// Decides on evidence. `authentic_time` is when the signature was made, only where a signing authority vouches
/// for it: a certificate that became invalid later does not count as revoked.
///
/// Evidence does not age: it was current when it was gathered, and a next update that has passed at `now` only
/// makes a new proof [due](ChainRevocation::due).
pub fn decide(
    evidence: &RevocationEvidence,
    authentic_time: Option<Timestamp>,
    now: Timestamp,
) -> ChainRevocation {
    let next_update = evidence.next_update();
    ChainRevocation {
        status: chain_status(evidence, authentic_time),
        next_update,
        due: evidence.is_incomplete() || next_update.is_some_and(|next| next < now),
    }
}

fn chain_status(evidence: &RevocationEvidence, authentic_time: Option<Timestamp>) -> ChainStatus {
    let mut answer = ChainStatus::NonRevokable;
    for certificate in &evidence.certificates {
        let subject = || certificate.subject.clone();
        match certificate.status(authentic_time) {
            Status::Revoked { at, reason } => {
                return ChainStatus::Revoked { subject: subject(), at, reason };
            }
            Status::Unknown { why } if !matches!(answer, ChainStatus::Unknown { .. }) => {
                answer = ChainStatus::Unknown { subject: subject(), why };
            }
            Status::Ok if answer == ChainStatus::NonRevokable => answer = ChainStatus::Ok,
            Status::Ok | Status::NonRevokable | Status::Unknown { .. } => {}
        }
    }
    answer
}

impl CertificateEvidence {
    /// The certificate's status for a signature made at `authentic_time`, where that is vouched for.
    pub fn status(&self, authentic_time: Option<Timestamp>) -> Status {
        match &self.proof {
            Proof::NonRevokable => Status::NonRevokable,
            Proof::Missing { why } => Status::Unknown { why: why.clone() },
            Proof::Late => Status::Unknown { why: "no answer within the deadline".to_owned() },
            Proof::Ocsp { url, answer } => ocsp_status(url, answer, authentic_time),
            Proof::Lists { ocsp_failure, lists } => {
                lists_status(ocsp_failure.as_deref(), lists, authentic_time)
            }
        }
    }

    /// When newer information is due; `None` where nothing says.
    pub fn next_update(&self) -> Option<Timestamp> {
        match &self.proof {
            Proof::NonRevokable | Proof::Missing { .. } | Proof::Late => None,
            Proof::Ocsp { answer, .. } => answer.next_update,
            Proof::Lists { lists, .. } => lists.iter().filter_map(|list| list.next_update).min(),
        }
    }

    fn is_incomplete(&self) -> bool {
        match &self.proof {
            Proof::NonRevokable => false,
            Proof::Missing { .. } | Proof::Late => true,
            Proof::Ocsp { answer, .. } => answer.status == CertificateStatus::Unknown,
            Proof::Lists { lists, .. } => lists.iter().any(|list| list.unusable.is_some()),
        }
    }

    fn retained_bytes(&self) -> usize {
        let proof = match &self.proof {
            Proof::NonRevokable | Proof::Late => 0,
            Proof::Missing { why } => why.len(),
            Proof::Ocsp { url, .. } => url.len(),
            Proof::Lists { lists, .. } => lists.iter().map(ListEvidence::retained_bytes).sum(),
        };
        size_of::<Self>() + self.subject.len() + proof
    }
}

fn ocsp_status(url: &str, answer: &Answer, authentic_time: Option<Timestamp>) -> Status {
    match answer.status {
        CertificateStatus::Good => Status::Ok,
        CertificateStatus::Unknown => Status::Unknown { why: format!("{url} does not know the certificate") },
        CertificateStatus::Revoked { invalid_since, .. } if is_before(authentic_time, invalid_since) => {
            Status::Ok
        }
        CertificateStatus::Revoked { revoked_at, reason, .. } => Status::Revoked { at: revoked_at, reason },
    }
}

/// Every list must answer; the first that revokes is final.
fn lists_status(
    ocsp_failure: Option<&str>,
    lists: &[ListEvidence],
    authentic_time: Option<Timestamp>,
) -> Status {
    for list in lists {
        if let Some(entry) = list.revoking(authentic_time) {
            return Status::Revoked { at: entry.revoked_at, reason: entry.reason };
        }
        if let Some(why) = &list.unusable {
            let before = ocsp_failure.map_or(String::new(), |failure| format!("{failure}; "));
            return Status::Unknown { why: format!("{before}{}: {why}", list.url) };
        }
    }
    Status::Ok
}

impl ListEvidence {
    /// Looks `certificate` up in `base`, a list that its issuer signed, and in the delta list that goes with
    /// it, as far as `base` asks for one.
    pub fn look_up(
        url: &str,
        base: &Crl,
        delta: Option<Result<&Crl, String>>,
        certificate: &Certificate,
        now: Timestamp,
    ) -> Self {
        let exclusion = base.exclusion(certificate, url);
        if let Some(exclusion) = exclusion.filter(|exclusion| *exclusion != Exclusion::SomeReasonsOnly) {
            return Self::unusable(url, exclusion.to_string());
        }
        let delta = delta.map(|delta| delta.and_then(|delta| usable_delta(delta, base, now)));
        let lists = [Some(base), delta.as_ref().and_then(|delta| delta.as_ref().ok().copied())];
        let entries = lists.iter().flatten().flat_map(|list| list.entries(certificate.serial()));
        let entries: Vec<_> = entries.take(MAX_ENTRIES_PER_SERIAL + 1).collect();
        let next_updates = lists.iter().flatten().filter_map(|list| list.next_update());
        let next_update = next_updates.min();
        let flaw = exclusion
            .map(|exclusion| exclusion.to_string())
            .or_else(|| {
                base.base_number().map(|_| "it is a delta list where a complete one should be".into())
            })
            .or_else(|| current(base, now).err())
            .or_else(|| delta.and_then(Result::err))
            .or_else(|| delta_unknown(base, certificate))
            .or_else(|| too_many(&entries));
        Self { url: url.to_owned(), entries, unusable: flaw, next_update }
    }

    /// A list that could not be had, or says nothing.
    pub fn unusable(url: &str, why: String) -> Self {
        Self { url: url.to_owned(), entries: Vec::new(), unusable: Some(why), next_update: None }
    }

    /// The entry that revokes, if one does. Of holds and their removals the latest counts.
    fn revoking(&self, authentic_time: Option<Timestamp>) -> Option<&Entry> {
        let effective =
            || self.entries.iter().filter(|entry| !is_before(authentic_time, entry.invalid_since));
        if let Some(permanent) = effective().find(|entry| is_permanent(entry)) {
            return Some(permanent);
        }
        let latest = effective().max_by_key(|entry| entry.revoked_at)?;
        let held = self.unusable.is_none() && latest.reason == Some(RevocationReason::CertificateHold);
        held.then_some(latest)
    }

    fn retained_bytes(&self) -> usize {
        size_of::<Self>()
            + self.url.len()
            + self.entries.len() * size_of::<Entry>()
            + self.unusable.as_ref().map_or(0, String::len)
    }
}

fn usable_delta<'a>(delta: &'a Crl, base: &Crl, now: Timestamp) -> Result<&'a Crl, String> {
    current(delta, now).map_err(|why| format!("its delta list is not usable: {why}"))?;
    if delta.is_delta_of(base) { Ok(delta) } else { Err("its delta list does not go with it".to_owned()) }
}

/// A certificate that asks for delta lists where its list does not is not looked into further.
fn delta_unknown(base: &Crl, certificate: &Certificate) -> Option<String> {
    let only_certificate = base.freshest_urls().is_empty() && !certificate.freshest_crl_urls().is_empty();
    only_certificate.then(|| "the certificate names delta lists and the list does not".to_owned())
}

fn too_many(entries: &[Entry]) -> Option<String> {
    (entries.len() > MAX_ENTRIES_PER_SERIAL)
        .then(|| format!("it has more than {MAX_ENTRIES_PER_SERIAL} entries for one certificate"))
}

fn current(list: &Crl, now: Timestamp) -> Result<(), String> {
    let latest = now.checked_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
    match list.next_update() {
        _ if list.this_update() > latest => {
            Err(format!("the list is of {}, which is in the future", list.this_update()))
        }
        None => Err("the list does not say when the next one is due".to_owned()),
        Some(next) if next < now => Err(format!("the list expired at {next}")),
        Some(_) => Ok(()),
    }
}

fn is_permanent(entry: &Entry) -> bool {
    !matches!(entry.reason, Some(RevocationReason::CertificateHold | RevocationReason::RemoveFromCrl))
}

fn is_before(authentic_time: Option<Timestamp>, invalid_since: Option<Timestamp>) -> bool {
    matches!((authentic_time, invalid_since), (Some(signed), Some(invalid)) if signed < invalid)
}
