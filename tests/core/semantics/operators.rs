//! Disabling and enabling.

use credpool_core::{Ask, Cause, Command, CredentialKey, Disable, Refusal, Reply, State};

use super::world::{World, fault, for_a_day, rows, unresolved, with_backoff};
use crate::support::{DAY, MINUTE};

#[test]
fn a_disabled_credential_is_not_granted_until_it_is_enabled() {
    let mut world = World::of(&["a", "b"]);
    assert_eq!(world.disable("a", None), State::Disabled);
    assert_eq!(world.next(), "b");
    world.pass(400 * DAY);
    assert_eq!(world.next(), "b");
    assert_eq!(world.enable("a"), State::Ready);
    assert_eq!(world.next(), "a");
}

#[test]
fn a_disable_may_end_by_itself() {
    let mut world = World::of(&["a"]);
    world.disable("a", Some(MINUTE));
    world.pass(MINUTE - 1);
    assert_eq!(world.state("a"), State::Disabled);
    assert_eq!(world.exhausted(Ask::default()).retry_after_ms, Some(1));
    world.pass(1);
    assert_eq!(world.state("a"), State::Ready);
    assert!(world.records().restrictions.is_empty(), "an operator gives no strikes");
}

#[test]
fn the_operators_last_word_counts() {
    let mut world = World::of(&["a"]);
    world.disable("a", None);
    world.disable("a", Some(MINUTE));
    world.pass(MINUTE);
    assert_eq!(world.state("a"), State::Ready);
    world.disable("a", Some(MINUTE));
    world.disable("a", None);
    world.pass(DAY);
    assert_eq!(world.state("a"), State::Disabled);
}

#[test]
fn disabling_is_apart_from_clearing_and_cooling() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", for_a_day(Cause::Quota));
    assert_eq!(world.disable("a", None), State::Disabled);
    assert_eq!(world.clear(Some("a"), None), 1);
    assert_eq!(world.state("a"), State::Disabled);
    assert_eq!(world.enable("a"), State::Ready);
    world.fails("a", for_a_day(Cause::Quota));
    world.disable("a", None);
    assert_eq!(world.enable("a"), State::Cooling, "enabling clears nothing");
}

#[test]
fn reports_about_a_disabled_credential_are_judged() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let token = world.lease_of("a");
    world.disable("a", None);
    assert_eq!(world.report(token, fault(Cause::RateLimit)).conclusion.why, None);
    assert_eq!(world.enable("a"), State::Cooling);
}

#[test]
fn a_disabled_credentials_leases_go_on() {
    let mut world = World::of(&["a"]);
    let token = world.lease_of("a");
    world.disable("a", None);
    assert_eq!(world.in_flight("a"), 1);
    assert!(!world.release(token, true).unwrap().duplicate);
    assert_eq!(world.state("a"), State::Disabled);
}

#[test]
fn a_disable_outlives_a_new_secret_and_a_removal() {
    let mut world = World::of(&["a", "b"]);
    world.disable("a", None);
    world.define(vec![super::world::with_secret("a", "rotated")]);
    assert_eq!(world.state("a"), State::Disabled);
    world.define(rows(&["b"]));
    world.pass(MINUTE);
    world.define(rows(&["a", "b"]));
    assert_eq!(world.state("a"), State::Disabled);
}

#[test]
fn states_have_an_order_of_precedence() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases: Vec<_> = (0..3).map(|_| world.lease_of("a")).collect();
    let causes = [Cause::RateLimit, Cause::Billing, Cause::Dead];
    let states = [State::Cooling, State::Billing, State::NeedsLogin];
    for ((lease, cause), state) in leases.into_iter().zip(causes).zip(states) {
        assert_eq!(world.report(lease, for_a_day(cause)).conclusion.state, state);
    }
    world.define(vec![unresolved("a")]);
    assert_eq!(world.state("a"), State::NoSecret);
    assert_eq!(world.disable("a", None), State::Disabled);
    assert_eq!(world.core.core().states(world.pool), [(State::Disabled, 1)].into());
}

#[test]
fn nobody_unknown_is_disabled_or_enabled() {
    let mut world = World::of(&["a"]);
    let credential = CredentialKey(u32::MAX);
    let disable = Command::Disable(Disable { credential, for_ms: None, note: "".into() });
    for command in [disable, Command::Enable(credential)] {
        assert_eq!(world.apply(command), Reply::Switched(Err(Refusal::UnknownCredential)));
    }
}

#[test]
fn an_operators_note_is_what_a_refusal_tells() {
    let mut world = World::of(&["a"]);
    world.disable("a", None);
    let unavailable = world.exhausted(Ask::default());
    let obstacle = unavailable.first[0].obstacle.as_ref().unwrap();
    assert_eq!((obstacle.cause, &*obstacle.reason, obstacle.status), (Cause::Disabled, "maintenance", None));
    assert_eq!(unavailable.retry_after_ms, None);
}
