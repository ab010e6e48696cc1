//! Leases: how long they live, and that they end once.

use credpool_core::{Ask, Boot, Cause, EndedBy, Limits, Refusal, Renewed, TokenHash};

use super::world::{World, capped, connection, fault, first_report, for_a_day, rows};
use crate::support::{HOUR, MINUTE, SECOND, but_for_order};

#[test]
fn a_bound_lease_lives_an_hour_and_a_detached_one_ten_minutes() {
    let mut world = World::of(&["a"]);
    let start = world.now.boot;
    assert_eq!(world.ask(Ask::default(), Some(connection(1))).1.unwrap().expires, start.after(HOUR));
    assert_eq!(world.ask(Ask::default(), None).1.unwrap().expires, start.after(10 * MINUTE));
    world.pass(10 * MINUTE - 1);
    assert_eq!(world.in_flight("a"), 2);
    world.pass(1);
    assert_eq!(world.in_flight("a"), 1);
    world.pass(50 * MINUTE);
    assert_eq!(world.in_flight("a"), 0);
}

#[test]
fn a_caller_may_ask_for_another_time() {
    let mut world = World::of(&["a"]);
    let (token, grant) = world.ask(Ask { ttl_ms: Some(3), ..Ask::default() }, Some(connection(1)));
    assert_eq!(grant.unwrap().expires, world.now.boot.after(3));
    world.pass(3);
    assert_eq!(world.release(token, false).unwrap().ended_by, EndedBy::Ttl);
}

#[test]
fn an_expired_lease_is_over_at_its_deadline_to_the_millisecond() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    world.lease(Ask { ttl_ms: Some(100), ..Ask::default() });
    assert_eq!(world.core.core().next_deadline().boot, Some(world.now.boot.after(100)));
    world.pass(99);
    world.busy(Ask::default());
    world.pass(1);
    assert_eq!(world.next(), "a");
}

#[test]
fn what_is_due_happens_before_a_late_command() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    let (token, _) = world.lease(Ask { ttl_ms: Some(100), ..Ask::default() });
    world.now = crate::support::later(world.now, HOUR);
    assert_eq!(world.renew(token, None).unwrap(), Renewed::Ended(EndedBy::Ttl));
    assert_eq!(world.next(), "a");
}

#[test]
fn renewing_starts_the_time_anew() {
    let mut world = World::of(&["a"]);
    let (token, _) = world.lease(Ask { ttl_ms: Some(1_000), ..Ask::default() });
    for _ in 0..5 {
        world.pass(900);
        assert_eq!(world.renew(token, None).unwrap(), Renewed::Until(world.now.boot.after(1_000)));
    }
    assert_eq!(world.renew(token, Some(50)).unwrap(), Renewed::Until(world.now.boot.after(50)));
    world.pass(50);
    assert_eq!(world.renew(token, None).unwrap(), Renewed::Ended(EndedBy::Ttl));
    assert_eq!(world.renew(TokenHash(99), None), Err(Refusal::UnknownLease));
}

#[test]
fn renewing_a_lease_that_asked_for_nothing_gives_what_its_kind_gets() {
    let mut world = World::of(&["a"]);
    let (bound, _) = world.ask(Ask::default(), Some(connection(1)));
    let (detached, _) = world.ask(Ask::default(), None);
    world.pass(MINUTE);
    assert_eq!(world.renew(bound, None).unwrap(), Renewed::Until(world.now.boot.after(HOUR)));
    assert_eq!(world.renew(detached, None).unwrap(), Renewed::Until(world.now.boot.after(10 * MINUTE)));
}

#[test]
fn a_connection_takes_its_leases_with_it_at_once_and_no_others() {
    let mut world = World::of(&["a", "b", "c", "d"]);
    let (first, _) = world.ask(Ask::default(), Some(connection(1)));
    let (second, _) = world.ask(Ask::default(), Some(connection(1)));
    let (other, _) = world.ask(Ask::default(), Some(connection(2)));
    let (detached, _) = world.ask(Ask::default(), None);
    assert_eq!(world.disconnect(connection(1)), 2);
    assert_eq!(world.disconnect(connection(1)), 0);
    assert_eq!((world.in_flight("a"), world.in_flight("b")), (0, 0));
    assert_eq!((world.in_flight("c"), world.in_flight("d")), (1, 1));
    assert_eq!(world.release(first, false).unwrap().ended_by, EndedBy::Connection);
    assert_eq!(world.renew(second, None).unwrap(), Renewed::Ended(EndedBy::Connection));
    assert_eq!(world.release(other, false).unwrap().ended_by, EndedBy::Release);
    assert_eq!(world.release(detached, false).unwrap().ended_by, EndedBy::Release);
}

#[test]
fn a_lease_that_is_let_go_outlives_its_connection_and_lives_as_a_detached_one() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    let (token, _) = world.ask(Ask::default(), Some(connection(1)));
    assert_eq!(world.let_go(token, None, connection(1)), Ok(Renewed::Until(world.now.boot.after(10 * MINUTE))));
    assert_eq!(world.disconnect(connection(1)), 0);
    assert_eq!(world.in_flight("a"), 1);
    // Said again, by whomever: it is detached, and is renewed.
    world.pass(MINUTE);
    assert_eq!(world.let_go(token, None, connection(2)), Ok(Renewed::Until(world.now.boot.after(10 * MINUTE))));
    world.pass(10 * MINUTE);
    assert_eq!(world.in_flight("a"), 0);
    assert_eq!(world.let_go(token, None, connection(1)), Ok(Renewed::Ended(EndedBy::Ttl)));
}

#[test]
fn only_its_holder_lets_go_of_a_lease() {
    let mut world = World::of(&["a"]);
    let (token, _) = world.ask(Ask { ttl_ms: Some(1_000), ..Ask::default() }, Some(connection(1)));
    world.pass(900);
    assert_eq!(world.let_go(token, None, connection(2)), Err(Refusal::NotTheHolder));
    world.pass(100);
    assert_eq!(world.in_flight("a"), 0, "it was not renewed either");
    let (token, _) = world.ask(Ask { ttl_ms: Some(1_000), ..Ask::default() }, Some(connection(1)));
    assert_eq!(world.let_go(token, None, connection(1)), Ok(Renewed::Until(world.now.boot.after(1_000))));
    let (token, _) = world.ask(Ask { ttl_ms: Some(1_000), ..Ask::default() }, Some(connection(1)));
    assert_eq!(world.let_go(token, Some(50), connection(1)), Ok(Renewed::Until(world.now.boot.after(50))));
}

#[test]
fn a_lease_that_is_let_go_makes_room_on_its_connection() {
    let limits = Limits { leases_per_connection: 1, ..Limits::default() };
    let mut world = World::limited(limits, capped(1, false), rows(&["a"]));
    let (token, _) = world.ask(Ask::default(), Some(connection(1)));
    world.let_go(token, None, connection(1)).unwrap();
    assert!(world.ask(Ask::default(), Some(connection(1))).1.is_ok());
    assert_eq!(world.disconnect(connection(1)), 1);
}

#[test]
fn connections_of_another_run_are_other_connections() {
    let mut world = World::of(&["a"]);
    world.ask(Ask::default(), Some(connection(1))).1.unwrap();
    let of_another_run = credpool_core::Owner { run: 2, ..connection(1) };
    assert_eq!(world.disconnect(of_another_run), 0);
    assert_eq!(world.in_flight("a"), 1);
}

#[test]
fn ending_a_lease_again_says_so_and_frees_nobody_elses_slot() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    let first = world.lease_of("a");
    world.pass(70);
    let released = world.release(first, false).unwrap();
    assert_eq!((released.held_ms, released.ended_by, released.duplicate), (70, EndedBy::Release, false));
    let second = world.lease_of("a");
    world.pass(30);
    let again = world.release(first, false).unwrap();
    assert_eq!((again.held_ms, again.ended_by, again.duplicate), (70, EndedBy::Release, true));
    world.report(first, fault(Cause::Model));
    world.clear(None, None);
    assert_eq!(world.in_flight("a"), 1);
    world.busy(Ask::default());
    world.release(second, false).unwrap();
    assert_eq!(world.next(), "a");
}

#[test]
fn whatever_ended_a_lease_first_has_ended_it() {
    let mut world = World::of(&["a"]);
    let reported = world.lease_of("a");
    assert_eq!(world.report(reported, fault(Cause::Model)).ended_by, Some(EndedBy::Report));
    world.clear(None, None);
    assert_eq!(world.release(reported, true).unwrap().ended_by, EndedBy::Report);
    let released = world.lease_of("a");
    world.release(released, false).unwrap();
    assert_eq!(world.report(released, fault(Cause::Model)).ended_by, Some(EndedBy::Release));
}

#[test]
fn a_second_ending_changes_nothing_however_late() {
    let mut world = World::of(&["a"]);
    let expired = world.lease(Ask { ttl_ms: Some(1), ..Ask::default() }).0;
    world.pass(1);
    for success in [true, true, false] {
        world.pass(SECOND);
        let first_time = world.records().credentials[&world.key("a")].known == credpool_core::Wall(0);
        let before = but_for_order(world.records());
        let released = world.release(expired, success).unwrap();
        assert_eq!((released.ended_by, released.duplicate), (EndedBy::Ttl, true));
        if !first_time {
            assert_eq!(but_for_order(world.records()), before);
        }
    }
}

#[test]
fn a_lease_is_held_until_it_expires_and_no_longer() {
    let mut world = World::of(&["a"]);
    let token = world.lease(Ask { ttl_ms: Some(100), ..Ask::default() }).0;
    world.pass(100);
    world.pass(MINUTE);
    assert_eq!(world.release(token, false).unwrap().held_ms, 100);
}

#[test]
fn ended_leases_are_remembered_for_ten_minutes() {
    let mut world = World::of(&["a"]);
    let token = world.lease_of("a");
    world.release(token, false).unwrap();
    world.pass(10 * MINUTE - 1);
    assert!(world.release(token, false).unwrap().duplicate);
    world.pass(1);
    assert_eq!(world.release(token, false), Err(Refusal::UnknownLease));
    assert_eq!(world.send(first_report(token, for_a_day(Cause::Quota))), Err(Refusal::UnknownLease));
    assert!(world.available("a", None), "a forgotten lease says nothing");
    assert!(world.records().leases.is_empty());
}

#[test]
fn a_lease_outlives_its_definition() {
    let mut world = World::of(&["a", "b"]);
    let token = world.lease_of("a");
    world.define(rows(&["b"]));
    assert_eq!(world.in_flight("a"), 1);
    assert_eq!(world.renew(token, None).unwrap(), Renewed::Until(Boot(world.now.boot.0 + 10 * MINUTE)));
    assert!(!world.release(token, true).unwrap().duplicate);
    assert_eq!(world.in_flight("a"), 0);
}
