//! Coming back: probes and their silence, then the ramp, and rare probes of long windows.

mod ramp;
mod rare;

use credpool_core::{
    Ask, Cap, Cause, Grant, Import, Policy, Recovery, Report, Restriction, State, TokenHash, Until, Verdict, Wall,
};

use super::world::{
    World, connection, fault, first_report, of_account, of_model, of_the_account, of_the_pool, rows, with_backoff,
};
use crate::support::{DAY, MINUTE, SECOND};

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
fn probes_that_run_out_have_not_been_given_back() {
    let mut world = half_open(Cause::RateLimit);
    for _ in 0..4 {
        let (_, grant) = granted(&mut world, Ask { ttl_ms: Some(SECOND), ..Ask::default() });
        assert!(grant.probe, "nobody has said anything, and nobody was there to say it");
        world.pass(SECOND);
    }
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
