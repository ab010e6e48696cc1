//! The four strategies.

use std::collections::BTreeMap;

use credpool_core::{Ask, Cap, Cause, ChosenBy, Definition, Strategy};

use super::world::{World, fault, for_a_day, row, rows, strategy};
use crate::support::{DAY, HOUR};

fn spread(counts: &BTreeMap<String, u32>) -> u32 {
    counts.values().max().unwrap_or(&0) - counts.values().min().unwrap_or(&0)
}

#[test]
fn fill_first_takes_the_first_that_is_available() {
    let mut world = World::of(&["a", "b", "c"]);
    assert_eq!([world.used(), world.used()], ["a", "a"]);
    world.fails("a", for_a_day(Cause::RateLimit));
    assert_eq!([world.used(), world.used()], ["b", "b"]);
    world.fails("b", for_a_day(Cause::Quota));
    assert_eq!(world.used(), "c");
}

#[test]
fn fill_first_follows_the_order_of_the_file() {
    let mut world = World::of(&["a", "b", "c"]);
    world.define(rows(&["c", "a", "b"]));
    assert_eq!(world.used(), "c");
    world.define(rows(&["b", "c"]));
    assert_eq!(world.used(), "b");
}

#[test]
fn a_grant_says_what_decided_it() {
    for by in [Strategy::FillFirst, Strategy::RoundRobin, Strategy::LeastUsed, Strategy::Random] {
        let mut world = World::with(strategy(by), rows(&["a", "b"]));
        let grant = world.ask(Ask::default(), None).1.unwrap();
        assert_eq!(grant.chosen_by, ChosenBy::Strategy(by));
        let pin = Ask { pin: Some(world.key("b")), ..Ask::default() };
        assert_eq!(world.ask(pin, None).1.unwrap().chosen_by, ChosenBy::Pin);
    }
}

#[test]
fn round_robin_gives_each_its_turn() {
    let mut world = World::with(strategy(Strategy::RoundRobin), rows(&["a", "b", "c"]));
    let turns: String = (0..9).map(|_| world.used()).collect();
    assert_eq!(turns, "abcabcabc");
}

#[test]
fn round_robin_goes_on_where_it_was_when_a_row_is_removed() {
    let mut world = World::with(strategy(Strategy::RoundRobin), rows(&["a", "b", "c", "d"]));
    assert_eq!([world.used(), world.used()], ["a", "b"]);
    world.define(rows(&["a", "b", "d"]));
    let turns: String = (0..5).map(|_| world.used()).collect();
    assert_eq!(turns, "dabda");
    world.define(rows(&["a", "b", "c", "d"]));
    let turns: String = (0..5).map(|_| world.used()).collect();
    assert_eq!(turns, "cbdac", "who was away has waited longest, and gets one turn for it");
}

#[test]
fn round_robin_passes_over_who_is_benched_and_takes_it_back_once() {
    let mut world = World::with(strategy(Strategy::RoundRobin), rows(&["a", "b", "c"]));
    assert_eq!(world.used(), "a");
    world.fails("b", for_a_day(Cause::Quota));
    let turns: String = (0..4).map(|_| world.used()).collect();
    assert_eq!(turns, "caca");
    world.pass(2 * DAY);
    let turns: String = (0..6).map(|_| world.used()).collect();
    assert_eq!(turns, "bcabca");
}

#[test]
fn round_robin_is_not_moved_by_the_order_of_the_file() {
    let mut world = World::with(strategy(Strategy::RoundRobin), rows(&["a", "b", "c"]));
    assert_eq!([world.used(), world.used()], ["a", "b"]);
    world.define(rows(&["b", "a", "c"]));
    let turns: String = (0..4).map(|_| world.used()).collect();
    assert_eq!(turns, "cabc");
}

#[test]
fn a_refused_request_takes_nobodys_turn() {
    let mut world = World::with(strategy(Strategy::RoundRobin), rows(&["a", "b", "c"]));
    assert_eq!(world.used(), "a");
    let all = ["a", "b", "c"].map(|id| world.key(id)).to_vec();
    world.refused(Ask { exclude: all, ..Ask::default() });
    assert_eq!(world.used(), "b");
}

#[test]
fn least_used_spreads_a_thousand_grants_within_one() {
    let mut world = World::seeded(1, strategy(Strategy::LeastUsed), rows(&["a", "b", "c", "d"]));
    let mut counts = BTreeMap::new();
    for _ in 0..1_000 {
        *counts.entry(world.used()).or_insert(0) += 1;
        assert!(counts.len() < 4 || spread(&counts) <= 1, "{counts:?}");
    }
    assert_eq!(counts.values().copied().collect::<Vec<u32>>(), [250; 4]);
}

#[test]
fn least_used_counts_pinned_grants_too() {
    let mut world = World::with(strategy(Strategy::LeastUsed), rows(&["a", "b"]));
    for _ in 0..3 {
        let token = world.lease_of("a");
        world.release(token, false).unwrap();
    }
    let picks: String = (0..5).map(|_| world.used()).collect();
    assert_eq!(picks, "bbbab");
}

#[test]
fn least_used_goes_by_the_grants_that_a_row_brings_along_once() {
    let brings = |id, grants| Definition { grants, ..row(id) };
    let mut world = World::with(strategy(Strategy::LeastUsed), vec![brings("a", 2), row("b")]);
    assert_eq!([world.used(), world.used(), world.used()], ["b", "b", "a"]);
    world.define(vec![brings("a", 90), brings("b", 0)]);
    assert_eq!([world.used(), world.used()], ["b", "a"], "what happened here is known better here");
}

#[test]
fn random_gives_each_the_same_chance() {
    let mut world = World::seeded(1, strategy(Strategy::Random), rows(&["a", "b", "c", "d", "e"]));
    world.disable("c", None);
    let mut counts = BTreeMap::new();
    for _ in 0..4_000 {
        *counts.entry(world.used()).or_insert(0u32) += 1;
    }
    assert_eq!(counts.keys().cloned().collect::<String>(), "abde");
    // 1,000 expected of each; five standard deviations are 137.
    assert!(counts.values().all(|count| (863..=1_137).contains(count)), "{counts:?}");
}

#[test]
fn random_follows_from_the_seed() {
    let picks = |seed| {
        let mut world = World::seeded(seed, strategy(Strategy::Random), rows(&["a", "b", "c", "d"]));
        (0..40).map(|_| world.used()).collect::<String>()
    };
    assert_eq!(picks(1), picks(1));
    assert_ne!(picks(1), picks(2));
}

#[test]
fn a_strategy_can_be_changed_without_losing_anything() {
    let mut world = World::of(&["a", "b"]);
    let held = world.lease_of("a");
    world.fails("b", fault(Cause::RateLimit));
    world.policy.strategy = Strategy::Random;
    world.policy.cap = Cap { max_in_flight: 1, hard: true };
    let defined = world.define(rows(&["a", "b"]));
    assert_eq!((defined.added, defined.removed, defined.changed), (0, 0, 0));
    assert!(!world.available("b", None) && world.in_flight("a") == 1);
    world.release(held, false).unwrap();
    assert_eq!(world.used(), "a");
    world.pass(HOUR);
    assert!(world.available("b", None));
}

#[test]
fn a_new_row_is_served_at_once() {
    for by in [Strategy::RoundRobin, Strategy::LeastUsed] {
        let mut world = World::with(strategy(by), rows(&["a", "b"]));
        assert_eq!([world.used(), world.used()], ["a", "b"]);
        let defined = world.define(rows(&["a", "b", "c"]));
        assert_eq!((defined.added, defined.removed, defined.changed), (1, 0, 0));
        let next: Vec<String> = (0..3).map(|_| world.used()).collect();
        assert!(next.contains(&"c".to_owned()), "{by:?}: {next:?}");
    }
}
