//! What Hermes noted beside its definitions.

use credpool_core::{Cause, Command, Import, Reply, State, Until, Wall};

use super::world::{World, fault, for_a_day, of_account, of_the_account, rows, with_backoff};
use crate::support::{DAY, HOUR, MINUTE, but_for_order};

/// A fact of `ago` milliseconds ago that holds for another hour.
fn fact(world: &World, id: &str, ago: u64, cause: Cause) -> Import {
    Import {
        credential: world.key(id),
        at: Wall(world.now.wall.0 - ago),
        cause,
        until: Until::wall(world.now.wall.after(HOUR)),
        status: Some(429),
        rule: "legacy".into(),
    }
}

fn import(world: &mut World, import: Import) -> bool {
    let Reply::Imported(news) = world.apply(Command::Import(import)) else { panic!("imported") };
    news
}

#[test]
fn a_fact_restricts_until_it_is_over() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let note = fact(&world, "a", MINUTE, Cause::RateLimit);
    assert!(import(&mut world, note));
    assert_eq!(world.state("a"), State::Cooling);
    world.pass(HOUR - 1);
    assert!(!world.available("a", None));
    world.pass(1);
    assert!(world.available("a", None));
}

#[test]
fn a_dead_login_is_imported_as_such() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let note = Import { until: Until::Lifted, ..fact(&world, "a", DAY, Cause::Dead) };
    assert!(import(&mut world, note));
    assert_eq!(world.state("a"), State::NeedsLogin);
}

#[test]
fn a_fact_is_imported_once() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let note = fact(&world, "a", MINUTE, Cause::RateLimit);
    assert!(import(&mut world, note.clone()));
    world.pass(MINUTE);
    let before = but_for_order(world.records());
    assert!(!import(&mut world, note.clone()));
    let older = Import { at: Wall(note.at.0 - 1), ..note.clone() };
    assert!(!import(&mut world, older));
    assert_eq!(but_for_order(world.records()), before);
    let newer = Import { at: note.at.after(1), until: Until::wall(note.at.after(3 * HOUR)), ..note };
    assert!(import(&mut world, newer));
    world.pass(2 * HOUR);
    assert!(!world.available("a", None));
}

#[test]
fn a_fact_is_one_credentials() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    for id in ["a", "b"] {
        let note = fact(&world, id, MINUTE, Cause::Auth);
        assert!(import(&mut world, note));
    }
    assert!(!world.available("a", None) && !world.available("b", None));
}

#[test]
fn a_fact_that_is_over_restricts_nothing_and_is_not_looked_at_again() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let until = Until::wall(Wall(world.now.wall.0 - 1));
    let over = Import { until, ..fact(&world, "a", MINUTE, Cause::RateLimit) };
    assert!(import(&mut world, over.clone()));
    assert!(world.records().restrictions.is_empty());
    world.step(-600_000);
    assert!(!import(&mut world, over));
    assert!(world.available("a", None));
}

#[test]
fn a_fact_is_not_imported_over_a_clear() {
    for clear in [Some("a"), None] {
        let mut world = World::with(with_backoff(), rows(&["a"]));
        let note = fact(&world, "a", MINUTE, Cause::RateLimit);
        world.clear(clear, None);
        assert!(!import(&mut world, note.clone()));
        assert!(world.available("a", None));
        world.pass(MINUTE);
        let rewritten = Import { at: note.at.after(1), ..note };
        assert!(!import(&mut world, rewritten), "a Hermes that still runs rewrites old facts");
        let news = fact(&world, "a", 1, Cause::RateLimit);
        assert!(import(&mut world, news));
    }
}

#[test]
fn a_fact_about_an_account_is_not_imported_over_a_clear_of_its_other_row() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme")];
    let mut world = World::with(with_backoff(), shared);
    let note = fact(&world, "a", MINUTE, Cause::Quota);
    world.clear(Some("b"), None);
    assert!(!import(&mut world, note));
    assert!(world.available("a", None) && world.available("b", None));
    let about_the_secret = fact(&world, "a", MINUTE, Cause::Auth);
    assert!(import(&mut world, about_the_secret), "the other row's secret was not cleared");
}

#[test]
fn a_fact_is_not_imported_over_newer_knowledge() {
    let newer: [fn(&mut World); 2] = [
        |world| {
            let token = world.lease_of("a");
            world.release(token, true).unwrap();
        },
        |world| {
            world.fails("a", of_the_account(fault(Cause::RateLimit)));
        },
    ];
    for learn in newer {
        let mut world = World::with(with_backoff(), rows(&["a"]));
        let note = Import { until: Until::Lifted, ..fact(&world, "a", 1, Cause::RateLimit) };
        learn(&mut world);
        assert!(!import(&mut world, note));
        world.pass(HOUR);
        assert!(world.available("a", None));
    }
}

#[test]
fn a_clear_stays_newer_when_the_wall_clock_is_set_back() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let note = fact(&world, "a", MINUTE, Cause::RateLimit);
    world.clear(Some("a"), None);
    world.step(-3_600_000);
    let token = world.lease_of("a");
    world.release(token, true).unwrap();
    assert!(!import(&mut world, note));
    assert!(world.available("a", None));
}

#[test]
fn a_fact_merges_with_what_is_known_by_max() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", of_the_account(for_a_day(Cause::Quota)));
    world.pass(MINUTE);
    let shorter = fact(&world, "a", 1, Cause::Quota);
    assert!(import(&mut world, shorter));
    world.pass(2 * HOUR);
    assert!(!world.available("a", None));
    let longer = Import { until: Until::wall(world.now.wall.after(9 * DAY)), ..fact(&world, "a", 1, Cause::Quota) };
    assert!(import(&mut world, longer));
    let merged = world.records().restrictions.values().next().unwrap();
    assert!(merged.guessed, "the vendor did not say so here");
    world.pass(8 * DAY);
    assert!(!world.available("a", None));
    assert_eq!(world.records().restrictions.len(), 1);
}

#[test]
fn a_fact_takes_no_strike_away() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    for _ in 0..3 {
        world.fails("a", of_the_account(fault(Cause::RateLimit)));
        world.pass(2 * MINUTE);
    }
    let note = fact(&world, "a", 1, Cause::RateLimit);
    assert!(world.available("a", None));
    assert!(import(&mut world, note));
    assert!(!world.available("a", None));
    world.pass(2 * HOUR);
    assert_eq!(world.fails("a", of_the_account(fault(Cause::RateLimit))).conclusion.strikes, 4);
}

#[test]
fn a_fact_about_limits_is_its_accounts() {
    for (cause, shared) in [
        (Cause::RateLimit, true),
        (Cause::Quota, true),
        (Cause::Billing, true),
        (Cause::Auth, false),
        (Cause::Dead, false),
    ] {
        let both = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme")];
        let mut world = World::with(with_backoff(), both);
        let note = fact(&world, "a", MINUTE, cause);
        assert!(import(&mut world, note));
        assert_eq!(world.available("b", None), !shared, "{cause:?}");
    }
}

#[test]
fn a_fact_that_only_we_can_know_is_none() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    for cause in [Cause::Disabled, Cause::NoSecret] {
        let note = fact(&world, "a", MINUTE, cause);
        assert!(!import(&mut world, note));
    }
    let unknown = Import { credential: credpool_core::CredentialKey(9_999), ..fact(&world, "a", 1, Cause::Quota) };
    assert!(!import(&mut world, unknown));
    assert!(world.available("a", None));
}

#[test]
fn an_imported_restriction_is_cleared_like_any_other() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let note = fact(&world, "a", MINUTE, Cause::Billing);
    assert!(import(&mut world, note.clone()));
    assert_eq!(world.clear(Some("a"), None), 1);
    assert!(!import(&mut world, note));
    assert!(world.available("a", None));
}
