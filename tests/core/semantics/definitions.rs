//! Definitions come, change, go and come back.

use std::collections::BTreeSet;

use credpool_core::{Ask, Cap, Cause, Definition, State, Strategy, Verdict};

use super::world::{
    World, fault, for_a_day, of_account, of_the_account, row, rows, strategy, unresolved, with_backoff, with_secret,
};
use crate::support::{DAY, HOUR, MINUTE, but_for_order};

#[test]
fn the_same_definitions_again_change_nothing() {
    let mut world = World::with(with_backoff(), vec![row("a"), unresolved("b"), of_account("c", "c", "acme")]);
    world.fails("a", for_a_day(Cause::Quota));
    world.lease_of("c");
    let before = but_for_order(world.records());
    let defined = world.define(vec![row("a"), unresolved("b"), of_account("c", "c", "acme")]);
    assert_eq!((defined.added, defined.removed, defined.changed), (0, 0, 0));
    assert_eq!(but_for_order(world.records()), before);
    assert!(world.core.touched().is_empty(), "{:?}", world.core.touched());
}

#[test]
fn definitions_that_are_new_gone_and_changed_are_counted() {
    let mut world = World::of(&["a", "b", "c", "d"]);
    let capped = Definition { cap: Some(Cap { max_in_flight: 3, hard: true }), ..row("c") };
    let defined = world.define(vec![row("a"), with_secret("b", "rotated"), capped, row("e")]);
    assert_eq!((defined.added, defined.removed, defined.changed), (1, 1, 2));
    let defined = world.define(rows(&["b", "a"]));
    assert_eq!((defined.added, defined.removed, defined.changed), (0, 2, 2));
}

#[test]
fn keys_are_told_in_the_order_of_the_rows_and_stay_with_them() {
    let mut world = World::of(&["a", "b"]);
    let keys = [world.key("a"), world.key("b")];
    let defined = world.define(vec![with_secret("b", "rotated"), row("c"), row("a")]);
    assert_eq!([defined.keys[2], defined.keys[0]], keys);
    assert_eq!(defined.keys.iter().collect::<BTreeSet<_>>().len(), 3);
    let in_order: Vec<String> = world.core.core().defined(world.pool).map(|key| world.id(key)).collect();
    assert_eq!(in_order, ["b", "c", "a"]);
}

#[test]
fn a_key_that_gets_another_id_is_the_same_key() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "1"), row("b")]);
    let (key, token) = (world.key("a"), world.lease_of("a"));
    world.fails("a", for_a_day(Cause::Quota));
    let defined = world.define(vec![with_secret("c", "1"), row("b")]);
    assert_eq!((defined.added, defined.removed, defined.changed), (0, 0, 1));
    assert_eq!((world.key("c"), defined.keys[0], world.in_flight("c")), (key, key, 1));
    assert!(world.has("c", Cause::Quota) && !world.available("c", None));
    assert_eq!(world.report(token, for_a_day(Cause::Dead)).conclusion.why, None);
    assert_eq!(world.state("c"), State::NeedsLogin);
}

#[test]
fn a_key_that_is_added_again_is_the_same_key() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "1"), row("b")]);
    let key = world.key("a");
    world.fails("a", for_a_day(Cause::Quota));
    world.define(vec![row("b")]);
    assert_eq!(world.define(vec![row("b"), with_secret("c", "1")]).added, 1);
    assert_eq!(world.key("c"), key);
    assert!(!world.available("c", None));
    assert_eq!(world.define(vec![row("b"), with_secret("c", "1"), with_secret("a", "1")]).added, 1);
    assert_ne!(world.key("a"), key, "beside the row that took it over, it is another");
}

#[test]
fn a_new_id_with_another_secret_is_another_key() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "1"), unresolved("b")]);
    let keys = [world.key("a"), world.key("b")];
    world.fails("a", for_a_day(Cause::Quota));
    let defined = world.define(vec![with_secret("c", "2"), unresolved("d")]);
    assert_eq!((defined.added, defined.removed, defined.changed), (2, 2, 0));
    assert!(defined.keys.iter().all(|key| !keys.contains(key)));
    assert!(world.available("c", None));
}

#[test]
fn where_several_rows_have_the_secret_nobody_takes_another_over() {
    let mut world =
        World::with(with_backoff(), vec![with_secret("a", "1"), with_secret("b", "1"), with_secret("c", "2")]);
    let keys = [world.key("a"), world.key("b"), world.key("c")];
    let defined = world.define(vec![with_secret("d", "1"), with_secret("e", "2"), with_secret("f", "2")]);
    assert_eq!((defined.added, defined.removed), (3, 3));
    assert!(defined.keys.iter().all(|key| !keys.contains(key)));
}

#[test]
fn one_id_in_two_pools_is_two_credentials() {
    let mut world = World::of(&["a"]);
    let other = world.define_pool("anthropic", rows(&["a"]));
    assert_ne!(other.keys[0], world.key("a"));
    world.fails("a", of_the_account(for_a_day(Cause::Quota)));
    world.pool = other.pool;
    assert_eq!(world.next(), "a");
}

#[test]
fn a_removed_row_is_not_granted() {
    let mut world = World::of(&["a", "b"]);
    world.define(rows(&["b"]));
    assert_eq!([world.next(), world.next()], ["b", "b"]);
    assert_eq!(world.core.core().states(world.pool).values().sum::<usize>(), 1);
}

#[test]
fn a_row_that_comes_back_finds_its_leases_and_its_state() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let key = world.key("a");
    let token = world.lease_of("a");
    world.fails("a", for_a_day(Cause::Quota));
    let grants = world.records().credentials[&key].grants;
    world.define(rows(&["b"]));
    world.pass(MINUTE);
    assert_eq!(world.define(rows(&["a", "b"])).added, 1);
    assert_eq!((world.key("a"), world.in_flight("a")), (key, 1));
    assert_eq!(world.records().credentials[&key].grants, grants);
    assert!(!world.available("a", None));
    world.release(token, false).unwrap();
    assert_eq!(world.in_flight("a"), 0);
}

#[test]
fn reports_about_a_row_count_while_it_is_away() {
    let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme"), row("b")]);
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.define(rows(&["b"]));
    assert_eq!(world.report(one, for_a_day(Cause::Auth)).conclusion.why, None);
    assert_eq!(world.report(other, of_the_account(for_a_day(Cause::Quota))).conclusion.why, None);
    world.define(vec![of_account("a", "1", "acme"), row("b")]);
    assert!(world.has("a", Cause::Auth) && world.has("a", Cause::Quota));
}

#[test]
fn reports_from_before_a_row_went_away_count_when_it_is_back() {
    let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme"), row("b")]);
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.define(rows(&["b"]));
    world.define(vec![of_account("a", "1", "acme"), row("b")]);
    assert_eq!(world.report(one, for_a_day(Cause::Auth)).conclusion.why, None);
    assert_eq!(world.report(other, of_the_account(for_a_day(Cause::Quota))).conclusion.why, None);
}

#[test]
fn a_row_that_comes_back_with_a_new_secret_of_its_account_keeps_its_limits() {
    let mut world = World::with(with_backoff(), vec![of_account("a", "1", "acme"), row("b")]);
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, for_a_day(Cause::Quota));
    world.report(other, for_a_day(Cause::Dead));
    world.define(rows(&["b"]));
    world.define(vec![of_account("a", "2", "acme"), row("b")]);
    assert!(world.has("a", Cause::Quota) && !world.has("a", Cause::Dead));
}

#[test]
fn a_row_that_is_gone_for_a_day_is_forgotten() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let key = world.key("a");
    world.fails("a", Verdict { after_ms: Some(35 * DAY), ..fault(Cause::Quota) });
    world.define(rows(&["b"]));
    world.pass(DAY - 1);
    assert!(world.records().credentials.contains_key(&key));
    world.pass(1);
    assert!(!world.records().credentials.contains_key(&key));
    assert!(world.records().restrictions.is_empty());
    world.define(rows(&["a", "b"]));
    assert_ne!(world.key("a"), key, "a key is never used again");
    assert!(world.available("a", None));
}

#[test]
fn an_account_is_forgotten_with_whatever_needed_it() {
    let mut world = World::with(with_backoff(), vec![with_secret("a", "0")]);
    for secret in 1..50 {
        let token = world.lease_of("a");
        world.release(token, true).unwrap();
        world.define(vec![with_secret("a", &secret.to_string())]);
        world.pass(MINUTE);
    }
    assert!(world.records().accounts.len() <= 12, "{:?}", world.records().accounts);
    world.pass(11 * MINUTE);
    assert_eq!(world.records().accounts.len(), 1);
}

#[test]
fn an_emptied_pool_fills_again() {
    let mut world = World::with(strategy(Strategy::RoundRobin), rows(&["a", "b"]));
    assert_eq!(world.used(), "a");
    assert_eq!(world.define(Vec::new()).removed, 2);
    world.exhausted(Ask::default());
    assert_eq!(world.define(rows(&["a", "b"])).added, 2);
    assert_eq!([world.used(), world.used()], ["b", "a"]);
}

#[test]
fn a_new_time_to_live_counts_for_new_leases() {
    let mut world = World::of(&["a"]);
    let (_, before) = world.ask(Ask::default(), None);
    world.policy.detached_ttl_ms = HOUR;
    world.define(rows(&["a"]));
    assert_eq!(before.unwrap().expires, world.now.boot.after(10 * MINUTE));
    assert_eq!(world.ask(Ask::default(), None).1.unwrap().expires, world.now.boot.after(HOUR));
}
