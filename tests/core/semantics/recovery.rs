//! Coming back: probes, silence, the ramp, and rare probes of long windows.

use credpool_core::{
    Ask, Cap, Cause, Grant, Import, Phase, Policy, Recovery, Report, Restriction, State, TokenHash, Until, Verdict,
    Wall,
};

use super::world::{
    World, connection, fault, first_report, for_a_day, of_account, of_model, of_the_account, of_the_pool, row, rows,
    unresolved, with_backoff,
};
use crate::support::{DAY, HOUR, MINUTE, SECOND};

/// What is guessed lasts 10 s, 20 s, 40 s, 60 s; coming back is as it is by default.
fn policy() -> Policy {
    Policy { recovery: Recovery::default(), ..with_backoff() }
}

fn restriction(world: &World, cause: Cause) -> Restriction {
    let found = world.records().restrictions.values().find(|restriction| restriction.identity.cause == cause);
    found.expect("it is remembered").clone()
}

/// A pool of one row whose guessed window has just passed.
fn half_open(cause: Cause) -> World {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", fault(cause));
    world.pass(11 * SECOND);
    world
}

/// A lease that must be a probe.
fn probe(world: &mut World) -> TokenHash {
    let (token, grant) = granted(world, Ask::default());
    assert!(grant.probe, "{grant:?}");
    token
}

fn granted(world: &mut World, ask: Ask) -> (TokenHash, Grant) {
    let (token, answer) = world.ask(ask, None);
    (token, answer.unwrap_or_else(|refusal| panic!("{refusal:?}")))
}

/// Leases that are to be had at once, all of them kept.
fn herd(world: &mut World, most: usize) -> Vec<TokenHash> {
    let ask = |world: &mut World| world.ask(Ask::default(), None);
    std::iter::from_fn(|| Some(ask(world)))
        .take(most)
        .take_while(|(_, answer)| answer.is_ok())
        .map(|(t, _)| t)
        .collect()
}

// ---- half-open -----------------------------------------------------------------------------------------------------

#[test]
fn when_a_guess_has_passed_one_lease_at_a_time_is_the_probe() {
    let mut world = half_open(Cause::RateLimit);
    assert_eq!(world.state("a"), State::Ready, "it can be leased");
    let (_, grant) = granted(&mut world, Ask::default());
    assert!(grant.probe);
    assert_eq!(world.state("a"), State::Probing);
    let unavailable = world.exhausted(Ask::default());
    assert_eq!(unavailable.by_cause.get(&Cause::RateLimit), Some(&1));
    assert_eq!(unavailable.retry_after_ms, Some(SECOND), "it may answer at any moment");
    let obstacle = unavailable.first[0].obstacle.clone().unwrap();
    assert!(obstacle.probing);
    assert_eq!(obstacle.until, Until::boot(world.now.boot.after(MINUTE)));
    assert!(!world.available("a", None), "pins take part like everybody");
}

#[test]
fn a_probe_that_fails_closes_the_window_one_strike_up() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    let conclusion = world.report(token, fault(Cause::RateLimit)).conclusion;
    assert_eq!((conclusion.strikes, conclusion.state), (2, State::Cooling));
    world.pass(19 * SECOND);
    assert!(!world.available("a", None));
    world.pass(3 * SECOND);
    probe(&mut world);
}

#[test]
fn a_probe_that_fails_for_another_reason_frees_its_place() {
    for verdict in
        [of_model("large", fault(Cause::Model)), Verdict { kind: credpool_core::Kind::Request, ..fault(Cause::Auth) }]
    {
        let mut world = half_open(Cause::RateLimit);
        let token = probe(&mut world);
        world.report(token, verdict);
        assert_eq!(restriction(&world, Cause::RateLimit).strikes, 1);
        probe(&mut world);
    }
}

#[test]
fn a_probe_that_ends_without_an_answer_frees_its_place() {
    let endings: [fn(&mut World, TokenHash); 3] = [
        |world, token| assert!(!world.release(token, false).unwrap().duplicate),
        |world, _| world.pass(SECOND),
        |world, _| assert_eq!(world.disconnect(connection(1)), 1),
    ];
    for end in endings {
        let mut world = half_open(Cause::RateLimit);
        let ask = Ask { ttl_ms: Some(SECOND), ..Ask::default() };
        let (token, answer) = world.ask(ask, Some(connection(1)));
        assert!(answer.unwrap().probe);
        end(&mut world, token);
        assert_eq!(world.state("a"), State::Ready);
        probe(&mut world);
    }
}

#[test]
fn a_minute_without_an_answer_lets_another_probe_go() {
    let mut world = half_open(Cause::RateLimit);
    let first = probe(&mut world);
    world.pass(MINUTE - 1);
    world.exhausted(Ask::default());
    world.pass(1);
    let second = probe(&mut world);
    world.exhausted(Ask::default());
    // The first still has its say, and its end frees no place that is not its own.
    world.release(first, false).unwrap();
    world.exhausted(Ask::default());
    world.report(second, fault(Cause::RateLimit));
    assert_eq!(restriction(&world, Cause::RateLimit).strikes, 2);
}

#[test]
fn whoever_answers_late_opens_it_all_the_same() {
    let mut world = half_open(Cause::RateLimit);
    let first = probe(&mut world);
    world.pass(MINUTE);
    probe(&mut world);
    world.release(first, true).unwrap();
    assert!(!granted(&mut world, Ask::default()).1.probe);
}

#[test]
fn probes_that_are_given_back_without_a_word_open_it_in_the_end() {
    let mut world = half_open(Cause::RateLimit);
    for _ in 0..3 {
        let token = probe(&mut world);
        world.exhausted(Ask::default());
        world.release(token, false).unwrap();
    }
    assert_eq!(herd(&mut world, 9).len(), 2, "no news of three probes is good news, with care");
    assert_eq!(restriction(&world, Cause::RateLimit).strikes, 1, "but no success");
}

#[test]
fn what_nobody_asks_for_is_forgotten_after_a_quiet_day() {
    let mut world = half_open(Cause::RateLimit);
    world.pass(DAY);
    assert!(world.records().restrictions.is_empty());
    assert!(!granted(&mut world, Ask::default()).1.probe);
}

#[test]
fn a_lease_may_carry_several_probes() {
    let mut world = World::with(policy(), vec![of_account("a", "1", "acme")]);
    let leases: Vec<_> = (0..3).map(|_| world.lease_of("a")).collect();
    world.report(leases[0], of_the_account(fault(Cause::Quota)));
    world.report(leases[1], of_model("large", fault(Cause::RateLimit)));
    world.report(leases[2], of_the_pool(fault(Cause::Forbidden)));
    world.pass(11 * SECOND);
    let large = Ask { model: Some("large".into()), ..Ask::default() };
    let (token, grant) = granted(&mut world, large.clone());
    assert!(grant.probe);
    world.exhausted(Ask::default());
    world.exhausted(large);
    world.release(token, true).unwrap();
    assert!(world.records().restrictions.values().all(|r| !r.is_in_force()));
}

#[test]
fn what_a_request_does_not_touch_it_does_not_probe() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", of_model("large", fault(Cause::RateLimit)));
    world.pass(11 * SECOND);
    assert!(!granted(&mut world, Ask::default()).1.probe);
    let large = Ask { model: Some("large".into()), ..Ask::default() };
    assert!(granted(&mut world, large.clone()).1.probe);
    world.exhausted(large);
    assert_eq!(herd(&mut world, 3).len(), 3);
}

#[test]
fn the_rows_of_an_account_share_its_probe() {
    let shared = vec![of_account("a", "1", "acme"), of_account("b", "2", "acme")];
    let mut world = World::with(policy(), shared);
    world.fails("a", of_the_account(fault(Cause::Quota)));
    world.pass(11 * SECOND);
    probe(&mut world);
    assert_eq!((world.state("a"), world.state("b")), (State::Probing, State::Probing));
    world.exhausted(Ask::default());
}

#[test]
fn a_pool_has_one_probe_too() {
    let mut world = World::with(policy(), rows(&["a", "b"]));
    world.fails("a", of_the_pool(fault(Cause::Forbidden)));
    world.pass(11 * SECOND);
    let token = probe(&mut world);
    let unavailable = world.exhausted(Ask::default());
    assert_eq!(unavailable.retry_after_ms, Some(SECOND));
    assert!(unavailable.pool.unwrap().probing);
    world.release(token, true).unwrap();
    assert_eq!(herd(&mut world, 9).len(), 2);
}

#[test]
fn others_are_granted_while_one_is_probed() {
    let mut world = World::with(policy(), rows(&["a", "b"]));
    world.fails("a", fault(Cause::RateLimit));
    world.pass(11 * SECOND);
    assert_eq!(world.next(), "a", "it has its turn");
    assert_eq!([world.next(), world.next()], ["b", "b"]);
}

#[test]
fn a_probe_meets_the_hard_cap_like_any_other_lease() {
    let mut world = World::with(Policy { cap: Cap { max_in_flight: 1, hard: true }, ..policy() }, rows(&["a"]));
    let token = world.lease_of("a");
    world.send(Report { keep: true, ..first_report(token, fault(Cause::RateLimit)) }).unwrap();
    world.pass(11 * SECOND);
    world.busy(Ask::default());
    world.release(token, false).unwrap();
    probe(&mut world);
}

#[test]
fn a_restart_of_the_window_takes_no_old_probe_along() {
    let mut world = half_open(Cause::RateLimit);
    let token = world.lease_of("a");
    world.send(Report { keep: true, ..first_report(token, fault(Cause::RateLimit)) }).unwrap();
    world.pass(22 * SECOND);
    probe(&mut world);
    world.release(token, false).unwrap();
    world.exhausted(Ask::default());
}

#[test]
fn an_operators_clear_ends_a_trial() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    assert_eq!(world.clear(Some("a"), None), 1);
    assert!(!granted(&mut world, Ask::default()).1.probe);
    world.release(token, true).unwrap();
    assert!(world.records().restrictions.is_empty());
}

#[test]
fn what_hermes_noted_is_probed_when_it_is_over() {
    let mut world = World::with(policy(), rows(&["a"]));
    let import = Import {
        credential: world.key("a"),
        at: Wall(world.now.wall.0 - 1),
        cause: Cause::RateLimit,
        until: Until::wall(world.now.wall.after(MINUTE)),
        status: Some(429),
        rule: "legacy".into(),
    };
    world.apply(credpool_core::Command::Import(import));
    world.pass(MINUTE);
    probe(&mut world);
    world.exhausted(Ask::default());
}

// ---- the ramp ------------------------------------------------------------------------------------------------------

#[test]
fn after_a_success_the_first_grants_are_few_and_each_success_lets_one_more_through() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    for width in [2, 4, 8, 16] {
        let out = herd(&mut world, 200);
        assert_eq!(out.len(), width);
        assert_eq!(world.state("a"), State::Probing);
        for token in out {
            world.release(token, true).unwrap();
        }
    }
    assert_eq!(restriction(&world, Cause::RateLimit).strikes, 1);
    let out = herd(&mut world, 200);
    assert_eq!(out.len(), 32);
    world.release(out[0], true).unwrap();
    assert_eq!(herd(&mut world, 200).len(), 200, "that is enough");
}

#[test]
fn who_says_nothing_gives_its_place_back_and_no_more() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    let out = herd(&mut world, 200);
    world.release(out[0], false).unwrap();
    assert_eq!(herd(&mut world, 200).len(), 1);
}

#[test]
fn a_ramp_ends_by_itself_and_its_strikes_with_it() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    world.pass(MINUTE - 1);
    assert_eq!(herd(&mut world, 200).len(), 2);
    world.pass(1);
    assert_eq!(herd(&mut world, 50).len(), 50);
    assert!(world.records().restrictions.is_empty());
}

#[test]
fn a_failure_on_the_ramp_is_one_strike_however_many_are_out() {
    let mut world = half_open(Cause::RateLimit);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    let out = herd(&mut world, 200);
    assert_eq!(world.report(out[0], fault(Cause::RateLimit)).conclusion.strikes, 2);
    assert_eq!(world.report(out[1], fault(Cause::RateLimit)).conclusion.strikes, 2);
    assert!(!world.available("a", None));
}

#[test]
fn two_hundred_who_wait_do_not_fall_on_one_key() {
    let mut world = half_open(Cause::RateLimit);
    let mut most = 0;
    for round in 0..6 {
        let out = herd(&mut world, 200);
        most = most.max(out.len());
        assert!(out.len() <= 1 << round, "{} in round {round}", out.len());
        for token in out {
            world.release(token, true).unwrap();
        }
    }
    assert_eq!(most, 32);
}

#[test]
fn a_vendors_deadline_opens_but_with_care() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", Verdict { after_ms: Some(HOUR), ..fault(Cause::Quota) });
    world.pass(HOUR + 6 * MINUTE);
    let (token, grant) = granted(&mut world, Ask::default());
    assert!(!grant.probe, "the vendor said so");
    world.exhausted(Ask::default());
    world.release(token, true).unwrap();
    assert_eq!(herd(&mut world, 200).len(), 2);
    world.pass(MINUTE);
    assert_eq!(herd(&mut world, 50).len(), 50);
}

#[test]
fn the_care_after_a_vendors_deadline_lasts_no_longer_than_its_window_did() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", Verdict { at: Some(world.now.wall.after(2 * SECOND)), ..fault(Cause::RateLimit) });
    world.pass(2_200);
    assert_eq!(herd(&mut world, 9).len(), 1);
    world.pass(2_199);
    assert_eq!(herd(&mut world, 9).len(), 0);
    world.pass(1);
    assert_eq!(herd(&mut world, 9).len(), 9);
    assert_eq!(restriction(&world, Cause::RateLimit).strikes, 1, "nobody has said that it is over");
}

#[test]
fn a_hint_that_outlasts_a_guess_makes_it_the_vendors_deadline() {
    let mut world = World::with(policy(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, fault(Cause::RateLimit));
    world.report(other, Verdict { after_ms: Some(5 * SECOND), ..fault(Cause::RateLimit) });
    assert!(restriction(&world, Cause::RateLimit).guessed, "a shorter one changes nothing");
    world.clear(None, None);
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, fault(Cause::RateLimit));
    world.report(other, Verdict { after_ms: Some(MINUTE), ..fault(Cause::RateLimit) });
    assert!(!restriction(&world, Cause::RateLimit).guessed);
}

// ---- rare probes of what is not over -------------------------------------------------------------------------------

#[test]
fn a_long_deadline_is_believed_but_asked_after_every_quarter_of_an_hour() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", Verdict { after_ms: Some(6 * DAY), ..of_the_account(fault(Cause::Quota)) });
    for _ in 0..3 {
        world.pass(15 * MINUTE - 1);
        assert_eq!(world.exhausted(Ask::default()).by_cause.get(&Cause::Quota), Some(&1));
        world.pass(1);
        let token = probe(&mut world);
        world.exhausted(Ask::default());
        let conclusion = world.report(token, of_the_account(fault(Cause::Quota))).conclusion;
        assert_eq!(conclusion.strikes, 1, "the window is the same");
        world.exhausted(Ask::default());
    }
    world.pass(15 * MINUTE);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    assert_eq!(herd(&mut world, 200).len(), 2, "somebody topped it up");
    assert_eq!(world.state("a"), State::Probing);
}

#[test]
fn a_window_that_is_still_closed_is_asked_after_at_that_rate_whatever_becomes_of_the_probe() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", for_a_day(Cause::Quota));
    world.pass(15 * MINUTE);
    for _ in 0..5 {
        let token = probe(&mut world);
        world.release(token, false).unwrap();
        world.exhausted(Ask::default());
        world.pass(15 * MINUTE - 1);
        world.exhausted(Ask::default());
        world.pass(1);
    }
    assert_eq!(restriction(&world, Cause::Quota).phase, Phase::Closed);
}

#[test]
fn a_rare_probe_goes_only_where_there_is_nothing_else() {
    let mut world = World::with(policy(), rows(&["a", "b", "c"]));
    for id in ["a", "b"] {
        world.fails(id, for_a_day(Cause::Quota));
        world.pass(MINUTE);
    }
    world.pass(HOUR);
    assert_eq!(world.used(), "c");
    let exclude = vec![world.key("c")];
    let (_, first) = granted(&mut world, Ask { exclude: exclude.clone(), ..Ask::default() });
    let (_, second) = granted(&mut world, Ask { exclude: exclude.clone(), ..Ask::default() });
    assert!(first.probe && second.probe);
    assert_eq!((world.id(first.credential), world.id(second.credential)), ("a".into(), "b".into()));
    world.exhausted(Ask { exclude, ..Ask::default() });
    let pinned = Ask { pin: Some(world.key("a")), ..Ask::default() };
    world.exhausted(pinned.clone());
    world.pass(15 * MINUTE);
    assert!(granted(&mut world, pinned).1.probe, "whoever wants it alone has nothing else");
}

#[test]
fn what_only_a_person_can_lift_is_not_asked_after() {
    let causes: [fn(&mut World); 2] = [
        |world| {
            world.fails("a", fault(Cause::Dead));
        },
        |world| {
            world.disable("a", None);
        },
    ];
    for restrict in causes {
        let mut world = World::with(policy(), rows(&["a"]));
        restrict(&mut world);
        world.pass(DAY);
        world.exhausted(Ask::default());
    }
    let mut world = World::with(policy(), vec![unresolved("a")]);
    world.pass(DAY);
    world.exhausted(Ask::default());
}

#[test]
fn an_empty_balance_is_asked_after() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", for_a_day(Cause::Billing));
    world.pass(15 * MINUTE);
    let token = probe(&mut world);
    assert_eq!(world.state("a"), State::Billing);
    world.release(token, true).unwrap();
    assert_eq!(world.state("a"), State::Ready);
}

#[test]
fn two_windows_are_asked_after_when_both_may_be() {
    let mut world = World::with(policy(), rows(&["a"]));
    let (one, other) = (world.lease_of("a"), world.lease_of("a"));
    world.report(one, for_a_day(Cause::Quota));
    world.pass(10 * MINUTE);
    world.report(other, for_a_day(Cause::RateLimit));
    world.pass(5 * MINUTE);
    world.exhausted(Ask::default());
    world.pass(10 * MINUTE);
    let token = probe(&mut world);
    world.release(token, true).unwrap();
    assert!(world.records().restrictions.values().all(|r| !r.is_in_force()));
}

#[test]
fn a_rare_probe_meets_the_hard_cap_like_any_other_lease() {
    let mut world = World::with(Policy { cap: Cap { max_in_flight: 1, hard: true }, ..policy() }, rows(&["a"]));
    let (token, _) = world.lease(Ask { ttl_ms: Some(HOUR), ..Ask::default() });
    world.send(Report { keep: true, ..first_report(token, for_a_day(Cause::Quota)) }).unwrap();
    world.pass(15 * MINUTE);
    world.exhausted(Ask::default());
    world.release(token, false).unwrap();
    probe(&mut world);
}

#[test]
fn a_whole_pool_that_is_closed_is_asked_after_too() {
    let mut world = World::with(policy(), rows(&["a", "b"]));
    world.fails("a", of_the_pool(for_a_day(Cause::Forbidden)));
    world.pass(15 * MINUTE);
    probe(&mut world);
    world.exhausted(Ask::default());
}

#[test]
fn a_rare_probe_that_is_out_when_the_window_ends_is_waited_for() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.policy.cooldowns.quota = credpool_core::Backoff::fixed(20 * MINUTE);
    world.define(vec![row("a")]);
    world.fails("a", fault(Cause::Quota));
    let Until::Passed { boot, .. } = restriction(&world, Cause::Quota).until else { unreachable!() };
    let left = boot.since(world.now.boot);
    world.pass(left - 30 * SECOND);
    let token = probe(&mut world);
    world.pass(30 * SECOND);
    world.exhausted(Ask::default());
    world.release(token, false).unwrap();
    probe(&mut world);
}

#[test]
fn the_interval_is_the_pools() {
    let mut world = World::with(policy(), rows(&["a"]));
    world.fails("a", for_a_day(Cause::Quota));
    world.policy.recovery.probe_interval_ms = 5 * MINUTE;
    world.define(rows(&["a"]));
    world.pass(5 * MINUTE);
    probe(&mut world);
}
