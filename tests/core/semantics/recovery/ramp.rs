//! After a success, or a vendor's deadline: a few at a time.

use credpool_core::{Ask, Cause, State, Verdict};

use super::{granted, half_open, herd, policy, probe, restriction};
use crate::semantics::world::{World, fault, rows};
use crate::support::{HOUR, MINUTE, SECOND};

#[test]
fn after_a_success_the_first_grants_are_few_and_each_success_lets_one_more_through() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    for width in [2, 4, 8, 16] {
        let out = herd(&mut world, 200);
        assert_eq!(out.len(), width);
        assert_eq!(world.state("a"), State::Probing);
        for token in out {
            world.release(token, true).unwrap();
        }
    }
    assert_eq!(restriction(&world, Cause::RateLimit).strikes, 1);
    let out = herd(&mut world, 200);
    assert_eq!(out.len(), 32);
    world.release(out[0], true).unwrap();
    assert_eq!(herd(&mut world, 200).len(), 200, "that is enough");
}

#[test]
fn who_says_nothing_gives_its_place_back_and_no_more() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    let out = herd(&mut world, 200);
    world.release(out[0], false).unwrap();
    assert_eq!(herd(&mut world, 200).len(), 1);
}

#[test]
fn a_ramp_ends_by_itself_and_its_strikes_with_it() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    world.pass(MINUTE - 1);
    assert_eq!(herd(&mut world, 200).len(), 2);
    world.pass(1);
    assert_eq!(herd(&mut world, 50).len(), 50);
    assert!(world.records().restrictions.is_empty());
}

#[test]
fn a_failure_on_the_ramp_is_one_strike_however_many_are_out() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    let out = herd(&mut world, 200);
    assert_eq!(world.report(out[0], fault(Cause::RateLimit)).conclusion.strikes, 2);
    assert_eq!(world.report(out[1], fault(Cause::RateLimit)).conclusion.strikes, 2);
    assert!(!world.available("a", None));
}

#[test]
fn two_hundred_who_wait_do_not_fall_on_one_key() {
    let mut world = half_open(Cause::RateLimit);
    let mut most = 0;
    for round in 0..6 {
        let out = herd(&mut world, 200);
        most = most.max(out.len());
        assert!(out.len() <= 1 << round, "{} in round {round}", out.len());
        for token in out {
            world.release(token, true).unwrap();
        }
    }
    assert_eq!(most, 32);
}

#[test]
fn a_vendors_deadline_opens_but_with_care() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", Verdict { after_ms: Some(HOUR), ..fault(Cause::Quota) });
    world.pass(HOUR + 6 * MINUTE);
    let (token, grant) = granted(&mut world, Ask::default());
    assert!(!grant.probe, "the vendor said so");
    world.exhausted(Ask::default());
    world.release(token, true).unwrap();
    assert_eq!(herd(&mut world, 200).len(), 2);
    world.pass(MINUTE);
    assert_eq!(herd(&mut world, 50).len(), 50);
}

#[test]
fn the_care_after_a_vendors_deadline_lasts_no_longer_than_its_window_did() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", Verdict { at: Some(world.now.wall.after(2 * SECOND)), ..fault(Cause::RateLimit) });
    world.pass(2_200);
    assert_eq!(herd(&mut world, 9).len(), 1);
    world.pass(2_199);
    assert_eq!(herd(&mut world, 9).len(), 0);
    world.pass(1);
    assert_eq!(herd(&mut world, 9).len(), 9);
    assert_eq!(restriction(&world, Cause::RateLimit).strikes, 1, "nobody has said that it is over");
}

#[test]
fn a_hint_that_outlasts_a_guess_makes_it_the_vendors_deadline() {
    let mut world = World::with(policy(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, fault(Cause::RateLimit));
    world.report(other, Verdict { after_ms: Some(5 * SECOND), ..fault(Cause::RateLimit) });
    assert!(restriction(&world, Cause::RateLimit).guessed, "a shorter one changes nothing");
    world.clear(None, None);
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, fault(Cause::RateLimit));
    world.report(other, Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    assert!(!restriction(&world, Cause::RateLimit).guessed);
}
