//! What a restart leaves of a pool: all of it, but for connections.

use credpool_core::{Ask, Cause, Claimed, EndedBy, Limits, Owner, Refusal, Renewed, State, Verdict, Wall};

use super::world::{
    USER, World, at_once, capped, connection, fault, for_a_day, of_the_account, row, rows, with_secret,
};
use crate::support::{DAY, HOUR, MINUTE, SECOND};

/// A connection of the run that follows.
const ANEW: Owner = Owner { run: 2, connection: 1, user: USER };

fn leased(world: &mut World, connection: Owner) -> credpool_core::TokenHash {
    let (token, grant) = world.ask(Ask::default(), Some(connection));
    grant.expect("there is one");
    token
}

#[test]
fn restrictions_come_back_with_what_is_left_of_them() {
    let mut world = World::of(&["a", "b", "c"]);
    world.fails("a", Verdict { after_ms: Some(HOUR), ..fault(Cause::RateLimit) });
    world.fails("b", Verdict { at: Some(Wall(world.now.wall.0 + HOUR)), ..fault(Cause::Quota) });
    world.disable("c", None);
    world.restart(10 * MINUTE);
    let left = world.exhausted(Ask::default());
    // The jitter of what is an hour is less than 30 s.
    let retry = left.retry_after_ms.expect("time helps");
    assert!((50 * MINUTE..=50 * MINUTE + 30 * SECOND).contains(&retry), "{retry}");
    world.pass(51 * MINUTE);
    assert_eq!([world.state("a"), world.state("b"), world.state("c")], [State::Ready, State::Ready, State::Disabled]);
}

#[test]
fn what_was_over_by_the_time_of_the_restart_is_over() {
    let mut world = World::of(&["a"]);
    world.fails("a", Verdict { after_ms: Some(SECOND), ..fault(Cause::RateLimit) });
    world.restart(MINUTE);
    assert_eq!(world.next(), "a");
}

#[test]
fn no_restriction_has_more_left_than_the_longest_window_there_is() {
    let mut world = World::of(&["a", "b"]);
    world.fails("a", Verdict { after_ms: Some(400 * DAY), ..fault(Cause::Quota) });
    world.disable("b", Some(400 * DAY));
    world.restart(0);
    world.pass(35 * DAY - 1);
    assert_eq!(world.state("a"), State::Cooling);
    world.pass(1);
    assert_eq!(world.state("a"), State::Ready);
    assert_eq!(world.state("b"), State::Disabled, "an operator may mean it");
}

#[test]
fn strikes_and_clears_are_remembered() {
    let mut world = World::with(super::world::with_backoff(), rows(&["a"]));
    let late = world.lease_of("a");
    world.fails("a", fault(Cause::RateLimit));
    world.restart(0);
    assert_eq!(world.exhausted(Ask::default()).retry_after_ms.map(|ms| ms / (11 * SECOND)), Some(0));
    world.clear(None, None);
    world.restart(0);
    let report = world.report(late, for_a_day(Cause::RateLimit));
    assert_eq!(report.conclusion.why, Some(credpool_core::Why::ClearedSince));
    assert_eq!(world.state("a"), State::Ready);
}

#[test]
fn a_report_that_is_repeated_after_a_restart_is_not_judged_twice() {
    let mut world = World::of(&["a"]);
    let token = world.lease_of("a");
    let first = world.report(token, for_a_day(Cause::Quota));
    world.clear(None, None);
    world.restart(SECOND);
    let again = world.report(token, for_a_day(Cause::Quota));
    assert!(again.duplicate);
    assert_eq!(again.conclusion, first.conclusion);
    assert_eq!(world.state("a"), State::Ready);
}

#[test]
fn a_bound_lease_holds_its_place_for_five_seconds() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    let token = leased(&mut world, connection(1));
    world.restart(MINUTE);
    world.pass(5 * SECOND - 1);
    world.busy(Ask::default());
    world.pass(1);
    assert_eq!(world.next(), "a");
    assert_eq!(world.release(token, false).unwrap().ended_by, EndedBy::Restart);
}

#[test]
fn whoever_claims_a_lease_has_it_again() {
    let mut world = World::with(capped(1, true), rows(&["a"]));
    let token = leased(&mut world, connection(1));
    let expires = world.now.boot.after(HOUR);
    world.restart(MINUTE);
    for _ in 0..2 {
        let Ok(Claimed::Bound(grant)) = world.claim(token, ANEW) else { panic!("it is claimed") };
        assert_eq!((world.id(grant.credential).as_str(), grant.expires), ("a", expires));
    }
    world.pass(MINUTE);
    world.busy(Ask::default());
    assert_eq!(world.disconnect(ANEW), 1);
    assert_eq!(world.next(), "a");
}

#[test]
fn only_what_a_restart_cut_off_can_be_claimed() {
    let mut world = World::of(&["a"]);
    let (bound, detached) = (leased(&mut world, connection(1)), world.lease_of("a"));
    assert_eq!(world.claim(bound, ANEW), Err(Refusal::NotTheHolder), "its connection is there");
    world.restart(0);
    assert_eq!(world.claim(detached, ANEW), Err(Refusal::Detached), "it needs no connection");
    let unknown = world.token();
    assert_eq!(world.claim(unknown, ANEW), Err(Refusal::UnknownLease));
    world.claim(bound, ANEW).unwrap();
    assert_eq!(world.claim(bound, Owner { connection: 2, ..ANEW }), Err(Refusal::NotTheHolder), "somebody has it");
    world.disconnect(ANEW);
    assert_eq!(world.claim(bound, ANEW), Ok(Claimed::Ended(EndedBy::Connection)));
}

#[test]
fn nobody_claims_what_is_another_users() {
    let mut world = World::of(&["a"]);
    let token = leased(&mut world, connection(1));
    world.restart(0);
    // A second restart does not wash off whose it was.
    world.restart(SECOND);
    let another = Owner { user: USER + 1, ..ANEW };
    assert_eq!(world.claim(token, another), Err(Refusal::NotTheUser));
    assert!(matches!(world.claim(token, ANEW), Ok(Claimed::Bound(_))), "the attempt has changed nothing");
    world.release(token, false).unwrap();
    assert_eq!(world.claim(token, another), Err(Refusal::NotTheUser), "nor is its end of their business");
}

#[test]
fn renewing_claims_nothing() {
    let mut world = World::of(&["a"]);
    let token = leased(&mut world, connection(1));
    world.restart(0);
    assert_eq!(world.renew(token, None), Ok(Renewed::Until(world.now.boot.after(5 * SECOND))));
}

#[test]
fn a_detached_lease_runs_to_its_own_end() {
    let mut world = World::of(&["a"]);
    let token = world.lease_of("a");
    world.restart(MINUTE);
    world.pass(9 * MINUTE - 1);
    assert_eq!(world.in_flight("a"), 1);
    world.pass(1);
    assert_eq!(world.release(token, false).unwrap().ended_by, EndedBy::Ttl);
}

#[test]
fn a_lease_that_ran_out_meanwhile_says_so() {
    let mut world = World::of(&["a"]);
    let token = leased(&mut world, connection(1));
    world.restart(HOUR);
    assert_eq!(world.release(token, false).unwrap().ended_by, EndedBy::Ttl);
}

#[test]
fn a_secret_that_is_another_after_the_restart_has_what_was_about_the_old_one_behind_it() {
    let mut world = World::of(&["a", "b"]);
    world.fails("a", fault(Cause::Dead));
    world.fails("b", of_the_account(for_a_day(Cause::Quota)));
    world.restart(0);
    assert_eq!((world.state("a"), world.state("b")), (State::NeedsLogin, State::Cooling));
    world.define(vec![with_secret("a", "another"), row("b")]);
    assert_eq!((world.state("a"), world.state("b")), (State::Ready, State::Cooling));
}

#[test]
fn a_row_that_is_gone_after_the_restart_finds_its_state_when_it_comes_back() {
    let mut world = World::of(&["a", "b"]);
    world.fails("a", for_a_day(Cause::Quota));
    world.restart(0);
    world.define(rows(&["b"]));
    world.pass(HOUR);
    world.define(rows(&["a", "b"]));
    assert_eq!(world.state("a"), State::Cooling);
}

#[test]
fn narrower_limits_hold_for_what_was_remembered() {
    let mut world = World::limited(Limits::default(), at_once(), rows(&["a"]));
    for _ in 0..9 {
        world.clear(Some("a"), None);
    }
    let narrow = Limits { history_per_model: 3, ..Limits::default() };
    world.core = world.core.restarted(narrow, world.now);
    assert_eq!(world.core.core().history(world.pool).count(), 3);
}
