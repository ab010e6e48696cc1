//! Waiting for what is not there yet.

use credpool_core::{
    Ask, Cap, Cause, ChosenBy, Class, EndedBy, Kind, Next, Policy, Recovery, Refusal, Report, Strategy, TokenHash,
    Verdict,
};

use super::world::{World, capped, connection, fault, first_report, for_a_day, of_the_pool, rows, with_backoff};
use crate::support::{DAY, HOUR, MINUTE, SECOND};

/// One slot for each of these rows.
pub(super) fn slots(ids: &[&str]) -> World {
    World::with(capped(1, true), rows(ids))
}

fn background() -> Ask {
    Ask { class: Class::Background, ..Ask::default() }
}

pub(super) fn pinned(world: &World, id: &str) -> Ask {
    Ask { pin: Some(world.key(id)), ..Ask::default() }
}

/// A failure that restricts nothing.
fn harmless() -> Verdict {
    Verdict { kind: Kind::Request, ..fault(Cause::Server) }
}

pub(super) const NOBODY: [String; 0] = [];

// ---- who is served ---------------------------------------------------------------------------------------------

#[test]
fn a_freed_slot_goes_to_whoever_came_first_and_to_nobody_else() {
    let mut world = slots(&["a"]);
    let held = world.lease_of("a");
    for _ in 0..3 {
        world.waits(Ask::default(), MINUTE);
    }
    assert_eq!(world.settled(), NOBODY);
    world.release(held, false).unwrap();
    assert_eq!(world.settled(), ["1 a"]);
    let second = world.token_of("a");
    world.release(second, false).unwrap();
    assert_eq!(world.settled(), ["2 a"]);
    assert_eq!(world.core.core().waiting(world.pool)[&Class::Interactive], 1);
}

#[test]
fn whatever_ends_a_lease_serves_a_waiter() {
    let ends: [fn(&mut World, TokenHash); 4] = [
        |world, held| assert!(world.release(held, true).is_ok()),
        |world, held| assert_eq!(world.report(held, harmless()).ended_by, Some(EndedBy::Report)),
        |world, _| assert_eq!(world.disconnect(connection(1)), 1),
        |world, _| world.pass(HOUR),
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let mut world = slots(&["a"]);
        let (held, answer) = world.ask(Ask::default(), Some(connection(1)));
        answer.unwrap();
        world.waits(Ask::default(), DAY);
        end(&mut world, held);
        assert_eq!(world.settled(), ["1 a"], "end {number}");
    }
}

#[test]
fn whatever_else_makes_somebody_available_serves_a_waiter() {
    let of_model = |max_in_flight| Policy {
        models: [("large".into(), Cap { max_in_flight, hard: true })].into(),
        ..capped(9, true)
    };
    let changes = [
        ("a row is added", capped(1, true), capped(1, true), &["a", "b"][..]),
        ("its cap is raised", capped(1, true), capped(2, true), &["a"]),
        ("its cap becomes soft", capped(1, true), capped(1, false), &["a"]),
        ("its cap for the model is raised", of_model(1), of_model(2), &["a"]),
        ("its cap for the model is gone", of_model(1), capped(9, true), &["a"]),
        ("the pool's cap is raised", Policy { total: Some(1), ..capped(9, true) }, capped(9, true), &["a"]),
    ];
    for (what, before, after, ids) in changes {
        let large = || Ask { model: Some("large".into()), ..Ask::default() };
        let mut world = World::with(before, rows(&["a"]));
        world.lease(large());
        world.waits(large(), DAY);
        world.policy = after;
        world.define(rows(ids));
        assert_eq!(world.settled().len(), 1, "{what}");
    }
    let mut world = slots(&["a", "b"]);
    world.disable("b", None);
    world.lease_of("a");
    world.waits(Ask::default(), DAY);
    world.enable("b");
    assert_eq!(world.settled(), ["1 b"]);
}

#[test]
fn a_clear_serves_as_many_as_it_makes_available() {
    let mut world = slots(&["a", "b", "c"]);
    for id in ["a", "b"] {
        world.fails(id, for_a_day(Cause::Quota));
    }
    world.lease_of("c");
    for _ in 0..3 {
        world.waits(Ask::default(), 2 * DAY);
    }
    world.clear(None, None);
    assert_eq!(world.settled(), ["1 a", "2 b"], "in the order in which they came");
}

#[test]
fn the_end_of_a_restriction_serves_a_waiter() {
    let mut world = slots(&["a"]);
    world.fails("a", Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    world.waits(Ask::default(), HOUR);
    world.pass(MINUTE - 1);
    assert_eq!(world.settled(), NOBODY);
    world.pass(MINUTE / 10 + 1);
    assert_eq!(world.settled(), ["1 a"]);
}

#[test]
fn the_end_of_a_pause_of_the_pool_serves_waiters() {
    let mut world = slots(&["a", "b"]);
    world.fails("a", of_the_pool(Verdict { after_ms: Some(MINUTE), ..fault(Cause::Quota) }));
    world.waits(Ask::default(), HOUR);
    world.waits(Ask::default(), HOUR);
    world.pass(2 * MINUTE);
    assert_eq!(world.settled(), ["1 a"], "one at a time, until it is known to be over");
    let probe = world.token_of("a");
    world.release(probe, true).unwrap();
    assert_eq!(world.settled(), ["2 a"]);
}

#[test]
fn a_recovered_credential_takes_waiters_on_step_by_step() {
    let recovery = Recovery { ramp_ms: HOUR, ..Recovery::default() };
    let cap = Cap { max_in_flight: 100, hard: true };
    let mut world = World::with(Policy { recovery, cap, ..with_backoff() }, rows(&["a"]));
    world.fails("a", fault(Cause::RateLimit));
    for _ in 0..20 {
        world.waits(Ask::default(), HOUR);
    }
    let mut served = Vec::new();
    world.pass(MINUTE);
    for _ in 0..4 {
        let now = world.settled().len();
        served.push(now);
        let tokens: Vec<_> = world.records().leases.values().filter(|l| l.ended.is_none()).map(|l| l.token).collect();
        // All but the last are given back in one step as far as the waiters see.
        let mut more = 0;
        for token in tokens {
            world.release(token, true).unwrap();
            more += world.settled().len();
        }
        served.push(more);
    }
    assert_eq!(served[..2], [1, 2], "the probe, and then two for its success: {served:?}");
    assert!(served.iter().sum::<usize>() <= 1 + 2 + 4 + 8 + 20, "{served:?}");
}

#[test]
fn a_rare_probe_goes_to_a_waiter_when_it_is_due() {
    let recovery = Recovery { probe_interval_ms: 15 * MINUTE, ..Recovery::default() };
    let mut world = World::with(Policy { recovery, ..capped(1, true) }, rows(&["a"]));
    world.fails("a", for_a_day(Cause::Quota));
    world.waits(Ask::default(), HOUR);
    world.pass(15 * MINUTE - 1);
    assert_eq!(world.settled(), NOBODY);
    assert_eq!(world.core.core().next_deadline().boot, Some(world.now.boot.after(1)));
    world.pass(1);
    assert_eq!(world.settled(), ["1 a"]);
    let probe = world.core.core().settled()[0].answer.clone().unwrap();
    assert!(probe.probe && probe.queued_ms == 15 * MINUTE, "{probe:?}");
}

#[test]
fn whoever_cannot_use_a_slot_is_passed_over_and_keeps_its_place() {
    let mut world = slots(&["a", "b"]);
    let (a, b) = (world.lease_of("a"), world.lease_of("b"));
    world.waits(pinned(&world, "b"), MINUTE);
    world.waits(Ask { exclude: vec![world.key("a")], ..Ask::default() }, MINUTE);
    world.waits(Ask::default(), MINUTE);
    world.waits(pinned(&world, "a"), MINUTE);
    world.release(a, false).unwrap();
    assert_eq!(world.settled(), ["3 a"], "the first of those that it is of use to");
    world.release(b, false).unwrap();
    assert_eq!(world.settled(), ["1 b"]);
    let b = world.token_of("b");
    world.release(b, false).unwrap();
    assert_eq!(world.settled(), ["2 b"]);
}

#[test]
fn one_who_waits_for_a_model_is_served_when_that_model_is_free_again() {
    let mut world = slots(&["a"]);
    let model = |name: &str| Ask { model: Some(name.into()), ..Ask::default() };
    world.fails("a", super::world::of_model("large", for_a_day(Cause::RateLimit)));
    world.waits(model("large"), 2 * DAY);
    let (small, _) = world.lease(model("small"));
    world.waits(model("small"), MINUTE);
    world.release(small, true).unwrap();
    assert_eq!(world.settled(), ["2 a"]);
    let small = world.token_of("a");
    world.clear(Some("a"), Some("large"));
    assert_eq!(world.settled(), NOBODY, "the slot is taken");
    world.release(small, true).unwrap();
    assert_eq!(world.settled(), ["1 a"]);
}

#[test]
fn a_waiter_is_told_how_long_it_waited_and_what_decided() {
    let mut world = slots(&["a"]);
    let held = world.lease_of("a");
    world.pass(7);
    world.waits(Ask { ttl_ms: Some(1_234), ..Ask::default() }, MINUTE);
    world.pass(40);
    world.release(held, false).unwrap();
    let grant = world.core.core().settled()[0].answer.clone().unwrap();
    assert_eq!((grant.queued_ms, grant.chosen_by), (40, ChosenBy::Strategy(Strategy::FillFirst)));
    assert_eq!(grant.expires, world.now.boot.after(1_234), "its time begins when it is granted");
    world.pass(1_234);
    assert_eq!(world.ask(Ask::default(), None).1.unwrap().queued_ms, 0);
}

// ---- classes ---------------------------------------------------------------------------------------------------

#[test]
fn interactive_goes_before_background_but_for_one_in_eight() {
    let mut world = slots(&["a"]);
    let mut held = world.lease_of("a");
    for _ in 0..3 {
        world.waits(background(), DAY);
    }
    for _ in 0..30 {
        world.waits(Ask::default(), DAY);
    }
    let mut classes = String::new();
    for _ in 0..20 {
        world.release(held, false).unwrap();
        held = world.token_of("a");
        let no = world.core.core().settled()[0].waiter.0;
        classes.push(if no <= 3 { 'b' } else { 'i' });
    }
    assert_eq!(classes, "iiiiiiibiiiiiiibiiii");
}

#[test]
fn background_is_served_whenever_nobody_interactive_can_use_it() {
    let mut world = slots(&["a", "b"]);
    let (a, _) = (world.lease_of("a"), world.lease_of("b"));
    world.waits(pinned(&world, "b"), MINUTE);
    world.waits(background(), MINUTE);
    world.release(a, false).unwrap();
    assert_eq!(world.settled(), ["2 a"]);
}

// ---- nobody overtakes ------------------------------------------------------------------------------------------

#[test]
fn an_acquire_does_not_take_what_comes_free_as_it_arrives() {
    let mut world = slots(&["a"]);
    world.lease(Ask { ttl_ms: Some(SECOND), ..Ask::default() });
    world.waits(Ask::default(), MINUTE);
    world.now = crate::support::later(world.now, SECOND);
    world.busy(Ask::default());
    assert_eq!(world.settled(), ["1 a"]);
}

#[test]
fn the_next_lease_of_a_report_does_not_overtake_a_waiter() {
    let mut world = slots(&["a", "b"]);
    let (a, b) = (world.lease_of("a"), world.lease_of("b"));
    world.waits(Ask::default(), MINUTE);
    let next = |world: &mut World, token, ask| {
        let next = Next::With { ask, token: world.token(), owner: None };
        let report = Report { next: Some(next), ..first_report(token, harmless()) };
        world.send(report).unwrap().next.expect("it was asked for")
    };
    let answer = next(&mut world, a, Ask::default());
    assert!(matches!(answer, Err(Refusal::Busy(_))), "{answer:?}");
    assert_eq!(world.settled(), ["1 a"]);
    world.waits(background(), MINUTE);
    let granted = next(&mut world, b, Ask::default()).expect("interactive goes before background");
    assert_eq!(world.id(granted.credential), "b");
    assert_eq!(world.settled(), NOBODY);
    let b = world.token_of("b");
    let answer = next(&mut world, b, background());
    assert!(matches!(answer, Err(Refusal::Busy(_))), "{answer:?}");
    assert_eq!(world.settled(), ["2 b"]);
}

#[test]
fn the_next_lease_of_a_report_takes_what_no_waiter_can_use() {
    let mut world = slots(&["a", "b"]);
    let (a, _) = (world.lease_of("a"), world.lease_of("b"));
    world.waits(pinned(&world, "b"), MINUTE);
    let next = Next::Same { token: world.token(), connection: connection(1) };
    let report = Report { next: Some(next), ..first_report(a, harmless()) };
    let granted = world.send(report).unwrap().next.unwrap().unwrap();
    assert_eq!(world.id(granted.credential), "a");
}
