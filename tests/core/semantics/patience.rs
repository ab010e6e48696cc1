//! How long somebody waits, who gives up, and how many may.

use credpool_core::{Ask, Cause, Limit, Limits, Owner, Policy, Refusal, Session, Strategy, Verdict, Wait, Why};

use super::waiting::{NOBODY, pinned, slots};
use super::world::{World, capped, connection, fault, for_a_day, rows, with_backoff};
use crate::support::{DAY, HOUR, MINUTE, SECOND, but_for_order, later};

#[test]
fn whoever_has_waited_long_enough_is_told_who_was_in_the_way() {
    let mut world = slots(&["a", "b"]);
    world.lease_of("a");
    world.fails("b", for_a_day(Cause::Quota));
    world.waits(Ask::default(), SECOND);
    assert_eq!(world.core.core().next_deadline().boot, Some(world.now.boot.after(SECOND)));
    world.pass(SECOND - 1);
    assert_eq!(world.settled(), NOBODY);
    world.pass(1);
    assert_eq!(world.settled(), ["1 timeout"]);
    let Err(Refusal::Timeout(unavailable)) = &world.core.core().settled()[0].answer else { panic!("a timeout") };
    assert_eq!((unavailable.total, unavailable.at_cap, unavailable.by_cause[&Cause::Quota]), (2, 1, 1));
    assert!(world.records().waiters.is_empty());
}

#[test]
fn what_comes_free_at_the_last_moment_is_theirs() {
    let mut world = slots(&["a"]);
    world.lease(Ask { ttl_ms: Some(SECOND), ..Ask::default() });
    world.waits(Ask::default(), SECOND);
    world.waits(Ask::default(), SECOND);
    world.pass(SECOND);
    assert_eq!(world.settled(), ["1 a", "2 timeout"]);
}

#[test]
fn what_is_granted_as_time_passes_is_granted_before_the_command_that_sees_it() {
    let mut world = slots(&["a"]);
    world.lease(Ask { ttl_ms: Some(SECOND), ..Ask::default() });
    world.waits(Ask::default(), MINUTE);
    world.now = later(world.now, SECOND);
    world.clear(None, None);
    assert_eq!(world.settled(), ["1 a"]);
    let held = world.token_of("a");
    assert_eq!(world.report(held, for_a_day(Cause::Quota)).conclusion.why, Some(Why::ClearedSince));
}

#[test]
fn whoever_cannot_be_served_in_time_is_refused_at_once() {
    let mut world = slots(&["a", "b"]);
    let minute = || Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) };
    world.fails("a", for_a_day(Cause::Quota));
    world.fails("b", minute());
    let Refusal::Exhausted(unavailable) = world.does_not_wait(Ask::default(), MINUTE - 1) else { panic!("exhausted") };
    assert!(unavailable.retry_after_ms.is_some_and(|ms| ms >= MINUTE), "{unavailable:?}");
    assert!(matches!(world.does_not_wait(pinned(&world, "a"), HOUR), Refusal::Exhausted(_)));
    world.waits(Ask::default(), 2 * MINUTE);
    world.disconnect(connection(1_001));

    world.disable("b", None);
    world.disable("a", None);
    assert!(matches!(world.does_not_wait(Ask::default(), 40 * DAY), Refusal::Exhausted(_)), "only a person helps");
    let nobody = Ask { exclude: vec![world.key("a"), world.key("b")], ..Ask::default() };
    assert!(matches!(world.does_not_wait(nobody, DAY), Refusal::Exhausted(_)));
}

#[test]
fn a_slot_may_come_back_at_any_moment_and_so_may_a_probe() {
    let mut world = slots(&["a"]);
    let held = world.lease_of("a");
    world.waits(Ask::default(), 1);
    world.report(held, for_a_day(Cause::Quota));
    assert_eq!(world.settled(), ["1 exhausted"], "now it takes a day");

    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", fault(Cause::RateLimit));
    world.pass(MINUTE);
    world.lease_of("a");
    world.waits(Ask::default(), 1);
}

#[test]
fn whoever_waits_in_vain_from_now_on_is_told_at_once_and_the_patient_stay() {
    let mut world = slots(&["a"]);
    let held = world.lease_of("a");
    world.waits(Ask::default(), 2 * DAY);
    world.waits(Ask::default(), HOUR);
    world.waits(Ask::default(), 2 * HOUR);
    world.report(held, for_a_day(Cause::Quota));
    assert_eq!(world.settled(), ["2 exhausted", "3 exhausted"]);
    world.disable("a", None);
    assert_eq!(world.settled(), ["1 exhausted"], "only a person helps");
}

#[test]
fn whoever_waits_for_what_is_defined_no_more_is_told_so() {
    let mut world = slots(&["a", "b"]);
    for id in ["a", "b"] {
        world.lease_of(id);
    }
    world.waits(pinned(&world, "b"), MINUTE);
    world.waits(Ask::default(), MINUTE);
    world.define(rows(&["a"]));
    assert_eq!(world.settled(), ["1 unknowncredential"]);
    world.define(rows(&[]));
    assert_eq!(world.settled(), ["2 exhausted"]);
}

#[test]
fn a_waiter_goes_with_its_connection() {
    let mut world = slots(&["a"]);
    let held = world.lease_of("a");
    world.waits(Ask::default(), MINUTE);
    world.waits(Ask::default(), MINUTE);
    assert_eq!(world.disconnect(connection(1_001)), 0, "it had no lease");
    assert_eq!(world.settled(), NOBODY, "nobody would read the answer");
    world.release(held, false).unwrap();
    assert_eq!(world.settled(), ["2 a"]);
}

#[test]
fn one_who_goes_and_held_what_others_wait_for_leaves_it_to_them() {
    let mut world = slots(&["a"]);
    world.ask(Ask::default(), Some(connection(1))).1.unwrap();
    let wait = Wait { ms: MINUTE, connection: connection(1) };
    world.ask_and_wait(Ask::default(), Some(connection(1)), wait).unwrap();
    world.waits(Ask::default(), MINUTE);
    assert_eq!(world.disconnect(connection(1)), 1);
    assert_eq!(world.settled(), ["2 a"], "and not to its own next request");
}

#[test]
fn a_refused_acquire_consumes_nothing_whether_it_would_wait_or_not() {
    for strategy in [Strategy::Random, Strategy::RoundRobin, Strategy::LeastUsed] {
        let limits = Limits { waiters: 0, ..Limits::default() };
        let mut world = World::limited(limits, Policy { strategy, ..capped(1, true) }, rows(&["a", "b"]));
        let none = Wait { ms: MINUTE, connection: connection(1) };
        for id in ["a", "b"] {
            world.lease_of(id);
        }
        let before = but_for_order(world.records());
        world.busy(Ask { session: Some(Session(7)), ..Ask::default() });
        assert_eq!(but_for_order(world.records()), before);
        let Err(Err(Refusal::Limit(_))) = world.ask_and_wait(Ask::default(), None, none) else { panic!("no room") };
        assert_eq!(but_for_order(world.records()), before);
    }
}

#[test]
fn waiters_are_bounded_in_number_per_connection_and_in_what_they_want() {
    let limits = Limits { waiters: 3, waiters_per_connection: 2, queues_per_pool: 2, ..Limits::default() };
    let mut world = World::limited(limits, capped(1, true), rows(&["a"]));
    world.lease_of("a");
    let wait = |n| Wait { ms: MINUTE, connection: connection(n) };
    let ask = |model: &str| Ask { model: Some(model.into()), ..Ask::default() };
    world.ask_and_wait(ask("one"), None, wait(1)).unwrap();
    world.ask_and_wait(ask("two"), None, wait(1)).unwrap();
    let before = but_for_order(world.records());
    let of_connection = world.ask_and_wait(ask("one"), None, wait(1));
    assert_eq!(of_connection, Err(Err(Refusal::Limit(Limit::WaitersPerConnection))));
    let of_queues = world.ask_and_wait(ask("three"), None, wait(2));
    assert_eq!(of_queues, Err(Err(Refusal::Limit(Limit::QueuesPerPool))));
    assert_eq!(but_for_order(world.records()), before);
    world.ask_and_wait(ask("two"), None, wait(2)).unwrap();
    assert_eq!(world.ask_and_wait(ask("two"), None, wait(3)), Err(Err(Refusal::Limit(Limit::Waiters))));
    world.disconnect(connection(1));
    world.ask_and_wait(ask("three"), None, wait(1)).unwrap();
}

#[test]
fn one_users_waiters_are_bounded_and_nobody_elses_with_them() {
    let mut world = World::limited(Limits { waiters_per_user: 2, ..Limits::default() }, capped(1, true), rows(&["a"]));
    let held = world.lease_of("a");
    let mut wait = |n, user| {
        let wait = Wait { ms: MINUTE, connection: Owner { user, ..connection(n) } };
        world.ask_and_wait(Ask::default(), None, wait)
    };
    assert!(wait(1, 7).is_ok() && wait(2, 7).is_ok());
    assert_eq!(wait(3, 7), Err(Err(Refusal::Limit(Limit::WaitersPerUser))));
    assert!(wait(4, 8).is_ok());
    world.release(held, false).unwrap();
    let wait = Wait { ms: MINUTE, connection: Owner { user: 7, ..connection(3) } };
    assert!(world.ask_and_wait(Ask::default(), None, wait).is_ok());
}

#[test]
fn a_waiter_counts_as_the_lease_that_it_will_have() {
    let limits = Limits { leases: 3, leases_per_connection: 2, ..Limits::default() };
    let mut world = World::limited(limits, capped(1, true), rows(&["a", "b", "c"]));
    let own = Some(connection(1));
    world.ask(pinned(&world, "a"), own).1.unwrap();
    world.ask_and_wait(pinned(&world, "a"), own, Wait { ms: MINUTE, connection: connection(1) }).unwrap();
    assert_eq!(world.ask(Ask::default(), own).1, Err(Refusal::Limit(Limit::LeasesPerConnection)));
    world.lease_of("b");
    assert_eq!(world.refused(Ask::default()), Refusal::Limit(Limit::Leases));
    world.pass(MINUTE);
    assert_eq!(world.settled(), ["1 timeout"]);
    world.lease_of("c");
}

#[test]
fn the_default_bounds_of_waiting_are_those_of_the_design() {
    let limits = Limits::default();
    assert_eq!((limits.waiters, limits.queues_per_pool), (16_384, 256));
    assert_eq!((limits.waiters_per_connection, limits.waiters_per_user), (256, 4_096));
}

/// One freed slot wakes one waiter: counted.
#[test]
fn a_freed_slot_touches_one_waiter_however_many_wait() {
    let touched = |waiters: u64| {
        let mut world = slots(&["a"]);
        let held = world.lease_of("a");
        for _ in 0..waiters {
            world.waits(Ask::default(), DAY);
        }
        world.release(held, false).unwrap();
        assert_eq!(world.settled(), ["1 a"]);
        let touched = world.core.touched();
        assert_eq!(touched.iter().filter(|name| name.starts_with("WaiterNo")).count(), 1);
        touched.len()
    };
    assert_eq!(touched(300), touched(2));
}

#[test]
fn nobody_waits_beyond_a_restart() {
    let mut world = slots(&["a"]);
    let held = world.lease_of("a");
    world.waits(Ask::default(), HOUR);
    world.restart(0);
    assert!(world.records().waiters.is_empty());
    world.release(held, false).unwrap();
    assert_eq!(world.next(), "a");
}
