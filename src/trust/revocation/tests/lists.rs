//! What lists and answers mean.

use super::*;
use crate::x509::crl::RevocationReason;
use crate::x509::test_authority::{Authority, List, Says, Wanted, extension};

const BASE: &str = "http://crl.test/base";
const DELTA: &str = "http://crl.test/delta";
const RESPONDER: &str = "http://ocsp.test";

struct World {
    root: Authority,
    leaf: Authority,
    served: Served,
}

impl World {
    fn new(wanted: &Wanted) -> Self {
        let root = Authority::root("root");
        let leaf = root.issue(wanted);
        Self { root, leaf, served: Served::default() }
    }

    fn with_list() -> Self {
        Self::new(&Wanted::leaf("leaf", 2).with_lists(&[BASE]))
    }

    fn serve(mut self, url: &str, list: &List) -> Self {
        self.served.0.insert(url.to_owned(), Ok(self.root.list(list).into()));
        self
    }

    fn respond(mut self, says: &Says) -> Self {
        let answer = self.root.respond(&self.root.certificate, &self.leaf.certificate, says);
        self.served.0.insert(RESPONDER.to_owned(), Ok(answer.into()));
        self
    }

    /// As [`Self::respond`], by a delegate of the root.
    fn respond_through(mut self, delegate: &Wanted, says: &Says) -> Self {
        let delegate = self.root.issue(delegate);
        let answer = delegate.respond(&self.root.certificate, &self.leaf.certificate, says);
        self.served.0.insert(RESPONDER.to_owned(), Ok(answer.into()));
        self
    }

    async fn evidence(self) -> RevocationEvidence {
        let checker = RevocationChecker::new(Arc::new(self.served), CheckerSettings::default());
        checker.check(&[self.leaf.certificate, self.root.certificate], now(), soon()).await
    }

    async fn status(self) -> &'static str {
        self.status_at(None).await
    }

    async fn status_at(self, authentic_time: Option<Timestamp>) -> &'static str {
        word(&self.evidence().await.certificates.first().unwrap().status(authentic_time))
    }
}

#[tokio::test]
async fn a_list_that_expired_still_tells_who_was_revoked() {
    let expired = List { next_update: Some("20260101"), ..List::numbered(1) };
    assert_eq!(World::with_list().serve(BASE, &expired).status().await, "Unknown");
    let revoked = expired.clone().revoking(2, "20250601", Some(1));
    assert_eq!(World::with_list().serve(BASE, &revoked).status().await, "Revoked");
    let held = expired.revoking(2, "20250601", Some(6));
    assert_eq!(World::with_list().serve(BASE, &held).status().await, "Unknown");
}

#[tokio::test]
async fn lists_without_dates_that_hold_prove_nothing() {
    let future = List { this_update: "20280101", ..List::numbered(1) };
    assert_eq!(World::with_list().serve(BASE, &future).status().await, "Unknown");
    let endless = List { next_update: None, ..List::numbered(1) };
    assert_eq!(World::with_list().serve(BASE, &endless).status().await, "Unknown");
}

#[tokio::test]
async fn of_holds_and_removals_the_latest_counts() {
    let held = List::numbered(1).revoking(2, "20250601", Some(6));
    assert_eq!(World::with_list().serve(BASE, &held).status().await, "Revoked");
    let lifted = held.clone().revoking(2, "20250602", Some(8));
    assert_eq!(World::with_list().serve(BASE, &lifted).status().await, "OK");
    let again = lifted.revoking(2, "20250603", Some(6));
    assert_eq!(World::with_list().serve(BASE, &again).status().await, "Revoked");
}

#[tokio::test]
async fn a_delta_lifts_a_hold_of_the_same_day() {
    let base = List::numbered(1).with_freshest(DELTA).revoking(2, "20250601", Some(6));
    let delta = List::numbered(2).delta_from(1).revoking(2, "20250601", Some(8));
    assert_eq!(World::with_list().serve(BASE, &base).serve(DELTA, &delta).status().await, "OK");
}

#[tokio::test]
async fn a_delta_adds_to_its_base_and_must_be_had() {
    let base = List::numbered(1).with_freshest(DELTA);
    let delta = List::numbered(2).delta_from(1).revoking(2, "20250601", None);
    assert_eq!(World::with_list().serve(BASE, &base).serve(DELTA, &delta).status().await, "Revoked");
    assert_eq!(World::with_list().serve(BASE, &base).status().await, "Unknown");
    let complete = List::numbered(2);
    assert_eq!(World::with_list().serve(BASE, &base).serve(DELTA, &complete).status().await, "Unknown");
    let revoked = base.revoking(2, "20250601", None);
    assert_eq!(World::with_list().serve(BASE, &revoked).status().await, "Revoked");
}

#[tokio::test]
async fn a_delta_in_place_of_a_base_proves_nothing() {
    let delta = List::numbered(2).delta_from(1);
    assert_eq!(World::with_list().serve(BASE, &delta).status().await, "Unknown");
}

#[tokio::test]
async fn a_list_for_others_proves_nothing() {
    let attributes = List::numbered(1).with_scope(&[0x85, 0x01, 0xff]);
    assert_eq!(World::with_list().serve(BASE, &attributes).status().await, "Unknown");
    let some_reasons = List::numbered(1).with_scope(&[0x83, 0x02, 0x06, 0x40]);
    assert_eq!(World::with_list().serve(BASE, &some_reasons).status().await, "Unknown");
    let revoked = some_reasons.revoking(2, "20250601", Some(1));
    assert_eq!(World::with_list().serve(BASE, &revoked).status().await, "Revoked");
}

#[tokio::test]
async fn every_distribution_point_must_answer_and_one_may_revoke() {
    let second = "http://crl.test/second";
    let world = || World::new(&Wanted::leaf("leaf", 2).with_lists(&[BASE, second]));
    let clean = List::numbered(1);
    let revoked = List::numbered(1).revoking(2, "20250601", Some(4));
    assert_eq!(world().serve(BASE, &clean).status().await, "Unknown");
    assert_eq!(world().serve(second, &clean).status().await, "Unknown");
    assert_eq!(world().serve(BASE, &clean).serve(second, &clean).status().await, "OK");
    assert_eq!(world().serve(BASE, &clean).serve(second, &revoked).status().await, "Revoked");
}

#[tokio::test]
async fn a_signature_older_than_the_invalidity_is_not_touched() {
    let invalid = extension("2.5.29.24", false, &crate::x509::test_authority::day("20250501"));
    let list = List::numbered(1).entry(2, "20250601", std::slice::from_ref(&invalid));
    let world = || World::with_list().serve(BASE, &list);
    assert_eq!(world().status_at(Some(day("2025-04-30"))).await, "OK");
    assert_eq!(world().status_at(Some(day("2025-05-01"))).await, "Revoked");
    assert_eq!(world().status().await, "Revoked");
    let wanted = Wanted::leaf("leaf", 2).with_responders(&[RESPONDER]);
    let mut says = Says::revoked("20250601", 1);
    says.extensions.push(invalid);
    let world = || World::new(&wanted).respond(&says);
    assert_eq!(world().status_at(Some(day("2025-04-30"))).await, "OK");
    assert_eq!(world().status_at(Some(day("2025-05-01"))).await, "Revoked");
}

#[tokio::test]
async fn lists_decide_where_responders_do_not() {
    let wanted = Wanted::leaf("leaf", 2).with_responders(&[RESPONDER]).with_lists(&[BASE]);
    let world = || World::new(&wanted);
    let clean = List::numbered(1);
    let revoked = List::numbered(1).revoking(2, "20250601", Some(4));
    assert_eq!(world().serve(BASE, &clean).status().await, "OK");
    assert_eq!(world().respond(&Says::unknown()).serve(BASE, &revoked).status().await, "Revoked");
    assert_eq!(world().respond(&Says::good()).serve(BASE, &revoked).status().await, "OK");
    assert_eq!(world().respond(&Says::revoked("20250601", 1)).serve(BASE, &clean).status().await, "Revoked");
    assert_eq!(world().respond(&Says::unknown()).status().await, "Unknown");
}

/// RFC 6960 §4.2.2.2.1: the lists that a responder's certificate names are asked, unless it asks for no check.
#[tokio::test]
async fn a_responder_whose_certificate_is_revoked_says_nothing() {
    let world = || World::new(&Wanted::leaf("leaf", 2).with_responders(&[RESPONDER]));
    let plain = Wanted::leaf("delegate", 3).with_purpose("1.3.6.1.5.5.7.3.9", false);
    let listed = plain.clone().with_lists(&[BASE]);
    let nocheck = listed.clone().with(extension("1.3.6.1.5.5.7.48.1.5", false, &[0x05, 0x00]));
    let (clean, revoked) = (List::numbered(1), List::numbered(1).revoking(3, "20250601", Some(1)));
    let says = Says::good();
    assert_eq!(world().respond_through(&plain, &says).status().await, "OK");
    assert_eq!(world().respond_through(&nocheck, &says).serve(BASE, &revoked).status().await, "OK");
    assert_eq!(world().respond_through(&listed, &says).serve(BASE, &clean).status().await, "OK");
    assert_eq!(world().respond_through(&listed, &says).serve(BASE, &revoked).status().await, "Unknown");
    assert_eq!(world().respond_through(&listed, &says).status().await, "Unknown");
    let says = Says::revoked("20250601", 1);
    assert_eq!(world().respond_through(&listed, &says).serve(BASE, &revoked).status().await, "Unknown");
}

#[tokio::test]
async fn what_rests_on_a_responders_certificate_is_due_when_its_list_is() {
    let listed = Wanted::leaf("delegate", 3).with_purpose("1.3.6.1.5.5.7.3.9", false).with_lists(&[BASE]);
    let list = List { next_update: Some("20280101"), ..List::numbered(1) };
    let world = World::new(&Wanted::leaf("leaf", 2).with_responders(&[RESPONDER]));
    let evidence = world.respond_through(&listed, &Says::good()).serve(BASE, &list).evidence().await;
    assert_eq!(evidence.next_update(), Some(day("2028-01-01")));
    assert_eq!(evidence.requests, 2);
}

#[tokio::test]
async fn a_list_in_the_place_of_another_distribution_points_hides_nothing() {
    let second = "http://crl.test/second";
    let world = World::new(&Wanted::leaf("leaf", 2).with_lists(&[BASE, second]));
    let of_second = List::numbered(1).with_scope(&crate::x509::test_authority::point(&[second]));
    assert_eq!(world.serve(BASE, &of_second).serve(second, &of_second).status().await, "Unknown");
}

#[tokio::test]
async fn a_revoked_certificate_wins_over_an_unknown_one_nearer_to_the_leaf() {
    let root = Authority::root("root");
    let middle = root.issue(&Wanted::authority("middle", 2).with_lists(&[BASE]));
    let leaf = middle.issue(&Wanted::leaf("leaf", 3).with_lists(&["http://down.test/"]));
    let list = root.list(&List::numbered(1).revoking(2, "20250601", Some(2)));
    let served = Served([(BASE.to_owned(), Ok(list.into()))].into());
    let checker = RevocationChecker::new(Arc::new(served), CheckerSettings::default());
    let subject = middle.certificate.subject();
    let chain = [leaf.certificate, middle.certificate, root.certificate];
    let evidence = checker.check(&chain, now(), soon()).await;
    let answer = decide(&evidence, None, now());
    let reason = Some(RevocationReason::Permanent(2));
    assert_eq!(answer.status, ChainStatus::Revoked { subject, at: day("2025-06-01"), reason });
    assert_eq!(answer.next_update, Some(day("2035-01-01")));
    assert!(answer.due);
    assert_eq!(evidence.requests, 2);
}

#[tokio::test]
async fn a_next_update_that_has_passed_makes_a_new_proof_due_and_changes_nothing_else() {
    let evidence = World::with_list().serve(BASE, &List::numbered(1)).evidence().await;
    let before = decide(&evidence, None, day("2035-01-01"));
    assert_eq!((before.status, before.due), (ChainStatus::Ok, false));
    let after = decide(&evidence, None, day("2035-01-02"));
    assert_eq!((after.status, after.due), (ChainStatus::Ok, true));
}

#[tokio::test]
async fn a_chain_without_any_address_passes_as_not_revocable() {
    let evidence = World::new(&Wanted::leaf("leaf", 2)).evidence().await;
    let answer = decide(&evidence, None, now());
    let status = ChainStatus::NonRevokable;
    assert_eq!(answer, ChainRevocation { status, next_update: None, due: false });
    assert_eq!(evidence.requests, 0);
}
