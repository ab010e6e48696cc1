//! Who is next where quota windows decide it, and what is kept in reserve.

use super::*;

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
