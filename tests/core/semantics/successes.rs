//! What a success clears, and what it does not.

use credpool_core::{Ask, Cause, Next, Recovery, Report, State, Verdict};

use super::world::{
    World, fault, first_report, for_a_day, of_account, of_model, of_the_account, row, rows, unresolved, with_backoff,
    with_secret,
};
use crate::support::MINUTE;

#[test]
fn a_success_clears_what_covers_its_lease_and_began_before_it() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    world.pass(2 * MINUTE);
    let token = world.lease_of("a");
    assert_eq!(world.records().restrictions.len(), 1, "its strikes are remembered");
    world.release(token, true).unwrap();
    assert!(world.records().restrictions.is_empty());
    assert_eq!(world.fails("a", fault(Cause::RateLimit)).conclusion.strikes, 1);
}

#[test]
fn nothing_less_than_a_success_clears() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", fault(Cause::RateLimit));
    world.pass(MINUTE);
    let token = world.lease_of("a");
    world.release(token, false).unwrap();
    assert_eq!(world.fails("a", fault(Cause::RateLimit)).conclusion.strikes, 2);
}

#[test]
fn a_success_does_not_clear_what_began_after_its_lease() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let slow = world.lease_of("a");
    world.fails("a", for_a_day(Cause::Quota));
    world.release(slow, true).unwrap();
    assert!(!world.available("a", None));
}

#[test]
fn a_success_clears_what_began_with_the_report_that_its_lease_came_with() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.policy.recovery = Recovery { probe_interval_ms: 0, ..world.policy.recovery };
    world.define(rows(&["a"]));
    let (first, probe) = (world.lease_of("a"), world.token());
    let next = Some(Next::With { ask: Ask::default(), token: probe, owner: None });
    let reported = world.send(Report { next, ..first_report(first, for_a_day(Cause::Quota)) }).unwrap();
    assert!(reported.next.unwrap().unwrap().probe);
    world.release(probe, true).unwrap();
    assert!(world.records().restrictions.is_empty());
}

#[test]
fn a_success_with_one_model_says_nothing_of_another() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", of_model("large", for_a_day(Cause::RateLimit)));
    let token = world.lease_for("a", "small");
    world.release(token, true).unwrap();
    assert!(!world.available("a", Some("large")));
    let token = world.lease_of("a");
    world.release(token, true).unwrap();
    assert!(!world.available("a", Some("large")), "nor does one without a model");
}

#[test]
fn a_success_with_a_model_clears_strikes_of_all_models() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, fault(Cause::RateLimit));
    world.report(other, of_model("large", fault(Cause::RateLimit)));
    world.pass(10 * MINUTE);
    let token = world.lease_for("a", "small");
    world.release(token, true).unwrap();
    let left: Vec<_> = world.records().restrictions.keys().map(|identity| identity.model.as_deref()).collect();
    assert_eq!(left, [Some("large")]);
}

#[test]
fn a_success_clears_its_accounts_restrictions_too() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme")];
    let mut world = World::with(with_backoff(), shared);
    let (one, other) = (world.lease_of("a"), world.lease_of("b"));
    world.report(one, of_the_account(fault(Cause::Quota)));
    world.report(other, fault(Cause::Auth));
    world.pass(MINUTE);
    let token = world.lease_of("a");
    world.release(token, true).unwrap();
    let left: Vec<Cause> = world.records().restrictions.keys().map(|identity| identity.cause).collect();
    assert_eq!(left, [Cause::Auth], "what is about the other row's secret stays");
}

#[test]
fn a_success_neither_enables_nor_finds_a_secret() {
    let mut world = World::with(with_backoff(), vec![row("a"), unresolved("b")]);
    let (by_reference, _) = world.lease(Ask { pin: Some(world.key("b")), by_reference: true, ..Ask::default() });
    let token = world.lease_of("a");
    world.disable("a", None);
    world.release(token, true).unwrap();
    world.release(by_reference, true).unwrap();
    assert_eq!((world.state("a"), world.state("b")), (State::Disabled, State::NoSecret));
}

#[test]
fn a_success_with_an_old_secret_says_nothing_of_the_new_one() {
    let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme")]);
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, of_the_account(fault(Cause::Quota)));
    world.report(other, fault(Cause::RateLimit));
    world.pass(MINUTE);
    let token = world.lease_of("a");
    world.define(vec![of_account("a", "2", "acme")]);
    world.release(token, true).unwrap();
    let left: Vec<Cause> = world.records().restrictions.keys().map(|identity| identity.cause).collect();
    assert_eq!(left, [Cause::RateLimit], "of its account it does");
}

#[test]
fn a_success_counts_after_its_lease_has_run_out() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "1")]);
    world.fails("a", fault(Cause::RateLimit));
    world.pass(MINUTE);
    let (token, _) = world.lease(Ask { ttl_ms: Some(1), ..Ask::default() });
    world.pass(1);
    world.release(token, true).unwrap();
    assert!(world.records().restrictions.is_empty());
}

#[test]
fn a_success_that_comes_after_the_lease_was_given_back_is_not_heard() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", fault(Cause::RateLimit));
    world.pass(MINUTE);
    let released = world.lease_of("a");
    world.release(released, false).unwrap();
    let reported = world.lease_of("a");
    world.report(reported, of_model("large", fault(Cause::Model)));
    world.release(released, true).unwrap();
    world.release(reported, true).unwrap();
    assert_eq!(world.fails("a", fault(Cause::RateLimit)).conclusion.strikes, 2);
}
