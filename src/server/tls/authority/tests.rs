use super::issue::{AUTHORITY_LIFE, LEAF_LIFE, later};
use super::rotation::{OVERLAP, Step};
use super::*;

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn issuer(seconds: i64) -> Issuer {
    Issuer::new(later(start(), seconds)).unwrap()
}

fn fingerprints(authorities: &Authorities) -> Vec<[u8; 32]> {
    let mut all = vec![authorities.issuing.certificate.fingerprint()];
    all.extend(authorities.next.as_ref().map(|next| next.certificate.fingerprint()));
    all.extend(authorities.retired.iter().map(Certificate::fingerprint));
    all
}

#[test]
fn what_is_written_is_read_back() {
    let mut authorities = Authorities::of(issuer(0));
    authorities.next = Some(issuer(1));
    authorities.retired = vec![issuer(2).certificate, issuer(3).certificate];
    let pem = authorities.to_pem();
    let read = Authorities::read(pem.as_bytes()).unwrap();
    assert_eq!(fingerprints(&read), fingerprints(&authorities));
    assert_eq!(*read.to_pem(), *pem);
    assert_eq!(read.bundle().matches("BEGIN CERTIFICATE").count(), 4);
    assert!(!read.bundle().contains("KEY"));
}

#[test]
fn a_file_that_is_not_what_was_written_is_refused() {
    let (one, other) = (Authorities::of(issuer(0)), Authorities::of(issuer(0)));
    let (pem, bundle) = (one.to_pem().to_string(), one.bundle());
    let key = pem.get(pem.find("-----BEGIN PRIVATE KEY").unwrap()..).unwrap().to_owned();
    let leaf = one.issuing.issue(&[Name::Dns("a".into())], start()).unwrap();
    let mut leaf_block = String::new();
    push_block(&mut leaf_block, "CERTIFICATE", &leaf.certificate);
    for (text, error) in [
        (String::new(), "does not begin"),
        (bundle.clone(), "does not begin"),
        (other.bundle() + &pem, "does not begin"),
        (key.clone() + &bundle, "after certificate 0"),
        (pem.clone() + &key, "after certificate 1"),
        (other.bundle() + &key, "not that certificate's"),
        (leaf_block + &key, "no authority's"),
        (pem.replace("PRIVATE KEY", "EC PRIVATE KEY"), "neither"),
        (pem.get(..pem.len() - 30).unwrap().to_owned(), "no whole PEM"),
        (pem.clone() + &bundle.repeat(20), "more than 16"),
    ] {
        let said = Authorities::read(text.as_bytes()).err().unwrap().to_string();
        assert!(said.contains(error), "{error}: {said}");
    }
}

#[test]
fn each_step_is_due_in_its_time_and_the_signer_is_always_trusted_before() {
    let mut held = Authorities::of(issuer(0));
    let announced = AUTHORITY_LIFE * 2 / 3;
    let first = held.issuing.certificate.clone();
    let mut look = |seconds: i64, step: Option<Step>| {
        let now = later(start(), seconds);
        assert_eq!(held.due(now), step, "day {}", seconds / DAY);
        if let Some(step) = step {
            held.take(step, now).unwrap();
        }
        (held.issuing.certificate == first, held.bundle().matches("BEGIN").count())
    };
    assert_eq!(look(0, None), (true, 1));
    assert_eq!(look(announced - DAY, None), (true, 1));
    assert_eq!(look(announced, Some(Step::Announce)), (true, 2));
    assert_eq!(look(announced + OVERLAP - DAY, None), (true, 2));
    assert_eq!(look(announced + OVERLAP, Some(Step::Switch)), (false, 2));
    assert_eq!(look(AUTHORITY_LIFE, None), (false, 2));
    assert_eq!(look(AUTHORITY_LIFE + 1, Some(Step::Forget)), (false, 1));
    assert_eq!(look(AUTHORITY_LIFE + 2, None), (false, 1));
}

#[test]
fn a_successor_announced_late_signs_before_the_end() {
    let mut held = Authorities::of(issuer(0));
    let late = AUTHORITY_LIFE - 30 * DAY;
    held.take(Step::Announce, later(start(), late)).unwrap();
    assert_eq!(held.due(later(start(), AUTHORITY_LIFE - 8 * DAY)), None);
    assert_eq!(held.due(later(start(), AUTHORITY_LIFE - 7 * DAY)), Some(Step::Switch));
}

#[test]
fn a_server_certificate_never_outlives_its_authority() {
    let authority = issuer(0);
    let issue = |seconds: i64| {
        let issued = authority.issue(&[Name::Dns("a".into())], later(start(), seconds)).unwrap();
        Certificate::from_der(&issued.certificate).unwrap()
    };
    assert_eq!(issue(0).not_after(), later(start(), LEAF_LIFE));
    assert_eq!(issue(AUTHORITY_LIFE - DAY).not_after(), authority.certificate.not_after());
    assert!(issue(0).signed_by(&authority.certificate));
    assert!(!issue(0).is_ca());
}

/// A server of its own authority, and another authority that a cluster holds.
struct Exchange {
    folder: tempfile::TempDir,
    server: SelfMade,
    current: CurrentPair,
    shared: Authorities,
}

impl Exchange {
    fn new(announcement: &Announcement) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (current, provider) =
            (CurrentPair::default(), Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let names = vec![Name::Dns("a".into())];
        let announcement = announcement.clone();
        let server =
            SelfMade::start(folder.path().to_owned(), names, announcement, provider, start(), &current)
                .unwrap();
        Self { folder, server, current, shared: Authorities::of(issuer(0)) }
    }

    fn take_the_shared_one(&self) {
        std::fs::write(self.folder.path().join(AUTHORITY), &*self.shared.to_pem()).unwrap();
    }

    /// Looks at a second: whether it shows a certificate of the shared authority, and is ready.
    fn look(&mut self, seconds: i64) -> (bool, bool) {
        self.server.poll(later(start(), seconds), &self.current);
        let shown = self.current.get().unwrap().leaf.signed_by(&self.shared.issuing.certificate);
        (shown, self.server.not_ready().is_none())
    }
}

#[test]
fn an_authority_that_nobody_was_told_of_gives_way_at_once_and_is_never_shown_while_ready() {
    let announcement = Announcement::pending();
    let mut exchange = Exchange::new(&announcement);
    assert_eq!(exchange.look(1), (false, false));
    assert!(
        exchange
            .server
            .not_ready()
            .unwrap()
            .contains("clients were told of no authority of this process yet")
    );
    exchange.take_the_shared_one();
    announcement.make();
    assert!(exchange.server.not_ready().is_some(), "not before the other one is shown");
    assert_eq!(exchange.look(2), (true, true));
}

#[test]
fn its_own_authority_is_shown_on_once_that_was_announced() {
    let announcement = Announcement::pending();
    let mut exchange = Exchange::new(&announcement);
    announcement.make();
    assert_eq!(exchange.look(1), (false, true));
    exchange.take_the_shared_one();
    for (second, shown) in [(2, false), (4, false), (5, true)] {
        assert_eq!(exchange.look(second), (shown, true), "second {second}: clients have the time to learn");
    }
}

#[test]
fn an_authority_that_cannot_be_taken_over_leaves_it_not_ready_and_says_why() {
    let announcement = Announcement::pending();
    let mut exchange = Exchange::new(&announcement);
    std::fs::write(exchange.folder.path().join(AUTHORITY), "junk").unwrap();
    announcement.make();
    assert_eq!(exchange.look(1), (false, false));
    assert!(exchange.server.not_ready().unwrap().contains("authority.pem is damaged"));
    exchange.take_the_shared_one();
    assert_eq!(exchange.look(2), (true, true));
}

#[test]
fn a_certificate_from_the_future_is_made_anew() {
    let issued = issuer(0).issue(&[Name::Dns("a".into())], later(start(), 9 * DAY)).unwrap();
    let leaf = Certificate::from_der(&issued.certificate).unwrap();
    assert!(is_due(&leaf, start()));
    assert!(!is_due(&leaf, later(start(), 9 * DAY)));
}
