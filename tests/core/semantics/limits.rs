//! Every bound just under, at and just over it.

use credpool_core::{Ask, Cause, EndedBy, Limit, Limits, Policy, Refusal, Report, TokenHash};

use super::world::{World, connection, fault, first_report, for_a_day, of_model, rows, with_backoff};
use crate::support::{MINUTE, but_for_order};

fn limited(limits: Limits) -> World {
    World::limited(limits, with_backoff(), rows(&["a", "b"]))
}

#[test]
fn live_leases_are_bounded() {
    let mut world = limited(Limits { leases: 3, ..Limits::default() });
    let tokens: Vec<TokenHash> = (0..3).map(|_| world.lease(Ask::default()).0).collect();
    let before = but_for_order(world.records());
    assert_eq!(world.refused(Ask::default()), Refusal::Limit(Limit::Leases));
    assert_eq!(but_for_order(world.records()), before);
    world.release(tokens[1], false).unwrap();
    world.lease(Ask::default());
    assert_eq!(world.refused(Ask::default()), Refusal::Limit(Limit::Leases));
}

#[test]
fn a_connections_leases_are_bounded_and_nobody_elses_with_them() {
    let mut world = limited(Limits { leases_per_connection: 2, ..Limits::default() });
    let greedy = Some(connection(1));
    let (first, _) = world.ask(Ask::default(), greedy);
    world.ask(Ask::default(), greedy).1.unwrap();
    let refusal = Refusal::Limit(Limit::LeasesPerConnection);
    assert_eq!(world.ask(Ask::default(), greedy).1, Err(refusal.clone()));
    world.ask(Ask::default(), Some(connection(2))).1.unwrap();
    world.ask(Ask::default(), None).1.unwrap();
    world.release(first, false).unwrap();
    world.ask(Ask::default(), greedy).1.unwrap();
    assert_eq!(world.ask(Ask::default(), greedy).1, Err(refusal));
}

#[test]
fn a_report_makes_room_for_its_next() {
    let mut world = limited(Limits { leases: 1, ..Limits::default() });
    let token = world.lease_of("a");
    let next = credpool_core::Next::Same { token: world.token(), connection: connection(1) };
    let report = Report { next: Some(next.clone()), ..first_report(token, of_model("large", fault(Cause::Model))) };
    assert!(world.send(report).unwrap().next.unwrap().is_ok());
    let credpool_core::Next::Same { token, .. } = next else { unreachable!() };
    let next = credpool_core::Next::Same { token: world.token(), connection: connection(1) };
    let kept = Report { keep: true, next: Some(next), ..first_report(token, of_model("large", fault(Cause::Model))) };
    assert_eq!(world.send(kept).unwrap().next, Some(Err(Refusal::Limit(Limit::Leases))));
}

#[test]
fn the_failures_of_one_lease_are_bounded() {
    let mut world = limited(Limits { reports_per_lease: 2, ..Limits::default() });
    let token = world.lease_of("a");
    let report = |number| Report { number, keep: true, ..first_report(token, fault(Cause::Server)) };
    assert!(world.send(report(1)).is_ok() && world.send(report(2)).is_ok());
    let before = but_for_order(world.records());
    assert_eq!(world.send(report(3)), Err(Refusal::Limit(Limit::ReportsPerLease)));
    assert_eq!(but_for_order(world.records()), before);
    assert!(world.send(report(2)).unwrap().duplicate, "what was said can be said again");
}

#[test]
fn restricted_models_are_bounded_and_what_opens_first_makes_room() {
    let mut world = limited(Limits { models_per_scope: 2, ..Limits::default() });
    let leases: Vec<TokenHash> = (0..4).map(|_| world.lease_of("a")).collect();
    let models = |world: &World| -> Vec<_> {
        world.core.core().restrictions_on(world.key("a")).filter_map(|r| r.identity.model.clone()).collect()
    };
    world.report(leases[0], of_model("one", for_a_day(Cause::RateLimit)));
    world.report(leases[1], of_model("two", fault(Cause::RateLimit)));
    let third = world.report(leases[2], of_model("three", for_a_day(Cause::RateLimit)));
    assert_eq!(third.ended_by, Some(EndedBy::Report), "whoever reports gives its lease back, whatever the limit");
    assert_eq!(models(&world).iter().map(|model| &**model).collect::<Vec<_>>(), ["one", "three"]);
    world.report(leases[3], for_a_day(Cause::Quota));
    assert_eq!(models(&world).len(), 2, "what covers all models does not count");
}

#[test]
fn strikes_make_room_for_a_model_before_any_window_does() {
    let mut world = limited(Limits { models_per_scope: 2, ..Limits::default() });
    let leases: Vec<TokenHash> = (0..3).map(|_| world.lease_of("a")).collect();
    world.report(leases[0], of_model("one", fault(Cause::RateLimit)));
    world.pass(MINUTE);
    world.report(leases[1], of_model("two", fault(Cause::RateLimit)));
    world.report(leases[2], of_model("three", for_a_day(Cause::RateLimit)));
    assert!(!world.available("a", Some("two")) && !world.available("a", Some("three")));
    assert_eq!(world.records().restrictions.len(), 2);
}

#[test]
fn a_bound_of_no_models_is_one_of_one() {
    let mut world = limited(Limits { models_per_scope: 0, ..Limits::default() });
    let leases: Vec<TokenHash> = (0..2).map(|_| world.lease_of("a")).collect();
    world.report(leases[0], of_model("one", for_a_day(Cause::RateLimit)));
    world.report(leases[1], of_model("two", for_a_day(Cause::RateLimit)));
    assert!(world.available("a", Some("one")) && !world.available("a", Some("two")));
}

#[test]
fn ended_leases_are_remembered_up_to_their_number() {
    let mut world = limited(Limits { ended_leases: 2, ..Limits::default() });
    let tokens: Vec<TokenHash> = (0..3).map(|_| world.lease(Ask::default()).0).collect();
    for token in &tokens {
        world.release(*token, false).unwrap();
        world.pass(1);
    }
    assert_eq!(world.release(tokens[0], false), Err(Refusal::UnknownLease));
    assert!(world.release(tokens[1], false).unwrap().duplicate);
    assert!(world.release(tokens[2], false).unwrap().duplicate);
}

#[test]
fn whoever_ends_a_lease_is_told_so_even_if_it_is_forgotten_at_once() {
    for ended_leases in [0, 1] {
        let mut world = limited(Limits { ended_leases, ..Limits::default() });
        let tokens: Vec<TokenHash> = (0..4).map(|_| world.lease(Ask::default()).0).collect();
        assert!(!world.release(tokens[3], false).unwrap().duplicate);
        assert!(!world.release(tokens[2], true).unwrap().duplicate, "{ended_leases} ended in the same millisecond");
        let reported = world.report(tokens[1], fault(Cause::Server));
        assert_eq!(reported.ended_by, Some(EndedBy::Report));
    }
}

#[test]
fn a_core_without_room_for_leases_grants_none() {
    let mut world = World::limited(Limits { leases: 0, ..Limits::default() }, Policy::default(), rows(&["a"]));
    assert_eq!(world.refused(Ask::default()), Refusal::Limit(Limit::Leases));
}

#[test]
fn the_default_bounds_are_those_of_the_design() {
    let limits = Limits::default();
    assert_eq!((limits.leases, limits.leases_per_connection), (65_536, 4_096));
    assert_eq!((limits.ended_leases, limits.ended_lease_ms), (65_536, 10 * MINUTE));
    assert_eq!((limits.history_per_model, limits.history_per_pool), (64, 4_096));
}

#[test]
fn durations_of_nothing_are_moments() {
    let limits = Limits { ended_lease_ms: 0, strikes_ms: 0, retired_ms: 0, ..Limits::default() };
    let mut world = World::limited(limits, with_backoff(), rows(&["a", "b"]));
    world.fails("a", fault(Cause::RateLimit));
    let at = Some(world.now.wall.after(500));
    world.fails("b", credpool_core::Verdict { at, ..fault(Cause::RateLimit) });
    world.define(rows(&["a"]));
    world.pass(MINUTE);
    world.pass(1);
    assert!(world.records().restrictions.is_empty() && world.records().leases.is_empty());
}
