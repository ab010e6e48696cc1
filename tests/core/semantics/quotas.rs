//! What responses say is left: what is remembered of it, and what follows.

use credpool_core::{
    Ask, Cause, Deadline, Definition, Event, Evidence, Kind, Limits, Policy, Quota, Reach, Reading, Release, Reply,
    Report, State, Strategy, Until, Verdict,
};

mod choosing;
mod spent;

use super::world::{
    World, at_once, fault, first_report, for_a_day, of_account, row, rows, strategy, until, with_backoff, with_secret,
};
use crate::support::{DAY, HOUR, MINUTE, SECOND, START};

/// A window of five hours of which so many thousandths are used; it resets in two.
fn window(name: &str, used_permille: u32) -> Reading {
    Reading {
        name: name.into(),
        model: None,
        limit: Some(1_000),
        remaining: Some(u64::from(1_000_u32.saturating_sub(used_permille))),
        used_permille: Some(used_permille),
        length_ms: Some(5 * HOUR),
        after_ms: Some(2 * HOUR),
        at: None,
        refills: false,
        spent: false,
        verdict: None,
    }
}

fn resets_in(ms: u64, reading: Reading) -> Reading {
    Reading { after_ms: Some(ms), ..reading }
}

fn of(model: &str, reading: Reading) -> Reading {
    Reading { model: Some(model.into()), ..reading }
}

/// One of which nothing is left until it resets.
fn spent(cause: Cause, reading: Reading) -> Reading {
    let verdict = Verdict {
        kind: Kind::Fault(cause),
        reach: Reach::Account,
        model: reading.model.clone(),
        after_ms: reading.after_ms,
        at: reading.at,
        status: Some(200),
        rule: "window.spent".into(),
        evidence: Some(Evidence { source: "header:reset".into(), raw: "7200".into() }),
    };
    Reading { remaining: Some(0), spent: true, verdict: Some(verdict), ..reading }
}

fn used_up(name: &str) -> Reading {
    spent(Cause::Quota, window(name, 1_000))
}

fn used_up_for(ms: u64) -> Reading {
    spent(Cause::Quota, resets_in(ms, window("5h", 1_000)))
}

fn known(world: &World, id: &str) -> Vec<(String, Option<u32>)> {
    let account = world.records().credentials[&world.key(id)].account;
    let told = |quota: &Quota| {
        let model = quota.key.model.as_deref().map(|model| format!(" of {model}")).unwrap_or_default();
        (format!("{}{model}", quota.key.name), quota.used_permille)
    };
    world.core.core().quotas(account).map(told).collect()
}

fn names(world: &World, id: &str) -> Vec<String> {
    known(world, id).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_later_response_takes_the_place_of_an_earlier_one_window_by_window() {
    let mut world = World::of(&["a"]);
    let (slow, fast) = (world.lease_of("a"), world.lease_of("a"));
    world.give_back(fast, vec![window("5h", 500), window("7d", 100)]);
    world.pass(SECOND);
    world.give_back(slow, vec![window("5h", 400)]);
    assert_eq!(known(&world, "a"), [("5h".to_owned(), Some(400)), ("7d".to_owned(), Some(100))]);
    let quota = world.records().quotas.values().next().expect("two windows");
    assert_eq!((quota.remaining, quota.seen), (Some(600), world.now), "whoever is heard last is right");
}

#[test]
fn windows_of_single_models_stand_beside_each_other() {
    let mut world = World::of(&["a"]);
    world.reads("a", None, vec![of("large", window("tokens", 900)), of("small", window("tokens", 1)), window("5h", 2)]);
    assert_eq!(names(&world, "a"), ["5h", "tokens of large", "tokens of small"]);
}

#[test]
fn credentials_of_one_account_share_its_windows() {
    let rows = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme"), row("c")];
    let mut world = World::with(at_once(), rows);
    world.reads("a", None, vec![window("5h", 700)]);
    assert_eq!((names(&world, "b").len(), names(&world, "c").len()), (1, 0));
}

#[test]
fn a_window_counts_for_nothing_from_the_moment_on_in_which_it_resets() {
    let mut world = World::with(strategy(Strategy::Headroom), rows(&["a", "b"]));
    let at = world.now.wall.after(MINUTE);
    world.reads("a", None, vec![Reading { after_ms: None, at: Some(at), ..window("5h", 900) }]);
    let Deadline { wall, .. } = world.core.core().next_deadline();
    assert_eq!(wall, Some(at), "the core asks to be woken for it");
    assert_eq!(world.used(), "b");
    world.pass(MINUTE - 1);
    assert_eq!(world.used(), "b");
    world.pass(1);
    assert_eq!((world.used(), names(&world, "a")), ("a".to_owned(), Vec::new()));
}

#[test]
fn a_reset_on_both_clocks_is_waited_for_on_both() {
    let mut world = World::of(&["a"]);
    let at = Some(world.now.wall.after(2 * MINUTE));
    world.reads("a", None, vec![Reading { at, ..resets_in(MINUTE, window("5h", 900)) }]);
    world.pass(MINUTE);
    assert_eq!(names(&world, "a"), ["5h"]);
    world.pass(MINUTE);
    assert!(names(&world, "a").is_empty());
}

#[test]
fn a_window_that_does_not_say_when_it_resets_is_believed_for_its_length_and_an_hour_at_most() {
    let undated = |length_ms, refills| Reading { length_ms, refills, after_ms: None, ..window("w", 900) };
    let lasts = [
        (undated(None, false), HOUR),
        (undated(Some(7 * DAY), false), HOUR),
        (undated(Some(MINUTE / 2), false), MINUTE / 2),
        (undated(None, true), MINUTE),
        (undated(Some(2 * MINUTE), true), 2 * MINUTE),
    ];
    for (reading, ms) in lasts {
        let mut world = World::of(&["a"]);
        world.reads("a", None, vec![reading.clone()]);
        world.pass(ms - 1);
        assert_eq!(names(&world, "a"), ["w"], "{reading:?}");
        world.pass(1);
        assert!(names(&world, "a").is_empty(), "{reading:?}");
    }
}

#[test]
fn a_response_that_says_that_the_window_has_begun_anew_ends_what_was_known() {
    let mut world = World::of(&["a"]);
    world.reads("a", None, vec![window("5h", 900)]);
    world.reads("a", None, vec![Reading { after_ms: None, at: Some(world.now.wall), ..window("5h", 0) }]);
    assert!(names(&world, "a").is_empty());
}

#[test]
fn a_lease_says_it_once() {
    let mut world = World::of(&["a"]);
    let token = world.lease_of("a");
    world.give_back(token, vec![window("5h", 100)]);
    world.give_back(token, vec![window("5h", 900)]);
    let (late, _) = world.lease(Ask { ttl_ms: Some(1), ..Ask::default() });
    world.pass(1);
    world.give_back(late, vec![window("7d", 200)]);
    world.give_back(late, vec![window("7d", 900)]);
    assert_eq!(known(&world, "a"), [("5h".to_owned(), Some(100)), ("7d".to_owned(), Some(200))]);
}

#[test]
fn a_failure_says_it_too() {
    let mut world = World::of(&["a"]);
    let token = world.lease_of("a");
    let readings = vec![window("5h", 900)];
    world.send(Report { readings, ..first_report(token, fault(Cause::Server)) }).expect("the lease is known");
    assert_eq!(names(&world, "a"), ["5h"]);
}

#[test]
fn what_is_said_of_an_old_account_is_not_held_against_the_new_one() {
    let mut world = World::of(&["a"]);
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.give_back(one, vec![window("5h", 900)]);
    world.define(vec![with_secret("a", "another")]);
    assert!(names(&world, "a").is_empty(), "another secret is another account");
    world.give_back(other, vec![used_up("5h")]);
    assert!(names(&world, "a").is_empty() && world.available("a", None));
}

#[test]
fn the_windows_of_an_account_outlive_its_secret() {
    let mut world = World::with(at_once(), vec![of_account("a", "1", "acme")]);
    let token = world.lease_of("a");
    world.reads("a", None, vec![window("5h", 900)]);
    world.define(vec![of_account("a", "2", "acme")]);
    world.give_back(token, vec![window("7d", 900)]);
    assert_eq!(names(&world, "a"), ["5h", "7d"]);
}

#[test]
fn an_operator_who_clears_ends_what_was_known() {
    let mut world = World::of(&["a"]);
    let before = world.lease_of("a");
    let readings = || vec![window("5h", 900), of("large", window("tokens", 900))];
    world.reads("a", None, readings());
    world.clear(Some("a"), Some("large"));
    assert_eq!(names(&world, "a"), ["5h"]);
    world.clear(Some("a"), None);
    assert!(names(&world, "a").is_empty());
    world.give_back(before, readings());
    assert!(names(&world, "a").is_empty(), "whoever began before it is history");
    world.reads("a", None, readings());
    world.clear(None, None);
    assert!(names(&world, "a").is_empty());
}

#[test]
fn windows_are_bounded_and_what_was_heard_longest_ago_makes_room() {
    let limits = Limits { quotas_per_account: 2, quotas: 3, ..Limits::default() };
    let mut world = World::limited(limits, at_once(), rows(&["a", "b"]));
    for name in ["one", "two", "three"] {
        world.reads("a", None, vec![window(name, 1)]);
        world.pass(1);
    }
    assert_eq!(names(&world, "a"), ["three", "two"]);
    world.reads("a", None, vec![window("two", 2)]);
    world.reads("b", None, vec![window("one", 1)]);
    assert_eq!((names(&world, "a").len(), names(&world, "b").len()), (2, 1), "at the bound");
    world.pass(1);
    world.reads("b", None, vec![window("two", 1)]);
    assert_eq!((names(&world, "a"), names(&world, "b").len()), (vec!["two".to_owned()], 2));
    let default = Limits::default();
    assert_eq!((default.quotas_per_account, default.quotas, default.quota_ms), (256, 65_536, HOUR));
}

#[test]
fn a_bound_of_no_windows_is_one_of_one() {
    let limits = Limits { quotas_per_account: 0, quotas: 0, quota_ms: 0, ..Limits::default() };
    let mut world = World::limited(limits, at_once(), rows(&["a"]));
    world.reads("a", None, vec![window("one", 1), window("two", 1)]);
    assert_eq!(names(&world, "a").len(), 1);
}

#[test]
fn windows_come_back_after_a_restart_with_what_is_left_of_them() {
    let mut world = World::with(strategy(Strategy::Headroom), rows(&["a", "b"]));
    world.reads("a", Some("large"), vec![window("5h", 900), of("large", window("tokens", 950))]);
    world.restart(HOUR);
    assert_eq!(names(&world, "a"), ["5h", "tokens of large"]);
    assert_eq!(world.used(), "b");
    world.pass(HOUR);
    assert_eq!((world.used(), names(&world, "a")), ("a".to_owned(), Vec::new()));
}
