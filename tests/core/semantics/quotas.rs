//! What responses say is left: what is remembered of it, and what follows.

use credpool_core::{
    Ask, Cause, Deadline, Definition, Event, Evidence, Kind, Limits, Policy, Quota, Reach, Reading, Release, Reply,
    Report, State, Strategy, Until, Verdict,
};

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

// ---- what is remembered ----------------------------------------------------------------------------------------

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

// ---- nothing is left -------------------------------------------------------------------------------------------

#[test]
fn a_success_that_says_that_nothing_is_left_restricts_the_account_until_its_reset() {
    let rows = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme"), row("c")];
    let mut world = World::with(at_once(), rows);
    world.reads("a", None, vec![used_up("5h")]);
    assert_eq!((world.state("a"), world.state("b"), world.state("c")), (State::Cooling, State::Cooling, State::Ready));
    let restriction = world.records().restrictions.values().next().expect("one restriction");
    assert_eq!((&*restriction.reason, restriction.strikes), ("window.spent", 0));
    assert_eq!(restriction.until, Until::boot(START.boot.after(2 * HOUR)), "not a moment longer");
    assert_eq!(restriction.evidence.as_ref().map(|evidence| &*evidence.raw), Some("7200"));
    world.pass(2 * HOUR - 1);
    assert!(!world.available("a", None));
    world.pass(1);
    assert!(world.available("a", None));
}

#[test]
fn of_a_single_model_it_restricts_that_model() {
    let mut world = World::of(&["a"]);
    world.reads("a", Some("large"), vec![spent(Cause::RateLimit, of("large", window("tokens", 1_000)))]);
    assert!(!world.available("a", Some("large")));
    assert!(world.available("a", Some("small")) && world.available("a", None));
}

#[test]
fn until_nobody_knows_when_it_does_not_restrict() {
    let mut world = World::of(&["a"]);
    let undated = spent(Cause::Quota, Reading { after_ms: None, ..window("5h", 1_000) });
    let past = spent(Cause::Quota, Reading { after_ms: None, at: Some(world.now.wall), ..window("7d", 1_000) });
    world.reads("a", None, vec![undated, past]);
    assert!(world.available("a", None));
    assert_eq!(names(&world, "a"), ["5h"]);
}

#[test]
fn it_is_no_strike() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    world.reads("a", None, vec![used_up_for(MINUTE)]);
    world.pass(2 * MINUTE);
    let failed = world.fails("a", Verdict { reach: Reach::Account, ..fault(Cause::Quota) });
    assert_eq!(failed.conclusion.strikes, 1);
}

#[test]
fn strikes_that_are_remembered_stay_as_they_are() {
    let mut world = World::with(with_backoff(), rows(&["a", "b"]));
    let token = world.lease_of("a");
    world.fails("a", Verdict { reach: Reach::Account, ..fault(Cause::Quota) });
    world.pass(MINUTE);
    world.give_back(token, vec![used_up_for(MINUTE)]);
    let strikes = |world: &World| world.records().restrictions.values().next().map(|r| r.strikes);
    assert_eq!(strikes(&world), Some(1));
    assert!(!world.available("a", None));
}

#[test]
fn it_makes_a_window_longer_and_never_shorter() {
    let mut world = World::of(&["a"]);
    let leases = [world.lease_of("a"), world.lease_of("a")];
    world.fails("a", Verdict { reach: Reach::Account, after_ms: Some(HOUR), ..fault(Cause::Quota) });
    let until = |world: &World| world.records().restrictions.values().next().and_then(|r| r.until.remaining(world.now));
    let before = until(&world);
    world.give_back(leases[0], vec![used_up_for(MINUTE)]);
    assert_eq!(until(&world), before);
    world.give_back(leases[1], vec![used_up("5h")]);
    assert_eq!(until(&world), Some(2 * HOUR));
}

#[test]
fn a_success_that_began_before_it_does_not_lift_it_and_one_that_began_after_does() {
    let mut world = World::with(Policy { recovery: credpool_core::Recovery::default(), ..at_once() }, rows(&["a"]));
    let slow = world.lease_of("a");
    world.reads("a", None, vec![used_up("5h")]);
    world.give_back(slow, vec![window("5h", 100)]);
    assert!(!world.available("a", None));
    world.pass(20 * MINUTE);
    let (probe, answer) = world.ask(Ask::default(), None);
    assert!(answer.is_ok_and(|grant| grant.probe));
    world.give_back(probe, Vec::new());
    assert!(world.available("a", None));
}

#[test]
fn a_failure_restricts_what_it_says_is_spent_unless_it_is_the_accounts_own_verdict() {
    let of_pool = Verdict { reach: Reach::Pool, ..fault(Cause::Server) };
    let others = [
        Verdict { kind: Kind::Request, ..fault(Cause::Server) },
        Verdict { after_ms: Some(SECOND), ..of_pool },
        Verdict { after_ms: Some(SECOND), status: Some(401), ..fault(Cause::Auth) },
    ];
    let guarded = Policy { guard: credpool_core::Guard::default(), ..at_once() };
    for (policy, other) in
        [at_once(), guarded].iter().flat_map(|policy| others.iter().map(move |other| (policy, other)))
    {
        let mut world = World::with(policy.clone(), rows(&["a"]));
        let token = world.lease_of("a");
        let readings = vec![used_up("5h")];
        let reported = world.send(Report { readings, ..first_report(token, other.clone()) }).unwrap();
        assert_eq!(reported.conclusion.state, State::Cooling);
        world.pass(HOUR);
        assert!(!world.available("a", None), "{other:?}");
        world.pass(HOUR);
        assert!(world.available("a", None), "{other:?}");
    }
    let mut world = World::of(&["b"]);
    let readings = vec![used_up("5h")];
    let token = world.lease_of("b");
    let limited = Verdict { after_ms: Some(SECOND), reach: Reach::Account, ..fault(Cause::RateLimit) };
    world.send(Report { readings, ..first_report(token, limited) }).unwrap();
    world.pass(MINUTE);
    assert!(world.available("b", None), "the verdict has heeded it");
}

#[test]
fn whoever_leased_before_an_operator_cleared_foresees_nothing() {
    let mut world = World::of(&["a"]);
    let token = world.lease_of("a");
    world.clear(Some("a"), None);
    world.give_back(token, vec![used_up("5h")]);
    assert!(world.available("a", None));
}

#[test]
fn it_is_remembered_with_what_says_so() {
    let mut world = World::of(&["a"]);
    world.reads("a", None, vec![used_up("5h")]);
    let entry = world.records().history.values().last().expect("one entry");
    let Event::Spent { lease, cause, until, rule, evidence } = &entry.event else { panic!("{entry:?}") };
    assert_eq!((*cause, &**rule, lease.is_some()), (Cause::Quota, "window.spent", true));
    assert_eq!(*until, Until::boot(START.boot.after(2 * HOUR)));
    assert_eq!(evidence.as_ref().map(|evidence| &*evidence.source), Some("header:reset"));
}

// ---- who is next -----------------------------------------------------------------------------------------------

fn pool_by(by: Strategy, ids: &[&str]) -> World {
    World::with(strategy(by), rows(ids))
}

#[test]
fn headroom_takes_the_one_whose_tightest_window_has_most_left() {
    let mut world = pool_by(Strategy::Headroom, &["a", "b", "c"]);
    world.reads("a", None, vec![window("5h", 100), window("7d", 800)]);
    world.reads("b", None, vec![window("5h", 700), window("7d", 100)]);
    world.reads("c", None, vec![window("5h", 750)]);
    assert_eq!(world.used(), "b");
    world.reads("b", None, vec![window("5h", 760)]);
    assert_eq!(world.used(), "c");
    world.reads("a", None, vec![window("7d", 200)]);
    assert_eq!(world.used(), "a");
}

#[test]
fn of_whom_nothing_is_known_nothing_is_used() {
    let mut world = pool_by(Strategy::Headroom, &["a", "b", "c"]);
    assert_eq!([world.used(), world.used()], ["a", "a"], "without numbers it is the order of the file");
    world.reads("a", None, vec![window("5h", 1)]);
    assert_eq!(world.used(), "b");
    world.reads("b", None, vec![Reading { used_permille: None, remaining: None, ..window("5h", 0) }]);
    assert_eq!(world.used(), "b", "a window without numbers says nothing");
}

#[test]
fn headroom_of_a_model_is_what_is_left_for_that_model() {
    let mut world = pool_by(Strategy::Headroom, &["a", "b"]);
    world.reads("a", Some("large"), vec![of("large", window("tokens", 900))]);
    world.reads("b", None, vec![window("5h", 100)]);
    let mut used = |model: &str| {
        let (token, id) = world.lease(Ask { model: Some(model.into()), ..Ask::default() });
        world.release(token, false).expect("the lease is known");
        id
    };
    assert_eq!((used("large"), used("small")), ("b".to_owned(), "a".to_owned()));
}

#[test]
fn reset_soon_spends_what_lapses_first() {
    let mut world = pool_by(Strategy::ResetSoon, &["a", "b", "c"]);
    assert_eq!(world.used(), "a", "without numbers it is the order of the file");
    world.reads("b", None, vec![resets_in(3 * HOUR, window("5h", 500))]);
    assert_eq!(world.used(), "b", "what nobody has begun does not lapse");
    world.reads("c", None, vec![resets_in(HOUR, window("5h", 999)), resets_in(DAY, window("7d", 10))]);
    assert_eq!(world.used(), "c");
    world.reads("c", None, vec![resets_in(HOUR, window("5h", 1_000))]);
    assert_eq!(world.used(), "b", "it has nothing left");
    world.fails("b", for_a_day(Cause::Auth));
    assert_eq!(world.used(), "a", "who has nothing left goes last");
    world.pass(HOUR);
    assert_eq!(world.used(), "c", "the week is what lapses first now");
}

#[test]
fn a_bucket_does_not_lapse() {
    let mut world = pool_by(Strategy::ResetSoon, &["a", "b"]);
    world.reads("b", None, vec![Reading { refills: true, ..resets_in(SECOND, window("tokens", 500)) }]);
    assert_eq!(world.used(), "a");
}

#[test]
fn reset_soon_follows_a_step_of_the_wall_clock() {
    let mut world = pool_by(Strategy::ResetSoon, &["a", "b"]);
    let at = Some(world.now.wall.after(3 * HOUR));
    world.reads("a", None, vec![Reading { after_ms: None, at, ..window("5h", 500) }]);
    world.reads("b", None, vec![resets_in(2 * HOUR, window("5h", 500))]);
    assert_eq!(world.used(), "b");
    world.step(i64::try_from(2 * HOUR).expect("hours are few"));
    assert_eq!(world.used(), "a");
}

#[test]
fn who_is_busy_comes_after_who_is_not_whatever_is_left() {
    let mut world = pool_by(Strategy::Headroom, &["a", "b"]);
    world.reads("a", None, vec![window("5h", 900)]);
    assert_eq!([world.next(), world.next(), world.next()], ["b", "a", "b"]);
}

// ---- the reserve -----------------------------------------------------------------------------------------------

fn with_reserve(by: Strategy, definitions: Vec<Definition>) -> World {
    World::with(Policy { reserve_permille: 100, ..strategy(by) }, definitions)
}

#[test]
fn a_credential_is_left_alone_once_only_the_reserve_is_left_by_every_strategy() {
    let all = [
        Strategy::FillFirst,
        Strategy::RoundRobin,
        Strategy::LeastUsed,
        Strategy::Random,
        Strategy::Headroom,
        Strategy::ResetSoon,
    ];
    for by in all {
        let mut world = with_reserve(by, rows(&["a", "b"]));
        world.reads("b", None, vec![resets_in(DAY, window("5h", 500))]);
        world.reads("a", None, vec![window("5h", 899)]);
        assert!(by == Strategy::Headroom || (0..64).any(|_| world.used() == "a"), "{by:?}");
        world.reads("a", None, vec![window("5h", 900)]);
        assert!((0..64).all(|_| world.used() == "b"), "{by:?}");
        world.pass(2 * HOUR);
        assert!(by == Strategy::ResetSoon || (0..64).any(|_| world.used() == "a"), "{by:?}: its window has begun anew");
    }
}

#[test]
fn the_reserve_is_used_rather_than_nothing() {
    let mut world = with_reserve(Strategy::FillFirst, rows(&["a", "b"]));
    world.reads("a", None, vec![window("5h", 950)]);
    assert_eq!([world.next(), world.next()], ["b", "b"], "sharing comes before it");
    world.fails("b", for_a_day(Cause::Quota));
    assert_eq!(world.used(), "a");
    let pinned = Ask { pin: Some(world.key("a")), ..Ask::default() };
    assert_eq!(world.lease(pinned).1, "a", "and a pin is honoured");
}

#[test]
fn a_secret_that_has_run_out_comes_after_the_reserve() {
    let mut world = with_reserve(Strategy::FillFirst, vec![until("a", START.wall), row("b")]);
    world.reads("b", None, vec![window("5h", 950)]);
    assert_eq!(world.used(), "b");
}

#[test]
fn a_reserve_is_set_and_taken_back_without_a_restart() {
    let mut world = World::of(&["a", "b"]);
    world.reads("a", None, vec![window("5h", 950)]);
    assert_eq!(world.used(), "a");
    world.policy.reserve_permille = 50;
    world.define(rows(&["a", "b"]));
    assert_eq!(world.used(), "b");
    world.policy.reserve_permille = 0;
    world.define(rows(&["a", "b"]));
    assert_eq!(world.used(), "a");
}

#[test]
fn numbers_change_nothing_where_nobody_goes_by_them() {
    let mut world = World::of(&["a", "b"]);
    world.reads("a", None, vec![window("5h", 1_020)]);
    assert_eq!(world.used(), "a");
    let release = Release { token: world.lease_of("a"), success: true, readings: vec![window("5h", 1_030)] };
    assert!(matches!(world.apply(credpool_core::Command::Release(release)), Reply::Released(Ok(_))));
    assert!(world.core.touched().iter().all(|name| !name.starts_with("Pool")), "{:?}", world.core.touched());
}
