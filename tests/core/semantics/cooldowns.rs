//! How long a restriction lasts: hints, backoff, strikes, jitter.

use credpool_core::{Ask, Backoff, Cause, Kind, Next, Report, Restriction, State, Until, Verdict, Wall, Why};

use super::world::{
    BACKOFF, World, fault, first_report, for_a_day, of_model, of_the_account, row, rows, strategy, with_backoff,
};
use crate::support::{DAY, HOUR, MINUTE, SECOND};

/// Milliseconds that a conclusion's restriction lasts.
fn lasts(world: &World, until: Option<Until>) -> u64 {
    until.expect("something is restricted").remaining(world.now).expect("it opens by itself")
}

fn within_a_tenth_of(ms: u64, lasts: u64) -> bool {
    (ms..=ms + ms / 10).contains(&lasts)
}

/// Lets a window of at most `ms` pass, with its jitter.
fn outlast(world: &mut World, ms: u64) {
    world.pass(ms + ms / 10);
}

fn restriction(world: &World, cause: Cause) -> Restriction {
    let found = world.records().restrictions.values().find(|restriction| restriction.identity.cause == cause);
    found.expect("it is remembered").clone()
}

#[test]
fn without_a_hint_the_backoff_of_its_cause_counts() {
    let mut policy = with_backoff();
    policy.cooldowns.rate_limit = Backoff::fixed(1_000);
    policy.cooldowns.quota = Backoff::fixed(2_000);
    policy.cooldowns.billing = Backoff::fixed(3_000);
    policy.cooldowns.auth = Backoff::fixed(4_000);
    policy.cooldowns.forbidden = Backoff::fixed(5_000);
    policy.cooldowns.model = Backoff::fixed(6_000);
    policy.cooldowns.overloaded = Backoff::fixed(7_000);
    policy.cooldowns.server = Backoff::fixed(8_000);
    policy.cooldowns.edge = Backoff::fixed(9_000);
    let expected = [
        (Cause::RateLimit, 1_000),
        (Cause::Quota, 2_000),
        (Cause::Billing, 3_000),
        (Cause::Auth, 4_000),
        (Cause::Forbidden, 5_000),
        (Cause::Model, 6_000),
        (Cause::Overloaded, 7_000),
        (Cause::Server, 8_000),
        (Cause::Edge, 9_000),
        (Cause::Network, 9_000),
    ];
    for (cause, ms) in expected {
        let mut world = World::with(policy.clone(), rows(&["a"]));
        let reported = world.fails("a", fault(cause));
        assert!(within_a_tenth_of(ms, lasts(&world, reported.conclusion.until)), "{cause:?}: {reported:?}");
        assert_eq!((reported.conclusion.strikes, reported.conclusion.why), (1, None));
    }
}

#[test]
fn a_sole_credential_cools_briefly_for_what_passes_by_itself_and_without_a_hint() {
    let mut policy = with_backoff();
    policy.cooldowns.sole_ms = 2_000;
    let lasting = |ids: &[&str], verdict: Verdict| {
        let mut world = World::with(policy.clone(), rows(ids));
        let reported = world.fails("a", verdict);
        lasts(&world, reported.conclusion.until)
    };
    for cause in [Cause::RateLimit, Cause::Overloaded, Cause::Server, Cause::Edge, Cause::Network] {
        assert!(within_a_tenth_of(2_000, lasting(&["a"], fault(cause))));
        assert!(within_a_tenth_of(10_000, lasting(&["a", "b"], fault(cause))));
        let hinted = Verdict { after_ms: Some(MINUTE), ..fault(cause) };
        assert!(within_a_tenth_of(MINUTE, lasting(&["a"], hinted)), "a real wall is respected");
    }
    for cause in [Cause::Quota, Cause::Billing, Cause::Auth, Cause::Forbidden, Cause::Model] {
        assert!(within_a_tenth_of(10_000, lasting(&["a"], fault(cause))));
    }
}

#[test]
fn what_only_a_person_can_lift_does_not_open() {
    let mut world = World::of(&["a"]);
    let reported = world.fails("a", Verdict { after_ms: Some(1_000), ..fault(Cause::Dead) });
    assert_eq!((reported.conclusion.until, reported.conclusion.state), (Some(Until::Lifted), State::NeedsLogin));
    world.pass(400 * DAY);
    assert_eq!(world.state("a"), State::NeedsLogin);
    assert_eq!(world.exhausted(Ask::default()).retry_after_ms, None);
    assert_eq!(world.clear(Some("a"), None), 1);
    assert_eq!(world.state("a"), State::Ready);
}

#[test]
fn each_strike_backs_off_further_up_to_the_cap() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    for (strikes, ms) in [(1, 10_000), (2, 20_000), (3, 40_000), (4, 60_000), (5, 60_000)] {
        let reported = world.fails("a", fault(Cause::RateLimit));
        assert_eq!(reported.conclusion.strikes, strikes);
        assert!(within_a_tenth_of(ms, lasts(&world, reported.conclusion.until)), "{reported:?}");
        outlast(&mut world, ms);
        assert!(world.available("a", None));
    }
}

#[test]
fn one_open_window_is_one_strike_however_many_report_in_it() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases: Vec<_> = (0..5).map(|_| world.lease_of("a")).collect();
    let first = world.report(leases[0], fault(Cause::RateLimit)).conclusion;
    for lease in &leases[1..] {
        world.pass(100);
        let again = world.report(*lease, fault(Cause::RateLimit)).conclusion;
        assert_eq!((again.strikes, again.until), (1, first.until));
        assert_eq!(again.why, Some(Why::AlreadyRestricted));
    }
}

#[test]
fn a_lease_from_before_the_window_does_not_strike_when_it_reports_after_it() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (early, late) = (world.lease_of("a"), world.lease_of("a"));
    world.report(early, fault(Cause::RateLimit));
    outlast(&mut world, 10_000);
    let reported = world.report(late, fault(Cause::RateLimit));
    assert_eq!(reported.conclusion.strikes, 1);
    assert!(within_a_tenth_of(10_000, lasts(&world, reported.conclusion.until)));
    outlast(&mut world, 10_000);
    assert_eq!(world.fails("a", fault(Cause::RateLimit)).conclusion.strikes, 2);
}

#[test]
fn the_next_lease_that_came_with_the_report_is_from_after_the_window() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (first, next) = (world.lease_of("a"), world.token());
    let ask = Ask { model: Some("small".into()), ..Ask::default() };
    let verdict = of_model("large", fault(Cause::RateLimit));
    let with_next = Some(Next::With { ask, token: next, owner: None });
    world.send(Report { next: with_next, ..first_report(first, verdict.clone()) }).unwrap();
    outlast(&mut world, 10_000);
    assert_eq!(world.report(next, verdict).conclusion.strikes, 2);
}

#[test]
fn strikes_are_forgotten_after_a_quiet_day() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", fault(Cause::RateLimit));
    outlast(&mut world, 10_000);
    world.pass(DAY - SECOND);
    assert_eq!(world.fails("a", fault(Cause::RateLimit)).conclusion.strikes, 2);
    outlast(&mut world, 20_000);
    world.pass(DAY);
    assert!(world.records().restrictions.is_empty());
    assert_eq!(world.fails("a", fault(Cause::RateLimit)).conclusion.strikes, 1);
}

#[test]
fn strikes_of_one_cause_say_nothing_of_another() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    for (cause, strikes) in [(Cause::RateLimit, 1), (Cause::Server, 1), (Cause::RateLimit, 2), (Cause::Server, 2)] {
        assert_eq!(world.fails("a", fault(cause)).conclusion.strikes, strikes);
        outlast(&mut world, 60_000);
    }
}

#[test]
fn a_hint_counts_instead_of_the_backoff_be_it_shorter_or_longer() {
    for ms in [1, 40, 3_000, 3 * HOUR] {
        let mut world = World::with(with_backoff(), rows(&["a"]));
        let reported = world.fails("a", Verdict { after_ms: Some(ms), ..fault(Cause::RateLimit) });
        assert!(within_a_tenth_of(ms, lasts(&world, reported.conclusion.until)), "{reported:?}");
    }
}

#[test]
fn a_hint_may_be_an_instant() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let at = Some(world.now.wall.after(90 * MINUTE));
    let reported = world.fails("a", Verdict { at, ..fault(Cause::Quota) });
    assert!(within_a_tenth_of(90 * MINUTE, lasts(&world, reported.conclusion.until)), "{reported:?}");
    world.pass(90 * MINUTE - 1);
    assert!(!world.available("a", None));
    outlast(&mut world, 9 * MINUTE);
    assert!(world.available("a", None));
}

#[test]
fn a_hint_that_is_over_is_none() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let now = world.now.wall;
    let over = [
        (Some(0), None),
        (None, Some(Wall(0))),
        (None, Some(Wall(now.0 - 1))),
        (None, Some(now)),
        (Some(0), Some(now)),
    ];
    for (after_ms, at) in over {
        let reported = world.fails("a", Verdict { after_ms, at, ..fault(Cause::RateLimit) });
        assert!(within_a_tenth_of(10_000, lasts(&world, reported.conclusion.until)), "{reported:?}");
        world.clear(None, None);
    }
}

#[test]
fn of_two_hints_the_later_counts() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let now = world.now.wall;
    for (after_ms, at) in [(5_000, 3_000), (3_000, 5_000), (0, 5_000), (5_000, 0)] {
        let verdict = Verdict { after_ms: Some(after_ms), at: Some(now.after(at)), ..fault(Cause::RateLimit) };
        let reported = world.fails("a", verdict);
        assert!(within_a_tenth_of(5_000, lasts(&world, reported.conclusion.until)), "{reported:?}");
        world.clear(None, None);
    }
}

#[test]
fn jitter_spreads_a_herd_and_only_ever_upward() {
    let hint = Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) };
    let mut all: Vec<u64> = (0..200)
        .map(|seed| {
            let mut world = World::seeded(seed, with_backoff(), rows(&["a"]));
            let reported = world.fails("a", hint.clone());
            lasts(&world, reported.conclusion.until)
        })
        .collect();
    all.sort_unstable();
    assert!(all.iter().all(|ms| within_a_tenth_of(MINUTE, *ms)), "{all:?}");
    all.dedup();
    assert!(all.len() > 50, "a herd wakes at {} moments", all.len());
}

/// How long hints of `ms` make so many windows last, from the shortest to the longest.
fn drawn(ms: u64, windows: usize) -> Vec<u64> {
    let mut world = World::seeded(1, with_backoff(), rows(&["a"]));
    let draw = |_| {
        let reported = world.fails("a", Verdict { after_ms: Some(ms), ..fault(Cause::Quota) });
        let lasts = lasts(&world, reported.conclusion.until);
        world.clear(None, None);
        lasts
    };
    let mut all: Vec<u64> = (0..windows).map(draw).collect();
    all.sort_unstable();
    all
}

#[test]
fn jitter_is_from_nothing_to_just_under_a_tenth_both_included() {
    // A hundred milliseconds for each step of 1/1,024.
    let all = drawn(102_400, 1_500);
    assert_eq!((all.first(), all.last()), (Some(&102_400), Some(&(102_400 + 10_200))));
}

#[test]
fn half_a_minute_spreads_any_herd() {
    let all = drawn(35 * DAY, 300);
    assert!(all.iter().all(|ms| (35 * DAY..=35 * DAY + 30 * SECOND).contains(ms)), "{all:?}");
    assert!(all.last() > Some(&(35 * DAY + 29 * SECOND)), "{all:?}");
}

#[test]
fn jitter_stays_below_a_tenth_of_a_long_deadline_too() {
    for seed in 0..50 {
        let mut world = World::seeded(seed, with_backoff(), rows(&["a"]));
        let reported = world.fails("a", for_a_day(Cause::Quota));
        assert!(within_a_tenth_of(DAY, lasts(&world, reported.conclusion.until)));
        world.clear(None, None);
        let at = Some(world.now.wall.after(35 * DAY));
        let reported = world.fails("a", Verdict { at, ..fault(Cause::Quota) });
        assert!(within_a_tenth_of(35 * DAY, lasts(&world, reported.conclusion.until)));
    }
}

#[test]
fn repeating_a_hint_does_not_put_the_deadline_off_for_ever() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases: Vec<_> = (0..60).map(|_| world.lease_of("a")).collect();
    let at = world.now.wall.after(MINUTE);
    for lease in leases {
        let reported = world.report(lease, Verdict { at: Some(at), ..fault(Cause::RateLimit) });
        let Some(Until::Passed { wall, .. }) = reported.conclusion.until else { panic!("{reported:?}") };
        assert!(wall.0 <= at.0 + 6_000, "{reported:?}");
        world.pass(SECOND);
    }
}

#[test]
fn deadlines_of_one_identity_merge_by_max() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let leases: Vec<_> = (0..4).map(|_| world.lease_of("a")).collect();
    let after = |after_ms| Verdict { after_ms: Some(after_ms), ..fault(Cause::RateLimit) };
    let first = world.report(leases[0], after(MINUTE)).conclusion;
    let shorter = world.report(leases[1], after(SECOND)).conclusion;
    assert_eq!((shorter.until, shorter.why), (first.until, Some(Why::AlreadyRestricted)));
    let unknown = world.report(leases[2], fault(Cause::RateLimit)).conclusion;
    assert_eq!((unknown.until, unknown.why), (first.until, Some(Why::AlreadyRestricted)));
    let longer = world.report(leases[3], after(HOUR)).conclusion;
    assert_eq!((longer.why, longer.strikes), (None, 1));
    assert!(within_a_tenth_of(HOUR, lasts(&world, longer.until)));
    assert_eq!(world.records().restrictions.len(), 1);
}

#[test]
fn an_instant_and_a_duration_merge_clock_by_clock() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    let at = Some(world.now.wall.after(2 * MINUTE));
    world.report(other, Verdict { at, ..fault(Cause::RateLimit) });
    world.step(600_000);
    assert!(!world.available("a", None), "the duration is not over");
    world.step(-1_200_000);
    outlast(&mut world, MINUTE);
    assert!(!world.available("a", None), "the instant has not come");
    world.step(1_200_000);
    assert!(world.available("a", None));
}

#[test]
fn a_billing_block_and_a_rate_limit_are_two_restrictions_each_with_its_own_exit() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, Verdict { after_ms: Some(HOUR), ..of_the_account(fault(Cause::Billing)) });
    world.report(other, Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    assert_eq!(world.records().restrictions.len(), 2);
    assert_eq!(world.state("a"), State::Billing);
    outlast(&mut world, MINUTE);
    assert!(world.has("a", Cause::Billing) && !world.has("a", Cause::RateLimit));
    outlast(&mut world, HOUR);
    assert!(world.available("a", None));
}

#[test]
fn unknown_means_no_bench_and_neither_does_the_callers_own_fault() {
    let mut world = World::of(&["a"]);
    for kind in [Kind::Unknown, Kind::Request, Kind::Cancelled] {
        let reported = world.fails("a", Verdict { kind, ..for_a_day(Cause::RateLimit) });
        assert_eq!(reported.conclusion.why, Some(Why::NotTheCredentialsFault));
        assert_eq!((reported.conclusion.until, reported.conclusion.strikes), (None, 0));
        assert!(world.available("a", None));
    }
}

#[test]
fn a_model_and_the_whole_are_two_restrictions() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, of_model("small", Verdict { after_ms: Some(HOUR), ..fault(Cause::RateLimit) }));
    world.report(other, Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    assert!(!world.available("a", Some("large")));
    outlast(&mut world, MINUTE);
    assert!(world.available("a", Some("large")) && world.available("a", None));
    assert!(!world.available("a", Some("small")));
}

#[test]
fn each_window_says_what_began_it() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    world.fails("a", Verdict { status: Some(503), rule: "first".into(), ..fault(Cause::Server) });
    let first = restriction(&world, Cause::Server);
    assert_eq!((first.status, &*first.reason, first.began_at), (Some(503), "first", world.now));
    outlast(&mut world, 10_000);
    world.fails("a", Verdict { status: Some(500), rule: "second".into(), ..fault(Cause::Server) });
    let second = restriction(&world, Cause::Server);
    assert_eq!((second.status, &*second.reason, second.began_at), (Some(500), "second", world.now));
}

#[test]
fn a_pool_may_have_another_backoff_than_its_neighbour() {
    let mut world = World::with(with_backoff(), rows(&["a"]));
    let openrouter = world.pool;
    world.policy = strategy(credpool_core::Strategy::FillFirst);
    world.policy.cooldowns.rate_limit = Backoff::fixed(HOUR);
    world.policy.cooldowns.sole_ms = u64::MAX;
    world.pool = world.define_pool("anthropic", vec![row("z")]).pool;
    let reported = world.fails("z", fault(Cause::RateLimit));
    assert!(within_a_tenth_of(HOUR, lasts(&world, reported.conclusion.until)));
    world.pool = openrouter;
    let reported = world.fails("a", fault(Cause::RateLimit));
    assert!(within_a_tenth_of(BACKOFF.base_ms, lasts(&world, reported.conclusion.until)));
}
