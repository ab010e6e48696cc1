//! Two clocks: durations run on the boot clock, instants follow the wall clock.

use credpool_core::{Ask, Boot, Cause, EndedBy, Now, Verdict, Wall};

use super::world::{World, fault, for_a_day, rows, with_backoff};
use crate::support::{DAY, HOUR, MINUTE, START, stepped};

const STEPS: [i64; 5] = [3_600_000, -3_600_000, 86_400_000, -86_400_000, i64::MIN];

#[test]
fn a_step_of_the_wall_clock_changes_no_duration() {
    for step in STEPS {
        let mut world = World::with(with_backoff(), rows(&["a", "b", "c"]));
        let token = world.lease_of("a");
        world.fails("b", Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
        world.disable("c", Some(MINUTE));
        world.fails("a", fault(Cause::Server));
        world.pass(5_000);
        world.step(step);
        assert!(["a", "b", "c"].iter().all(|id| !world.available(id, None)), "{step}");
        world.pass(6_000);
        assert!(world.available("a", None), "{step}: its backoff is over");
        world.pass(MINUTE);
        assert!(world.available("b", None) && world.available("c", None), "{step}");
        world.pass(9 * MINUTE);
        assert_eq!(world.release(token, false).unwrap().ended_by, EndedBy::Ttl, "{step}");
    }
}

#[test]
fn an_instant_follows_the_wall_clock() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let at = world.now.wall.after(2 * HOUR);
    world.fails("a", Verdict { at: Some(at), ..fault(Cause::Quota) });
    let left = |world: &mut World| world.exhausted(Ask::default()).retry_after_ms.unwrap();
    let before = left(&mut world);
    world.step(-3_600_000);
    assert_eq!(left(&mut world), before + HOUR);
    world.step(-86_400_000);
    assert_eq!(left(&mut world), before + HOUR + DAY);
    world.step(86_400_000 + 7_200_000);
    assert_eq!(left(&mut world), before - HOUR);
    world.step(7_200_000);
    assert!(world.available("a", None));
}

#[test]
fn a_wall_clock_in_1970_keeps_instants_for_later() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let at = Some(world.now.wall.after(HOUR));
    world.fails("a", Verdict { at, ..fault(Cause::Quota) });
    world.step(i64::MIN);
    assert_eq!(world.now.wall, Wall(0));
    world.pass(30 * DAY);
    assert!(!world.available("a", None));
    world.now.wall = START.wall.after(2 * HOUR);
    world.pass(0);
    assert!(world.available("a", None));
}

#[test]
fn a_hint_learned_in_1970_is_told_by_both_clocks() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.step(i64::MIN);
    let verdict = Verdict { after_ms: Some(MINUTE), at: Some(START.wall.after(HOUR)), ..fault(Cause::Quota) };
    world.fails("a", verdict);
    world.pass(2 * MINUTE);
    assert!(!world.available("a", None));
    world.now.wall = START.wall.after(2 * DAY);
    world.pass(0);
    assert!(world.available("a", None));
}

#[test]
fn what_has_opened_stays_open_when_the_wall_clock_is_set_back() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let at = Some(world.now.wall.after(MINUTE));
    world.fails("a", Verdict { at, ..fault(Cause::Quota) });
    world.pass(2 * MINUTE);
    assert!(world.available("a", None));
    world.step(-86_400_000);
    assert!(world.available("a", None));
    assert_eq!(world.core.core().next_deadline().wall, None);
}

#[test]
fn the_next_deadline_is_told_for_each_clock() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let at = world.now.wall.after(HOUR);
    world.fails("a", Verdict { at: Some(at), ..fault(Cause::Quota) });
    let next = world.core.core().next_deadline();
    assert!(next.wall.is_some_and(|wall| wall >= at), "{next:?}");
    let expires = world.ask(Ask { ttl_ms: Some(50), ..Ask::default() }, None).1.unwrap().expires;
    assert_eq!(world.core.core().next_deadline().boot, Some(expires));
}

#[test]
fn a_boot_clock_that_goes_back_stands_still() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (token, _) = world.lease(Ask { ttl_ms: Some(100), ..Ask::default() });
    world.pass(50);
    let stood = world.now.boot;
    world.now.boot = Boot(1);
    world.pass(0);
    assert_eq!(world.records().header.now.boot, stood);
    world.now.boot = stood.after(49);
    world.pass(0);
    assert_eq!(world.in_flight("a"), 1);
    world.pass(1);
    assert_eq!(world.release(token, false).unwrap().ended_by, EndedBy::Ttl);
}

#[test]
fn a_slewed_wall_clock_is_no_step_and_instants_follow_it_still() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let at = world.now.wall.after(HOUR);
    world.fails("a", Verdict { at: Some(at), ..fault(Cause::Quota) });
    world.fails("b", Verdict { after_ms: Some(HOUR), ..fault(Cause::RateLimit) });
    for _ in 0..3_600 {
        world.now = stepped(world.now, -1);
        world.pass(999);
    }
    let unavailable = world.exhausted(Ask::default());
    let now = world.now;
    let each = unavailable.first.iter().map(|a| a.obstacle.as_ref().unwrap().until.remaining(now).unwrap());
    assert_eq!(unavailable.retry_after_ms, each.min());
    world.pass(10 * MINUTE);
    assert!(world.available("a", None) && world.available("b", None));
}

#[test]
fn the_far_end_of_time_is_no_overflow() {
    let mut world = World::with(with_backoff(), rows(&["a", "b", "c"]));
    world.lease(Ask { ttl_ms: Some(u64::MAX), ..Ask::default() });
    world.fails("a", Verdict { after_ms: Some(u64::MAX), ..fault(Cause::RateLimit) });
    world.fails("b", Verdict { at: Some(Wall(u64::MAX)), ..fault(Cause::Quota) });
    world.disable("c", Some(u64::MAX));
    let far = Now { boot: Boot(u64::MAX - DAY), wall: Wall(u64::MAX - DAY) };
    world.now = far;
    world.pass(HOUR);
    assert!(["a", "b", "c"].iter().all(|id| !world.available(id, None)));
    world.clear(None, None);
    world.fails("a", for_a_day(Cause::RateLimit));
    assert!(!world.available("a", None));
}

#[test]
fn what_lasts_longest_is_told_by_the_clocks_as_they_stand() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases = [world.lease_of("a"), world.lease_of("a")];
    world.report(leases[0], Verdict { after_ms: Some(9), ..fault(Cause::RateLimit) });
    let at = Some(world.now.wall.after(5));
    world.report(leases[1], Verdict { at, ..fault(Cause::Quota) });
    world.step(-700);
    let unavailable = world.exhausted(Ask::default());
    assert_eq!(unavailable.retry_after_ms, Some(705), "a step too small to put all in order anew");
    assert_eq!(unavailable.first[0].obstacle.as_ref().map(|obstacle| obstacle.cause), Some(Cause::Quota));
    world.pass(704);
    world.exhausted(Ask::default());
    world.pass(1);
    assert_eq!(world.next(), "a");
}
