use std::slice::from_ref;

use super::*;
use crate::reference::DigestAlgorithm;

fn signature(number: u32) -> Arc<SignatureFacts> {
    let manifest = Digest::of(DigestAlgorithm::Sha256, &number.to_be_bytes());
    Arc::new(SignatureFacts::of_envelope(manifest, "none", bytes::Bytes::from_static(b"{}")))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("time")
}

fn cap(cap: usize, overflow: Overflow) -> ProvenSignatures {
    ProvenSignatures::new(&EngineSettings { unique_signatures: cap, overflow, ..EngineSettings::default() })
}

fn held(proven: &ProvenSignatures, facts: &Arc<SignatureFacts>) -> bool {
    proven.facts(facts.manifest()).is_some()
}

#[test]
fn the_least_used_signature_makes_room_and_is_counted() {
    let proven = cap(3, Overflow::Evict);
    let [a, b, c, d] = [1, 2, 3, 4].map(signature);
    let slots_of_a = proven.hold(from_ref(&a), at(0)).expect("room");
    let slots_of_b = proven.hold(from_ref(&b), at(0)).expect("room");
    proven.hold(from_ref(&c), at(0)).expect("room");
    assert!(proven.touch(&slots_of_a, at(1)));
    proven.hold(from_ref(&d), at(1)).expect("room is made");
    assert!(!held(&proven, &b) && held(&proven, &a) && held(&proven, &c) && held(&proven, &d));
    assert!(!proven.touch(&slots_of_b, at(2)), "a decision that rested on it does not stand");
    assert_eq!(proven.counts(), (3, 1, 0));
}

#[test]
fn in_mode_refuse_a_slot_is_free_only_after_its_idle_time() {
    let proven = cap(1, Overflow::Refuse);
    let [a, b] = [1, 2].map(signature);
    let slots = proven.hold(from_ref(&a), at(0)).expect("room");
    assert_eq!(proven.hold(from_ref(&b), at(3600)).expect_err("full"), CapReached::Signatures { cap: 1 });
    assert!(proven.touch(&slots, at(3600)), "asked for again");
    assert!(proven.hold(from_ref(&b), at(7200)).is_err());
    proven.hold(from_ref(&b), at(7201)).expect("nobody asked for the first one within an hour");
    assert!(held(&proven, &b) && !held(&proven, &a));
    assert_eq!(proven.counts(), (1, 0, 2), "a slot that was given back is no eviction");
}

#[test]
fn a_decision_that_needs_more_than_all_slots_evicts_nobody() {
    let proven = cap(2, Overflow::Evict);
    let [a, b, c, d] = [1, 2, 3, 4].map(signature);
    proven.hold(from_ref(&a), at(0)).expect("room");
    assert!(proven.hold(&[b, c, d], at(1)).is_err());
    assert!(held(&proven, &a));
}

#[test]
fn a_signature_of_two_images_takes_one_slot_and_stays_while_either_is_asked_for() {
    let proven = cap(2, Overflow::Evict);
    let [shared, other, third] = [1, 2, 3].map(signature);
    let first = proven.hold(from_ref(&shared), at(0)).expect("room");
    let second = proven.hold(from_ref(&shared), at(0)).expect("the same slot");
    assert_eq!(proven.counts().0, 1);
    proven.hold(from_ref(&other), at(1)).expect("room");
    assert!(proven.touch(&second, at(2)));
    proven.hold(&[third], at(3)).expect("room is made");
    assert!(proven.touch(&first, at(4)) && !held(&proven, &other));
}

#[test]
fn what_a_decision_already_holds_is_not_evicted_for_the_rest_of_it() {
    let proven = cap(2, Overflow::Evict);
    let [a, b, c] = [1, 2, 3].map(signature);
    proven.hold(from_ref(&a), at(0)).expect("room");
    proven.hold(from_ref(&b), at(1)).expect("room");
    let both = proven.hold(&[a.clone(), c], at(2)).expect("room is made");
    assert!(proven.touch(&both, at(3)) && !held(&proven, &b));
}

#[test]
fn bytes_bound_what_is_held_as_well() {
    let one = bytes_of(&signature(1));
    let settings = EngineSettings { unique_signature_bytes: 2 * one as u64, ..EngineSettings::default() };
    let proven = ProvenSignatures::new(&settings);
    for number in 0..10 {
        proven.hold(&[signature(number)], at(0)).expect("room is made");
        assert!(proven.bytes() <= 2 * one);
    }
    assert_eq!(proven.counts(), (2, 8, 0));
    let refuse = EngineSettings { overflow: Overflow::Refuse, ..settings };
    let proven = ProvenSignatures::new(&refuse);
    proven.hold(&[signature(1), signature(2)], at(0)).expect("room");
    assert!(matches!(proven.hold(&[signature(3)], at(0)), Err(CapReached::Bytes { .. })));
}

#[test]
fn order_is_kept_through_many_uses() {
    let proven = cap(100, Overflow::Evict);
    let slots: Vec<_> =
        (0..100).map(|number| proven.hold(&[signature(number)], at(0)).expect("room")).collect();
    for slots in slots.iter().rev() {
        assert!(proven.touch(slots, at(1)));
    }
    for number in 100..150 {
        proven.hold(&[signature(number)], at(2)).expect("room is made");
    }
    let gone = (0..100).filter(|number| !held(&proven, &signature(*number)));
    assert_eq!(gone.collect::<Vec<_>>(), (50..100).collect::<Vec<_>>(), "those used longest ago");
}
