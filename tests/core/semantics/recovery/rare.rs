//! Rare probes of what is not over.

use credpool_core::{Ask, Cap, Cause, Phase, Policy, Report, State, Until, Verdict};

use super::{granted, herd, policy, probe, restriction};
use crate::semantics::world::{
    World, fault, first_report, for_a_day, of_the_account, of_the_pool, row, rows, unresolved,
};
use crate::support::{DAY, HOUR, MINUTE, SECOND};

#[test]
fn a_long_deadline_is_believed_but_asked_after_every_quarter_of_an_hour() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", Verdict { after_ms: Some(6 * DAY), ..of_the_account(fault(Cause::Quota)) });
    for _ in 0..3 {
        world.pass(15 * MINUTE - 1);
        assert_eq!(world.exhausted(Ask::default()).by_cause.get(&Cause::Quota), Some(&1));
        world.pass(1);
        let token = probe(&mut world);
        world.exhausted(Ask::default());
        let conclusion = world.report(token, of_the_account(fault(Cause::Quota))).conclusion;
        assert_eq!(conclusion.strikes, 1, "the window is the same");
        world.exhausted(Ask::default());
    }
    world.pass(15 * MINUTE);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    assert_eq!(herd(&mut world, 200).len(), 2, "somebody topped it up");
    assert_eq!(world.state("a"), State::Probing);
}

#[test]
fn a_refusal_says_when_the_next_probe_may_go_if_nobody_is_back_before() {
    let mut world = World::with(policy(), rows(&["a", "b"]));
    let retry = |world: &mut World, ask: &Ask| world.exhausted(ask.clone()).retry_after_ms;
    world.fails("a", for_a_day(Cause::Quota));
    world.pass(MINUTE);
    world.fails("b", for_a_day(Cause::Billing));
    let pinned = Ask { pin: Some(world.key("b")), ..Ask::default() };
    assert_eq!(retry(&mut world, &Ask::default()), Some(14 * MINUTE));
    assert_eq!(retry(&mut world, &pinned), Some(15 * MINUTE));
    world.pass(14 * MINUTE);
    probe(&mut world);
    assert_eq!(retry(&mut world, &Ask::default()), Some(MINUTE), "the other's is next");
    world.pass(MINUTE);
    probe(&mut world);
    assert_eq!(retry(&mut world, &Ask::default()), Some(14 * MINUTE));
}

#[test]
fn where_the_pool_is_restricted_too_a_refusal_says_when_a_probe_may_go_of_both() {
    let mut world = World::with(policy(), rows(&["a"]));
    let token = world.lease_of("a");
    world.fails("a", for_a_day(Cause::Quota));
    world.pass(MINUTE);
    world.report(token, of_the_pool(for_a_day(Cause::Forbidden)));
    assert_eq!(world.exhausted(Ask::default()).retry_after_ms, Some(15 * MINUTE));
}

#[test]
fn a_window_that_is_still_closed_is_asked_after_at_that_rate_whatever_becomes_of_the_probe() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", for_a_day(Cause::Quota));
    world.pass(15 * MINUTE);
    for _ in 0..5 {
        let token = probe(&mut world);
        world.release(token, false).unwrap();
        world.exhausted(Ask::default());
        world.pass(15 * MINUTE - 1);
        world.exhausted(Ask::default());
        world.pass(1);
    }
    assert_eq!(restriction(&world, Cause::Quota).phase, Phase::Closed);
}

#[test]
fn a_rare_probe_goes_only_where_there_is_nothing_else() {
    let mut world = World::with(policy(), rows(&["a", "b", "c"]));
    for id in ["a", "b"] {
        world.fails(id, for_a_day(Cause::Quota));
        world.pass(MINUTE);
    }
    world.pass(HOUR);
    assert_eq!(world.used(), "c");
    let exclude = vec![world.key("c")];
    let (_, first) = granted(&mut world, Ask { exclude: exclude.clone(), ..Ask::default() });
    let (_, second) = granted(&mut world, Ask { exclude: exclude.clone(), ..Ask::default() });
    assert!(first.probe && second.probe);
    assert_eq!((world.id(first.credential), world.id(second.credential)), ("a".into(), "b".into()));
    world.exhausted(Ask { exclude, ..Ask::default() });
    let pinned = Ask { pin: Some(world.key("a")), ..Ask::default() };
    world.exhausted(pinned.clone());
    world.pass(15 * MINUTE);
    assert!(granted(&mut world, pinned).1.probe, "whoever wants it alone has nothing else");
}

#[test]
fn what_only_a_person_can_lift_is_not_asked_after() {
    let causes: [fn(&mut World); 2] = [
        |world| {
            world.fails("a", fault(Cause::Dead));
        },
        |world| {
            world.disable("a", None);
        },
    ];
    for restrict in causes {
        let mut world = World::with(policy(), rows(&["a"]));
        restrict(&mut world);
        world.pass(DAY);
        world.exhausted(Ask::default());
    }
    let mut world = World::with(policy(), vec![unresolved("a")]);
    world.pass(DAY);
    world.exhausted(Ask::default());
}

#[test]
fn an_empty_balance_is_asked_after() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", for_a_day(Cause::Billing));
    world.pass(15 * MINUTE);
    let token = probe(&mut world);
    assert_eq!(world.state("a"), State::Billing);
    world.release(token, true).unwrap();
    assert_eq!(world.state("a"), State::Ready);
}

#[test]
fn two_windows_are_asked_after_when_both_may_be() {
    let mut world = World::with(policy(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, for_a_day(Cause::Quota));
    world.pass(10 * MINUTE);
    world.report(other, for_a_day(Cause::RateLimit));
    world.pass(5 * MINUTE);
    world.exhausted(Ask::default());
    world.pass(10 * MINUTE);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    assert!(world.records().restrictions.values().all(|r| !r.is_in_force()));
}

#[test]
fn a_rare_probe_meets_the_hard_cap_like_any_other_lease() {
    let mut world = World::with(Policy { cap: Cap { max_in_flight: 1, hard: true }, ..policy() }, rows(&["a"]));
    let (token, _) = world.lease(Ask { ttl_ms: Some(HOUR), ..Ask::default() });
    world.send(Report { keep: true, ..first_report(token, for_a_day(Cause::Quota)) }).unwrap();
    world.pass(15 * MINUTE);
    world.exhausted(Ask::default());
    world.release(token, false).unwrap();
    probe(&mut world);
}

#[test]
fn a_whole_pool_that_is_closed_is_asked_after_too() {
    let mut world = World::with(policy(), rows(&["a", "b"]));
    world.fails("a", of_the_pool(for_a_day(Cause::Forbidden)));
    world.pass(15 * MINUTE);
    probe(&mut world);
    world.exhausted(Ask::default());
}

#[test]
fn a_rare_probe_that_is_out_when_the_window_ends_is_waited_for() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.policy.cooldowns.quota = credpool_core::Backoff::fixed(20 * MINUTE);
    world.define(vec![row("a")]);
    world.fails("a", fault(Cause::Quota));
    let Until::Passed { boot, .. } = restriction(&world, Cause::Quota).until else { unreachable!() };
    let left = boot.since(world.now.boot);
    world.pass(left - 30 * SECOND);
    let token = probe(&mut world);
    world.pass(30 * SECOND);
    world.exhausted(Ask::default());
    world.release(token, false).unwrap();
    probe(&mut world);
}

#[test]
fn a_rare_probe_has_its_minute_though_the_interval_is_shorter() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.policy.recovery.probe_interval_ms = 20 * SECOND;
    world.define(rows(&["a"]));
    world.fails("a", for_a_day(Cause::Quota));
    world.pass(20 * SECOND);
    probe(&mut world);
    world.pass(MINUTE - 1);
    world.exhausted(Ask::default());
    world.pass(1);
    probe(&mut world);
}

#[test]
fn the_interval_is_the_pools() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", for_a_day(Cause::Quota));
    world.policy.recovery.probe_interval_ms = 5 * MINUTE;
    world.define(rows(&["a"]));
    world.pass(5 * MINUTE);
    probe(&mut world);
}
