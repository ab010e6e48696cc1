//! Sessions, which go where they went before, softly.

use credpool_core::{Ask, Cap, Cause, ChosenBy, Limits, Listing, Policy, Session, Strategy, Verdict};

use super::world::{World, capped, fault, for_a_day, of_model, rows, strategy};
use crate::support::{HOUR, MINUTE, but_for_order};

fn of(session: u128) -> Ask {
    Ask { session: Some(Session(session)), ..Ask::default() }
}

/// Whom a session gets for a moment, and what decided.
fn used(world: &mut World, ask: Ask) -> (String, ChosenBy) {
    let (token, answer) = world.ask(ask, None);
    let grant = answer.unwrap();
    world.release(token, false).unwrap();
    (world.id(grant.credential), grant.chosen_by)
}

fn goes_to(world: &mut World, ask: Ask) -> String {
    used(world, ask).0
}

#[test]
fn a_session_goes_where_it_went_before_whatever_the_strategy() {
    for by in [Strategy::FillFirst, Strategy::RoundRobin, Strategy::LeastUsed, Strategy::Random] {
        let mut world = World::with(strategy(by), rows(&["a", "b", "c"]));
        let (first, chosen_by) = used(&mut world, of(1));
        assert_eq!(chosen_by, ChosenBy::Strategy(by));
        for session in 2..6 {
            used(&mut world, of(session));
            assert_eq!(used(&mut world, of(1)), (first.clone(), ChosenBy::Session), "{by:?}");
        }
    }
}

#[test]
fn a_session_is_forgotten_when_it_has_not_been_used_for_long() {
    let mut world = World::with(strategy(Strategy::RoundRobin), rows(&["a", "b", "c"]));
    assert_eq!(goes_to(&mut world, of(1)), "a");
    for _ in 0..3 {
        world.pass(HOUR - 1);
        assert_eq!(goes_to(&mut world, of(1)), "a", "each use begins the hour anew");
    }
    world.pass(HOUR);
    assert!(world.records().bindings.is_empty());
    assert_eq!(used(&mut world, of(1)), ("b".into(), ChosenBy::Strategy(Strategy::RoundRobin)));
}

#[test]
fn a_ttl_of_nothing_remembers_no_session() {
    let policy = Policy { affinity_ttl_ms: 0, ..strategy(Strategy::RoundRobin) };
    let mut world = World::with(policy, rows(&["a", "b"]));
    assert_eq!([goes_to(&mut world, of(1)), goes_to(&mut world, of(1))], ["a", "b"]);
    assert!(world.records().bindings.is_empty());
}

#[test]
fn a_session_spills_where_its_own_is_at_its_cap_and_comes_back() {
    for hard in [false, true] {
        let mut world = World::with(capped(1, hard), rows(&["a", "b"]));
        let (held, first) = world.lease(of(1));
        let (other, spilt) = world.lease(of(1));
        assert_eq!((first.as_str(), spilt.as_str()), ("a", "b"), "hard: {hard}");
        world.release(held, false).unwrap();
        assert_eq!(used(&mut world, of(1)), ("a".into(), ChosenBy::Session), "hard: {hard}");
        world.release(other, false).unwrap();
    }
}

#[test]
fn the_many_children_of_one_session_spread() {
    let mut world = World::with(capped(1, false), rows(&["a", "b", "c"]));
    for _ in 0..40 {
        world.lease(of(1));
    }
    let mut leases = ["a", "b", "c"].map(|id| world.in_flight(id));
    leases.sort_unstable();
    assert_eq!(leases, [13, 13, 14]);
}

#[test]
fn where_all_are_at_their_caps_its_own_is_taken_if_none_is_less_busy() {
    let mut world = World::with(capped(1, false), rows(&["a", "b", "c"]));
    world.lease_of("c");
    let (bound, _) = world.lease(Ask { exclude: vec![world.key("a")], ..of(1) });
    world.lease_of("a");
    assert_eq!(used(&mut world, of(1)), ("b".into(), ChosenBy::Session), "one lease on each");
    world.lease_of("b");
    assert_eq!(goes_to(&mut world, of(1)), "a", "b is busier than the others");
    world.release(bound, false).unwrap();
    assert_eq!(goes_to(&mut world, of(1)), "b");
}

#[test]
fn a_session_moves_once_when_its_own_is_restricted() {
    let mut world = World::of(&["a", "b", "c"]);
    assert_eq!(goes_to(&mut world, of(1)), "a");
    world.fails("a", Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    assert_eq!(goes_to(&mut world, of(1)), "b");
    world.pass(HOUR / 2);
    assert!(world.available("a", None));
    assert_eq!(used(&mut world, of(1)), ("b".into(), ChosenBy::Session), "it stays where it is warm by now");
}

#[test]
fn a_session_moves_when_its_own_is_defined_no_more_or_not_in_its_list() {
    let mut world = World::of(&["a", "b", "c"]);
    assert_eq!(goes_to(&mut world, of(1)), "a");
    world.define(rows(&["b", "c"]));
    assert_eq!(goes_to(&mut world, of(1)), "b");
    world.define(rows(&["a", "b", "c"]));
    assert_eq!(goes_to(&mut world, of(1)), "b");

    let list = |members: &[usize]| {
        vec![Listing { profiles: vec!["coder".into()], members: members.to_vec(), strategy: Strategy::FillFirst }]
    };
    let coder = || Ask { profile: Some("coder".into()), ..of(1) };
    world.lists = list(&[2, 1]);
    world.define(rows(&["a", "b", "c"]));
    assert_eq!(goes_to(&mut world, coder()), "c", "each profile's sessions are its own");
    world.lists = list(&[0, 1]);
    world.define(rows(&["a", "b", "c"]));
    assert_eq!(goes_to(&mut world, coder()), "a");
    assert_eq!(goes_to(&mut world, of(1)), "b");
}

#[test]
fn a_session_is_bound_apart_for_each_model() {
    let large = || Ask { model: Some("large".into()), ..of(1) };
    let mut world = World::of(&["a", "b"]);
    assert_eq!([goes_to(&mut world, of(1)), goes_to(&mut world, large())], ["a", "a"]);
    world.fails("a", of_model("large", for_a_day(Cause::RateLimit)));
    assert_eq!(goes_to(&mut world, large()), "b");
    assert_eq!(goes_to(&mut world, of(1)), "a", "its cache is warm for the other model");
}

#[test]
fn who_is_wanted_or_excluded_this_once_changes_no_binding() {
    let mut world = World::of(&["a", "b", "c"]);
    assert_eq!(goes_to(&mut world, of(1)), "a");
    let pinned = Ask { pin: Some(world.key("c")), ..of(1) };
    assert_eq!(used(&mut world, pinned), ("c".into(), ChosenBy::Pin));
    let elsewhere = Ask { exclude: vec![world.key("a")], ..of(1) };
    assert_eq!(goes_to(&mut world, elsewhere), "b");
    assert_eq!(used(&mut world, of(1)), ("a".into(), ChosenBy::Session));
    let mut world = World::of(&["a", "b"]);
    let pinned = Ask { pin: Some(world.key("b")), ..of(1) };
    used(&mut world, pinned);
    assert!(world.records().bindings.is_empty(), "a pin binds nothing");
}

#[test]
fn a_session_whose_secret_has_run_out_goes_elsewhere_and_stays_bound() {
    let mut world = World::of(&[]);
    let soon = world.now.wall.after(MINUTE);
    world.define(vec![super::world::until("a", soon), super::world::row("b")]);
    assert_eq!(goes_to(&mut world, of(1)), "a");
    world.pass(2 * MINUTE);
    assert_eq!(goes_to(&mut world, of(1)), "b", "one that works beats one that does not");
    world.define(rows(&["a", "b"]));
    assert_eq!(goes_to(&mut world, of(1)), "a", "refreshed");
}

#[test]
fn a_refused_acquire_binds_nobody() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    world.lease_of("a");
    let before = but_for_order(world.records());
    world.busy(of(1));
    assert_eq!(but_for_order(world.records()), before);
}

#[test]
fn a_waiter_goes_where_its_session_went_before() {
    let mut world = World::with(capped(1, true), rows(&["a", "b"]));
    let bound = Ask { exclude: vec![world.key("a")], ..of(1) };
    assert_eq!(goes_to(&mut world, bound), "b");
    for id in ["a", "b"] {
        world.disable(id, Some(MINUTE));
    }
    world.waits(of(1), HOUR);
    world.pass(MINUTE);
    assert_eq!(world.settled(), ["1 b"]);
}

#[test]
fn sessions_are_bounded_and_the_one_that_was_used_longest_ago_makes_room() {
    let limits = Limits { bindings: 2, ..Limits::default() };
    let mut world = World::limited(limits, strategy(Strategy::RoundRobin), rows(&["a", "b", "c", "d"]));
    let mut go = |session| {
        world.pass(1);
        goes_to(&mut world, of(session))
    };
    assert_eq!([go(1), go(2), go(1), go(3)], ["a", "b", "a", "c"]);
    assert_eq!(go(1), "a");
    assert_eq!(go(2), "d", "it had to go");
    assert_eq!(world.records().bindings.len(), 2);
    assert_eq!(Limits::default().bindings, 65_536);
}

/// Twice as many agents as keys, each a session of its own, half of them at work at any time.
#[test]
fn a_session_keeps_its_key_nearly_always_while_that_is_healthy() {
    let policy = Policy { cap: Cap { max_in_flight: 1, hard: false }, ..strategy(Strategy::LeastUsed) };
    let mut world = World::with(policy, rows(&["a", "b", "c"]));
    let mut at_work = std::collections::VecDeque::new();
    let (mut calls, mut kept) = (0, 0);
    let mut before: Vec<Option<String>> = vec![None; 6];
    for turn in 0..1_200usize {
        let agent = turn % 6;
        if at_work.len() == 3 {
            let done = at_work.pop_front().expect("somebody is at work");
            world.release(done, true).unwrap();
        }
        let (token, id) = world.lease(of(agent as u128));
        at_work.push_back(token);
        if let Some(before) = before[agent].replace(id.clone()) {
            calls += 1;
            kept += usize::from(before == id);
        }
    }
    assert!(kept * 100 >= calls * 95, "{kept} of {calls}");
}
